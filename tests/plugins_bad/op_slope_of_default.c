/* An op with a gradient that is right only for the default of its option. */
#include "good_scale.h"

static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    write_gradient(1, dtype, count, in, grad_out, grad_in);
}

static const rondo_op op = GOOD_SCALE("op_slope_of_default", scale_map, map_grad);

RONDO_PLUGIN("op_slope_of_default", "1.0", "MIT", &op.base);
