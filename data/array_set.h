/* data/array_set.h: the examples of a set of arrays: which elements of each array belong to an example.
 *
 *     numbers   [examples, steps, numbers]   padded to the longest example; `lengths` has the numbers of steps
 *               [total, numbers]             with `begin`: the examples one after the other
 *               [examples, numbers]          one element per example
 *               [examples]                   the same, of one number
 *     ids       [examples, steps]            padded
 *               [total]                      with `begin`
 *               [examples]                   one element per example
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_ARRAY_SET_H
#define RONDO_DATA_ARRAY_SET_H

#include "data/array_files.h"

enum array_form { ARRAY_PER_EXAMPLE, ARRAY_PADDED, ARRAY_PACKED };

/* An array as elements of examples. */
struct array_view {
    const struct npy_array *array;
    int32_t form;                                       /* enum array_form */
    int is_ids;                                         /* else numbers */
    int64_t steps;                                      /* of a padded array */
    int64_t size;                                       /* numbers of an element; 1 for ids */
    int64_t example_stride, step_stride, number_stride; /* in elements of the array */
};

struct array_set {
    struct array_files files;
    struct array_view input, target; /* array NULL: there is none */
    int64_t examples;
    /* [examples]; NULL: not given */
    const int64_t *begin, *lengths, *list_lengths;
    double *numbers;  /* scratch: the elements of one example */
    int32_t mistakes; /* reported so far */
};

/* Mistakes of one set that are reported before reading stops. */
#define ARRAY_SET_MOST_MISTAKES 10

/* What the elements of the arrays `input` and `target` are. Not read for an array that the set does not have. */
enum { ARRAY_NUMBERS = 0, ARRAY_IDS = 1, ARRAY_LIST = 2 };

/* Relates the arrays of set->files, which are open, to examples. RONDO_INVALID if their shapes do not fit together. */
rondo_status array_set_make(struct array_set *set, int32_t input_is, int32_t target_is);

/* The number of elements of example `example` in a view of the set. */
int64_t array_set_steps(const struct array_set *set, const struct array_view *view, int64_t example);
/* Copies the elements of an example, [steps, size], to set->numbers. */
void array_set_copy(const struct array_set *set, const struct array_view *view, int64_t example);

/* Reports a number of an array: "'input'[3, 5, 2] (example 3, step 5, counted from 0) is nan, expected a finite number".
 * Counts a mistake; returns RONDO_INVALID. */
rondo_status array_set_report(struct array_set *set, const struct array_view *view, int64_t example, int64_t step,
                              int64_t k, const char *expected);

#endif
