#include "data/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* Batches in a pool. More give batch mates of more similar length, fewer give batches that differ more between epochs. */
enum { POOL_BATCHES = 32 };

struct by_length {
    int64_t example, steps, position; /* position before sorting, which decides between equal lengths */
};

static int longest_first(const void *left, const void *right) {
    const struct by_length *a = left, *b = right;
    if (a->steps != b->steps) {
        return a->steps > b->steps ? -1 : 1;
    }
    return (a->position > b->position) - (a->position < b->position);
}

/* The arguments of epoch_make, and memory for sorting. */
struct ordering {
    struct epoch *epoch;
    const struct dataset *dataset;
    const struct batch_plan *plan;
    struct batch_size size;
    struct by_length *scratch; /* [count] */
    int64_t *numbers;          /* [3 * count + 1] */
};

/* Sorts examples[begin .. end) by length, longest first. Stable: examples of equal length keep their order. */
static void sort_range(const struct ordering *ordering, int64_t begin, int64_t end) {
    int64_t *examples = ordering->epoch->examples;
    for (int64_t i = begin; i < end; i++) {
        ordering->scratch[i - begin] =
            (struct by_length){examples[i], example_steps(ordering->dataset, examples[i], ordering->plan), i};
    }
    qsort(ordering->scratch, (size_t)(end - begin), sizeof *ordering->scratch, longest_first);
    for (int64_t i = begin; i < end; i++) {
        examples[i] = ordering->scratch[i - begin].example;
    }
}

/* Cuts the sorted examples into batches. */
static void cut_batches(const struct ordering *ordering) {
    struct epoch *epoch = ordering->epoch;
    const int64_t count = ordering->dataset->count;
    int64_t steps = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t first = epoch->batches == 0 ? 0 : epoch->begin[epoch->batches - 1];
        const int64_t own = example_steps(ordering->dataset, epoch->examples[i], ordering->plan);
        const int is_full =
            ordering->size.examples > 0 ? i - first == ordering->size.examples : steps + own > ordering->size.steps;
        if (i == 0 || is_full) {
            epoch->begin[epoch->batches++] = i;
            steps = 0;
        }
        steps += own;
    }
    epoch->begin[epoch->batches] = count;
}

/* Shuffles the whole batches. The last one, if it is not full, stays at the end. */
static void shuffle_batches(const struct ordering *ordering, struct rng_stream stream) {
    struct epoch *epoch = ordering->epoch;
    const int64_t count = ordering->dataset->count;
    int64_t *from = ordering->numbers, *batches = from + count, *begin = batches + count;
    const int64_t full = ordering->size.examples > 0 ? count / ordering->size.examples : epoch->batches - 1;
    for (int64_t k = 0; k < full; k++) {
        batches[k] = k;
    }
    rng_shuffle(stream, full, batches);
    memcpy(from, epoch->examples, (size_t)count * sizeof *from);
    memcpy(begin, epoch->begin, ((size_t)epoch->batches + 1) * sizeof *begin);
    for (int64_t k = 0; k < full; k++) {
        const int64_t old = batches[k], size = begin[old + 1] - begin[old];
        memcpy(epoch->examples + epoch->begin[k], from + begin[old], (size_t)size * sizeof *from);
        epoch->begin[k + 1] = epoch->begin[k] + size;
    }
}

static rondo_status allocate(struct epoch *epoch, int64_t batches, int64_t count, struct errors *errors) {
    epoch->examples = memory_calloc((size_t)count + 1, sizeof *epoch->examples);
    epoch->begin = memory_calloc((size_t)batches + 1, sizeof *epoch->begin);
    return epoch->examples == NULL || epoch->begin == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status take_updates(struct epoch *epoch, const struct dataset *dataset, struct errors *errors) {
    RONDO_TRY(allocate(epoch, dataset->updates, dataset->count, errors));
    epoch->batches = dataset->updates;
    memcpy(epoch->begin, dataset->update_begin, ((size_t)epoch->batches + 1) * sizeof *epoch->begin);
    for (int64_t i = 0; i < dataset->count; i++) {
        epoch->examples[i] = i;
    }
    return RONDO_OK;
}

rondo_status epoch_make(struct epoch *epoch, const struct dataset *dataset, const struct batch_plan *plan,
                        struct batch_size size, const struct rng_stream *stream, struct errors *errors) {
    *epoch = (struct epoch){0};
    if (dataset->lane != NULL) {
        return take_updates(epoch, dataset, errors);
    }
    const int64_t count = dataset->count;
    RONDO_CHECK((size.examples > 0) != (size.steps > 0), errors, "a batch has a size, in examples or in steps");
    const int is_one_pool = stream == NULL || size.steps > 0 || size.examples > count / POOL_BATCHES;
    const int64_t pool = is_one_pool ? count : size.examples * POOL_BATCHES;
    struct ordering ordering = {.epoch = epoch, .dataset = dataset, .plan = plan, .size = size};
    RONDO_TRY(allocate(epoch, count, count, errors));
    ordering.scratch = memory_calloc((size_t)pool + 1, sizeof *ordering.scratch);
    ordering.numbers = memory_calloc(3 * (size_t)count + 1, sizeof *ordering.numbers);
    if (ordering.scratch == NULL || ordering.numbers == NULL) {
        free(ordering.scratch);
        free(ordering.numbers);
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        epoch->examples[i] = i;
    }
    if (stream != NULL) {
        rng_shuffle(rng_substream(*stream, 0), count, epoch->examples);
    }
    for (int64_t begin = 0; begin < count; begin += pool) {
        sort_range(&ordering, begin, begin + pool < count ? begin + pool : count);
    }
    cut_batches(&ordering);
    if (stream != NULL && epoch->batches > 0) {
        shuffle_batches(&ordering, rng_substream(*stream, 1));
    }
    free(ordering.scratch);
    free(ordering.numbers);
    return RONDO_OK;
}

void epoch_free(struct epoch *epoch) {
    free(epoch->examples);
    free(epoch->begin);
    *epoch = (struct epoch){0};
}
