/* kit/op_sequences.c: where the elements of the sequences of an op are. */
#include "kit/op_sequences.h"

#include <math.h>
#include <string.h>

#include "core/tensor.h"

int op_lengths_can_share(const struct op_lengths *lengths) {
    return lengths->count > 1 && (lengths->divided & ~1u) != 0;
}

/* Shortens sequences until their sum is at most the first dimension of the input. */
static void fit(int64_t *length, const int64_t *wanted, int32_t count, int64_t room) {
    for (int32_t s = 0; s < count; s++) {
        length[s] = wanted[s] < room ? wanted[s] : room;
        room -= length[s];
    }
}

/* The number of sequences that the first input has room for. */
static int32_t fitting(const int64_t *length, int32_t count) {
    int32_t s = 0;
    while (s < count && length[s] > 0) {
        s++;
    }
    return s;
}

static void place_in_order(int64_t *begin, const int64_t *length, int32_t count) {
    int64_t next = 0;
    for (int32_t s = 0; s < count; s++) {
        begin[s] = next;
        next += length[s];
    }
}

/* Places groups of `size` sequences that begin at the same element, from the last one on in input 0, and rotated by one more
 * in each further input. At most two elements are left out before the first group, and one before each other group:
 * together at most count + 1. */
static void scatter(int64_t *begin, const int64_t *length, int32_t count, int32_t size, int32_t k) {
    const int32_t groups = (count + size - 1) / size;
    int64_t next = k % 2;
    for (int32_t g = 0; g < groups; g++) {
        const int32_t first = (groups - 1 - g + k) % groups * size;
        int64_t longest = 0;
        next++;
        for (int32_t s = first; s < first + size && s < count; s++) {
            begin[s] = next;
            longest = length[s] > longest ? length[s] : longest;
        }
        next += longest;
    }
}

int op_places_make(struct op_places *places, const struct op_lengths *lengths, enum op_arrangement arrangement,
                   rondo_tensor *inputs) {
    int32_t count = lengths->count;
    memset(places, 0, sizeof *places);
    places->divided = lengths->divided;
    for (int32_t k = 0; k < RONDO_SAMPLE_INPUTS; k++) {
        if ((lengths->divided >> k & 1) == 0) {
            continue;
        }
        if (inputs[k].ndim < 1) {
            return 0;
        }
        fit(places->length[k], lengths->length[k], count, inputs[k].shape[0]);
        count = k == 0 ? fitting(places->length[0], count) : count;
    }
    for (int32_t k = 0; k < RONDO_SAMPLE_INPUTS; k++) {
        if ((lengths->divided >> k & 1) == 0) {
            continue;
        }
        if (arrangement == OP_IN_ORDER) {
            place_in_order(places->begin[k], places->length[k], count);
        } else {
            scatter(places->begin[k], places->length[k], count, arrangement == OP_SHARED && k > 0 ? 2 : 1, k);
            inputs[k].shape[0] += count + 1;
        }
        places->rows[k] = (rondo_rows){.struct_size = sizeof places->rows[k],
                                       .count = count,
                                       .begin = places->begin[k],
                                       .length = places->length[k]};
        places->list[k] = &places->rows[k];
    }
    return 1;
}

int op_rows_contain(const rondo_rows *rows, const rondo_tensor *tensor, int64_t i) {
    if (rows == NULL) {
        return 1;
    }
    const int64_t element = i / (rondo_count(tensor) / tensor->shape[0]);
    for (int64_t s = 0; s < rows->count; s++) {
        if (element >= rows->begin[s] && element < rows->begin[s] + rows->length[s]) {
            return 1;
        }
    }
    return 0;
}

void op_fill_outside(const rondo_rows *rows, const rondo_tensor *tensor, double value) {
    const double filling = isnan(value) && tensor->dtype == RONDO_I32 ? INT32_MAX : value;
    for (int64_t i = 0; rows != NULL && tensor->data != NULL && i < rondo_count(tensor); i++) {
        if (!op_rows_contain(rows, tensor, i)) {
            tensor_set(tensor, i, filling);
        }
    }
}
