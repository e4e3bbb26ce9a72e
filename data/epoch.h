/* data/epoch.h: the batches of an epoch, in the order in which they are trained or evaluated.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_EPOCH_H
#define RONDO_DATA_EPOCH_H

#include "core/rng.h"
#include "data/batch.h"

/* The size of a batch: a number of examples, or the largest number of steps of all its examples together (at least one
 * example), those of their sources included. Exactly one of them is > 0. Datasets with lanes have their own batches. */
struct batch_size {
    int64_t examples, steps;
};

/* Batch k has the examples examples[begin[k]] .. examples[begin[k + 1]]. */
struct epoch {
    int64_t batches;
    int64_t *examples; /* [count of the dataset] a permutation */
    int64_t *begin;    /* [batches + 1] */
};

/* Makes the order of one epoch; free it with epoch_free, also after a failure.
 *
 * Examples are shuffled, then sorted by length within pools of 32 batches, and whole batches are shuffled again: batch
 * mates are of similar length, and every epoch is different. With a size in steps, the pool is the whole dataset, so that
 * every epoch has the same number of batches. `stream` determines the order; NULL gives the order for evaluation: by
 * length, longest first, ties by index. The last batch may be smaller, and stays the last.
 *
 * Examples with a source have two lengths, and are sorted so that batch mates are similar in both: a pool is halved again and
 * again, by the length that differs more, until a batch is left.
 *
 * With lanes, batch u is update u of the dataset, whatever `stream` is. */
rondo_status epoch_make(struct epoch *epoch, const struct dataset *dataset, const struct batch_plan *plan,
                        struct batch_size size, const struct rng_stream *stream, struct errors *errors);
void epoch_free(struct epoch *epoch);

#endif
