#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

struct dataset *dataset_create(int32_t input_kind, int64_t input_size, int32_t target_kind, int64_t target_size) {
    struct dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset == NULL) {
        return NULL;
    }
    dataset->input_kind = input_kind;
    dataset->input_size = input_size;
    dataset->target_kind = target_kind;
    dataset->target_size = target_size;
    dataset->input_begin = calloc(1, sizeof *dataset->input_begin);
    dataset->target_begin = calloc(1, sizeof *dataset->target_begin);
    if (dataset->input_begin == NULL || dataset->target_begin == NULL) {
        dataset_destroy(dataset);
        return NULL;
    }
    return dataset;
}

void dataset_destroy(struct dataset *dataset) {
    if (dataset == NULL) {
        return;
    }
    free(dataset->input_begin);
    free(dataset->target_begin);
    free(dataset->input_tokens);
    free(dataset->input_numbers);
    free(dataset->target_classes);
    free(dataset->target_numbers);
    free(dataset);
}

/* `array` with room for `count` elements of `width` bytes; NULL if out of memory; `array` is then still
 * valid. */
static void *resized(void *array, int64_t count, size_t width) {
    return (uint64_t)count > SIZE_MAX / width ? NULL : realloc(array, (size_t)count * width);
}

/* A capacity of at least `needed`, doubling so that appending is cheap on average. */
static int64_t grown_capacity(int64_t capacity, int64_t needed) {
    capacity = capacity < 16 ? 16 : capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    return capacity;
}

/* The next three functions make room for `needed` elements. They return 1, or 0 if out of memory. */

static int reserve_examples(struct dataset *dataset, int64_t needed) {
    if (needed <= dataset->capacity_examples) {
        return 1;
    }
    const int64_t capacity = grown_capacity(dataset->capacity_examples, needed);
    int64_t *input_begin = resized(dataset->input_begin, capacity + 1, sizeof *input_begin);
    if (input_begin == NULL) {
        return 0;
    }
    dataset->input_begin = input_begin;
    int64_t *target_begin = resized(dataset->target_begin, capacity + 1, sizeof *target_begin);
    if (target_begin == NULL) {
        return 0;
    }
    dataset->target_begin = target_begin;
    dataset->capacity_examples = capacity;
    return 1;
}

static int reserve_integers(int32_t **array, int64_t *capacity, int64_t needed) {
    if (needed <= *capacity) {
        return 1;
    }
    const int64_t wanted = grown_capacity(*capacity, needed);
    int32_t *grown = resized(*array, wanted, sizeof *grown);
    if (grown == NULL) {
        return 0;
    }
    *array = grown;
    *capacity = wanted;
    return 1;
}

/* Steps of `width` numbers each. */
static int reserve_numbers(float **array, int64_t *capacity, int64_t needed, int64_t width) {
    if (needed <= *capacity) {
        return 1;
    }
    const int64_t wanted = grown_capacity(*capacity, needed);
    float *grown = wanted > INT64_MAX / width ? NULL : resized(*array, wanted * width, sizeof *grown);
    if (grown == NULL) {
        return 0;
    }
    *array = grown;
    *capacity = wanted;
    return 1;
}

static int reserve(struct dataset *dataset, int64_t n_inputs, int64_t n_targets) {
    const int64_t inputs = dataset->input_begin[dataset->count], targets = dataset->target_begin[dataset->count];
    if (n_inputs > INT64_MAX / 4 - inputs || n_targets > INT64_MAX / 4 - targets) {
        return 0;
    }
    const int has_inputs = dataset->input_kind == INPUT_REAL
                               ? reserve_numbers(&dataset->input_numbers, &dataset->capacity_inputs, inputs + n_inputs,
                                                 dataset->input_size)
                               : reserve_integers(&dataset->input_tokens, &dataset->capacity_inputs, inputs + n_inputs);
    const int has_targets =
        dataset->target_kind == RONDO_TARGET_REAL
            ? reserve_numbers(&dataset->target_numbers, &dataset->capacity_targets, targets + n_targets,
                              dataset->target_size)
            : reserve_integers(&dataset->target_classes, &dataset->capacity_targets, targets + n_targets);
    return has_inputs && has_targets && reserve_examples(dataset, dataset->count + 1);
}

/* 1 if all of `ids` are in [0, size): an id past the end would read past the end of an embedding. */
static int are_below(const int32_t *ids, int64_t count, int64_t size) {
    for (int64_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= size) {
            return 0;
        }
    }
    return 1;
}

rondo_status dataset_add(struct dataset *dataset, const void *inputs, int64_t n_inputs, const void *targets,
                         int64_t n_targets, struct errors *errors) {
    const int input_is_real = dataset->input_kind == INPUT_REAL;
    const int target_is_real = dataset->target_kind == RONDO_TARGET_REAL;
    RONDO_CHECK(n_inputs >= 1 && n_targets >= 0, errors, "an example has at least one input");
    RONDO_CHECK(input_is_real || are_below(inputs, n_inputs, dataset->input_size), errors,
                "tokens are below the size of the vocabulary");
    RONDO_CHECK(target_is_real || are_below(targets, n_targets, dataset->target_size), errors,
                "classes are below the number of classes");
    if (!reserve(dataset, n_inputs, n_targets)) {
        return errors_no_memory(errors);
    }
    const int64_t first_input = dataset->input_begin[dataset->count];
    const int64_t first_target = dataset->target_begin[dataset->count];
    if (input_is_real) {
        memcpy(dataset->input_numbers + first_input * dataset->input_size, inputs,
               (size_t)(n_inputs * dataset->input_size) * sizeof(float));
    } else {
        memcpy(dataset->input_tokens + first_input, inputs, (size_t)n_inputs * sizeof(int32_t));
    }
    if (n_targets > 0 && target_is_real) {
        memcpy(dataset->target_numbers + first_target * dataset->target_size, targets,
               (size_t)(n_targets * dataset->target_size) * sizeof(float));
    } else if (n_targets > 0) {
        memcpy(dataset->target_classes + first_target, targets, (size_t)n_targets * sizeof(int32_t));
    }
    dataset->count++;
    dataset->input_begin[dataset->count] = first_input + n_inputs;
    dataset->target_begin[dataset->count] = first_target + n_targets;
    return RONDO_OK;
}
