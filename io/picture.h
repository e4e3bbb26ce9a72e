/* io/picture.h: PNG and JPEG files as bytes, 8 bits per colour.
 *
 * PNG: of every kind. Palettes become colours, 16 bits become 8, interlacing does not matter, and transparent parts are
 * laid over white. JPEG: grey and colour, also progressive; CMYK is refused. The orientation that a camera stores beside
 * the pixels (EXIF) is not applied, and colour profiles are not either.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_PICTURE_H
#define RONDO_IO_PICTURE_H

#include "core/arena.h"

enum picture_format { PICTURE_NONE = 0, PICTURE_PNG, PICTURE_JPEG };

struct picture {
    int64_t height, width;
    int64_t channels;      /* 1: grey; 3: red, green, blue */
    unsigned char *pixels; /* [height, width, channels] from the top left; NULL: not decoded */
};

/* By the first bytes (enum picture_format). */
int32_t picture_format(const void *bytes, size_t length);

/* Decodes a file in memory; its pixels are from `arena`. With arena NULL only the size is found, from the header.
 * RONDO_INVALID at `where`: neither PNG nor JPEG, damaged, cut short, or of more than 2^30 bytes. */
rondo_status picture_read(const void *bytes, size_t length, struct location where, struct arena *arena,
                          struct picture *picture, struct errors *errors);

/* The same of one format. */
rondo_status picture_read_png(const void *bytes, size_t length, struct location where, struct arena *arena,
                              struct picture *picture, struct errors *errors);
rondo_status picture_read_jpeg(const void *bytes, size_t length, struct location where, struct arena *arena,
                               struct picture *picture, struct errors *errors);
/* Memory for the pixels of a picture whose size is known, for the decoders; with arena NULL, none. */
rondo_status picture_reserve(struct picture *picture, struct location where, struct arena *arena,
                             struct errors *errors);
/* "a damaged PNG file: MESSAGE" with the message of a library. RONDO_NO_MEMORY if the message is about memory: the libraries
 * have no other sign of it. */
rondo_status picture_failed(const char *format, const char *message, struct location where, struct errors *errors);

#endif
