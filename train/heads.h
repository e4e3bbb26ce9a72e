/* train/heads.h: the loss of a network: a loss plug-in, or the weighted sum of several on the same outputs.
 *
 *     loss of a row = sum over heads of weight * head(outputs, targets)
 *
 * Predictions, and the metrics made from them, are those of the first head. In a sum, the loss of each head is a metric
 * too.
 * Threads: heads_open on the main thread; the rest on any, each call with a tape of its own.
 */
#ifndef RONDO_TRAIN_HEADS_H
#define RONDO_TRAIN_HEADS_H

#include "core/host.h"
#include "experiment/plugin_section.h"

/* The most heads of a sum, and the most metrics of all of them, the loss itself included. */
#define HEADS_MOST         8
#define HEADS_MOST_METRICS 16

struct head {
    const rondo_loss *loss;
    const void *options;
    double weight;
    const char *origin;              /* the file of the plug-in */
    struct location where;           /* in the experiment */
    const struct yaml_node *section; /* where its options stand; NULL: nowhere */
};

struct heads {
    const struct head *items; /* borrowed */
    int32_t count;            /* 1 .. HEADS_MOST */
    int32_t target_kind;
    int64_t target_size;
    /* From heads_open. */
    int64_t output_size;     /* a row of the model */
    int64_t prediction_size; /* a row of predictions */
    int32_t n_metrics;       /* the loss; in a sum, the loss of each head; then the first head's own metrics */
    int32_t n_losses;        /* the losses among them, which come first: 1, or 1 + count in a sum */
    const char *names[HEADS_MOST_METRICS];
};

/* Asks every head what it needs; names come from `arena`. RONDO_INVALID, at the head's place, where one cannot use the
 * targets or wants other outputs than the first. */
rondo_status heads_open(struct heads *heads, struct arena *arena, struct errors *errors);

/* 1 where a head has this flag (enum rondo_loss_flag). */
int heads_have(const struct heads *heads, uint32_t flag);
/* A metric, 0 being the loss: its direction, and its value from the sum over `rows`. */
int heads_higher_is_better(const struct heads *heads, int32_t metric);
double heads_metric(const struct heads *heads, int32_t metric, double sum, int64_t rows);

/* What the heads work with, for a part of a batch. */
struct heads_call {
    struct tape *tape;
    const struct parallel *parallel;
    struct errors *errors;
    struct rng_stream stream; /* of this part */
    int training;
    const rondo_sequences *sequences;       /* NULL: one output a sequence */
    rondo_value output_weight, output_bias; /* for RONDO_LOSS_BEFORE_OUTPUT, in training */
    rondo_value losses[HEADS_MOST];         /* set by heads_record: the loss of each head */
};

/* Records the loss of every row, or sequence. A failed value after an error. */
rondo_value heads_record(const struct heads *heads, struct heads_call *call, rondo_value outputs, rondo_value targets);
/* Predictions of the first head, [rows, prediction_size]. */
rondo_status heads_predict(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                           rondo_tensor *predictions);
/* Adds the loss of each head of a sum to sums[1 .. n_losses). After heads_record, whose values it reads. */
void heads_add_losses(const struct heads *heads, const struct heads_call *call, double *sums);
/* Adds the first head's own metrics to sums[n_losses .. n_metrics). They are measured on predictions, which it
 * computes.
 */
rondo_status heads_measure(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                           const rondo_tensor *targets, double *sums);

/* "loss 'huber' of 'FILE'", for messages: the first head's. From `arena`; NULL where memory is short. */
const char *heads_text(const struct heads *heads, struct arena *arena);

#endif
