/* An op that loads, y = x^2, and whose gradient is half of what it should be: for `rondo gradcheck`. */
#include "good.h"

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        if (dtype == RONDO_F32) {
            ((float *)out)[i] = ((const float *)in[0])[i] * ((const float *)in[0])[i];
        } else {
            ((double *)out)[i] = ((const double *)in[0])[i] * ((const double *)in[0])[i];
        }
    }
}

/* dL/dx = 2 x g; the 2 is left out. */
static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        if (dtype == RONDO_F32) {
            ((float *)grad_in[0])[i] = ((const float *)in[0])[i] * ((const float *)grad_out)[i];
        } else {
            ((double *)grad_in[0])[i] = ((const double *)in[0])[i] * ((const double *)grad_out)[i];
        }
    }
}

static const rondo_op op = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "wrong_gradient", .summary = "x^2"},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = map,
    .map_grad = map_grad,
};

RONDO_PLUGIN("wrong_gradient", "1.0", "MIT", &op.base);
