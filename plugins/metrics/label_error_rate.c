/* plugins/metrics/label_error_rate.c: the edit distance of predicted lists of labels to their targets.
 *
 *     sequences  LER = sum_s w_s d(z_s, y_s) / max(1, |y_s|) / sum_s w_s
 *     labels     LER = sum_s w_s d(z_s, y_s) / sum_s w_s |y_s|
 *
 * d is the edit distance: the smallest number of insertions, deletions and substitutions that make one list the other.
 * z is the best path, the most probable class of each step. If there is one class more than labels, as with the loss
 * ctc, class 0 is the blank and label k is class k + 1: repeats are merged, and blanks are then removed. Source: Graves,
 * Fernandez, Gomez & Schmidhuber, "Connectionist temporal classification", ICML 2006, sections 2.1 and 3.2.
 */
#include "edit_distance.h"
#include "rondo/plugin.h"

enum { OF_SEQUENCES, OF_LABELS };
static const char *const averages[] = {"sequences", "labels", NULL};

struct label_error_rate {
    int32_t average;
};

static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct label_error_rate, average, "sequences", averages,
                        "sequences: mean of the rates of the lists; labels: all errors divided by all labels"),
    RONDO_OPTION_END};

enum { RATES, SEQUENCES, ERRORS, LABELS };
static const rondo_accumulator accumulators[] = {
    [RATES] = {"rates", "error rates of the lists, times their weights"},
    [SEQUENCES] = {"sequences", "weights of the lists"},
    [ERRORS] = {"errors", "edit distances of the lists, times their weights"},
    [LABELS] = {"labels", "lengths of the target lists, times their weights"},
    {0}};

static rondo_status check(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t more = call->prediction_size - call->target_size;
    if (more != 0 && more != 1) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "a step is predicted by %lld numbers, expected one for each of %lld labels, or one more "
                               "for a blank",
                               (long long)call->prediction_size, (long long)call->target_size);
    }
    return RONDO_OK;
}

static rondo_status check_targets(rondo_context *ctx, const rondo_metric_call *call) {
    if (call->sequences == NULL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "there is one output for each sequence, expected one at every step");
    }
    return rondo_check_classes(ctx, call->targets, call->target_size);
}

/* The labels of the best path of sequence s; returns their number. */
static int64_t decode(const rondo_metric_call *call, int64_t s, int32_t *labels) {
    const int64_t classes = call->prediction_size, has_blank = classes > call->target_size;
    int64_t count = 0, before = 0;
    for (int64_t t = 0; t < call->sequences->lengths[s]; t++) {
        const int64_t best = rondo_argmax(call->predictions, (call->sequences->begin[t] + s) * classes, classes);
        if (!has_blank || (best != 0 && best != before)) {
            labels[count++] = (int32_t)(best - has_blank);
        }
        before = best;
    }
    return count;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const rondo_status status = check_targets(ctx, call);
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_sequences *sequences = call->sequences;
    int32_t *labels = ctx->host->alloc(ctx, (size_t)sequences->steps * sizeof *labels);
    int64_t *distance = ctx->host->alloc(ctx, (size_t)(call->targets->shape[0] + 1) * sizeof *distance);
    if (labels == NULL || distance == NULL) {
        return RONDO_NO_MEMORY;
    }
    for (int64_t s = 0; s < sequences->count; s++) {
        const int64_t begin = sequences->target_begin[s], length = sequences->target_begin[s + 1] - begin;
        const int32_t *target = (const int32_t *)call->targets->data + begin;
        const double weight = rondo_weight(call, s);
        const double errors = (double)edit_distance(labels, decode(call, s, labels), target, length, distance);
        call->accumulators[RATES][0] += weight * errors / (double)(length > 0 ? length : 1);
        call->accumulators[SEQUENCES][0] += weight;
        call->accumulators[ERRORS][0] += weight * errors;
        call->accumulators[LABELS][0] += weight * (double)length;
    }
    return RONDO_OK;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = ((const struct label_error_rate *)call->options)->average == OF_SEQUENCES
                 ? call->accumulators[RATES][0] / call->accumulators[SEQUENCES][0]
                 : call->accumulators[ERRORS][0] / call->accumulators[LABELS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin label_error_rate = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "label_error_rate",
             .summary = "edit distance of the best path to the target list, for each label (Graves et al. 2006)",
             .options = options,
             .options_size = sizeof(struct label_error_rate)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_LIST),
    .accumulators = accumulators,
    .check = check,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("label_error_rate", "1.0", "MIT", &label_error_rate.base);
