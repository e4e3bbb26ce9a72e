#include "core/tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/kernel.h"
#include "core/program.h"

size_t dtype_size(int32_t dtype) {
    switch (dtype) {
    case RONDO_F32:
        return sizeof(float);
    case RONDO_F64:
        return sizeof(double);
    case RONDO_I32:
        return sizeof(int32_t);
    default:
        return 0;
    }
}

const char *dtype_name(int32_t dtype) {
    static const char *const names[RONDO_DTYPE_COUNT] = {"f32", "f64", "i32"};
    return dtype >= 0 && dtype < RONDO_DTYPE_COUNT ? names[dtype] : "unknown";
}

size_t tensor_bytes(const rondo_tensor *tensor) {
    return (size_t)rondo_count(tensor) * dtype_size(tensor->dtype);
}

rondo_tensor tensor_of(int32_t dtype, int32_t ndim, const int64_t *shape) {
    rondo_tensor tensor = {.dtype = dtype, .ndim = ndim};
    for (int32_t d = 0; d < ndim; d++) {
        tensor.shape[d] = shape[d];
    }
    return tensor;
}

rondo_tensor tensor_1d(int32_t dtype, int64_t n, void *data) {
    return (rondo_tensor){.data = data, .dtype = dtype, .ndim = 1, .shape = {n}};
}

rondo_tensor tensor_2d(int32_t dtype, int64_t rows, int64_t columns, void *data) {
    return (rondo_tensor){.data = data, .dtype = dtype, .ndim = 2, .shape = {rows, columns}};
}

int tensor_has_any_rows(const rondo_tensor *tensor) {
    return tensor->ndim > 0 && tensor->shape[0] == RONDO_ANY_ROWS;
}

int tensor_same_shape(const rondo_tensor *a, const rondo_tensor *b) {
    if (a->dtype != b->dtype || a->ndim != b->ndim) {
        return 0;
    }
    for (int32_t d = 0; d < a->ndim; d++) {
        if (a->shape[d] != b->shape[d]) {
            return 0;
        }
    }
    return 1;
}

size_t tensor_checked_bytes(const rondo_tensor *tensor) {
    size_t bytes = dtype_size(tensor->dtype);
    for (int32_t d = 0; d < tensor->ndim; d++) {
        const size_t n = (size_t)tensor->shape[d];
        if (tensor->shape[d] < 0 || (n != 0 && bytes > (SIZE_MAX >> 1) / n)) {
            return SIZE_MAX;
        }
        bytes *= n;
    }
    return bytes;
}

rondo_status tensor_alloc(rondo_tensor *tensor, struct arena *arena, struct errors *errors) {
    const size_t bytes = tensor_checked_bytes(tensor);
    tensor->data = bytes == SIZE_MAX ? NULL : arena_calloc(arena, bytes, 1);
    if (tensor->data == NULL) {
        return errors_memory_for(errors, errors_no_memory(errors), (struct location){0}, "a tensor of shape %s",
                                 tensor_shape_text(tensor).text);
    }
    return RONDO_OK;
}

double tensor_get(const rondo_tensor *tensor, int64_t index) {
    return rondo_get(tensor, index);
}

void tensor_set(const rondo_tensor *tensor, int64_t index, double value) {
    rondo_set(tensor, index, value);
}

void tensor_set_range(const rondo_tensor *tensor, int64_t first, int64_t count, const double *values) {
    if (tensor->dtype == RONDO_F32) {
        float *data = tensor->data;
        for (int64_t i = 0; i < count; i++) {
            data[first + i] = (float)values[i];
        }
    } else {
        memcpy((double *)tensor->data + first, values, (size_t)count * sizeof *values);
    }
}

void tensor_scale(const rondo_tensor *tensor, int64_t begin, int64_t end, double factor) {
    if (tensor->dtype == RONDO_F32) {
        float *data = tensor->data;
        KERNEL_LOOP
        for (int64_t i = begin; i < end; i++) {
            data[i] = (float)((double)data[i] * factor);
        }
    } else {
        double *data = tensor->data;
        KERNEL_LOOP
        for (int64_t i = begin; i < end; i++) {
            data[i] *= factor;
        }
    }
}

/* An element is not finite if all bits of its exponent are set. After the sign has been cleared, adding one to the
 * exponent then carries into the sign bit. Integer operations may be reordered, so the compiler vectorises the loop. */
#define ALL_FINITE(name, bits, sign, one)                                                                              \
    KERNEL_CLONES static int name(const void *data, int64_t count) {                                                   \
        const char *bytes = data;                                                                                      \
        bits carried = 0;                                                                                              \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            bits element;                                                                                              \
            memcpy(&element, bytes + (size_t)i * sizeof element, sizeof element);                                      \
            carried |= (element & ~(sign)) + (one);                                                                    \
        }                                                                                                              \
        return (carried & (sign)) == 0;                                                                                \
    }
ALL_FINITE(all_finite_f32, uint32_t, UINT32_C(0x80000000), UINT32_C(0x00800000))
ALL_FINITE(all_finite_f64, uint64_t, UINT64_C(0x8000000000000000), UINT64_C(0x0010000000000000))

int tensor_is_finite(const rondo_tensor *tensor) {
    const int64_t count = rondo_count(tensor);
    switch (tensor->dtype) {
    case RONDO_F32:
        return all_finite_f32(tensor->data, count);
    case RONDO_F64:
        return all_finite_f64(tensor->data, count);
    default:
        return 1;
    }
}

int tensor_broadcast(const rondo_tensor *a, const rondo_tensor *b, rondo_tensor *out) {
    rondo_tensor common = {.dtype = a->dtype, .ndim = a->ndim > b->ndim ? a->ndim : b->ndim};
    for (int32_t back = 1; back <= common.ndim; back++) {
        const int64_t na = back <= a->ndim ? a->shape[a->ndim - back] : 1;
        const int64_t nb = back <= b->ndim ? b->shape[b->ndim - back] : 1;
        if (na != nb && na != 1 && nb != 1) {
            return 0;
        }
        common.shape[common.ndim - back] = na == 1 ? nb : na;
    }
    *out = common;
    return 1;
}

struct shape_text tensor_shape_text(const rondo_tensor *tensor) {
    struct shape_text out;
    size_t used = (size_t)snprintf(out.text, sizeof out.text, "[");
    for (int32_t d = 0; d < tensor->ndim && used < sizeof out.text; d++) {
        const char *separator = d == 0 ? "" : ", ";
        const char *any = tensor->shape[d] == RONDO_ANY_ROWS     ? "batch"
                          : tensor->shape[d] == RONDO_ANY_MEMORY ? "memory"
                                                                 : NULL;
        if (any != NULL) {
            used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%s", separator, any);
        } else {
            used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%lld", separator,
                                     (long long)tensor->shape[d]);
        }
    }
    if (used < sizeof out.text) {
        snprintf(out.text + used, sizeof out.text - used, "]");
    }
    return out;
}
