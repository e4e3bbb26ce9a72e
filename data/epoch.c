#include "data/epoch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* Batches in a pool. More give batch mates of more similar length, fewer give batches that differ more between epochs. */
enum { POOL_BATCHES = 32 };

struct by_length {
    int64_t example, steps, source, position; /* position before sorting, which decides between equal lengths */
};

static int compare(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int longest_first(const void *left, const void *right) {
    const struct by_length *a = left, *b = right;
    return a->steps != b->steps     ? compare(b->steps, a->steps)
           : a->source != b->source ? compare(b->source, a->source)
                                    : compare(a->position, b->position);
}

static int longest_source_first(const void *left, const void *right) {
    const struct by_length *a = left, *b = right;
    return a->source != b->source ? compare(b->source, a->source) : longest_first(left, right);
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

/* Steps of an example, and of its source. */
static int64_t all_steps(const struct ordering *ordering, int64_t example) {
    return example_steps(ordering->dataset, example, ordering->plan) + example_source_steps(ordering->dataset, example);
}

/* The examples of an average batch of these. */
static int64_t batch_examples(const struct ordering *ordering, const struct by_length *items, int64_t count) {
    if (ordering->size.examples > 0) {
        return ordering->size.examples;
    }
    double steps = 0;
    for (int64_t i = 0; i < count; i++) {
        steps += (double)(items[i].steps + items[i].source);
    }
    const double fit = (double)ordering->size.steps * (double)count / steps;
    return fit < 1 ? 1 : fit < (double)count ? (int64_t)fit : count;
}

/* How much the lengths differ: the sum of their distances from the mean. */
static double spread(const struct by_length *items, int64_t count, int of_source) {
    double sum = 0, distance = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += (double)(of_source ? items[i].source : items[i].steps);
    }
    for (int64_t i = 0; i < count; i++) {
        distance += fabs((double)(of_source ? items[i].source : items[i].steps) - sum / (double)count);
    }
    return distance;
}

/* Sorts examples so that those of a batch are similar in both lengths. The halves are whole batches. Sorting by one length
 * alone would leave the other in no order: with lengths 5 to 40 that are independent, each batch would then have sources of all
 * lengths. */
static void sort_by_both(const struct ordering *ordering, struct by_length *items, int64_t count) {
    const int64_t size = batch_examples(ordering, items, count), batches = (count + size - 1) / size;
    if (batches < 2) {
        qsort(items, (size_t)count, sizeof *items, longest_first);
        return;
    }
    const int by_source = spread(items, count, 1) > spread(items, count, 0);
    const int64_t half = batches / 2 * size;
    qsort(items, (size_t)count, sizeof *items, by_source ? longest_source_first : longest_first);
    sort_by_both(ordering, items, half);
    sort_by_both(ordering, items + half, count - half);
}

/* Sorts examples[begin .. end) by length, longest first. Stable: examples of equal length keep their order. */
static void sort_range(const struct ordering *ordering, int64_t begin, int64_t end) {
    const struct dataset *dataset = ordering->dataset;
    struct by_length *items = ordering->scratch;
    int64_t *examples = ordering->epoch->examples;
    for (int64_t i = begin; i < end; i++) {
        items[i - begin] = (struct by_length){examples[i], example_steps(dataset, examples[i], ordering->plan),
                                              example_source_steps(dataset, examples[i]), i};
    }
    if (dataset_find(dataset, "source") != NULL) {
        sort_by_both(ordering, items, end - begin);
    } else {
        qsort(items, (size_t)(end - begin), sizeof *items, longest_first);
    }
    for (int64_t i = begin; i < end; i++) {
        examples[i] = items[i - begin].example;
    }
}

/* Cuts the sorted examples into batches. */
static void cut_batches(const struct ordering *ordering) {
    struct epoch *epoch = ordering->epoch;
    const int64_t count = ordering->dataset->count;
    int64_t steps = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t first = epoch->batches == 0 ? 0 : epoch->begin[epoch->batches - 1];
        const int64_t own = all_steps(ordering, epoch->examples[i]);
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
