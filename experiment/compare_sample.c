/* Choices that are drawn: of lists, of ranges, and of settings that vary together. */
#include "experiment/compare_axes.h"

#include <string.h>

#include "core/sobol.h"

/* Points that may repeat others, before the drawing gives up. */
enum { MOST_POINTS = 100000, MOST_POINTS_PER_CHOICE = 200 };

/* The combinations so far, as a hash table with open addresses. */
struct drawn_set {
    const double *numbers; /* [count][n_axes] the numbers of choices, or values of ranges */
    int32_t n_axes;
    int32_t *places; /* [size] 1 + the index of a combination; 0: free */
    uint32_t size;   /* a power of 2, at least twice the number of combinations */
};

/* FNV-1a of the bytes. */
static uint32_t hash_of(const double *numbers, int32_t count) {
    uint32_t hash = 2166136261u;
    const unsigned char *bytes = (const unsigned char *)numbers;
    for (size_t i = 0; i < (size_t)count * sizeof *numbers; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash ^ (hash >> 15);
}

/* Adds combination `index`; 0 if it is there already. */
static int add_new(struct drawn_set *set, int32_t index) {
    const size_t bytes = (size_t)set->n_axes * sizeof *set->numbers;
    const double *numbers = set->numbers + (int64_t)index * set->n_axes;
    uint32_t place = hash_of(numbers, set->n_axes) & (set->size - 1);
    for (; set->places[place] != 0; place = (place + 1) & (set->size - 1)) {
        if (memcmp(set->numbers + (int64_t)(set->places[place] - 1) * set->n_axes, numbers, bytes) == 0) {
            return 0;
        }
    }
    set->places[place] = index + 1;
    return 1;
}

/* Coordinate `axis` of point `n` in [0, 1). */
static double coordinate(const struct compare_draw *draw, int32_t axis, uint32_t n) {
    const struct rng_stream stream = rng_substream(rng_stream(draw->seed, draw->stream), (uint64_t)axis);
    if (draw->sampling == COMPARE_RANDOM) {
        return rng_uniform(stream, n);
    }
    uint32_t shift;
    rng_words(stream, 0, 1, &shift);
    return (sobol_coordinate(axis, n) ^ shift) * 0x1p-32;
}

/* The number of combinations, at most INT64_MAX. */
static int64_t combinations(const struct compare_axes *axes) {
    int64_t product = 1;
    for (int32_t a = 0; a < axes->count; a++) {
        const struct compare_axis *axis = &axes->axes[a];
        const int64_t n = axis->n_choices > 0 ? axis->n_choices : compare_range_values(&axis->range);
        product = product > INT64_MAX / n ? INT64_MAX : product * n;
    }
    return product;
}

/* Fills numbers[count][n_axes]. */
static rondo_status draw_numbers(const struct compare_axes *axes, const struct compare_draw *draw, int32_t count,
                                 double *numbers, struct arena *arena, struct errors *errors) {
    struct drawn_set set = {.numbers = numbers, .n_axes = axes->count, .size = 2};
    while (set.size < 2 * (uint32_t)count) {
        set.size *= 2;
    }
    set.places = arena_calloc(arena, set.size, sizeof *set.places);
    if (set.places == NULL) {
        return errors_no_memory(errors);
    }
    const int64_t most = MOST_POINTS + (int64_t)count * MOST_POINTS_PER_CHOICE;
    int32_t found = 0;
    for (uint32_t n = 0; n < most && found < count; n++) {
        double *next = numbers + (int64_t)found * axes->count;
        for (int32_t a = 0; a < axes->count; a++) {
            const struct compare_axis *axis = &axes->axes[a];
            const double uniform = coordinate(draw, a, n);
            next[a] = axis->n_choices > 0 ? (double)(int64_t)(uniform * axis->n_choices)
                                          : compare_range_draw(&axis->range, uniform, count);
        }
        found += add_new(&set, found);
    }
    return found == count ? RONDO_OK
                          : errors_add_at(errors, RONDO_INVALID, draw->where,
                                          "'%s' is %d, but only %d different ones were drawn, expected fewer",
                                          draw->key, count, found);
}

rondo_status compare_draw(const struct compare_axes *axes, const struct compare_draw *draw, int32_t count,
                          const struct compare_choice *const **choices, struct arena *arena, struct errors *errors) {
    const int64_t most = combinations(axes);
    if (most < count) {
        return errors_add_at(errors, RONDO_INVALID, draw->where,
                             "'%s' is %d, but there are only %lld different settings", draw->key, count,
                             (long long)most);
    }
    if (draw->sampling == COMPARE_SOBOL && axes->count > SOBOL_DIMENSIONS) {
        return errors_add_at(errors, RONDO_INVALID, draw->where,
                             "%d keys vary, and 'sampling: sobol' draws at most %d; expected 'sampling: random'",
                             axes->count, SOBOL_DIMENSIONS);
    }
    const size_t n = (size_t)count * (size_t)axes->count;
    double *numbers = arena_calloc(arena, n + 1, sizeof *numbers);
    const struct compare_choice **drawn = arena_calloc(arena, n + 1, sizeof *drawn);
    struct compare_choice *made = arena_calloc(arena, n + 1, sizeof *made);
    if (numbers == NULL || drawn == NULL || made == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(draw_numbers(axes, draw, count, numbers, arena, errors));
    for (size_t i = 0; i < n; i++) {
        const struct compare_axis *axis = &axes->axes[i % (size_t)axes->count];
        if (axis->n_choices > 0) {
            drawn[i] = &axis->choices[(int32_t)numbers[i]];
            continue;
        }
        RONDO_TRY(compare_range_choice(axis, numbers[i], &made[i], arena, errors));
        RONDO_TRY(compare_label_choice(axes, axis, &made[i], arena, errors));
        drawn[i] = &made[i];
    }
    *choices = drawn;
    return RONDO_OK;
}
