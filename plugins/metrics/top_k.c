/* plugins/metrics/top_k.c: the share of rows whose target is among the k most probable classes.
 *
 *     rank_r = #{j: p_rj > p_ry} + #{j < y: p_rj = p_ry},    top k = sum_r w_r [rank_r < k] / sum_r w_r,    y = y_r
 *
 * Of equal probabilities the class with the smaller number comes first, so k = 1 is the accuracy.
 */
#include <math.h>

#include "rondo/plugin.h"

struct top_k {
    int64_t k;
};

static const rondo_option options[] = {
    RONDO_OPTION_INT(struct top_k, k, "5", 1, 1e6, "number of most probable classes that count"), RONDO_OPTION_END};

enum { RIGHT, ROWS };
static const rondo_accumulator accumulators[] = {
    [RIGHT] = {"right", "weights of the rows whose target is among the k most probable classes"},
    [ROWS] = {"rows", "weights of all rows"},
    {0}};

static rondo_status check(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t k = ((const struct top_k *)call->options)->k;
    if (k >= call->target_size) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'k' is %lld of %lld classes, so every prediction would count",
                               (long long)k, (long long)call->target_size);
    }
    return RONDO_OK;
}

static rondo_status measure(rondo_context *ctx, const rondo_metric_call *call) {
    const int64_t classes = call->prediction_size, k = ((const struct top_k *)call->options)->k;
    const int32_t *class_of = call->targets->data; /* (rows) */
    const rondo_status status = rondo_check_classes(ctx, call->targets, classes);
    for (int64_t row = 0; status == RONDO_OK && row < call->targets->shape[0]; row++) {
        const double weight = rondo_weight(call, row),
                     own = rondo_get(call->predictions, row * classes + class_of[row]);
        int64_t rank = 0;
        for (int64_t j = 0; j < classes; j++) {
            const double p = rondo_get(call->predictions, row * classes + j);
            rank += p > own || (p == own && j < class_of[row]);
        }
        call->accumulators[RIGHT][0] += rank < k ? weight : 0;
        call->accumulators[ROWS][0] += weight;
    }
    return status;
}

static rondo_status finish(rondo_context *ctx, const rondo_metric_call *call, double *value) {
    (void)ctx;
    *value = call->accumulators[RIGHT][0] / call->accumulators[ROWS][0];
    return RONDO_OK;
}

static const rondo_metric_plugin top_k = {
    .base = {.struct_size = sizeof(rondo_metric_plugin),
             .kind = RONDO_KIND_METRIC,
             .name = "top_k",
             .summary = "share of rows whose target is among the k most probable classes",
             .options = options,
             .options_size = sizeof(struct top_k)},
    .targets = RONDO_ACCEPTS(RONDO_TARGET_CLASS),
    .higher_is_better = 1,
    .accumulators = accumulators,
    .check = check,
    .measure = measure,
    .finish = finish,
};

RONDO_PLUGIN("top_k", "1.0", "MIT", &top_k.base);
