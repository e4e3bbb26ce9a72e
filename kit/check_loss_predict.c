/* kit/check_loss_predict.c: predictions and metrics. */
#include <math.h>

#include "kit/check_loss.h"
#include "kit/loss_fixture.h"

/* ---- predict ---- */

/* Each probability is in [0, 1], and those of a row sum to 1 except for rounding. */
static enum verdict check_probabilities(struct trial *trial, const struct loss_fixture *fixture) {
    const int64_t width = fixture->predictions.shape[1];
    for (int64_t row = 0; row < fixture->rows; row++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            const double p = tensor_get(&fixture->predictions, row * width + k);
            sum += p;
            if (!(p >= 0 && p <= 1)) {
                return trial_say(trial, VERDICT_FAIL, "the probability of class %lld in row %lld is %.9g", (long long)k,
                                 (long long)row, p);
            }
        }
        if (!(fabs(sum - 1) <= 1e-5)) {
            return trial_say(trial, VERDICT_FAIL, "the probabilities of row %lld sum to %.9g, expected 1",
                             (long long)row, sum);
        }
    }
    return VERDICT_PASS;
}

static int are_probabilities(const struct trial *trial) {
    return loss_trial_of(trial)->target_kind == RONDO_TARGET_CLASS &&
           ((const rondo_loss *)trial->descriptor)->prediction_size == NULL;
}

static enum verdict predict_once(struct trial *trial, struct loss_fixture *fixture) {
    if (loss_fixture_predict(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    const int64_t unwritten = guard_unwritten(fixture->subject.guard, &fixture->predictions);
    if (unwritten >= 0) {
        return trial_say(trial, VERDICT_FAIL, "prediction %lld of row %lld is not written",
                         (long long)(unwritten % fixture->predictions.shape[1]),
                         (long long)(unwritten / fixture->predictions.shape[1]));
    }
    if (!tensor_is_finite(&fixture->predictions)) {
        return trial_say(trial, VERDICT_FAIL, "a prediction is not finite");
    }
    return are_probabilities(trial) ? check_probabilities(trial, fixture) : VERDICT_PASS;
}

/* exp(1e4) is infinite, so a correct loss subtracts the largest output before the exponential. Every fourth row has
 * only the negative extreme. */
static void fill_extremes(const struct loss_fixture *fixture) {
    const double extreme = 1e4;
    const int64_t width = fixture->outputs.shape[1];
    for (int64_t i = 0; i < rondo_count(&fixture->outputs); i++) {
        const int64_t choice = i / width % 4 == 3 ? 1 : i % 3;
        tensor_set(&fixture->outputs, i, choice == 0 ? extreme : choice == 1 ? -extreme : 0);
    }
}

/* A prediction that is not a probability may be an exponential, and therefore infinite. */
static enum verdict predict_extremes(struct trial *trial, struct loss_fixture *fixture) {
    fill_extremes(fixture);
    if (loss_fixture_predict(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    for (int64_t i = 0; i < rondo_count(&fixture->predictions); i++) {
        if (isnan(tensor_get(&fixture->predictions, i))) {
            return trial_say(trial, VERDICT_FAIL, "with outputs of 10000, 0 and -10000 a prediction is not a number");
        }
    }
    return are_probabilities(trial) ? check_probabilities(trial, fixture) : VERDICT_PASS;
}

/* Extreme outputs are not tried if outputs have to be logarithms of probabilities. */
static enum verdict visit_predict(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, LOSS_ROWS, 0);
    if (fixture == NULL || predict_once(trial, fixture) != VERDICT_PASS ||
        (loss_trial_of(trial)->outputs == OUTPUTS_NORMAL && predict_extremes(trial, fixture) != VERDICT_PASS)) {
        return VERDICT_FAIL;
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

enum verdict loss_predict(struct trial *trial) {
    return loss_each_dtype(trial, visit_predict);
}

/* ---- measure ---- */

/* Calls measure with sums that begin at `start`; 0 with the reason. Sums after the last metric must not change. */
static int sums_of(struct trial *trial, struct loss_fixture *fixture, double start, double *sums) {
    for (int32_t m = 0; m < LOSS_METRICS; m++) {
        sums[m] = start;
    }
    if (loss_fixture_predict(fixture) != RONDO_OK || loss_fixture_measure(fixture, sums) != RONDO_OK) {
        subject_failed(trial, &fixture->subject);
        return 0;
    }
    for (int32_t m = loss_metrics(fixture->loss); m < LOSS_METRICS; m++) {
        if (sums[m] != start) {
            trial_say(trial, VERDICT_FAIL, "measure wrote to sums[%d], but there are only %d metrics", (int)m,
                      (int)loss_metrics(fixture->loss));
            return 0;
        }
    }
    return 1;
}

/* The sums over the two halves of a batch must add up to the sums over the batch. */
static enum verdict compare_halves(struct trial *trial, const struct loss_fixture *fixture, const double *whole) {
    double halves[2][LOSS_METRICS];
    for (int h = 0; h < 2; h++) {
        struct loss_fixture *half =
            loss_fixture_part(trial, fixture, h * (fixture->rows / 2), h == 0 ? fixture->rows / 2 : fixture->rows);
        if (half == NULL || !sums_of(trial, half, 0, halves[h])) {
            return VERDICT_FAIL;
        }
        loss_fixture_close(half);
    }
    for (int32_t m = 0; m < loss_metrics(fixture->loss); m++) {
        const double both = halves[0][m] + halves[1][m];
        if (!(fabs(both - whole[m]) <= 1e-9 * (1 + fabs(whole[m])))) {
            return trial_say(
                trial, VERDICT_FAIL,
                "the sum of '%s' over a batch is %.9g, and over its halves %.9g (a mean instead of a sum?)",
                fixture->loss->metrics[m].name, whole[m], both);
        }
    }
    return VERDICT_PASS;
}

static enum verdict measure_once(struct trial *trial, struct loss_fixture *fixture) {
    const double start = 1000;
    double from_zero[LOSS_METRICS], from_start[LOSS_METRICS];
    if (!sums_of(trial, fixture, 0, from_zero) || !sums_of(trial, fixture, start, from_start)) {
        return VERDICT_FAIL;
    }
    for (int32_t m = 0; m < loss_metrics(fixture->loss); m++) {
        const char *name = fixture->loss->metrics[m].name;
        if (!isfinite(from_zero[m])) {
            return trial_say(trial, VERDICT_FAIL, "the sum of '%s' is %g", name, from_zero[m]);
        }
        if (!(fabs(from_start[m] - start - from_zero[m]) <= 1e-9 * (start + fabs(from_zero[m])))) {
            return trial_say(trial, VERDICT_FAIL,
                             "the sum of '%s' goes from 0 to %.9g, and from %g to %.9g: measure has to add to it", name,
                             from_zero[m], start, from_start[m]);
        }
    }
    const int is_of_rows =
        !loss_trial_of(trial)->has_sequences && (fixture->loss->flags & RONDO_LOSS_COUPLES_ROWS) == 0;
    return is_of_rows ? compare_halves(trial, fixture, from_zero) : VERDICT_PASS;
}

static enum verdict visit_measure(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, LOSS_ROWS, 0);
    if (fixture == NULL || measure_once(trial, fixture) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

enum verdict loss_measure(struct trial *trial) {
    if (loss_metrics((const rondo_loss *)trial->descriptor) == 0) {
        return trial_say(trial, VERDICT_SKIPPED, "there are no metrics besides the loss");
    }
    return loss_each_dtype(trial, visit_measure);
}
