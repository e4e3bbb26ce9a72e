/* train/network.h: a model with its loss, applied to batches: gradients, scores and predictions.
 *
 * A batch is divided into shards of about NETWORK_SHARD_ROWS examples, or more if the model is large. Their number depends only on
 * the size of the batch and on that of the model.
 * Each shard has its own tape and gradients, shards run in parallel, and their results are added in a fixed order, so
 * that any number of threads gives the same bits.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_NETWORK_H
#define RONDO_TRAIN_NETWORK_H

#include "data/epoch.h"
#include "data/naive.h"
#include "experiment/session.h"
#include "model/model.h"
#include "train/gradient.h"
#include "train/heads.h"
#include "train/metrics.h"

/* The approximate number of examples in a shard: enough for efficient matrix products, few enough to keep several cores
 * busy. Each shard packs the weights and adds up gradients for itself, and reads the weights of a layer at every step, from a cache that
 * is far away if they are large: so of models with more than NETWORK_LARGE numbers (2 MB in f32), not counting tables that are read by
 * rows, a shard has more examples, but there are two if there are more than NETWORK_SHARD_ROWS. */
#define NETWORK_SHARD_ROWS 16
#define NETWORK_LARGE      (1 << 19)
#define NETWORK_LARGE_ROWS 64
#define NETWORK_MAX_SHARDS 16

struct network_settings {
    struct model_settings model;    /* output_size is ignored: the loss decides it */
    struct batch_plan plan;         /* of the batches; agrees with the model */
    struct loss_section loss;       /* borrowed */
    struct metrics_section metrics; /* borrowed; in addition to those of the loss */
    int32_t target_kind;            /* enum rondo_target_kind */
    int64_t target_size;            /* classes, or numbers per target */
    int has_naive;                  /* evaluated datasets have the scale of the naive forecast (struct stream) */
    const char *const *target_as;   /* of the reader (data/reader.h); NULL: not known */
    int draws_targets;              /* 1: network_train may be asked for gradients of drawn targets */
};

struct network;

/* NULL with errors. The session, and what the settings of inputs and layers point to, must outlive the network. */
struct network *network_create(const struct network_settings *settings, struct session *session, struct errors *errors);
void network_destroy(struct network *network);
struct model *network_model(const struct network *network);
/* The session that it was created with. */
struct session *network_session(const struct network *network);
/* A model like that of the network, whose layers have other widths, `hidden` of each, those of the encoder first: to learn its size,
 * not to be run. NULL with errors. */
struct model *network_model_of_widths(const struct network *network, const int64_t *widths, struct errors *errors);
/* 1 if the session's interrupt is requested. Evaluation and prediction ask between batches, and return
 * RONDO_INTERRUPTED. */
int network_is_interrupted(const struct network *network);

/* The number of shards of a batch of `examples` >= 1. */
int64_t network_shard_count(const struct network *network, int64_t examples);
/* The loss. */
const struct heads *network_heads(const struct network *network);
/* Numbers in one prediction. */
int64_t network_prediction_size(const struct network *network);
/* Marks parameters that training does not change: [model_parameter_count] flags, borrowed; NULL: none. Their gradients
 * are not computed. */
void network_freeze(struct network *network, const unsigned char *frozen);

/* How examples become batches. */
const struct batch_plan *network_plan(const struct network *network);

/* The number of metrics, of which number 0 is the loss; the name and direction of each; its value. The first
 * network_loss_count metrics are losses: training measures only these, evaluation measures all. See train/metrics.h. */
int32_t network_metric_count(const struct network *network);
int32_t network_loss_count(const struct network *network);
const char *network_metric_name(const struct network *network, int32_t metric);
int network_higher_is_better(const struct network *network, int32_t metric);
double network_metric(const struct network *network, const struct scores *scores, int32_t metric);

/* All metrics, for the tables of an evaluation. */
struct metrics *network_metrics(const struct network *network);

/* The batches of one update. Batch k has the examples examples[begin[k]] .. examples[begin[k + 1]]. */
struct network_update {
    const struct dataset *dataset;
    const int64_t *examples, *begin;
    int64_t batches;          /* >= 1 */
    struct rng_stream stream; /* of the update; the first batch draws from it, and each other one derives its own */
    int sampled;              /* 1: the sampled gradients are needed as well */
    int checks_gradients;     /* 1: slowly, op by op, to find where a gradient begins not to be finite */
};

/* Forward and backward pass over the batches, one after the other, in the memory of one. The gradients are then those of
 * the mean loss over the rows of all batches:
 *
 *     g = (sum over rows of  weight * gradient of the row's loss) / (sum of the weights)
 *
 * and the losses are added to `scores`. RONDO_NOT_FINITE if the loss is not finite; the error names the op where it began,
 * and the example. With `checks_gradients` also if a gradient is not finite; the error is then "it began with the backward
 * pass of op …".
 * RONDO_INTERRUPTED if the session's interrupt is requested between two batches. After a failure, carried states are those
 * before the update. */
rondo_status network_train(struct network *network, const struct network_update *update, struct scores *scores,
                           struct errors *errors);
/* The batch of the update in which the last network_train failed; -1: in none of them, or it succeeded. */
int64_t network_failed_batch(const struct network *network);
/* After a network_train that succeeded: carried states are again those before the update. */
void network_undo_train(struct network *network);
/* The next network_train begins with the initial states in all lanes. */
void network_forget_states(struct network *network);
/* The gradients of the last network_train, [model_parameter_count]; zero for frozen parameters. Those of tables are by rows
 * (model_parameter.by_rows): they have the rows that occurred in the batches. The next network_train overwrites them. */
const struct gradient *network_gradients(const struct network *network);
/* The same for targets that are drawn from the network's own predictions. The Gauss-Newton-Bartlett estimator of
 * curvature uses them (Liu et al. 2023, algorithm 2). */
const struct gradient *network_sampled_gradients(const struct network *network);
/* 1 if predictions are probabilities of classes, as sampled gradients require. */
int network_predicts_classes(const struct network *network);

/* The carried states of all lanes, from which the next network_train continues; nothing if there are none. States of another
 * number of lanes than those of `train` are not taken. The model saves its parameters itself (model/model.h). */
void network_save(const struct network *network, struct archive *archive);
rondo_status network_load(struct network *network, const struct dataset *train, struct archive *archive,
                          struct errors *errors);

/* What generates texts for a dataset and gives them to metrics_measure_texts: a network knows only the ids of symbols. */
struct network_texts {
    rondo_status (*measure)(void *arg, const struct dataset *dataset, struct metrics *metrics, struct errors *errors);
    void *arg;
};
/* 1 if a metric compares texts. Its figure is not-a-number before network_set_texts, after which each network_evaluate calls
 * texts.measure. */
int network_compares_texts(const struct network *network);
void network_set_texts(struct network *network, struct network_texts texts);
/* RONDO_INVALID, at the places of these metrics: `why` as in metrics_refuse_texts. */
rondo_status network_refuse_texts(const struct network *network, const char *why, struct errors *errors);

/* Adds the scores of the whole dataset, evaluated in batches of this size. */
rondo_status network_evaluate(struct network *network, const struct dataset *dataset, struct batch_size batch,
                              struct scores *scores, struct errors *errors);

/* Examples whose passes are looked into. */
struct network_inspection {
    const struct dataset *dataset;
    /* Batch k has the examples examples[begin[k]] .. examples[begin[k + 1]]. */
    const int64_t *examples, *begin;
    int64_t batches;
    /* The values of states and gates are given in one shard of so many, >= 1, in turn: they cost about as much as the rest. */
    int64_t values_every;
    /* Called after the backward pass of each shard that has a target, on the thread that computed it: `shard` is its number,
     * in [0, NETWORK_MAX_SHARDS), and the tape has the gradients of `probe` (model/model.h). Anything that is added up for each
     * number of a shard has the same bits for any number of threads. */
    rondo_status (*inspect)(void *arg, int64_t shard, struct tape *tape, const struct batch *batch,
                            const struct model_probe *probe);
    void *arg;
};

/* Forward and backward pass over the batches, without training: the parameters are constants, and no random op acts. The
 * gradient of the loss enters the outputs of the last layer at the last step of each row that has a target (its only output,
 * if there is one per row: see struct model_probe). The layers must be probed (session.probe). Each window begins anew. Adds
 * the losses to `scores`. Errors as of network_evaluate. */
rondo_status network_inspect(struct network *network, const struct network_inspection *inspection,
                             struct scores *scores, struct errors *errors);

/* The scores of a forecast without a model (data/naive.h), of which only the metrics of network_metric_is_plain are set. For
 * datasets for which naive_is_known; it uses the accumulators of network_evaluate, so tables are then those of this forecast. */
rondo_status network_evaluate_naive(struct network *network, const struct dataset *dataset, enum naive_kind kind,
                                    struct batch_size batch, struct scores *scores, struct errors *errors);
int network_metric_is_plain(const struct network *network, int32_t metric);

/* The rows of predictions for one example: 1, or one for each step. */
int64_t network_prediction_rows(const struct network *network, const struct dataset *dataset, int64_t example);
/* Quantiles of the targets, [n, target_size] each, in the units of the data; NULL: not wanted. */
struct network_interval {
    /* The ends of the intervals in which targets lie with the probability `level`, in (0, 1): outside, they are as likely to
     * be below as above. Only with a loss for which heads_check_quantile accepts (1 - level) / 2 and (1 + level) / 2. */
    double level;
    float *lower, *upper;
    float *middle; /* the medians; only if it accepts 0.5 */
};

/* Predicts the whole dataset: [n, network_prediction_size] probabilities, or numbers in the units of the data, in the order
 * of the dataset. `predictions` has room for all rows, and so has `interval` (NULL: not wanted). */
rondo_status network_predict(struct network *network, const struct dataset *dataset, int64_t batch, float *predictions,
                             const struct network_interval *interval, struct errors *errors);

/* Log-probabilities (natural) of the targets of the whole dataset, each given what comes before it, in the order of the
 * dataset: network_prediction_rows for each example; NaN for a step without a target. Windows that carry states do. Only if
 * network_predicts_classes. The mean over rows of weight 1 is that of the metric bits_per_symbol. */
rondo_status network_score(struct network *network, const struct dataset *dataset, struct batch_size batch,
                           float *log_probabilities, struct errors *errors);

#endif
