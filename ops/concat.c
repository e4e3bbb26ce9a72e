/* concat: joins tensors along one dimension.
 *
 * y[.., offset_k + a, ..] = x_k[.., a, ..],   dL/dx_k[.., a, ..] = dL/dy[.., offset_k + a, ..] */
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct concat_options {
    int64_t axis;
};

static const rondo_option concat_option_table[] = {
    RONDO_OPTION_INT(struct concat_options, axis, "-1", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
                     "the dimension along which the inputs are joined; negative: from the end"),
    RONDO_OPTION_END,
};

/* 1 if all dimensions except `axis` are equal. */
static int fits(const rondo_tensor *a, const rondo_tensor *b, int32_t axis) {
    if (a->ndim != b->ndim || a->dtype != b->dtype) {
        return 0;
    }
    for (int32_t d = 0; d < a->ndim; d++) {
        if (d != axis && a->shape[d] != b->shape[d]) {
            return 0;
        }
    }
    return 1;
}

static rondo_status concat_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct concat_options *options = call->options;
    const rondo_tensor *first = &call->inputs[0];
    int32_t axis;
    const rondo_status status = ops_find_axis(ctx, first, options->axis, &axis);
    if (status != RONDO_OK) {
        return status;
    }
    call->output = *first;
    call->output.data = NULL;
    for (int32_t k = 1; k < call->n_inputs; k++) {
        const rondo_tensor *input = &call->inputs[k];
        if (!fits(first, input, axis)) {
            return ctx->host->fail(ctx, RONDO_INVALID,
                                   "cannot join %s and %s along axis %d, expected one type and equal other dimensions",
                                   ops_shape_text(first).text, ops_shape_text(input).text, (int)axis);
        }
        call->output.shape[axis] += input->shape[axis];
    }
    return ops_check_size(ctx, call);
}

static int32_t axis_of(const rondo_op_call *call) {
    const struct concat_options *options = call->options;
    return (int32_t)(options->axis < 0 ? options->axis + call->output.ndim : options->axis);
}

/* A piece is the contiguous part of one input for one outer index: axis * inner elements. */
static rondo_status concat_forward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const size_t size = ops_element_size(call->output.dtype);
    const struct ops_split whole = ops_split(&call->output, axis_of(call));
    const size_t step = (size_t)(whole.axis * whole.inner) * size;
    char *to = call->output.data;
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const struct ops_split part = ops_split(&call->inputs[k], axis_of(call));
        const size_t bytes = (size_t)(part.axis * part.inner) * size;
        for (int64_t o = 0; o < part.outer && bytes > 0; o++) {
            memcpy(to + (size_t)o * step, (const char *)call->inputs[k].data + (size_t)o * bytes, bytes);
        }
        to += bytes;
    }
    return RONDO_OK;
}

#define CONCAT_GRAD_OF(T, suffix)                                                                                      \
    static void concat_grad_##suffix(const void *from, void *into, int64_t outer, int64_t piece, int64_t step) {       \
        for (int64_t o = 0; o < outer; o++) {                                                                          \
            const T *g = (const T *)from + o * step;                                                                   \
            T *gx = (T *)into + o * piece;                                                                             \
            for (int64_t i = 0; i < piece; i++) {                                                                      \
                gx[i] += g[i];                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

CONCAT_GRAD_OF(float, f32)
CONCAT_GRAD_OF(double, f64)

static rondo_status concat_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const int32_t dtype = call->output.dtype;
    const struct ops_split whole = ops_split(&call->output, axis_of(call));
    const char *from = call->grad_output->data;
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const struct ops_split part = ops_split(&call->inputs[k], axis_of(call));
        const int64_t piece = part.axis * part.inner;
        if (call->grad_inputs[k].data != NULL) {
            KERNEL_BY_DTYPE(dtype, concat_grad, from, call->grad_inputs[k].data, part.outer, piece,
                            whole.axis * whole.inner);
        }
        from += (size_t)piece * ops_element_size(dtype);
    }
    return RONDO_OK;
}

static int32_t concat_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {2, 0, NULL, {{2, {3, 2}}, {2, {3, 4}}}},           {3, 0, "axis=0", {{2, {3, 2}}, {2, {1, 2}}, {2, {2, 2}}}},
        {2, 0, "axis=1", {{3, {2, 1, 3}}, {3, {2, 2, 3}}}}, {1, 0, NULL, {{2, {3, 4}}}},
        {3, 0, NULL, {{1, {1}}, {1, {0}}, {1, {2}}}},       {2, 0, "axis=-2", {{2, {0, 4}}, {2, {0, 4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_concat = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "concat",
             .summary = "y = the inputs, joined along `axis`",
             .options = concat_option_table,
             .options_size = sizeof(struct concat_options)},
    .min_inputs = 1,
    .max_inputs = -1,
    .operands = "x, ...",
    .infer = concat_infer,
    .forward = concat_forward,
    .backward = concat_backward,
    .sample = concat_sample,
};
