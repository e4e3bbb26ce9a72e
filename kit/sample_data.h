/* kit/sample_data.h: numbers and sequences that losses and metrics are tried on.
 *
 * Threads: any.
 */
#ifndef RONDO_KIT_SAMPLE_DATA_H
#define RONDO_KIT_SAMPLE_DATA_H

#include "core/rng.h"
#include "core/tensor.h"

/* How numbers are drawn. */
enum draw_targets {
    TARGETS_NORMAL,
    TARGETS_UNIT,         /* in (0, 1) */
    TARGETS_DISTRIBUTION, /* over a row: positive, with the sum 1 */
    TARGETS_SIGN,         /* -1 or 1 */
    TARGETS_DRAWS
};

/* Fills row `row` of a float tensor (rows, width). Its numbers depend only on the stream and their place. */
void draw_row(const rondo_tensor *tensor, int64_t row, struct rng_stream stream, enum draw_targets draw);

/* Eight sequences with 32 steps and, if they have lists, 16 labels in all. Each list of labels can be aligned with the
 * steps, even where labels repeat and a blank is needed between them. */
enum { SEQUENCE_ROWS = 32, SEQUENCES = 8, SEQUENCE_STEPS = 8 };
struct sequence_layout {
    rondo_sequences sequences; /* see sequence_layout_sequences */
    int64_t lengths[SEQUENCES], begin[SEQUENCE_STEPS + 1], target_begin[SEQUENCES + 1];
    int has_lists;
};
struct sequence_layout sequence_layout(int has_lists);
/* The same in the form of the ABI, for as long as the layout is not moved. */
const rondo_sequences *sequence_layout_sequences(struct sequence_layout *layout);

#endif
