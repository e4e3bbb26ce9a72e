/* data/image_convert.h: images of other colours and other sizes.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_IMAGE_CONVERT_H
#define RONDO_DATA_IMAGE_CONVERT_H

#include "core/arena.h"

/* Pixels from the top left, [height, width, channels]: bytes; 1 channel is grey, 3 are red, green and blue. */
struct image_form {
    int64_t height, width, channels;
};

int64_t image_bytes(struct image_form form);

/* Writes the image `from` in another form to `to`. Memory for the call from `arena`.
 *
 *     grey = (299 red + 587 green + 114 blue) / 1000              (ITU-R BT.601), rounded
 *
 * A side that becomes shorter is averaged: each new pixel is the mean of the part of the image that it covers. A side that
 * becomes longer is interpolated linearly between the centres of the pixels. The proportions are not kept. */
rondo_status image_convert(const unsigned char *from, struct image_form from_form, unsigned char *to,
                           struct image_form to_form, struct arena *arena, struct errors *errors);

/* Exchanges rows and columns: `to` is [width, height, channels]. */
void image_transpose(const unsigned char *from, struct image_form form, unsigned char *to);

#endif
