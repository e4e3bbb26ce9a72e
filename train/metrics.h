/* train/metrics.h: all metrics of a network: the losses of its heads, the metrics that the first loss declares, and the
 * plug-ins that the experiment lists, rondo_metric_plugin of rondo/plugin.h. A plug-in replaces a metric of the loss that
 * has the same name.
 *
 * An evaluation: metrics_begin, metrics_measure for each batch of each shard, metrics_measure_texts if
 * metrics_compare_texts, metrics_end. A shard keeps the accumulators of plug-ins over all batches, and metrics_end adds them
 * in a fixed tree over the shards, so that any number of threads gives the same bits.
 *
 * Threads: main thread, except metrics_measure: any thread, each with its own shard.
 */
#ifndef RONDO_TRAIN_METRICS_H
#define RONDO_TRAIN_METRICS_H

#include "experiment/metrics_section.h"
#include "train/heads.h"

struct metrics;

/* Sums over rows, and figures; zero-initialise. */
struct scores {
    int64_t rows;  /* outputs with a target; with targets that are lists: sequences */
    double weight; /* the sum of their weights, by which losses are divided: `rows` if examples have none */
    double sums[HEADS_MOST_METRICS]; /* of the heads; from training only the losses */
    double figures[METRICS_MOST];    /* of the plug-ins; from metrics_end */
};

/* Checks that each plug-in fits the targets and predictions of the heads: RONDO_INVALID, at its place in the experiment,
 * if not. `has_naive`: the data have the scale of the naive forecast. `n_shards`: the largest number of shards. `heads`
 * must outlive it; the entries of the section are borrowed. NULL with errors. */
struct metrics *metrics_create(const struct metrics_section *section, const struct heads *heads, int has_naive,
                               int32_t n_shards, struct errors *errors);
void metrics_destroy(struct metrics *metrics);

/* The number of metrics that have a value, of which number 0 is the loss; the printed name, direction and value of each.
 * The losses come first, then the other metrics of the loss, then plug-ins in the order of the section. */
int32_t metrics_count(const struct metrics *metrics);
const char *metrics_name(const struct metrics *metrics, int32_t metric);
int metrics_higher_is_better(const struct metrics *metrics, int32_t metric);
double metrics_value(const struct metrics *metrics, const struct scores *scores, int32_t metric);
/* 1 if the metric needs only predictions of the form of targets, such as those of a forecast without a model. */
int metrics_is_plain(const struct metrics *metrics, int32_t metric);

/* From now on plug-ins that have only a table are measured as well. */
void metrics_want_tables(struct metrics *metrics);

/* Sets all accumulators to 0. */
rondo_status metrics_begin(struct metrics *metrics, struct errors *errors);

/* 1 if a metric compares texts: an evaluation then needs metrics_measure_texts. */
int metrics_compare_texts(const struct metrics *metrics);
/* Refuses the metrics that compare texts, each at its place in the experiment; `why` says what is missing. RONDO_OK if there are
 * none. */
rondo_status metrics_refuse_texts(const struct metrics *metrics, const char *why, struct errors *errors);

/* 1 if metrics_measure has anything to do: predictions are needed. */
int metrics_are_measured(const struct metrics *metrics);

/* The probabilities of the quantiles that metrics read: the ends of intervals, and medians. */
const double *metrics_quantiles(const struct metrics *metrics, int32_t *count);

/* The rows of a batch in a shard, in the units of the data. */
struct metrics_rows {
    const rondo_tensor *predictions, *targets;
    const rondo_tensor *quantiles;       /* one for each probability of metrics_quantiles: [rows, target_size] */
    const rondo_tensor *weights, *naive; /* as in rondo_metric_call; NULL: none */
    int is_plain; /* predictions are numbers of the form of targets, not of the loss: only metrics_is_plain ones are measured */
};
/* Adds them to the sums of the heads in `scores` and to the accumulators of shard `shard`. */
rondo_status metrics_measure(struct metrics *metrics, int32_t shard, struct heads_call *call,
                             const struct metrics_rows *rows, struct scores *scores);

/* The texts that were generated for examples, and those that are right, as in rondo_metric_call. */
struct metrics_texts {
    int64_t count;
    const char *const *generated;   /* [count] */
    const char *const *references;  /* [reference_begin[count]] */
    const int64_t *reference_begin; /* [count + 1] */
    const rondo_tensor *weights;    /* float [count]; NULL: 1 for all */
};
/* Adds them to the accumulators of the metrics that compare texts. */
rondo_status metrics_measure_texts(struct metrics *metrics, const struct metrics_texts *texts, struct errors *errors);

/* Adds up the accumulators of the shards, and writes the figures of the plug-ins. */
rondo_status metrics_end(struct metrics *metrics, struct scores *scores, struct errors *errors);

/* After metrics_end, if tables are wanted: table number `index` of all metrics that have one, from `arena`. `name` is that
 * of the metric. RONDO_NOT_FOUND, without an error, past the last. */
struct metric_table {
    const char *name;
    rondo_metric_table table;
};
rondo_status metrics_table(struct metrics *metrics, int32_t index, struct arena *arena, struct metric_table *table,
                           struct errors *errors);

#endif
