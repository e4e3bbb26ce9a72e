/* slice: a range along one dimension.
 *
 * y[.., a, ..] = x[.., begin + a, ..],   dL/dx[.., begin + a, ..] = dL/dy[.., a, ..], 0 outside
 *
 * If all dimensions before the axis have size 1, the range is contiguous, and the result is a view. */
#include <inttypes.h>
#include <string.h>

#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct slice_options {
    int64_t axis, begin, end;
};

static const rondo_option slice_option_table[] = {
    RONDO_OPTION_INT(struct slice_options, axis, "-1", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
                     "the dimension to slice; negative: from the end"),
    RONDO_OPTION_INT(struct slice_options, begin, "0", (double)INT64_MIN, (double)INT64_MAX,
                     "first index; negative: counted from the end"),
    RONDO_OPTION_INT(
        struct slice_options, end, "9223372036854775807", (double)INT64_MIN, (double)INT64_MAX,
        "index after the last one; negative: counted from the end; the default is the end of the dimension"),
    RONDO_OPTION_END,
};

/* The range, clipped to the tensor. */
struct range {
    int32_t axis;
    int64_t begin, end;
};

static rondo_status find_range(rondo_context *ctx, const rondo_op_call *call, struct range *range) {
    const struct slice_options *options = call->options;
    const rondo_tensor *x = &call->inputs[0];
    const rondo_status status = ops_find_axis(ctx, x, options->axis, &range->axis);
    if (status != RONDO_OK) {
        return status;
    }
    const int64_t size = x->shape[range->axis];
    range->begin = options->begin < 0 ? options->begin + size : options->begin;
    range->end = options->end == INT64_MAX ? size : options->end < 0 ? options->end + size : options->end;
    if (range->begin < 0 || range->begin > range->end || range->end > size) {
        return ctx->host->fail(ctx, RONDO_INVALID,
                               "begin %" PRId64 " and end %" PRId64
                               " are not a range of axis %d of %s, which has %" PRId64,
                               options->begin, options->end == INT64_MAX ? size : options->end, (int)range->axis,
                               ops_shape_text(x).text, size);
    }
    return RONDO_OK;
}

static rondo_status slice_infer(rondo_context *ctx, rondo_op_call *call) {
    struct range range;
    const rondo_status status = find_range(ctx, call, &range);
    if (status != RONDO_OK) {
        return status;
    }
    const struct ops_split split = ops_split(&call->inputs[0], range.axis);
    call->output = call->inputs[0];
    call->output.data = NULL;
    call->output.shape[range.axis] = range.end - range.begin;
    if (split.outer == 1) {
        call->is_view = 1;
        call->view_offset = range.begin * split.inner;
    }
    return RONDO_OK;
}

static rondo_status slice_forward(rondo_context *ctx, rondo_op_call *call) {
    struct range range;
    const rondo_status status = find_range(ctx, call, &range);
    if (status != RONDO_OK) {
        return status;
    }
    const struct ops_split split = ops_split(&call->inputs[0], range.axis);
    const size_t size = ops_element_size(call->output.dtype);
    const size_t bytes = (size_t)((range.end - range.begin) * split.inner) * size;
    const size_t step = (size_t)(split.axis * split.inner) * size;
    const char *from = (const char *)call->inputs[0].data + (size_t)(range.begin * split.inner) * size;
    for (int64_t o = 0; o < split.outer && bytes > 0; o++) {
        memcpy((char *)call->output.data + (size_t)o * bytes, from + (size_t)o * step, bytes);
    }
    return RONDO_OK;
}

#define SLICE_GRAD_OF(T, suffix)                                                                                       \
    static void slice_grad_##suffix(const void *from, void *into, int64_t outer, int64_t piece, int64_t step,          \
                                    int64_t offset) {                                                                  \
        for (int64_t o = 0; o < outer; o++) {                                                                          \
            const T *g = (const T *)from + o * piece;                                                                  \
            T *gx = (T *)into + o * step + offset;                                                                     \
            for (int64_t i = 0; i < piece; i++) {                                                                      \
                gx[i] += g[i];                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

SLICE_GRAD_OF(float, f32)
SLICE_GRAD_OF(double, f64)

static rondo_status slice_backward(rondo_context *ctx, rondo_op_call *call) {
    struct range range;
    const rondo_status status = find_range(ctx, call, &range);
    if (status != RONDO_OK) {
        return status;
    }
    const struct ops_split split = ops_split(&call->inputs[0], range.axis);
    KERNEL_BY_DTYPE(call->output.dtype, slice_grad, call->grad_output->data, call->grad_inputs[0].data, split.outer,
                    (range.end - range.begin) * split.inner, split.axis * split.inner, range.begin * split.inner);
    return RONDO_OK;
}

static int32_t slice_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, "begin=1 end=3", {{2, {3, 4}}}},
        {1, 0, "axis=0 begin=1 end=3", {{2, {4, 3}}}},
        {1, 0, "axis=1 begin=-2", {{3, {2, 3, 4}}}},
        {1, 0, "begin=-3 end=-1", {{2, {3, 4}}}},
        {1, 0, "axis=1 begin=1 end=2", {{3, {1, 3, 4}}}},
        {1, 0, NULL, {{2, {3, 4}}}},
        {1, 0, "begin=2 end=2", {{2, {3, 4}}}},
        {1, 0, "end=1", {{1, {1}}}},
        {1, 0, "begin=1", {{2, {0, 4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_slice = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "slice",
             .summary = "y = the elements of x with `begin` <= index < `end` along `axis`",
             .options = slice_option_table,
             .options_size = sizeof(struct slice_options)},
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = slice_infer,
    .forward = slice_forward,
    .backward = slice_backward,
    .sample = slice_sample,
};
