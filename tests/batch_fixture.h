/* tests/batch_fixture.h: a loss on one batch, for tests of losses: outputs and targets, the layout of sequences, losses
 * and their gradient (computed by the tape), predictions, metrics.
 *
 * Every function fails the running test if an error occurs. Results live until the next call of the same tape.
 */
#ifndef RONDO_TESTS_BATCH_FIXTURE_H
#define RONDO_TESTS_BATCH_FIXTURE_H

#include "plugin_fixture.h"

/* A loss on one batch; outputs and targets are zeros until they are filled. */
struct batch_fixture {
    const rondo_loss *loss;
    rondo_loss_call call;
    rondo_sequences sequences; /* call.sequences points here if the targets are lists */
    int64_t rows, losses;      /* rows of the outputs; number of losses */
    rondo_tensor outputs, targets;
};

/* Targets of `kind` "class", "real" or "list"; options as fixture_options takes them. */
struct batch_fixture batch_fixture_create(const char *name, const char *kind, int64_t target_size, int64_t rows,
                                          const char *options, int32_t dtype);
/* `count` sequences of these lengths, in descending order, with lists of `list_lengths` labels. Allocates the labels. */
void batch_fixture_lay_out(struct batch_fixture *batch, int64_t count, const double *lengths,
                           const double *list_lengths);

/* Records the losses on a new tape; `outputs` gets the value of the outputs. May fail. */
rondo_value batch_fixture_record(struct batch_fixture *batch, rondo_value *outputs);
/* The losses, and d(mean loss) / d(outputs) as the tape computes it. */
const rondo_tensor *batch_fixture_losses(struct batch_fixture *batch);
const rondo_tensor *batch_fixture_gradient(struct batch_fixture *batch);

rondo_tensor batch_fixture_predict(const struct batch_fixture *batch);
/* Sums of the metrics. May fail. */
#define MOST_METRICS 4
rondo_status batch_fixture_measure(struct batch_fixture *batch, const rondo_tensor *predictions, double *sums);

/* The mean over all losses. */
double batch_fixture_mean_loss(struct batch_fixture *batch);

/* Golden files of losses: lines "case NAME KIND SIZE ROWS OPTIONS", for lists "lengths" and "target_lengths", "outputs",
 * "targets", "losses", "gradient", "predictions", "metrics". Reads the next case as far as the targets; 0 at the end. */
int batch_fixture_next(struct golden *golden, int32_t dtype, struct batch_fixture *batch);
/* Compares losses, gradient, predictions and metrics with the rest of case `number`. */
void batch_fixture_check_case(struct batch_fixture *batch, struct golden *golden, double tolerance, int number);
/* Compares the gradient of an f64 batch with (L(x + h) - L(x - h)) / 2h, and reads past the rest of the case. 0: nothing
 * is compared, as there are more than 256 outputs. */
int batch_fixture_check_gradient(struct batch_fixture *batch, struct golden *golden, double tolerance);

/* Fills a tensor with numbers in [-scale, scale] that do not repeat. */
void batch_fixture_fill_waves(const rondo_tensor *tensor, double scale);
/* Fails the test unless every element is finite. */
void batch_fixture_check_finite(const rondo_tensor *tensor, const char *what);

#endif
