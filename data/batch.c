#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

/* Examples are sorted by length within this many batches at a time: enough for nearly equal lengths within a batch, few
 * enough that an epoch does not run from short to long. */
enum { POOL_BATCHES = 32 };

static int64_t count_of(const int64_t *begin, int64_t example) {
    return begin[example + 1] - begin[example];
}

int64_t example_steps(const struct dataset *dataset, int64_t example, struct architecture architecture) {
    if (architecture.input_every_step) {
        return count_of(dataset->input_begin, example);
    }
    return architecture.output_every_step ? count_of(dataset->target_begin, example) : 1;
}

/* ---- fitting the architecture ---- */

/* NULL if the number of targets of an example fits; otherwise a description of the expected targets. */
static const char *expected_targets(int64_t inputs, int64_t targets, struct architecture architecture) {
    if (!architecture.output_every_step) {
        return targets == 1 ? NULL : "exactly one target for the sequence";
    }
    if (!architecture.input_every_step) {
        return targets >= 1 ? NULL : "at least one target";
    }
    return targets == inputs ? NULL : "one target for each input";
}

rondo_status dataset_fits(const struct dataset *dataset, struct architecture architecture, int with_targets,
                          const char *what, struct errors *errors) {
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t inputs = count_of(dataset->input_begin, i), targets = count_of(dataset->target_begin, i);
        if (!architecture.input_every_step && inputs != 1) {
            return errors_add(
                errors, RONDO_INVALID,
                "%s: example %lld has %lld inputs, expected one, as the architecture takes input only at the "
                "first step",
                what, (long long)i + 1, (long long)inputs);
        }
        if (!architecture.input_every_step && architecture.output_every_step && targets == 0) {
            return errors_add(
                errors, RONDO_INVALID,
                "%s: example %lld has no targets, and with the architecture 1:N their number is the number "
                "of steps",
                what, (long long)i + 1);
        }
        const char *expected = with_targets ? expected_targets(inputs, targets, architecture) : NULL;
        if (expected != NULL) {
            return errors_add(errors, RONDO_INVALID, "%s: example %lld has %lld inputs and %lld targets, expected %s",
                              what, (long long)i + 1, (long long)inputs, (long long)targets, expected);
        }
    }
    return RONDO_OK;
}

/* ---- packing ---- */

/* An example while examples are sorted. */
struct sorted {
    int64_t example, steps, position; /* position before sorting, which decides between equal lengths */
};

static int longest_first(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    if (a->steps != b->steps) {
        return a->steps > b->steps ? -1 : 1;
    }
    return (a->position > b->position) - (a->position < b->position);
}

/* The arguments of batch_pack. */
struct packing {
    const struct dataset *dataset;
    struct arena *arena;
    struct errors *errors;
};

/* Fills the rows and the time axis of the batch. */
static rondo_status pack_rows(const struct packing *packing, const struct sorted *sorted, int64_t rows,
                              struct batch *batch) {
    int64_t *example = arena_calloc(packing->arena, (size_t)rows, sizeof *example);
    int64_t *lengths = arena_calloc(packing->arena, (size_t)rows, sizeof *lengths);
    if (example == NULL || lengths == NULL) {
        return errors_no_memory(packing->errors);
    }
    for (int64_t row = 0; row < rows; row++) {
        example[row] = sorted[row].example;
        lengths[row] = sorted[row].steps;
    }
    batch->example = example;
    return time_axis_make(&batch->time, lengths, rows, packing->arena, packing->errors);
}

/* Where packed values come from: step t of an example is element first[example] + t. */
struct source {
    const int64_t *first;
    const int32_t *integers; /* tokens or classes; else NULL */
    const float *numbers;    /* `width` for each step */
    int64_t width;
};

/* Copies one step of one example to packed position `to`. */
static void copy_step(const struct source *source, int64_t from, const rondo_tensor *tensor, int64_t to) {
    if (source->integers != NULL) {
        ((int32_t *)tensor->data)[to] = source->integers[from];
        return;
    }
    const float *numbers = source->numbers + from * source->width;
    if (tensor->dtype == RONDO_F32) {
        memcpy((float *)tensor->data + to * source->width, numbers, (size_t)source->width * sizeof *numbers);
        return;
    }
    double *out = (double *)tensor->data + to * source->width;
    for (int64_t k = 0; k < source->width; k++) {
        out[k] = (double)numbers[k];
    }
}

/* Packs the values of every step, or only those of the first. */
static rondo_status pack_values(const struct packing *packing, const struct batch *batch, const struct source *source,
                                int every_step, int32_t dtype, rondo_tensor *tensor) {
    const int64_t n = every_step ? batch->time.total : batch->time.rows;
    *tensor = source->integers != NULL ? tensor_1d(RONDO_I32, n, NULL) : tensor_2d(dtype, n, source->width, NULL);
    RONDO_TRY(tensor_alloc(tensor, packing->arena, packing->errors));
    const int64_t steps = every_step ? batch->time.steps : 1;
    for (int64_t step = 0; step < steps; step++) {
        for (int64_t row = 0; row < batch->time.alive[step]; row++) {
            copy_step(source, source->first[batch->example[row]] + step, tensor, batch->time.begin[step] + row);
        }
    }
    return RONDO_OK;
}

/* Packs the targets; a tensor without data if no example of the batch has any. */
static rondo_status pack_targets(const struct packing *packing, const struct batch *batch,
                                 struct architecture architecture, int32_t dtype, rondo_tensor *targets) {
    const struct dataset *dataset = packing->dataset;
    const int is_class = dataset->target_kind == RONDO_TARGET_CLASS;
    const struct source source = {.first = dataset->target_begin,
                                  .integers = is_class ? dataset->target_classes : NULL,
                                  .numbers = dataset->target_numbers,
                                  .width = dataset->target_size};
    int64_t n_without = 0;
    for (int64_t row = 0; row < batch->time.rows; row++) {
        const int64_t have = count_of(dataset->target_begin, batch->example[row]);
        n_without += have == 0;
        RONDO_CHECK(have == 0 || have == (architecture.output_every_step ? batch->time.lengths[row] : 1),
                    packing->errors, "the targets of an example fit the architecture");
    }
    RONDO_CHECK(n_without == 0 || n_without == batch->time.rows, packing->errors,
                "either all examples of a batch have targets or none has");
    if (n_without == 0) {
        return pack_values(packing, batch, &source, architecture.output_every_step, dtype, targets);
    }
    const int64_t n = architecture.output_every_step ? batch->time.total : batch->time.rows;
    *targets = is_class ? tensor_1d(RONDO_I32, n, NULL) : tensor_2d(dtype, n, dataset->target_size, NULL);
    return RONDO_OK;
}

rondo_status batch_pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                        struct architecture architecture, int32_t dtype, struct arena *arena, struct batch *batch,
                        struct errors *errors) {
    const struct packing packing = {.dataset = dataset, .arena = arena, .errors = errors};
    RONDO_CHECK(count >= 1, errors, "a batch has at least one example");
    RONDO_CHECK(dataset->target_kind != RONDO_TARGET_LIST, errors,
                "targets are no lists, which a batch cannot hold yet");
    RONDO_CHECK(dtype == RONDO_F32 || dtype == RONDO_F64, errors, "numbers are f32 or f64");
    struct sorted *sorted = arena_calloc(arena, (size_t)count, sizeof *sorted);
    if (sorted == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        RONDO_CHECK(examples[i] >= 0 && examples[i] < dataset->count, errors, "the examples are those of the dataset");
        RONDO_CHECK(example_steps(dataset, examples[i], architecture) > 0, errors,
                    "the number of steps of an example is known (dataset_fits)");
        sorted[i] = (struct sorted){examples[i], example_steps(dataset, examples[i], architecture), i};
    }
    qsort(sorted, (size_t)count, sizeof *sorted, longest_first);
    RONDO_TRY(pack_rows(&packing, sorted, count, batch));
    const struct source inputs = {.first = dataset->input_begin,
                                  .integers = dataset->input_kind == INPUT_TOKEN ? dataset->input_tokens : NULL,
                                  .numbers = dataset->input_numbers,
                                  .width = dataset->input_size};
    RONDO_TRY(pack_values(&packing, batch, &inputs, architecture.input_every_step, dtype, &batch->inputs));
    return pack_targets(&packing, batch, architecture, dtype, &batch->targets);
}

/* ---- the order of an epoch ---- */

/* Sorts order[begin .. end) by length, longest first. Stable: examples of equal length keep their order. */
static void sort_range(const struct dataset *dataset, struct architecture architecture, int64_t *order, int64_t begin,
                       int64_t end, struct sorted *scratch) {
    for (int64_t i = begin; i < end; i++) {
        scratch[i - begin] = (struct sorted){order[i], example_steps(dataset, order[i], architecture), i};
    }
    qsort(scratch, (size_t)(end - begin), sizeof *scratch, longest_first);
    for (int64_t i = begin; i < end; i++) {
        order[i] = scratch[i - begin].example;
    }
}

/* Shuffles the whole batches of `order`. The last batch, if it is not full, stays at the end. `from` and
 * `batches` are scratch: [count] and [count / size]. */
static void shuffle_batches(struct rng_stream stream, int64_t size, int64_t count, int64_t *order, int64_t *from,
                            int64_t *batches) {
    const int64_t full = count / size;
    for (int64_t k = 0; k < full; k++) {
        batches[k] = k;
    }
    rng_shuffle(stream, full, batches);
    memcpy(from, order, (size_t)count * sizeof *order);
    for (int64_t k = 0; k < full; k++) {
        memcpy(order + k * size, from + batches[k] * size, (size_t)size * sizeof *order);
    }
}

rondo_status batch_order(const struct dataset *dataset, int64_t size, struct architecture architecture,
                         const struct rng_stream *stream, int64_t *order, struct errors *errors) {
    const int64_t count = dataset->count;
    RONDO_CHECK(size >= 1, errors, "a batch has at least one example");
    const int64_t pool = stream == NULL || size > count / POOL_BATCHES ? count : size * POOL_BATCHES;
    struct sorted *scratch = calloc((size_t)pool + 1, sizeof *scratch);
    int64_t *numbers = calloc(2 * (size_t)count + 1, sizeof *numbers);
    if (scratch == NULL || numbers == NULL) {
        free(scratch);
        free(numbers);
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        order[i] = i;
    }
    if (stream != NULL) {
        rng_shuffle(rng_substream(*stream, 0), count, order);
    }
    for (int64_t begin = 0; begin < count; begin += pool) {
        sort_range(dataset, architecture, order, begin, begin + pool < count ? begin + pool : count, scratch);
    }
    if (stream != NULL) {
        shuffle_batches(rng_substream(*stream, 1), size, count, order, numbers, numbers + count);
    }
    free(scratch);
    free(numbers);
    return RONDO_OK;
}
