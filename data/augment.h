/* data/augment.h: small random changes of the images of a batch, in training only. The images stay stored as they are.
 *
 * The changes of an image are a function of the update's random stream and of the image, so they do not depend on the shard
 * or the thread that packs it.
 *
 * Threads: all functions are pure.
 */
#ifndef RONDO_DATA_AUGMENT_H
#define RONDO_DATA_AUGMENT_H

#include "core/rng.h"

/* What may change in the examples of a stream. An example is a grid of cells, row after row, of `channels` numbers each; its
 * elements are equal parts of it. */
struct augment {
    int64_t rows, columns, channels;
    int64_t shift;                 /* the image moves by up to this number of cells along rows and along columns */
    int flips_rows, flips_columns; /* 1: the order of the rows, or of the columns, is reversed for half of the images */
};

/* The changes of one image. */
struct augment_change {
    int64_t down, right; /* cells by which the image moves; what is on its edge is repeated */
    int is_flipped;
};

/* Uniform in all that `augment` allows. */
struct augment_change augment_draw(const struct augment *augment, struct rng_stream update, int64_t example);

/* The stored cell that is shown at `cell`; both are numbered row after row. */
int64_t augment_cell(const struct augment *augment, const struct augment_change *change, int64_t cell);

#endif
