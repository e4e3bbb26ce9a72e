#include "ops/axis.h"

#include <inttypes.h>
#include <stdio.h>

struct ops_shape_text ops_shape_text(const rondo_tensor *tensor) {
    struct ops_shape_text shape = {"["};
    size_t used = 1;
    for (int32_t d = 0; d < tensor->ndim; d++) {
        const char *separator = d == 0 ? "" : ", ";
        char *rest = shape.text + used;
        const size_t room = sizeof shape.text - used;
        const int64_t size = tensor->shape[d];
        const char *any = size == RONDO_ANY_ROWS ? "batch" : size == RONDO_ANY_MEMORY ? "memory" : NULL;
        const int length = any != NULL ? snprintf(rest, room, "%s%s", separator, any)
                                       : snprintf(rest, room, "%s%" PRId64, separator, size);
        used += (size_t)length; /* fits: 6 numbers of at most 20 characters */
    }
    shape.text[used] = ']';
    return shape;
}

size_t ops_element_size(int32_t dtype) {
    return dtype == RONDO_F64 ? sizeof(double) : dtype == RONDO_F32 ? sizeof(float) : sizeof(int32_t);
}

struct ops_split ops_split(const rondo_tensor *tensor, int32_t axis) {
    struct ops_split split = {1, tensor->shape[axis], 1};
    for (int32_t d = 0; d < axis; d++) {
        split.outer *= tensor->shape[d];
    }
    for (int32_t d = axis + 1; d < tensor->ndim; d++) {
        split.inner *= tensor->shape[d];
    }
    return split;
}

rondo_status ops_find_axis(rondo_context *ctx, const rondo_tensor *tensor, int64_t axis, int32_t *found) {
    const int64_t from_start = axis < 0 ? axis + tensor->ndim : axis;
    if (from_start < 0 || from_start >= tensor->ndim) {
        return ctx->host->fail(ctx, RONDO_INVALID, "there is no axis %" PRId64 " in shape %s", axis,
                               ops_shape_text(tensor).text);
    }
    *found = (int32_t)from_start;
    return RONDO_OK;
}

static const char *dtype_word(int32_t dtype) {
    return dtype == RONDO_F32 ? "f32" : dtype == RONDO_F64 ? "f64" : dtype == RONDO_I32 ? "i32" : "unknown";
}

rondo_status ops_need_float(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name) {
    const int32_t dtype = call->inputs[index].dtype;
    const int32_t first = call->inputs[0].dtype;
    if (dtype != RONDO_F32 && dtype != RONDO_F64) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'%s' has dtype %s, expected f32 or f64", name, dtype_word(dtype));
    }
    if (dtype != first) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'%s' has dtype %s, expected %s as the first input", name,
                               dtype_word(dtype), dtype_word(first));
    }
    return RONDO_OK;
}

rondo_status ops_need_index(rondo_context *ctx, const rondo_op_call *call, int32_t index, const char *name) {
    const int32_t dtype = call->inputs[index].dtype;
    if (dtype != RONDO_I32) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'%s' has dtype %s, expected i32", name, dtype_word(dtype));
    }
    return RONDO_OK;
}

rondo_status ops_check_indices(rondo_context *ctx, const rondo_op_call *call, int32_t input, int64_t end,
                               const char *what) {
    const int32_t *index = call->inputs[input].data;
    const int64_t count = rondo_count(&call->inputs[input]);
    for (int64_t i = 0; i < count; i++) {
        if (index[i] < 0 || index[i] >= end) {
            return ctx->host->fail(ctx, RONDO_INVALID,
                                   "index %" PRId32 " (number %" PRId64
                                   ") is out of range, expected 0 <= index < %" PRId64 ", the number of %s",
                                   index[i], i, end, what);
        }
    }
    return RONDO_OK;
}

rondo_status ops_check_size(rondo_context *ctx, const rondo_op_call *call) {
    int64_t left = INT64_MAX / 8; /* elements of the widest dtype */
    for (int32_t d = 0; d < call->output.ndim; d++) {
        const int64_t size = call->output.shape[d];
        if (size == 0) {
            return RONDO_OK;
        }
        left /= size;
    }
    if (left == 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "the result %s is too large", ops_shape_text(&call->output).text);
    }
    return RONDO_OK;
}

int64_t ops_grain(int64_t work) {
    enum { WORTH_A_THREAD = 1 << 15 };
    return work < 1 ? WORTH_A_THREAD : work < WORTH_A_THREAD ? WORTH_A_THREAD / work : 1;
}
