/* y = a b, which gives the gradient of b only where that of a is asked for too. */
#include "good_op.h"

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        put(out, dtype, i, get(in[0], dtype, i) * get(in[1], dtype, i));
    }
}

static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        const double a = get(in[0], dtype, i), b = get(in[1], dtype, i), g = get(grad_out, dtype, i);
        put(grad_in[0], dtype, i, g * b);
        if (grad_in[1] != NULL) {
            put(grad_in[1], dtype, i, g * a);
        }
    }
}

static const rondo_op op = GOOD_MAP("op_needs_the_other", 2, RONDO_ROLE_NONE, 0, map, map_grad);

RONDO_PLUGIN("op_needs_the_other", "1.0", "MIT", &op.base);
