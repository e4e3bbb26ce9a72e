/* yogi.c: Adam with another second moment v. It changes by a share of g^2 instead of a share of the distance between v
 * and g^2, so a few small gradients in a row do not raise the learning rate quickly.
 *
 * Source: Zaheer, Reddi, Sachan, Kale & Kumar, "Adaptive methods for nonconvex optimization", NeurIPS 2018,
 * algorithm 2. The second moment starts as the square of the first gradient, as in the paper's experiments.
 */
#include <math.h>
#include <stddef.h>

#include "parts.h"

struct options {
    double lr, beta1, beta2, epsilon;
};

static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct options, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct options, beta1, "0.9", 0, 0.9999999, "decay of the mean of the gradient, per update"),
    RONDO_OPTION_REAL(struct options, beta2, "0.999", 0, 0.9999999,
                      "1 minus the share of g^2 by which the second moment changes"),
    RONDO_OPTION_REAL(struct options, epsilon, "0.001", 1e-12, 1, "added to the root of the second moment"),
    RONDO_OPTION_END,
};

enum { MOMENT, SQUARE };
static const rondo_slot slots[] = {
    [MOMENT] = {"first_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
    [SQUARE] = {"second_moment", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
    {NULL, 0, 0},
};

/* With gradient g and parameter p; m is 0 at first and v is g^2:
 *     m <- beta1 m + (1 - beta1) g
 *     v <- v - (1 - beta2) sign(v - g^2) g^2
 *     p <- p - lr m / (sqrt(v) + epsilon) */
static rondo_status step(rondo_context *ctx, const rondo_optimizer_call *call) {
    const struct options *options = call->options;
    const int32_t dtype = call->value.dtype;
    if (dtype != RONDO_F32 && dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "parameter '%s' is neither f32 nor f64", call->parameter);
    }
    const double lr = options->lr * call->lr_scale;
    for (int64_t i = 0; i < rondo_count(&call->value); i++) {
        const double g = element(dtype, call->gradient.data, i);
        const double square = g * g;
        const double m = options->beta1 * element(dtype, call->slots[MOMENT].data, i) + (1 - options->beta1) * g;
        double v = call->step == 1 ? square : element(dtype, call->slots[SQUARE].data, i);
        v -= (1 - options->beta2) * (double)((v > square) - (v < square)) * square;
        set_element(dtype, call->slots[MOMENT].data, i, m);
        set_element(dtype, call->slots[SQUARE].data, i, v);
        const double change = lr * m / (sqrt(v) + options->epsilon);
        set_element(dtype, call->value.data, i, element(dtype, call->value.data, i) - change);
    }
    return RONDO_OK;
}

const rondo_optimizer yogi = {
    .base = {.struct_size = sizeof(rondo_optimizer),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "yogi",
             .summary =
                 "v = v - (1 - beta2) sign(v - g^2) g^2; p = p - lr m / (sqrt(v) + epsilon) (Zaheer et al. 2018)",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .flags = RONDO_OPTIMIZER_ELEMENTWISE,
    .stage = RONDO_STAGE_UPDATE,
    .slots = slots,
    .step = step,
};
