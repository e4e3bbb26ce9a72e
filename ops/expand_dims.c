/* expand_dims: adds a dimension of size 1, along which the result is broadcast. The result is always a view: it shares
 * the memory of x, and its gradient that of x's gradient, so nothing is computed.
 *
 * y[.., 0, ..] = x[.., ..];  in a cell, v k^T is  expand_dims(v) * expand_dims(k, axis=-2)
 *
 * reshape cannot express this in a cell, because the batch and widths are not known when the cell is written. */
#include <inttypes.h>

#include "ops/axis.h"
#include "ops/sample.h"

struct expand_dims_options {
    int64_t axis;
};

static const rondo_option expand_dims_option_table[] = {
    RONDO_OPTION_INT(struct expand_dims_options, axis, "-1", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
                     "index of the new dimension in the result; negative: counted from the end"),
    RONDO_OPTION_END,
};

static rondo_status expand_dims_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0];
    const int64_t given = ((const struct expand_dims_options *)call->options)->axis;
    const int64_t axis = given < 0 ? given + x->ndim + 1 : given;
    if (x->ndim >= RONDO_MAX_DIMS) {
        return ctx->host->fail(ctx, RONDO_INVALID, "%s has no room for another dimension, expected at most %d",
                               ops_shape_text(x).text, RONDO_MAX_DIMS);
    }
    if (axis < 0 || axis > x->ndim) {
        return ctx->host->fail(ctx, RONDO_INVALID, "axis %" PRId64 " is not within [%d, %d], the places in %s", given,
                               -x->ndim - 1, x->ndim, ops_shape_text(x).text);
    }
    call->output = (rondo_tensor){.dtype = x->dtype, .ndim = x->ndim + 1};
    for (int32_t d = 0; d <= x->ndim; d++) {
        call->output.shape[d] = d == axis ? 1 : x->shape[d < axis ? d : d - 1];
    }
    call->is_view = 1;
    return RONDO_OK;
}

/* Not called: the output is a view. */
static rondo_status expand_dims_nothing(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    (void)call;
    return RONDO_OK;
}

static int32_t expand_dims_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, NULL, {{2, {3, 4}}}},         {1, 0, "axis=0", {{2, {3, 4}}}}, {1, 0, "axis=-2", {{2, {3, 4}}}},
        {1, 0, "axis=-1", {{0, {0}}}},       {1, 0, "axis=1", {{1, {1}}}},    {1, 0, "axis=1", {{2, {0, 4}}}},
        {1, 0, "axis=-4", {{3, {2, 3, 1}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_expand_dims = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "expand_dims",
             .summary = "y = x with an additional dimension of size 1",
             .options = expand_dims_option_table,
             .options_size = sizeof(struct expand_dims_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = expand_dims_infer,
    .forward = expand_dims_nothing,
    .backward = expand_dims_nothing,
    .sample = expand_dims_sample,
};
