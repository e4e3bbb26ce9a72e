/* plugins/optimizers/ema.c: an exponential moving average of the weights, which validation and the saved weights use; a
 * wrapper.
 *
 * Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, for the average; in the
 * exponential form of Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, equation 1. The
 * warm-up min(decay, (1 + t) / (10 + t)) is that of TensorFlow's ExponentialMovingAverage with num_updates t. The
 * average starts as the initial weights and counts every update, the first one too.
 */
#include <math.h>

#include "rondo/plugin.h"
#include "versions.h"

struct ema {
    double decay;
    int32_t warm_up;
};

static const rondo_option ema_options[] = {
    RONDO_OPTION_REAL(struct ema, decay, "0.999", 0, 0.9999999, "share of the average that is kept at each update"),
    RONDO_OPTION_BOOL(struct ema, warm_up, "true", "limit the share that is kept at update t to (1 + t) / (10 + t)"),
    RONDO_OPTION_END,
};

static const rondo_slot ema_slots[] = {{"average", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_EVALUATED}, {0}};

/* With the new value p of the parameter and its average a (the initial value at first):
 *     a <- a + (1 - decay) (p - a) */
#define EMA_KERNEL(name, real)                                                                                         \
    OPTIMIZER_INLINE void name##_any(double decay, const rondo_optimizer_call *call) {                                 \
        const int64_t count = rondo_count(&call->value);                                                               \
        const real *p = call->value.data;                                                                              \
        real *a = call->slots[0].data;                                                                                 \
        const real share = (real)(1 - decay);                                                                          \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            a[i] += share * (p[i] - a[i]);                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (double decay, const rondo_optimizer_call *call), (decay, call))
EMA_KERNEL(ema_f32, float)
EMA_KERNEL(ema_f64, double)

/* The share of the average that is left after updates first .. last, the product of their decays d_t. With the warm-up,
 *     d_t = (1 + t) / (10 + t)                      at updates t < w, where this is less than `decay`
 *     d_first … d_last = (first + 1) … (first + 9) / ((last + 2) … (last + 10)) */
static double share_kept(const struct ema *ema, int64_t first, int64_t last) {
    double kept = 1;
    const double w = ema->warm_up ? ceil((10 * ema->decay - 1) / (1 - ema->decay)) : 0;
    if ((double)first < w) {
        const double end = (double)last < w ? (double)last : w - 1;
        for (int k = 1; k <= 9; k++) {
            kept *= ((double)first + k) / (end + 1 + k);
        }
        first = (int64_t)end + 1;
    }
    return kept * pow(ema->decay, (double)(last - first + 1));
}

static rondo_status average(rondo_context *ctx, double decay, const rondo_optimizer_call *call) {
    switch (call->value.dtype) {
    case RONDO_F32:
        ema_f32(decay, call);
        return RONDO_OK;
    case RONDO_F64:
        ema_f64(decay, call);
        return RONDO_OK;
    default:
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
}

static rondo_status ema_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct ema *ema = call->options;
    const double t = (double)call->step;
    const double most = (1 + t) / (10 + t);
    return average(ctx, ema->warm_up && most < ema->decay ? most : ema->decay, call);
}

/* With a constant p, p - a shrinks by the decay of each update. */
static rondo_status ema_catch_up(rondo_context *ctx, const rondo_optimizer_call *call, int64_t first) {
    return average(ctx, share_kept(call->options, first, call->step), call);
}

static const rondo_optimizer ema = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "ema",
             .summary = "evaluation uses a = decay a + (1 - decay) p, an exponential moving average of the weights "
                        "(Tarvainen and Valpola 2017, equation 1)",
             .options = ema_options,
             .options_size = sizeof(struct ema)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = ema_slots,
    .step = ema_step,
    .catch_up = ema_catch_up,
};

RONDO_PLUGIN("ema", "1.0", "MIT", &ema.base);
