/* y = a - b, with the role of a sum. */
#include "good_op.h"

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        put(out, dtype, i, get(in[0], dtype, i) - get(in[1], dtype, i));
    }
}

static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)in;
    (void)out;
    for (int64_t i = 0; i < count; i++) {
        const double g = get(grad_out, dtype, i);
        if (grad_in[0] != NULL) {
            put(grad_in[0], dtype, i, g);
        }
        if (grad_in[1] != NULL) {
            put(grad_in[1], dtype, i, -g);
        }
    }
}

static const rondo_op op = GOOD_MAP("op_wrong_role", 2, RONDO_ROLE_SUM, 0, map, map_grad);

RONDO_PLUGIN("op_wrong_role", "1.0", "MIT", &op.base);
