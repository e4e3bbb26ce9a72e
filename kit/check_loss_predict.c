/* kit/check_loss_predict.c: predictions and metrics. */
#include <math.h>

#include "kit/check_loss.h"
#include "kit/judged.h"

/* ---- predict ---- */

/* Each in [0, 1], and the sum of a row is 1, but for rounding. */
static enum verdict check_probabilities(struct judged_visit *visit, const struct judged *judged) {
    const int64_t width = judged->predictions.shape[1];
    for (int64_t row = 0; row < judged->rows; row++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            const double p = tensor_get(&judged->predictions, row * width + k);
            sum += p;
            if (!(p >= 0 && p <= 1)) {
                return judged_say(visit, VERDICT_FAIL, "the probability of class %lld in row %lld is %.9g",
                                  (long long)k, (long long)row, p);
            }
        }
        if (!(fabs(sum - 1) <= 1e-5)) {
            return judged_say(visit, VERDICT_FAIL, "the probabilities of row %lld sum to %.9g, expected 1",
                              (long long)row, sum);
        }
    }
    return VERDICT_PASS;
}

static int are_probabilities(const struct judged_visit *visit) {
    return visit->tried.kind == RONDO_TARGET_CLASS && visit->loss->prediction_size == NULL;
}

static enum verdict predict_once(struct judged_visit *visit, struct judged *judged) {
    if (judged_predict(judged) != RONDO_OK) {
        return judged_failed(visit, judged, "predict");
    }
    const int64_t unwritten = guard_unwritten(judged->guard, &judged->predictions);
    if (unwritten >= 0) {
        return judged_say(visit, VERDICT_FAIL, "prediction %lld of row %lld is not written, %s",
                          (long long)(unwritten % judged->predictions.shape[1]),
                          (long long)(unwritten / judged->predictions.shape[1]), dtype_name(judged->outputs.dtype));
    }
    if (!tensor_is_finite(&judged->predictions)) {
        return judged_say(visit, VERDICT_FAIL, "a prediction is not finite, %s", dtype_name(judged->outputs.dtype));
    }
    return are_probabilities(visit) ? check_probabilities(visit, judged) : VERDICT_PASS;
}

/* exp(1e4) is infinite: of such outputs the largest, or the range, has to be taken away first. Every fourth row has the
 * negative extreme alone. */
static void fill_extremes(const struct judged *judged) {
    const double extreme = 1e4;
    const int64_t width = judged->outputs.shape[1];
    for (int64_t i = 0; i < rondo_count(&judged->outputs); i++) {
        const int64_t choice = i / width % 4 == 3 ? 1 : i % 3;
        tensor_set(&judged->outputs, i, choice == 0 ? extreme : choice == 1 ? -extreme : 0);
    }
}

/* What is no probability may be an exponential, and infinite. */
static enum verdict predict_extremes(struct judged_visit *visit, struct judged *judged) {
    fill_extremes(judged);
    if (judged_predict(judged) != RONDO_OK) {
        return judged_failed(visit, judged, "predict of outputs of 10000, 0 and -10000");
    }
    for (int64_t i = 0; i < rondo_count(&judged->predictions); i++) {
        if (isnan(tensor_get(&judged->predictions, i))) {
            return judged_say(visit, VERDICT_FAIL,
                              "with outputs of 10000, 0 and -10000 a prediction is not a number, %s",
                              dtype_name(judged->outputs.dtype));
        }
    }
    return are_probabilities(visit) ? check_probabilities(visit, judged) : VERDICT_PASS;
}

/* Outputs that are logarithms of probabilities are none of these. */
static enum verdict visit_predict(struct judged_visit *visit) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        struct judged *judged = judged_create(visit, dtype, JUDGED_ROWS, 0);
        if (judged == NULL || predict_once(visit, judged) != VERDICT_PASS ||
            (visit->tried.outputs == OUTPUTS_NORMAL && predict_extremes(visit, judged) != VERDICT_PASS)) {
            return VERDICT_FAIL;
        }
        judged_close(judged);
    }
    return VERDICT_PASS;
}

enum verdict loss_predict(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_predict, reason, size);
}

/* ---- measure ---- */

/* The sums of a batch, from `start` in each; 0 with the reason. Those behind the last metric are to stay. */
static int sums_of(struct judged_visit *visit, struct judged *judged, double start, double *sums) {
    for (int32_t m = 0; m < JUDGED_METRICS; m++) {
        sums[m] = start;
    }
    if (judged_predict(judged) != RONDO_OK || judged_measure(judged, sums) != RONDO_OK) {
        judged_failed(visit, judged, "predict or measure");
        return 0;
    }
    for (int32_t m = judged_metrics(visit->loss); m < JUDGED_METRICS; m++) {
        if (sums[m] != start) {
            judged_say(visit, VERDICT_FAIL, "measure wrote to sum %d, and there are %d metrics", (int)m,
                       (int)judged_metrics(visit->loss));
            return 0;
        }
    }
    return 1;
}

/* The sums over two halves of a batch are those over the batch. */
static enum verdict compare_halves(struct judged_visit *visit, const struct judged *judged, const double *whole) {
    double halves[2][JUDGED_METRICS];
    for (int h = 0; h < 2; h++) {
        struct judged *half =
            judged_part(visit, judged, h * (judged->rows / 2), h == 0 ? judged->rows / 2 : judged->rows);
        if (half == NULL || !sums_of(visit, half, 0, halves[h])) {
            return VERDICT_FAIL;
        }
        judged_close(half);
    }
    for (int32_t m = 0; m < judged_metrics(visit->loss); m++) {
        const double both = halves[0][m] + halves[1][m];
        if (!(fabs(both - whole[m]) <= 1e-9 * (1 + fabs(whole[m])))) {
            return judged_say(visit, VERDICT_FAIL,
                              "the sum of '%s' over a batch is %.9g, and over its halves %.9g: a mean?",
                              visit->loss->metrics[m].name, whole[m], both);
        }
    }
    return VERDICT_PASS;
}

static enum verdict measure_once(struct judged_visit *visit, struct judged *judged) {
    const double start = 1000;
    double from_zero[JUDGED_METRICS], from_start[JUDGED_METRICS];
    if (!sums_of(visit, judged, 0, from_zero) || !sums_of(visit, judged, start, from_start)) {
        return VERDICT_FAIL;
    }
    for (int32_t m = 0; m < judged_metrics(visit->loss); m++) {
        const char *name = visit->loss->metrics[m].name;
        if (!isfinite(from_zero[m])) {
            return judged_say(visit, VERDICT_FAIL, "the sum of '%s' is %g", name, from_zero[m]);
        }
        if (!(fabs(from_start[m] - start - from_zero[m]) <= 1e-9 * (start + fabs(from_zero[m])))) {
            return judged_say(visit, VERDICT_FAIL,
                              "the sum of '%s' goes from 0 to %.9g, and from %g to %.9g: measure has to add", name,
                              from_zero[m], start, from_start[m]);
        }
    }
    const int is_of_rows = !visit->tried.has_sequences && (visit->loss->flags & RONDO_LOSS_COUPLES_ROWS) == 0;
    return is_of_rows ? compare_halves(visit, judged, from_zero) : VERDICT_PASS;
}

static enum verdict visit_measure(struct judged_visit *visit) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        struct judged *judged = judged_create(visit, dtype, JUDGED_ROWS, 0);
        if (judged == NULL || measure_once(visit, judged) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        judged_close(judged);
    }
    return VERDICT_PASS;
}

enum verdict loss_measure(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    if (judged_metrics((const rondo_loss *)descriptor) == 0) {
        return kit_say(reason, size, VERDICT_SKIPPED, "there are no metrics but the loss");
    }
    return judged_each(kit, descriptor, visit_measure, reason, size);
}
