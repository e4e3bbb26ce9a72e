/* train/network.h: a model with its loss head, over batches: gradients, scores and predictions.
 *
 * A batch is divided into shards of NETWORK_SHARD_ROWS examples, whose number depends only on the size of the batch.
 * Each shard has its own tape and gradients, shards run in parallel, and their results are added in order: any number
 * of threads gives the same bits.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_NETWORK_H
#define RONDO_TRAIN_NETWORK_H

#include "data/batch.h"
#include "experiment/session.h"
#include "model/model.h"
#include "train/heads.h"

/* The approximate number of rows of a shard: enough for efficient products, and few enough to keep several cores
 * busy. */
#define NETWORK_SHARD_ROWS 16
#define NETWORK_MAX_SHARDS 16

struct network_settings {
    struct model_settings model; /* output_size is filled in from the loss */
    struct loss_section loss;    /* borrowed */
    int32_t target_kind;         /* enum rondo_target_kind */
    int64_t target_size;         /* classes, or numbers per target */
};

/* Sums over rows; zero-initialise. */
struct scores {
    int64_t rows;
    double sums[HEADS_MOST_METRICS]; /* [network_metric_count]; from training only the losses */
};

struct network;

/* NULL with errors; the session must outlive it, and the cell definitions too. */
struct network *network_create(const struct network_settings *settings, struct session *session, struct errors *errors);
void network_destroy(struct network *network);
struct model *network_model(const struct network *network);
/* 1 where the session's owner wants work to stop. Evaluation and prediction ask between batches; then,
 * RONDO_INTERRUPTED.
 */
int network_is_interrupted(const struct network *network);

/* The number of shards of a batch of `examples` >= 1. Each has its own gradients. */
int64_t network_shard_count(const struct network *network, int64_t examples);
/* The loss. */
const struct heads *network_heads(const struct network *network);
/* Numbers in one prediction. */
int64_t network_prediction_size(const struct network *network);
/* Parameters that training leaves as they are: [model_parameter_count] flags, borrowed; NULL: none. They get no
 * gradient, and none is computed for them. */
void network_freeze(struct network *network, const unsigned char *frozen);

/* Which steps the network wants input and targets at. */
struct architecture network_architecture(const struct network *network);

/* Number of metrics, the loss being number 0; name and direction of each; its value from sums. The first
 * network_loss_count of them are losses: training measures only these, evaluation measures all. */
int32_t network_metric_count(const struct network *network);
int32_t network_loss_count(const struct network *network);
const char *network_metric_name(const struct network *network, int32_t metric);
int network_higher_is_better(const struct network *network, int32_t metric);
double network_metric(const struct network *network, const struct scores *scores, int32_t metric);

/* Forward and backward over `count` examples: the gradient of the mean loss of all rows, in network_gradients; the
 * losses of the batch are added to `scores`. RONDO_NOT_FINITE, naming the op, where the loss is not finite. `stream` is
 * of this step. */
rondo_status network_train_batch(struct network *network, const struct dataset *dataset, const int64_t *examples,
                                 int64_t count, struct rng_stream stream, struct scores *scores, struct errors *errors);
/* [model_parameter_count] gradients of the last network_train_batch; those of frozen parameters are zero. */
const rondo_tensor *network_gradients(const struct network *network);

/* The gradient of the same batch for targets drawn from the network's own predictions, in network_sampled_gradients:
 * the Gauss-Newton-Bartlett estimator of curvature starts from it (Liu et al. 2023, algorithm 2). Leaves
 * network_gradients as they are. */
rondo_status network_sample_batch(struct network *network, const struct dataset *dataset, const int64_t *examples,
                                  int64_t count, struct rng_stream stream, struct errors *errors);
const rondo_tensor *network_sampled_gradients(const struct network *network);
/* 1 where predictions are probabilities of classes, which network_sample_batch needs. */
int network_predicts_classes(const struct network *network);

/* Scores of the whole dataset, in batches of `batch` examples. */
rondo_status network_evaluate(struct network *network, const struct dataset *dataset, int64_t batch,
                              struct scores *scores, struct errors *errors);

/* Predictions of the whole dataset: [n, network_prediction_size] probabilities or numbers, examples in the order of the
 * dataset, one row each, or one for every step. `predictions` has room for all. */
rondo_status network_predict(struct network *network, const struct dataset *dataset, int64_t batch, float *predictions,
                             struct errors *errors);

#endif
