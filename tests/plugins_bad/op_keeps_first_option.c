/* An op that uses the option of its first call in all later ones. */
#include "good_scale.h"

static double factor_of(const void *options) {
    static double first;
    if (first == 0) {
        first = scale_of(options);
    }
    return first;
}

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    write_squares(factor_of(options), dtype, count, in, out);
}

static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)out;
    write_gradient(factor_of(options), dtype, count, in, grad_out, grad_in);
}

static const rondo_op op = GOOD_SCALE("op_keeps_first_option", map, map_grad);

RONDO_PLUGIN("op_keeps_first_option", "1.0", "MIT", &op.base);
