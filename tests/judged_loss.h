/* tests/judged_loss.h: a loss head on one batch, as the tests of losses call it: outputs and targets, the layout of
 * sequences, losses and their gradient by the tape, predictions, metrics.
 *
 * Everything fails the running test where something goes wrong. Results live until the next call of the same tape.
 */
#ifndef RONDO_TESTS_JUDGED_LOSS_H
#define RONDO_TESTS_JUDGED_LOSS_H

#include "plugin_fixture.h"

/* A loss on one batch; outputs and targets are zeros until they are filled. */
struct judged {
    const rondo_loss *loss;
    rondo_loss_call call;
    rondo_sequences sequences; /* call.sequences points here where the targets are lists */
    int64_t rows, losses;      /* of the outputs; how many losses they give */
    rondo_tensor outputs, targets;
};

/* Targets of `kind` "class", "real" or "list"; options as fixture_options takes them. */
struct judged judge(const char *name, const char *kind, int64_t target_size, int64_t rows, const char *options,
                    int32_t dtype);
/* `count` sequences of these lengths, which never grow, with lists of those. Makes room for the labels. */
void judged_lay_out(struct judged *judged, int64_t count, const double *lengths, const double *list_lengths);

/* Records the losses on a fresh tape; `outputs` gets the value that they were made from. May fail. */
rondo_value judged_record(struct judged *judged, rondo_value *outputs);
/* The losses; d(mean loss) / d(outputs), by the tape. */
const rondo_tensor *judged_losses(struct judged *judged);
const rondo_tensor *judged_gradient(struct judged *judged);

rondo_tensor judged_predict(const struct judged *judged);
/* Sums of the metrics. May fail. */
#define MOST_METRICS 4
rondo_status judged_measure(struct judged *judged, const rondo_tensor *predictions, double *sums);

/* Fills with made-up numbers in [-scale, scale] that do not repeat. */
void judged_waves(const rondo_tensor *tensor, double scale);
/* Every element is finite. */
void judged_finite(const rondo_tensor *tensor, const char *what);

#endif
