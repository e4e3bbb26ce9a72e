/* tests/abi/1.2/abi_sample.c: as of ABI 1.2, a loss that draws, and predicts with the sequences. The targets are waiting times
 * with an exponential distribution of the rate r = softplus(x) + least:
 *
 *     loss = sum_k (r_k y_k - ln r_k),   y = -ln(u) / r with u uniform in (0, 1)
 *
 * The prediction is the expected waiting time 1 / r; at the steps of a sequence, that of all steps so far: when the event is
 * expected.
 */
#include <math.h>
#include <stddef.h>

#include "rondo/plugin.h"

struct options {
    double least;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct options, least, "0.01", 1e-6, 1e6, "least rate, in events per unit of the targets"),
    RONDO_OPTION_END,
};

static rondo_status output_size(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    if (call->target_kind != RONDO_TARGET_REAL) {
        return ctx->host->fail(ctx, RONDO_INVALID, "targets are not numbers");
    }
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    const rondo_tensor *y = ctx->host->tensor(ctx, targets), *x = ctx->host->tensor(ctx, outputs);
    if (y == NULL || x == NULL) {
        return (rondo_value){-1};
    }
    for (int64_t i = 0; i < rondo_count(y); i++) {
        if (!(rondo_get(y, i) >= 0)) {
            ctx->host->fail(ctx, RONDO_INVALID, "target %lld is %g, expected a waiting time of 0 or more", (long long)i,
                            rondo_get(y, i));
            return (rondo_value){-1};
        }
    }
    const rondo_value least = rondo_number(ctx, x->dtype, ((const struct options *)call->options)->least);
    const rondo_value rate = rondo_apply2(ctx, "add", NULL, rondo_apply1(ctx, "softplus", NULL, outputs), least);
    const rondo_value product = rondo_apply2(ctx, "mul", NULL, rate, targets);
    const rondo_value each = rondo_apply2(ctx, "sub", NULL, product, rondo_apply1(ctx, "log", NULL, rate));
    return rondo_apply1(ctx, "sum", "axis=-1", each);
}

static double rate_of(const rondo_loss_call *call, double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x))) + ((const struct options *)call->options)->least;
}

static rondo_status predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                            const rondo_tensor *predictions) {
    const rondo_sequences *sequences = call->sequences;
    const int64_t n = call->target_size;
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(outputs); i++) {
        rondo_set(predictions, i, 1 / rate_of(call, rondo_get(outputs, i)));
    }
    for (int64_t t = 1; sequences != NULL && t < sequences->steps; t++) {
        for (int64_t i = sequences->begin[t] * n; i < sequences->begin[t + 1] * n; i++) {
            const int64_t before = i - (sequences->begin[t] - sequences->begin[t - 1]) * n;
            rondo_set(predictions, i, rondo_get(predictions, before) + rondo_get(predictions, i));
        }
    }
    return RONDO_OK;
}

static int64_t sample_words(rondo_context *ctx, const rondo_loss_call *call) {
    (void)ctx;
    return 2 * call->target_size;
}

static rondo_status sample(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                           const uint32_t *words, int64_t n_words, const rondo_tensor *targets) {
    const int64_t n = call->target_size;
    if (n_words != 2 * n) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "a row has %lld words, expected %lld", (long long)n_words,
                               (long long)(2 * n));
    }
    for (int64_t i = 0; i < rondo_count(targets); i++) {
        const uint32_t *own = words + i / n * n_words + i % n * 2;
        const double u = ((double)own[0] + ((double)own[1] + 0.5) / 4294967296.0) / 4294967296.0;
        rondo_set(targets, i, -log(u) / rate_of(call, rondo_get(outputs, i)));
    }
    return RONDO_OK;
}

static const rondo_loss abi_wait = {
    .base = {.struct_size = sizeof(rondo_loss),
             .kind = RONDO_KIND_LOSS,
             .name = "abi_wait",
             .summary = "r y - ln r, for waiting times y of the rate r = softplus(x) + least",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .output_size = output_size,
    .record = record,
    .predict = predict,
    .sample = sample,
    .sample_words = sample_words,
};

RONDO_PLUGIN("abi_sample", "1.0", "MIT", &abi_wait.base);
