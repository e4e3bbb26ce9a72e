/* An op that claims to be an optimizer: read as one, its numbers would be pointers. */
#include "good_op.h"

static const rondo_op op = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OPTIMIZER,
             .name = "op_of_wrong_kind",
             .summary = "y = x^2"},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = good_infer,
    .forward = good_forward,
    .backward = good_backward,
    .sample = good_sample,
};

RONDO_PLUGIN("op_of_wrong_kind", "1.0", "MIT", &op.base);
