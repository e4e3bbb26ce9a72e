/* data/dataset.h: examples in memory, from any reader.
 *
 * An example is a sequence of inputs and either one target or a sequence of targets. A reader fills a dataset; the
 * code that uses the dataset does not know the file format.
 *
 * Threads: filled on one thread; afterwards read from any.
 */
#ifndef RONDO_DATA_DATASET_H
#define RONDO_DATA_DATASET_H

#include "core/tensor.h"

/* The kind of one input step. */
enum input_kind {
    INPUT_TOKEN = 0, /* one of input_size words: int32 */
    INPUT_REAL = 1   /* input_size numbers: float */
};

/* Filled after dataset_create and before the first read; owns its memory. Example i has the input steps
 * input_begin[i] .. input_begin[i + 1] and the targets target_begin[i] .. target_begin[i + 1]. */
struct dataset {
    int64_t count;           /* examples */
    int32_t input_kind;      /* enum input_kind */
    int32_t target_kind;     /* enum rondo_target_kind */
    int64_t input_size;      /* words in the vocabulary, or numbers per step; >= 1 */
    int64_t target_size;     /* classes, or numbers per target; >= 1 */
    int64_t *input_begin;    /* [count + 1] */
    int64_t *target_begin;   /* [count + 1] */
    int32_t *input_tokens;   /* [input_begin[count]]; INPUT_TOKEN */
    float *input_numbers;    /* [input_begin[count] * input_size]; INPUT_REAL */
    int32_t *target_classes; /* [target_begin[count]]; RONDO_TARGET_CLASS */
    float *target_numbers;   /* [target_begin[count] * target_size]; RONDO_TARGET_REAL */
    int64_t capacity_examples, capacity_inputs, capacity_targets; /* of the arrays; private to dataset.c */
};

/* An empty dataset of these kinds; NULL if memory is short. */
struct dataset *dataset_create(int32_t input_kind, int64_t input_size, int32_t target_kind, int64_t target_size);
void dataset_destroy(struct dataset *dataset);

/* Appends one example: `n_inputs` >= 1 steps and `n_targets` >= 0 targets (0: unknown, for prediction). `inputs` points
 * at int32_t or float, `targets` likewise, by the kinds above; both are copied. RONDO_NO_MEMORY if memory is short. */
rondo_status dataset_add(struct dataset *dataset, const void *inputs, int64_t n_inputs, const void *targets,
                         int64_t n_targets, struct errors *errors);

#endif
