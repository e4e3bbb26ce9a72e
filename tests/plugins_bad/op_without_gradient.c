/* An op with neither a gradient nor the flag that says so on purpose; beside it an optimizer with nothing wrong, which
 * must not be registered either. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("beside_op_without_gradient");

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        if (dtype == RONDO_F32) {
            ((float *)out)[i] = ((const float *)in[0])[i];
        } else {
            ((double *)out)[i] = ((const double *)in[0])[i];
        }
    }
}

static const rondo_op op = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "op_without_gradient", .summary = "x"},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = map,
};

RONDO_PLUGIN("op_without_gradient", "1.0", "MIT", &optimizer.base, &op.base);
