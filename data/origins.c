#include "data/origins.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* One example: the window ends at `last`, and its first `context` steps are not scored. Rows are elements of the streams. */
struct origin_window {
    int64_t begin, last, context;
    int32_t series; /* the example of the dataset */
};
struct origin_list {
    struct origin_window *items;
    int64_t count, capacity, left_out;
};

int64_t origins_longest(const struct dataset *dataset) {
    int64_t longest = 0;
    for (int32_t s = 0; s < dataset->timeline->n_series; s++) {
        const int64_t count = dataset->timeline->series[s].count;
        longest = count > longest ? count : longest;
    }
    return longest;
}

int32_t origins_series(const struct dataset *view, struct errors *errors) {
    unsigned char *has_example = memory_calloc((size_t)view->timeline->n_series + 1, 1);
    int32_t count = 0;
    if (has_example == NULL) {
        errors_no_memory(errors);
        return -1;
    }
    for (int64_t i = 0; i < view->count; i++) {
        count += !has_example[view->series[i]];
        has_example[view->series[i]] = 1;
    }
    free(has_example);
    return count;
}

static rondo_status add_window(struct origin_list *list, struct origin_window window, struct errors *errors) {
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        struct origin_window *items = memory_realloc(list->items, (size_t)capacity * sizeof *items);
        if (items == NULL) {
            return errors_no_memory(errors);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = window;
    return RONDO_OK;
}

/* The origins of a series whose targets are in the part: *first .. *last; none if *first > *last. */
static void origin_range(const struct timeline *timeline, const struct timeline_series *series,
                         const struct origins *origins, int64_t *first, int64_t *last) {
    const int64_t *time = timeline->time, end = series->begin + series->count;
    *first = series->begin + timeline->window - 1;
    *last = end - 1 - timeline->horizon;
    while (*first <= *last && time[*first + 1] < origins->from) {
        (*first)++;
    }
    while (*last >= *first && time[*last + timeline->horizon] >= origins->to) {
        (*last)--;
    }
}

/* 1 if one of the rows first .. last of the origins has a target. */
static int has_target(const struct stream *target, int64_t first, int64_t last) {
    for (int64_t row = first; row <= last; row++) {
        if (stream_has_target(target, row + 1)) {
            return 1;
        }
    }
    return 0;
}

/* N:1: a window for each origin. */
static rondo_status cut_single(const struct dataset *dataset, int32_t series, int64_t first, int64_t last,
                               struct origin_list *list, struct errors *errors) {
    const struct stream *target = dataset_find(dataset, "target");
    const struct timeline *timeline = dataset->timeline;
    for (int64_t row = first; row <= last; row += timeline->step) {
        if (!has_target(target, row, row)) {
            list->left_out++;
            continue;
        }
        RONDO_TRY(add_window(
            list, (struct origin_window){.begin = row - timeline->window + 1, .last = row, .series = series}, errors));
    }
    return RONDO_OK;
}

/* N:N: a window for each `step` origins `from` .. `row`. They are all that it scores, or, in training, all of its rows. */
static rondo_status cut_every(const struct dataset *dataset, int scores_once, int32_t series, int64_t first,
                              int64_t last, struct origin_list *list, struct errors *errors) {
    const struct stream *target = dataset_find(dataset, "target");
    const int64_t window = dataset->timeline->window,
                  step = dataset->timeline->step < window ? dataset->timeline->step : window;
    for (int64_t from = first; from <= last; from += scores_once ? step : dataset->timeline->step) {
        const int64_t row = !scores_once ? from : from + step - 1 < last ? from + step - 1 : last;
        const int64_t begin = row - window + 1, scored = scores_once ? from : begin;
        if (!has_target(target, scored, row)) {
            list->left_out += row - from + 1;
            continue;
        }
        const struct origin_window own = {.begin = begin, .last = row, .context = scored - begin, .series = series};
        RONDO_TRY(add_window(list, own, errors));
    }
    return RONDO_OK;
}

/* The last row, if there are enough before it. */
static rondo_status cut_last(const struct dataset *dataset, int32_t series, struct origin_list *list,
                             struct errors *errors) {
    const struct timeline_series *own = &dataset->timeline->series[dataset->series[series]];
    const int64_t last = own->begin + own->count - 1, begin = last - dataset->timeline->window + 1;
    const struct origin_window window = {.begin = begin, .last = last, .series = series};
    return begin < own->begin ? RONDO_OK : add_window(list, window, errors);
}

static rondo_status list_origins(const struct dataset *dataset, const struct origins *origins, struct origin_list *list,
                                 struct errors *errors) {
    for (int32_t i = 0; i < (int32_t)dataset->count; i++) {
        const struct timeline_series *series = &dataset->timeline->series[dataset->series[i]];
        int64_t first, last;
        if (origins->use == ORIGINS_LAST) {
            RONDO_TRY(cut_last(dataset, i, list, errors));
            continue;
        }
        origin_range(dataset->timeline, series, origins, &first, &last);
        const int is_training = origins->use == ORIGINS_TRAIN;
        /* Training ends with the last origin, so that what is left over is the oldest. */
        first += is_training && last > first ? (last - first) % dataset->timeline->step : 0;
        RONDO_TRY(origins->every_step ? cut_every(dataset, !is_training, i, first, last, list, errors)
                                      : cut_single(dataset, i, first, last, list, errors));
    }
    return RONDO_OK;
}

/* Sets the ranges of a window. Targets and known numbers are those of the rows after each step. */
static void set_window(struct dataset *view, int64_t index, const struct dataset *dataset,
                       const struct origins *origins, const struct origin_window *window) {
    const int64_t length = window->last - window->begin + 1;
    for (int32_t s = 0; s < view->n_streams; s++) {
        struct stream *stream = &view->streams[s];
        const int is_input = strcmp(stream->name, "input") == 0, is_target = strcmp(stream->name, "target") == 0;
        const int is_single = is_target && !origins->every_step;
        stream->begin[index] = is_single ? window->last + 1 : is_input ? window->begin : window->begin + 1;
        stream->length[index] = is_single ? 1 : length;
    }
    view->series[index] = dataset->series[window->series];
    view->context[index] = window->context;
    view->continues[index] = 1; /* the target before the first is that of the first row, which the model reads */
}

struct dataset *origins_cut(const struct dataset *dataset, const struct origins *origins, struct errors *errors) {
    struct origin_list list = {0};
    struct dataset *view = NULL;
    if (list_origins(dataset, origins, &list, errors) == RONDO_OK) {
        view = dataset_ranges(dataset, list.count, errors);
    }
    if (view != NULL) {
        view->left_out = list.left_out;
        view->context = memory_calloc((size_t)list.count + 1, sizeof *view->context);
        view->continues = memory_calloc((size_t)list.count + 1, 1);
        if (view->context == NULL || view->continues == NULL) {
            dataset_destroy(view);
            errors_no_memory(errors);
            view = NULL;
        }
    }
    for (int64_t i = 0; view != NULL && i < list.count; i++) {
        set_window(view, i, dataset, origins, &list.items[i]);
    }
    free(list.items);
    return view;
}

struct dataset *origins_rows(const struct dataset *dataset, int64_t from, int64_t to, struct errors *errors) {
    struct dataset *view = dataset_ranges(dataset, dataset->count, errors);
    for (int64_t i = 0; view != NULL && i < dataset->count; i++) {
        const struct timeline_series *series = &dataset->timeline->series[dataset->series[i]];
        const int64_t *time = dataset->timeline->time;
        int64_t begin = series->begin, end = series->begin + series->count;
        while (begin < end && time[begin] < from) {
            begin++;
        }
        while (end > begin && time[end - 1] >= to) {
            end--;
        }
        for (int32_t s = 0; s < view->n_streams; s++) {
            view->streams[s].begin[i] = begin;
            view->streams[s].length[i] = end - begin;
        }
        view->series[i] = dataset->series[i];
    }
    return view;
}
