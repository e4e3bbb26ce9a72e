#include "data/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/rng.h"
#include "data/dates.h"

/* The number of the last elements of `count` that a part takes: at least one, never all. */
static int64_t last_count(struct part part, int64_t count) {
    const int64_t wanted = llround(part.value * (double)count);
    const int64_t most = count > 0 ? count - 1 : 0;
    return part.rule != PART_LAST ? 0 : wanted < 1 && most > 0 ? 1 : wanted < most ? wanted : most;
}

/* The random choices of validation and test are independent; the test part is taken first. */
static int is_chosen(struct part part, const char *name, uint64_t key) {
    return part.rule == PART_SHARE && rng_uniform(rng_stream(0, name), key) < part.value;
}

enum part_name part_of_key(const struct parts *parts, uint64_t key, int64_t index, int64_t count) {
    const int64_t test = last_count(parts->test, count);
    if (index >= count - test || is_chosen(parts->test, "test part", key)) {
        return PART_TEST;
    }
    const int64_t valid = last_count(parts->valid, count - test);
    return index >= count - test - valid || is_chosen(parts->valid, "valid part", key) ? PART_VALID : PART_TRAIN;
}

enum part_name part_of(const struct parts *parts, int64_t index, int64_t count) {
    return part_of_key(parts, (uint64_t)index, index, count);
}

void part_range(const struct parts *parts, enum part_name part, int64_t count, int64_t *begin, int64_t *end) {
    const int64_t test = last_count(parts->test, count);
    const int64_t valid = last_count(parts->valid, count - test);
    *begin = part == PART_TRAIN ? 0 : part == PART_VALID ? count - test - valid : count - test;
    *end = part == PART_TRAIN ? count - test - valid : part == PART_VALID ? count - test : count;
}

static const char *const part_names[] = {"training", "validation", "test"};

/* ---- parts of series, by time ---- */

static int earliest_first(const void *left, const void *right) {
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The time from which a part takes the last of `count` sorted times in `zone`; INT64_MAX: there is no such part. */
static int64_t begin_of_part(struct part part, const int64_t *sorted, int64_t count, int32_t zone) {
    if (part.rule == PART_FROM) {
        const int64_t minutes = part.zone == DATE_NO_ZONE || zone == DATE_NO_ZONE ? 0 : (int64_t)zone - part.zone;
        return llround(part.value * (double)DATE_SECOND) + minutes * 60 * DATE_SECOND;
    }
    const int64_t last = last_count(part, count);
    return last > 0 ? sorted[count - last] : INT64_MAX;
}

static int64_t count_before(const int64_t *sorted, int64_t count, int64_t time) {
    while (count > 0 && sorted[count - 1] >= time) {
        count--;
    }
    return count;
}

/* The time of a row, with the time of day unless it is midnight. */
static struct date_text row_time_text(int64_t time) {
    return date_text(time, DATE_NO_ZONE, time % DATE_DAY != 0, "");
}

/* A time with a zone needs data with one. */
static rondo_status check_zone(const struct part *part, int32_t zone, struct errors *errors) {
    return part->rule != PART_FROM || part->zone == DATE_NO_ZONE || zone != DATE_NO_ZONE
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, part->where,
                               "this time has a time zone, and those of the data have none; expected a time without "
                               "one, as the data show it");
}

rondo_status part_times_of(const struct parts *parts, const int64_t *time, int64_t count, int32_t zone,
                           struct location where, struct part_times *times, struct errors *errors) {
    RONDO_TRY(check_zone(&parts->valid, zone, errors));
    RONDO_TRY(check_zone(&parts->test, zone, errors));
    int64_t *sorted = memory_calloc((size_t)count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(sorted, time, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, earliest_first);
    times->test = begin_of_part(parts->test, sorted, count, zone);
    const int64_t before_test = count_before(sorted, count, times->test);
    times->valid = begin_of_part(parts->valid, sorted, before_test, zone);
    const int64_t before_valid = count_before(sorted, before_test, times->valid);
    const struct date_text first = row_time_text(count == 0 ? 0 : sorted[0]);
    const struct date_text last = row_time_text(count == 0 ? 0 : sorted[count - 1]);
    free(sorted);
    const int has_valid = parts->valid.rule != PART_NONE, has_test = parts->test.rule != PART_NONE;
    const int empty = before_valid == 0                          ? PART_TRAIN
                      : has_valid && before_valid == before_test ? PART_VALID
                      : has_test && before_test == count         ? PART_TEST
                                                                 : -1;
    return empty < 0 ? RONDO_OK
                     : errors_add_at(errors, RONDO_INVALID, where,
                                     "the rows are from %s to %s, and none of them is in the %s part", first.text,
                                     last.text, part_names[empty]);
}

void part_times_range(const struct part_times *times, enum part_name part, int64_t *from, int64_t *to) {
    const int64_t valid = times->valid < times->test ? times->valid : times->test;
    *from = part == PART_TRAIN ? INT64_MIN : part == PART_VALID ? times->valid : times->test;
    *to = part == PART_TRAIN ? valid : part == PART_VALID ? times->test : INT64_MAX;
}

/* ---- views ---- */

/* A part of the only example of a dataset. Its weight belongs to every part. */
static struct dataset *range_view(const struct dataset *dataset, const struct parts *parts, enum part_name part,
                                  const char *what, struct errors *errors) {
    if (parts->valid.rule == PART_SHARE || parts->test.rule == PART_SHARE) {
        errors_add(errors, RONDO_INVALID, "%s: one sequence has no parts chosen at random, expected {last: SHARE}",
                   what);
        return NULL;
    }
    struct dataset *view = dataset_ranges(dataset, 1, errors);
    for (int32_t s = 0; view != NULL && s < view->n_streams; s++) {
        const struct stream *from = &dataset->streams[s];
        int64_t begin = 0, end = from->length[0];
        if (strcmp(from->name, "weight") != 0) {
            part_range(parts, part, from->length[0], &begin, &end);
        }
        if (begin == end && from->length[0] > 0) {
            errors_add(errors, RONDO_INVALID, "%s: a sequence of %lld steps leaves none for the %s part", what,
                       (long long)from->length[0], part_names[part]);
            dataset_destroy(view);
            return NULL;
        }
        view->streams[s].begin[0] = from->begin[0] + begin;
        view->streams[s].length[0] = end - begin;
    }
    return view;
}

struct dataset *part_view(const struct dataset *dataset, const struct parts *parts, enum part_name part,
                          const char *what, struct errors *errors) {
    if (dataset->count == 1 && dataset->key == NULL) {
        return range_view(dataset, parts, part, what, errors);
    }
    int64_t *examples = memory_calloc((size_t)dataset->count + 1, sizeof *examples);
    if (examples == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    int64_t count = 0;
    for (int64_t i = 0; i < dataset->count; i++) {
        const uint64_t key = dataset->key == NULL ? (uint64_t)i : dataset->key[i];
        if (part_of_key(parts, key, i, dataset->count) == part) {
            examples[count++] = i;
        }
    }
    struct dataset *view = NULL;
    if (count > 0) {
        view = dataset_view(dataset, examples, count, errors);
    } else {
        errors_add(errors, RONDO_INVALID, "%s: %lld examples leave none for the %s part", what,
                   (long long)dataset->count, part_names[part]);
    }
    free(examples);
    return view;
}
