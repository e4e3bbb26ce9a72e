/* kit/loss_fixture.h: a batch with a loss: outputs, targets and predictions in guarded buffers, a tape, and calls of
 * the loss; and the situations in which a loss is tested.
 *
 * A loss does not declare which targets and outputs it accepts, but refuses others. So loss_each tries classes, numbers
 * and lists of classes, drawn in several ways, and visits those that are accepted.
 *
 *     static enum verdict visit(struct trial *trial) {
 *         struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F64, LOSS_ROWS, 0); …
 *     }
 *     return loss_each(trial, visit);
 *
 * Threads: one batch belongs to one thread at a time; different ones may run at the same time.
 */
#ifndef RONDO_KIT_LOSS_FIXTURE_H
#define RONDO_KIT_LOSS_FIXTURE_H

#include "kit/sample_data.h"
#include "kit/subject.h"

/* The number of rows of a batch, such that buffers end at their guard page. With sequences it is SEQUENCE_ROWS. */
enum { LOSS_ROWS = 16, LOSS_METRICS = 32 };

/* How outputs are drawn. The first way that a loss accepts is used. */
enum draw_outputs {
    OUTPUTS_NORMAL,
    OUTPUTS_LOG_PROBABILITIES, /* logarithms of a distribution over a row */
    OUTPUTS_POSITIVE,
    OUTPUTS_DRAWS
};

/* The trial that visitors of loss_each get, as trial->trial. */
struct loss_trial {
    struct trial trial;
    int32_t target_kind; /* enum rondo_target_kind */
    int64_t target_size;
    int32_t has_sequences;
    enum draw_targets targets;
    enum draw_outputs outputs;
    int64_t output_size, prediction_size; /* the sizes that the loss gives */
    int32_t training; /* 1: in training; losses with RONDO_LOSS_BEFORE_OUTPUT then get hidden states and weights */
    int32_t dtype;    /* set by loss_each_dtype */
};
/* The loss_trial that a visitor's trial is the first member of. */
const struct loss_trial *loss_trial_of(const struct trial *trial);

struct loss_fixture {
    struct subject subject;
    const rondo_loss *loss;
    const struct loss_trial *tried; /* a copy */
    struct tape *tape;
    rondo_loss_call call;
    struct sequence_layout layout;
    int64_t rows;
    int64_t losses_expected; /* the number of rows, or of sequences */
    /* The inputs of record: outputs; or hidden states, weight and bias of the output layer. For choose_outputs the weight is
     * transposed, [output_size, width]. */
    rondo_tensor inputs[3], gradients[3];
    int32_t n_inputs;
    rondo_tensor outputs; /* (rows, output_size), for predict; the same as inputs[0], if that is the outputs */
    rondo_tensor targets, predictions;
    rondo_tensor quantiles;     /* (rows, target_size), with RONDO_TARGET_REAL */
    rondo_tensor draws;         /* of a loss with `sample`: as targets; data NULL: none */
    int64_t n_words;            /* random words for each row */
    uint32_t *words;            /* (rows, n_words); NULL: none */
    const rondo_tensor *losses; /* result of the last record */
    double sums[LOSS_METRICS];  /* sums of metrics of the last run of the adapter */
};

/* Calls visit for every kind of targets that the loss accepts, in evaluation and in training; stops at the first
 * verdict that is not PASS. VERDICT_FAIL if the loss accepts none, unless trial->may_refuse. */
enum verdict loss_each(struct trial *trial, trial_visit *visit);
/* The same in f32 and in f64. */
enum verdict loss_each_dtype(struct trial *trial, trial_visit *visit);

/* A batch for the situation of a loss_trial, with `rows` rows (if it has no sequences) and the numbers of `instance`.
 * NULL with the reason. */
struct loss_fixture *loss_fixture_create(const struct trial *trial, int32_t dtype, int64_t rows, int32_t instance);
/* Rows begin .. end - 1 of a batch without sequences, as a separate batch. NULL with the reason. */
struct loss_fixture *loss_fixture_part(const struct trial *trial, const struct loss_fixture *from, int64_t begin,
                                       int64_t end);
/* Frees the tape and the buffers. */
void loss_fixture_close(struct loss_fixture *fixture);
/* Draws new inputs, targets and random words for rows begin .. end - 1, with the numbers of `instance`; new lists only if that
 * is all rows. */
void loss_fixture_draw(struct loss_fixture *fixture, int32_t instance, int64_t begin, int64_t end);

/* Records the losses. With `backward`, gradients[k] gets the gradient of sum_i w_i loss_i with respect to inputs[k],
 * with w_i = loss_weight(i). RONDO_INTERNAL if the losses have a wrong shape. */
rondo_status loss_fixture_record(struct loss_fixture *fixture, int backward);
double loss_weight(int64_t i);
/* sum_i w_i loss_i. */
double loss_fixture_sum(const struct loss_fixture *fixture);
rondo_status loss_fixture_predict(struct loss_fixture *fixture);
/* Fills `quantiles` for this probability. *is_given: 1; 0 if the loss has none, or refuses the probability with a reason. */
rondo_status loss_fixture_quantile(struct loss_fixture *fixture, double probability, int *is_given);
/* Fills `draws` from `words`. RONDO_OK without `sample`. */
rondo_status loss_fixture_sample(struct loss_fixture *fixture);
/* Adds to sums[LOSS_METRICS]. RONDO_OK without metrics. */
rondo_status loss_fixture_measure(struct loss_fixture *fixture, double *sums);
/* record, predict, quantile of 0.5, sample and measure, until one fails. */
rondo_status loss_fixture_run(struct loss_fixture *fixture, int backward);
/* The number of metrics of a loss. */
int32_t loss_metrics(const rondo_loss *loss);

#endif
