#include "train/gradient.h"

#include <string.h>

int64_t gradient_find(const struct gradient *gradient, int64_t id) {
    int64_t low = 0, high = gradient->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (gradient->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void gradient_expand(const struct gradient *gradient, int64_t begin, int64_t end, void *to) {
    const size_t element = dtype_size(gradient->values.dtype);
    if (!gradient->by_rows) {
        memcpy(to, (const char *)gradient->values.data + (size_t)begin * element, (size_t)(end - begin) * element);
        return;
    }
    memset(to, 0, (size_t)(end - begin) * element);
    const int64_t size = gradient->values.shape[1];
    for (int64_t k = gradient_find(gradient, begin / size); k < gradient->count; k++) {
        const int64_t row = gradient->ids[k] * size; /* its first element */
        if (row >= end) {
            break;
        }
        const int64_t first = row > begin ? row : begin, last = row + size < end ? row + size : end;
        memcpy((char *)to + (size_t)(first - begin) * element,
               (const char *)gradient->values.data + (size_t)(k * size + first - row) * element,
               (size_t)(last - first) * element);
    }
}

/* sum[i] += add[i] for elements begin .. end. */
static void add_elements(const rondo_tensor *sum, const rondo_tensor *add, int64_t begin, int64_t end) {
    if (sum->dtype == RONDO_F32) {
        float *to = sum->data;
        const float *from = add->data;
        for (int64_t i = begin; i < end; i++) {
            to[i] += from[i];
        }
    } else {
        double *to = sum->data;
        const double *from = add->data;
        for (int64_t i = begin; i < end; i++) {
            to[i] += from[i];
        }
    }
}

void gradient_add_parts(rondo_tensor *parts, int64_t n_parts, int64_t begin, int64_t end) {
    for (int64_t step = 1; step < n_parts; step *= 2) {
        for (int64_t s = 0; s + step < n_parts; s += 2 * step) {
            if (parts[s].data == NULL) {
                parts[s] = parts[s + step];
            } else if (parts[s + step].data != NULL) {
                add_elements(&parts[s], &parts[s + step], begin, end);
            }
        }
    }
}
