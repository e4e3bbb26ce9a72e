#include "data/windows.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* A window of a sequence. */
struct window {
    int64_t sequence, offset, length; /* steps offset .. offset + length of the sequence */
    int64_t lane;
    int continues; /* it follows the window before it in the same sequence */
};

struct window_list {
    struct window *items; /* by lane, in the order of the lane */
    int64_t count, capacity;
    int64_t *of_lane; /* [lanes] windows of each lane */
};

static const struct stream *driving_stream(const struct dataset *dataset) {
    const struct stream *input = dataset_find(dataset, "input");
    return input != NULL ? input : dataset_find(dataset, "target");
}

static int is_cut(const struct stream *stream) {
    return strcmp(stream->name, "weight") != 0;
}

int64_t windows_longest(const struct dataset *dataset) {
    const struct stream *driving = driving_stream(dataset);
    int64_t longest = 0;
    for (int64_t i = 0; i < dataset->count; i++) {
        longest = driving->length[i] > longest ? driving->length[i] : longest;
    }
    return longest;
}

int64_t windows_unaligned(const struct dataset *dataset) {
    const struct stream *driving = driving_stream(dataset);
    for (int64_t i = 0; i < dataset->count; i++) {
        for (int32_t s = 0; s < dataset->n_streams; s++) {
            if (is_cut(&dataset->streams[s]) && dataset->streams[s].length[i] != driving->length[i]) {
                return i;
            }
        }
    }
    return -1;
}

static rondo_status add_window(struct window_list *list, struct window window, struct errors *errors) {
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        struct window *items = memory_realloc(list->items, (size_t)capacity * sizeof *items);
        if (items == NULL) {
            return errors_no_memory(errors);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = window;
    list->of_lane[window.lane]++;
    return RONDO_OK;
}

/* Cuts the steps [from, to) of a sequence, which belong to one lane. */
static rondo_status cut_range(struct window_list *list, int64_t sequence, int64_t from, int64_t to, int64_t lane,
                              int64_t window, int continues, struct errors *errors) {
    for (int64_t offset = from; offset < to; offset += window) {
        const struct window own = {.sequence = sequence,
                                   .offset = offset,
                                   .length = to - offset < window ? to - offset : window,
                                   .lane = lane,
                                   .continues = offset > from || continues};
        RONDO_TRY(add_window(list, own, errors));
    }
    return RONDO_OK;
}

/* Lists the windows of all sequences; lanes 0: all are of one lane, and no sequence is divided. */
static rondo_status list_windows(const struct dataset *dataset, int64_t window, int64_t lanes, struct window_list *list,
                                 struct errors *errors) {
    const struct stream *driving = driving_stream(dataset);
    int64_t total = 0, lane = 0, done = 0;
    for (int64_t i = 0; i < dataset->count; i++) {
        total += driving->length[i];
    }
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t length = driving->length[i];
        const int is_later = dataset->continues != NULL && dataset->continues[i];
        for (int64_t from = 0; from < length;) {
            /* The end of the lane; the products do not overflow, because `lanes` is the size of a batch. */
            while (lanes > 0 && lane < lanes - 1 && done >= total * (lane + 1) / lanes) {
                lane++;
            }
            const int64_t room = lanes > 0 && lane < lanes - 1 ? total * (lane + 1) / lanes - done : length - from;
            const int64_t to = room < length - from ? from + room : length;
            RONDO_TRY(cut_range(list, i, from, to, lane, window, from == 0 && is_later, errors));
            done += to - from;
            from = to;
        }
    }
    return RONDO_OK;
}

static void set_window(struct dataset *view, int64_t index, const struct dataset *dataset,
                       const struct window *window) {
    for (int32_t s = 0; s < view->n_streams; s++) {
        const struct stream *from = &dataset->streams[s];
        struct stream *to = &view->streams[s];
        to->begin[index] = from->begin[window->sequence] + (is_cut(from) ? window->offset : 0);
        to->length[index] = is_cut(from) ? window->length : from->length[window->sequence];
    }
    view->continues[index] = window->continues != 0;
    if (view->lane != NULL) {
        view->lane[index] = window->lane;
    }
}

/* Puts the windows of all lanes in the order of updates: the first of each lane, then the second of each, … */
static void order_by_update(struct dataset *view, const struct dataset *dataset, const struct window_list *list) {
    int64_t index = 0;
    for (int64_t update = 0; update < view->updates; update++) {
        view->update_begin[update] = index;
        int64_t first = 0; /* window of the lane */
        for (int64_t lane = 0; lane < view->lanes; lane++) {
            if (update < list->of_lane[lane]) {
                set_window(view, index++, dataset, &list->items[first + update]);
            }
            first += list->of_lane[lane];
        }
    }
    view->update_begin[view->updates] = index;
}

static struct dataset *make_view(const struct dataset *dataset, int64_t lanes, const struct window_list *list,
                                 struct errors *errors) {
    struct dataset *view = dataset_ranges(dataset, list->count, errors);
    if (view == NULL) {
        return NULL;
    }
    view->continues = memory_calloc((size_t)list->count + 1, 1);
    for (int64_t lane = 0; lane < lanes; lane++) {
        view->updates = list->of_lane[lane] > view->updates ? list->of_lane[lane] : view->updates;
    }
    if (lanes > 0) {
        view->lanes = lanes;
        view->lane = memory_calloc((size_t)list->count + 1, sizeof *view->lane);
        view->update_begin = memory_calloc((size_t)view->updates + 1, sizeof *view->update_begin);
    }
    if (view->continues == NULL || (lanes > 0 && (view->lane == NULL || view->update_begin == NULL))) {
        dataset_destroy(view);
        errors_no_memory(errors);
        return NULL;
    }
    if (lanes > 0) {
        order_by_update(view, dataset, list);
    }
    for (int64_t i = 0; lanes == 0 && i < list->count; i++) {
        set_window(view, i, dataset, &list->items[i]);
    }
    return view;
}

struct dataset *windows_cut(const struct dataset *dataset, int64_t window, int64_t lanes, struct errors *errors) {
    if (windows_unaligned(dataset) >= 0) {
        errors_bug(errors, __FILE__, __LINE__, "the streams of windows are aligned");
        return NULL;
    }
    struct window_list list = {.of_lane = memory_calloc((size_t)lanes + 1, sizeof *list.of_lane)};
    rondo_status status = list.of_lane == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK) {
        status = list_windows(dataset, window, lanes, &list, errors);
    }
    struct dataset *view = status == RONDO_OK ? make_view(dataset, lanes, &list, errors) : NULL;
    free(list.items);
    free(list.of_lane);
    return view;
}
