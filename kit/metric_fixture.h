/* kit/metric_fixture.h: a part of a dataset with a metric: predictions, targets, weights and accumulators in guarded
 * buffers, and calls of the metric; and the situations that a metric is tried in.
 *
 * A metric declares the kinds of targets that it accepts, and may refuse some of them in `check`. metric_each visits
 * those that it takes.
 *
 *     static enum verdict visit(struct trial *trial) {
 *         struct metric_fixture *fixture = metric_fixture_create(trial, METRIC_ROWS, 0); …
 *     }
 *     return metric_each(trial, visit);
 *
 * Threads: one part belongs to one thread at a time; different ones may be measured at the same time.
 */
#ifndef RONDO_KIT_METRIC_FIXTURE_H
#define RONDO_KIT_METRIC_FIXTURE_H

#include "kit/sample_data.h"
#include "kit/sample_texts.h"
#include "kit/subject.h"

/* Rows of a part, such that buffers end at their guard page. With sequences there are SEQUENCE_ROWS. */
enum { METRIC_ROWS = 16, METRIC_MOST_ACCUMULATORS = 16 };

/* The trial that visitors of metric_each get, as trial->trial. */
struct metric_trial {
    struct trial trial;
    int32_t target_kind; /* enum rondo_target_kind */
    int64_t target_size, prediction_size;
    int32_t has_sequences, has_weights;
    int32_t dtype; /* of numbers */
};
/* The metric_trial that a visitor's trial is the first member of. */
const struct metric_trial *metric_trial_of(const struct trial *trial);

struct metric_fixture {
    struct subject subject;
    const rondo_metric_plugin *metric;
    const struct metric_trial *tried; /* a copy */
    rondo_metric_call call;           /* a check may take its weights away, or give others */
    struct sequence_layout layout;
    int64_t rows;
    int64_t units; /* rows, or with lists sequences: what has a weight */
    rondo_tensor predictions, targets, weights, naive, lower, upper;
    struct sample_texts texts; /* of a metric of texts, in place of predictions and targets */
    int32_t n_accumulators;
    rondo_tensor accumulators[METRIC_MOST_ACCUMULATORS]; /* f64 */
    double *sums[METRIC_MOST_ACCUMULATORS];              /* their data */
    double *value;                                       /* of finish */
    rondo_metric_table table;                            /* of table, with its values in `kept`; rows 0: none */
    double *kept;                                        /* [kept_count] from the guard */
    int64_t kept_count;
};

/* Calls visit for every situation that the metric takes; stops at the first verdict that is not VERDICT_PASS.
 * VERDICT_FAIL if it takes no situation of a kind of targets that it declares, unless trial->may_refuse. */
enum verdict metric_each(struct trial *trial, trial_visit *visit);

/* A part of `rows` rows (without sequences), with the numbers of `instance` and zeroed accumulators. NULL with the
 * reason. */
struct metric_fixture *metric_fixture_create(const struct trial *trial, int64_t rows, int32_t instance);
/* Rows first, first + step, … of a part without sequences, `rows` of them, as a separate part. NULL with the reason. */
struct metric_fixture *metric_fixture_take(const struct trial *trial, const struct metric_fixture *from, int64_t first,
                                           int64_t step, int64_t rows);
/* Makes the predictions, or texts, those of a perfect model. 0 if there are none, as for a list that cannot be predicted. */
int metric_fixture_perfect(struct metric_fixture *fixture);
/* 1 if the metric compares texts. */
int metric_is_of_texts(const rondo_metric_plugin *metric);

/* Sets all accumulators to `start`. */
void metric_fixture_fill(struct metric_fixture *fixture, double start);
rondo_status metric_fixture_measure(struct metric_fixture *fixture);
/* finish, where there is one, and table, where there is one. */
rondo_status metric_fixture_finish(struct metric_fixture *fixture);
/* VERDICT_FAIL unless the table is complete: sizes, names, every value written. VERDICT_PASS without a table. */
enum verdict metric_judge_table(const struct trial *trial, const struct metric_fixture *fixture);

#endif
