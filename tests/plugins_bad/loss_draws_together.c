/* A loss that draws all rows with the random words of the first one. */
#include "good_loss.h"

static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    const int64_t n = call->target_size;
    (void)ctx;
    (void)n_words;
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const double u = (double)words[i % n] / 4294967296.0;
        rondo_set(targets, i, rondo_get(outputs, i) + 2 * u - 1);
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return call->target_size;
}

static const rondo_loss loss = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "loss_draws_together",
             .summary = "sum of (x - y)^2 over the numbers of a row"},
    .metrics = good_metrics,
    .output_size = good_output_size,
    .record = good_record,
    .predict = good_predict,
    .measure = good_measure,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("loss_draws_together", "1.0", "MIT", &loss.base);
