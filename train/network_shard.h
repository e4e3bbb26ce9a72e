/* train/network_shard.h: one pass over one shard of a batch. Private to the files network*.c.
 *
 * Threads: shards run on several threads, each with its own struct network_shard.
 */
#ifndef RONDO_TRAIN_NETWORK_SHARD_H
#define RONDO_TRAIN_NETWORK_SHARD_H

#include "train/network.h"
#include "train/row_sum.h"

/* The purpose of a pass; NETWORK_SAMPLE is training on targets that are drawn from the predictions. NETWORK_NAIVE measures a
 * forecast without the model; NETWORK_SCORE wants the log-probability of each target. */
enum network_mode {
    NETWORK_TRAIN,
    NETWORK_SAMPLE,
    NETWORK_EVALUATE,
    NETWORK_NAIVE,
    NETWORK_PREDICT,
    NETWORK_SCORE,
    NETWORK_INSPECT
};
/* Training keeps two sets of gradients: for the targets of the data (NETWORK_TRAIN), and for drawn ones (NETWORK_SAMPLE). */
enum { NETWORK_GRADIENT_SETS = 2 };

struct network_shard {
    struct tape *tape;
    struct errors errors;
    /* [n_parameters] of each set; allocated by the first batch that needs them. The gradients of a parameter by rows are in
     * its row table; its tensor has no data. Those of another parameter have no row table (NULL). */
    rondo_tensor *gradients[NETWORK_GRADIENT_SETS];
    struct row_table **rows[NETWORK_GRADIENT_SETS];
    struct scores scores;
    int64_t *examples; /* [examples_capacity] */
    int64_t examples_capacity;
};

struct network {
    struct arena *arena;
    struct session *session;
    struct network_settings settings;
    struct model *model;
    struct heads heads;
    struct metrics *metrics;
    struct network_texts texts;  /* measure NULL: no metric compares texts */
    const unsigned char *frozen; /* [n_parameters]; NULL: none */
    struct network_shard shards[NETWORK_MAX_SHARDS];
    /* [n_parameters] of each set: the results of network_reduce, and the memory of those by rows. */
    struct gradient *gradients[NETWORK_GRADIENT_SETS];
    struct row_sum *sums[NETWORK_GRADIENT_SETS];
    /* Of training on windows that carry states, before and after the last batch; NULL: not needed yet. Two, because the
     * gradients of drawn targets (NETWORK_SAMPLE) start from the same states. */
    struct states *carried, *kept;
    int64_t lanes; /* rows of both */
    /* Of an update of several batches: the states from which it began. NULL: there has been no such update. */
    struct states *held;
    int64_t held_lanes;
    int64_t failed_batch;     /* network_failed_batch */
    int64_t carrying_batches; /* of the last update, if it succeeded and carried states; else 0 */
};

/* One batch while the shards process it. */
struct network_work {
    struct network *network;
    const struct dataset *dataset;
    const int64_t *examples;
    int64_t count;
    int64_t n_shards;
    int64_t n_summed; /* training: shards whose gradients are sums over earlier batches of the update */
    enum network_mode mode;
    int checks_gradients; /* of struct network_update */
    struct rng_stream stream;
    const struct states *carried;                /* of windows that carry states; else NULL */
    struct states *kept;                         /* NULL: not wanted */
    enum naive_kind naive;                       /* NETWORK_NAIVE */
    float *predictions;                          /* NETWORK_PREDICT; NETWORK_SCORE: the log-probabilities */
    const struct network_interval *interval;     /* NETWORK_PREDICT: wanted as well; else NULL */
    const struct network_inspection *inspection; /* NETWORK_INSPECT */
    int64_t inspected;                           /* NETWORK_INSPECT: number of the batch */
    const int64_t *prediction_row;               /* [dataset count] first row of `predictions` of each example */
};

/* Gives the shard an empty tape. */
rondo_status network_open_tape(struct network *network, struct network_shard *shard, struct errors *errors);
/* Makes room for the numbers of `count` examples. */
rondo_status network_prepare_examples(struct network_shard *shard, int64_t count, struct errors *errors);

/* Runs a shard: forward pass, loss, and by the mode the backward pass, metrics or predictions. Scores are added to
 * shard->scores, and errors are in shard->errors. */
rondo_status network_run_shard(const struct network_work *work, struct network_shard *shard, int64_t index);

#endif
