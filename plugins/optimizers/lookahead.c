/* plugins/optimizers/lookahead.c: Lookahead: slow weights that follow the fast weights of the optimizer; a wrapper.
 *
 * Source: Zhang et al., "Lookahead optimizer: k steps forward, 1 step back", NeurIPS 2019, algorithm 1. The inner
 * optimizer keeps its own state across a synchronisation (the paper's section 4 compares that with resetting it).
 * Evaluation uses the fast weights; they equal the slow weights after every `period`-th update.
 */
#include "rondo/plugin.h"
#include "versions.h"

struct lookahead {
    int64_t period;
    double alpha;
};

static const rondo_option lookahead_options[] = {
    RONDO_OPTION_INT(struct lookahead, period, "5", 1, 1e9,
                     "number of updates of the fast weights per update of the slow weights"),
    RONDO_OPTION_REAL(struct lookahead, alpha, "0.5", 0, 1,
                      "share of the distance to the fast weights that the slow weights move"),
    RONDO_OPTION_END,
};

static const rondo_slot lookahead_slots[] = {{"slow", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_COPY}, {0}};

/* With the fast weights p after the optimizer's update and the slow weights s (the initial weights at first), at every
 * `period`-th update:
 *     s <- s + alpha (p - s)
 *     p <- s */
#define LOOKAHEAD_KERNEL(name, real)                                                                                   \
    OPTIMIZER_INLINE void name##_any(const struct lookahead *lookahead, const rondo_optimizer_call *call) {            \
        const int64_t count = rondo_count(&call->value);                                                               \
        real *p = call->value.data;                                                                                    \
        real *s = call->slots[0].data;                                                                                 \
        const real alpha = (real)lookahead->alpha;                                                                     \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            s[i] += alpha * (p[i] - s[i]);                                                                             \
            p[i] = s[i];                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    OPTIMIZER_VERSIONS(name, (const struct lookahead *lookahead, const rondo_optimizer_call *call), (lookahead, call))
LOOKAHEAD_KERNEL(lookahead_f32, float)
LOOKAHEAD_KERNEL(lookahead_f64, double)

static rondo_status lookahead_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct lookahead *lookahead = call->options;
    const int is_f32 = call->value.dtype == RONDO_F32;
    if (!is_f32 && call->value.dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    if (call->step % lookahead->period == 0) {
        (is_f32 ? lookahead_f32 : lookahead_f64)(lookahead, call);
    }
    return RONDO_OK;
}

static const rondo_optimizer lookahead = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "lookahead",
             .summary = "every `period` updates, the slow weights move a share alpha of the distance to the fast "
                        "weights, and the fast weights restart from there (Zhang et al. 2019, algorithm 1)",
             .options = lookahead_options,
             .options_size = sizeof(struct lookahead)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = lookahead_slots,
    .step = lookahead_step,
};

RONDO_PLUGIN("lookahead", "1.0", "MIT", &lookahead.base);
