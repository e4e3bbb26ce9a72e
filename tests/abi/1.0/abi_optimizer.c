/* tests/abi/1.0/abi_optimizer.c: an optimizer and wrappers as of ABI 1.0.
 *
 *     abi_descent    v <- momentum v + g;  with curvature, h <- h + B s^2 at every wanted update;
 *                    p <- p - lr v / (1 + sqrt(h))
 *     abi_norm       g <- g / max(1, |g|), |g| over the whole parameter; a scalar counts the updates
 *     abi_mean       the mean of all values since the first update, and the first value
 */
#include <math.h>
#include <stddef.h>

#include "element.h"

static rondo_status check_dtype(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int32_t dtype = call->value.dtype;
    return dtype == RONDO_F32 || dtype == RONDO_F64
               ? RONDO_OK
               : ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
}

/* ---- abi_descent ---- */

struct descent {
    double lr, momentum;
    int32_t curvature;
    int64_t period;
};
static const rondo_option descent_options[] = {
    RONDO_OPTION_REAL(struct descent, lr, "0.1", 0, 100, "learning rate"),
    RONDO_OPTION_REAL(struct descent, momentum, "0.5", 0, 0.99, "share of the velocity that is kept"),
    RONDO_OPTION_BOOL(struct descent, curvature, "false", "divide by an estimate of the curvature"),
    RONDO_OPTION_INT(struct descent, period, "4", 1, 1000, "updates between estimates"),
    RONDO_OPTION_END,
};

enum { VELOCITY, CURVATURE };
static const rondo_slot descent_slots[] = {
    {"velocity", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
    {"curvature", RONDO_SLOT_CHOSEN, RONDO_SLOT_STATE},
    {NULL, 0, 0},
};

static rondo_status descent_check(rondo_context *ctx, const void *options) {
    const struct descent *descent = options;
    if (descent->curvature && descent->momentum > 0.98) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'momentum' is %g, expected at most 0.98 with 'curvature'",
                               descent->momentum);
    }
    if (descent->curvature) {
        ctx->host->log(ctx, "the curvature is estimated every %lld updates", (long long)descent->period);
    }
    return RONDO_OK;
}

static rondo_status descent_choose_slot(rondo_context *ctx, const void *options, int32_t slot,
                                        const rondo_tensor *parameter, rondo_tensor *shape) {
    if (slot != CURVATURE) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "slot %d has no shape to choose", (int)slot);
    }
    if (((const struct descent *)options)->curvature) {
        *shape = *parameter;
    }
    return RONDO_OK;
}

static int32_t descent_wants_sampled(const void *options, int64_t step) {
    const struct descent *descent = options;
    return descent->curvature && (step - 1) % descent->period == 0;
}

static rondo_status descent_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct descent *descent = call->options;
    const int32_t dtype = call->value.dtype;
    if (call->n_slots != 2) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' has %d slots, expected 2", call->parameter,
                               (int)call->n_slots);
    }
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    void *v = call->slots[VELOCITY].data, *h = call->slots[CURVATURE].data;
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double velocity = descent->momentum * get(dtype, v, i) + get(dtype, call->gradient.data, i);
        double curvature = descent->curvature ? get(dtype, h, i) : 0;
        if (call->sampled_gradient.data != NULL && descent->curvature) {
            const double s = get(dtype, call->sampled_gradient.data, i);
            curvature += (double)call->rows * s * s;
            set(dtype, h, i, curvature);
        }
        set(dtype, v, i, velocity);
        const double change = descent->lr * call->lr_scale * velocity / (1 + sqrt(curvature));
        set(dtype, call->value.data, i, get(dtype, call->value.data, i) - change);
    }
    return RONDO_OK;
}

static const rondo_optimizer descent = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "abi_descent",
             .summary = "p = p - lr v / (1 + sqrt(h))",
             .options = descent_options,
             .options_size = sizeof(struct descent)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_UPDATE,
    .slots = descent_slots,
    .check = descent_check,
    .step = descent_step,
    .choose_slot = descent_choose_slot,
    .wants_sampled = descent_wants_sampled,
};

/* ---- abi_norm ---- */

static const rondo_slot norm_slots[] = {{"updates", RONDO_SLOT_SCALAR, RONDO_SLOT_STATE}, {NULL, 0, 0}};

static rondo_status norm_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int32_t dtype = call->gradient.dtype;
    void *g = call->gradient.data, *updates = call->slots[0].data;
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    double squares = 0;
    for (int64_t i = 0; i < rondo_count(&call->gradient); i++) {
        squares += get(dtype, g, i) * get(dtype, g, i);
    }
    if (call->step == 0) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "updates count from 1");
    }
    set(dtype, updates, 0, get(dtype, updates, 0) + 1);
    const double factor = 1 / fmax(1, sqrt(squares));
    for (int64_t i = 0; i < rondo_count(&call->gradient); i++) {
        set(dtype, g, i, factor * get(dtype, g, i));
    }
    return RONDO_OK;
}

static const rondo_optimizer norm = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "abi_norm",
             .summary = "g = g / max(1, |g|)"},
    .stage = RONDO_STAGE_GRADIENT,
    .slots = norm_slots,
    .step = norm_step,
};

/* ---- abi_mean ---- */

enum { MEAN, START };
static const rondo_slot mean_slots[] = {
    {"mean", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_EVALUATED},
    {"start", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_COPY},
    {NULL, 0, 0},
};

/* mean <- mean + (p - mean) / t */
static rondo_status mean_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const int32_t dtype = call->value.dtype;
    void *mean = call->slots[MEAN].data;
    if (check_dtype(ctx, call) != RONDO_OK) {
        return RONDO_INTERNAL;
    }
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double before = get(dtype, mean, i);
        set(dtype, mean, i, before + (get(dtype, call->value.data, i) - before) / (double)call->step);
    }
    return RONDO_OK;
}

static const rondo_optimizer mean = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "abi_mean",
             .summary = "evaluates the mean of all values"},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_VALUE,
    .slots = mean_slots,
    .step = mean_step,
};

RONDO_PLUGIN("abi_optimizer", "1.0", "MIT", &descent.base, &norm.base, &mean.base);
