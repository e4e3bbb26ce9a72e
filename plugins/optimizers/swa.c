/* plugins/optimizers/swa.c: stochastic weight averaging: the mean of the weights of several updates; a wrapper.
 *
 * Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018, algorithm 1;
 * the same numbers as PyTorch's torch.optim.swa_utils.AveragedModel, updated at update `start` and every `period`
 * updates from there. The paper starts after about three quarters of the training, and continues with a constant or
 * cyclical learning rate, which a schedule can provide. With start 1 and period 1 it is Polyak's average.
 */
#include <string.h>

#include "rondo/plugin.h"
#include "versions.h"

struct swa {
    int64_t start;
    int64_t period;
};

static const rondo_option swa_options[] = {
    RONDO_OPTION_INT(struct swa, start, "1", 1, 1e15,
                     "first update that enters the average; until then, the weights themselves are evaluated"),
    RONDO_OPTION_INT(struct swa, period, "1", 1, 1e15, "number of updates between two values of the average"),
    RONDO_OPTION_END,
};

static const rondo_slot swa_slots[] = {{"average", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_EVALUATED}, {0}};

/* With the new value p of the parameter, which enters the average a of n weights m times:
 *     a <- a + (p - a) m / (n + m) */
#define SWA_KERNEL(name, real)                                                                                         \
    OPTIMIZER_INLINE void name##_any(double n, double m, const rondo_optimizer_call *call) {                           \
        const int64_t count = rondo_count(&call->value);                                                               \
        const real *p = call->value.data;                                                                              \
        real *a = call->slots[0].data;                                                                                 \
        const real share = (real)(m / (n + m));                                                                        \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            a[i] += share * (p[i] - a[i]);                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (double n, double m, const rondo_optimizer_call *call), (n, m, call))
SWA_KERNEL(swa_f32, float)
SWA_KERNEL(swa_f64, double)

/* Updates first .. call->step, in all of which the value is that of the call. */
static rondo_status swa_catch_up(rondo_context *ctx, const rondo_optimizer_call *call, int64_t first) {
    const struct swa *swa = call->options;
    const int is_f32 = call->value.dtype == RONDO_F32;
    if (!is_f32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    if (first <= swa->start) { /* the average restarts from this value, and then stays */
        const size_t bytes = (size_t)rondo_count(&call->value) * (is_f32 ? sizeof(float) : sizeof(double));
        memcpy(call->slots[0].data, call->value.data, bytes);
        return RONDO_OK;
    }
    const int64_t before = (first - 1 - swa->start) / swa->period + 1; /* weights in the average */
    const int64_t after = (call->step - swa->start) / swa->period + 1;
    if (after > before) {
        (is_f32 ? swa_f32 : swa_f64)((double)before, (double)(after - before), call);
    }
    return RONDO_OK;
}

static rondo_status swa_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    return swa_catch_up(ctx, call, call->step);
}

static const rondo_optimizer swa = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "swa",
             .summary = "evaluation uses the mean of the weights after updates start, start + period, … (stochastic "
                        "weight averaging, Izmailov et al. 2018, algorithm 1)",
             .options = swa_options,
             .options_size = sizeof(struct swa)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = swa_slots,
    .step = swa_step,
    .catch_up = swa_catch_up,
};

RONDO_PLUGIN("swa", "1.0", "MIT", &swa.base);
