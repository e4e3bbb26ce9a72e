/* train/heads.h: the loss of a network: one loss plug-in, or a weighted sum of several that share the model's outputs.
 * Each term of the sum is a head.
 *
 *     loss of a row = sum over heads of weight * head(outputs, targets)
 *
 * Predictions, and the metrics computed from them, are those of the first head. In a sum, the loss of each head is also
 * a metric. Threads: heads_open on the main thread; the other functions on any thread, each call with its own tape.
 */
#ifndef RONDO_TRAIN_HEADS_H
#define RONDO_TRAIN_HEADS_H

#include "core/host.h"
#include "core/tape.h"
#include "experiment/loss_section.h"

/* The largest number of metrics of all heads together, the loss itself included. */
#define HEADS_MOST_METRICS 16

/* Constant after heads_open. */
struct heads {
    struct loss_section loss; /* a head per term; borrowed */
    int32_t target_kind;      /* enum rondo_target_kind */
    int64_t target_size;      /* classes, or numbers per target */
    int64_t output_size;      /* numbers in a row of the model's outputs */
    int64_t prediction_size;  /* numbers in a row of predictions */
    int64_t sample_words;     /* random words for each row that heads_sample needs; 0: none */
    int32_t n_metrics;        /* the loss; in a sum, the loss of each term; then the first term's own metrics */
    int32_t n_losses;         /* the losses among them, which come first: 1, or 1 + count in a sum */
    const char *names[HEADS_MOST_METRICS];
};

/* Fills `heads` by asking every head what it needs; names are allocated in `arena`, and `loss` must outlive `heads`.
 * RONDO_INVALID, at the head's place in the experiment, if one cannot use such targets or needs another number of
 * outputs than the first. `target_as` (of the reader, or NULL) completes the message about targets that a loss cannot use. */
rondo_status heads_open(struct heads *heads, const struct loss_section *loss, int32_t target_kind, int64_t target_size,
                        const char *const *target_as, struct arena *arena, struct errors *errors);

/* 1 if a head has this flag (enum rondo_loss_flag). */
int heads_have(const struct heads *heads, uint32_t flag);
/* 1 if training needs only the outputs that heads_choose lists. */
int heads_choose_outputs(const struct heads *heads);
/* The direction of a metric (0: the loss), and its value from the sum over rows and the sum of their
 * weights. */
int heads_higher_is_better(const struct heads *heads, int32_t metric);
double heads_metric(const struct heads *heads, int32_t metric, double sum, double weight);

/* The arguments of the functions below, for one shard of a batch. */
struct heads_call {
    struct tape *tape;
    const struct parallel *parallel;
    struct errors *errors;
    struct rng_stream stream; /* of this shard */
    int training;
    const rondo_sequences *sequences;       /* NULL: one output per sequence */
    rondo_value output_weight, output_bias; /* for RONDO_LOSS_BEFORE_OUTPUT, in training */
    rondo_tensor chosen;                 /* i32 [n]: the outputs that these belong to; data NULL: all. heads_choose */
    rondo_value losses[LOSS_MOST_TERMS]; /* set by heads_record: the loss of each head */
};

/* Sets call->chosen to the outputs that heads_record needs for these targets, in memory of the tape; does nothing unless
 * heads_choose_outputs. */
rondo_status heads_choose(const struct heads *heads, struct heads_call *call, const rondo_tensor *targets);
/* Records the loss of each row, or of each sequence: [rows]. A failed value after an error. */
rondo_value heads_record(const struct heads *heads, struct heads_call *call, rondo_value outputs, rondo_value targets);
/* Predictions of the first head, [rows, prediction_size]. */
rondo_status heads_predict(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                           rondo_tensor *predictions);
/* Draws a target of the first head for each row, in the form and unit of those that heads_record gets, to `targets` with data
 * of the caller: i32 [rows] classes, or [rows, target_size] numbers of the dtype of the outputs. words: [rows, n_words] uniformly
 * random 32-bit words, n_words of heads->sample_words; the draw of a row depends only on its own words and outputs. A loss
 * without rondo_loss.sample: classes are drawn by their probabilities, and numbers are the prediction, or the median if
 * predictions have another form. RONDO_INVALID for lists, and for a loss that has neither. */
rondo_status heads_sample(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                          const uint32_t *words, int64_t n_words, const rondo_tensor *targets);
/* The class of a row of probabilities that a number in [0, 1) draws: the first one whose sum with those before exceeds it. */
int64_t heads_draw_class(const rondo_tensor *predictions, int64_t row, double uniform);
/* 1 if the first head says how its targets are distributed (rondo_loss.quantile). */
int heads_have_quantiles(const struct heads *heads);
/* RONDO_INVALID, with the reason, if the first head cannot give the quantile of this probability, which is in (0, 1). */
rondo_status heads_check_quantile(const struct heads *heads, double probability, struct errors *errors);
/* The values below which the targets lie with this probability, [rows, target_size], in the unit of the outputs. */
rondo_status heads_quantile(const struct heads *heads, struct heads_call *call, const rondo_tensor *outputs,
                            double probability, rondo_tensor *values);
/* Adds the loss of each head of a sum, times the weight of its row (data NULL: 1), to sums[1 .. n_losses). After
 * heads_record, whose values it reads. */
void heads_add_losses(const struct heads *heads, const struct heads_call *call, const rondo_tensor *weight,
                      double *sums);
/* Adds the first head's own metrics to sums[n_losses .. n_metrics), of predictions and targets in the same units. */
rondo_status heads_measure(const struct heads *heads, struct heads_call *call, const rondo_tensor *predictions,
                           const rondo_tensor *targets, double *sums);

/* The first head in messages: "loss 'huber' of 'FILE'". From `arena`; NULL: out of memory. */
const char *heads_text(const struct heads *heads, struct arena *arena);

#endif
