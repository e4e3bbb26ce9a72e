/* train/network_memory.h: the memory that one part of a batch takes, measured: plans, products and plug-ins decide it, so a
 * formula would be wrong for some. Private to task_trial.c.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_NETWORK_MEMORY_H
#define RONDO_TRAIN_NETWORK_MEMORY_H

#include "train/network.h"

/* The examples of one shard in the batches of an update. */
struct network_part {
    struct network_update update; /* batches without examples are skipped */
    int evaluates;                /* 1: as in a validation; else forward and backward pass */
    int32_t threads;              /* of one shard: 1 if the batch has several, which run on the threads instead */
};

/* Bytes that are in use until the next batch. Gradients of whole parameters do not count. */
struct network_memory {
    uint64_t tape;   /* values and their gradients, with the memory of the engine */
    uint64_t rows;   /* the rows of tables and their gradients */
    uint64_t listed; /* the rows in the sum over all shards, if none were in two of them */
};

/* Runs the passes, on the tape of the first shard, with the parameters as they are. Errors as network_train. */
rondo_status network_measure(struct network *network, const struct network_part *part, struct network_memory *memory,
                             struct errors *errors);
/* Makes network_gradients (and network_sampled_gradients) those of the part that was measured last, which was not an
 * evaluation. */
rondo_status network_measured_gradients(struct network *network, int sampled, struct errors *errors);
/* Frees what network_measure has allocated, but for the gradients of whole parameters of one shard. */
rondo_status network_forget_measured(struct network *network, struct errors *errors);

#endif
