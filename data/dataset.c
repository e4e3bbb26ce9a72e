#define _POSIX_C_SOURCE 200809L
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"

/* The texts of unknown symbols: number i is that of element element[i], and begins at bytes[begin[i]]. */
struct unknown_texts {
    int64_t *element, *begin; /* [count], rising */
    char *bytes;              /* [used] each ends with a NUL */
    int64_t count, element_capacity, begin_capacity, used, bytes_capacity;
};

/* The number of datasets that use the elements is not atomic: datasets are made and destroyed on one thread. */
struct stream_values {
    void *data;
    int64_t elements, capacity;
    struct unknown_texts unknown;
    int64_t users;
};

struct dataset *dataset_create(struct errors *errors) {
    struct dataset *dataset = memory_calloc(1, sizeof *dataset);
    if (dataset == NULL) {
        errors_no_memory(errors);
    }
    return dataset;
}

static void release_timeline(struct timeline *timeline) {
    if (timeline != NULL && --timeline->users == 0) {
        free(timeline->series);
        free(timeline->time);
        free(timeline);
    }
}

void dataset_destroy(struct dataset *dataset) {
    if (dataset == NULL) {
        return;
    }
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &dataset->streams[s];
        free(stream->begin);
        free(stream->length);
        if (stream->values != NULL && --stream->values->users == 0) {
            free(stream->values->data);
            free(stream->values->unknown.element);
            free(stream->values->unknown.begin);
            free(stream->values->unknown.bytes);
            free(stream->values);
        }
    }
    for (int64_t i = 0; dataset->texts != NULL && i < dataset->count; i++) {
        free(dataset->texts[i]);
    }
    free(dataset->texts);
    free(dataset->key);
    free(dataset->series);
    free(dataset->context);
    release_timeline(dataset->timeline);
    free(dataset->continues);
    free(dataset->lane);
    free(dataset->update_begin);
    free(dataset);
}

struct stream *dataset_stream(struct dataset *dataset, const char *name, int32_t kind, int32_t store, int64_t size,
                              struct errors *errors) {
    const int is_new = dataset->count == 0 && dataset_find(dataset, name) == NULL;
    if (!is_new || dataset->n_streams == DATASET_MOST_STREAMS || size < 1 ||
        (kind == STREAM_REAL ? store == STORE_I32 || store == STORE_U16 : store == STORE_F32)) {
        errors_bug(errors, __FILE__, __LINE__, "a stream is new, of a size of at least 1, and stored by its kind");
        return NULL;
    }
    struct stream_values *values = memory_calloc(1, sizeof *values);
    if (values == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    values->users = 1;
    struct stream *stream = &dataset->streams[dataset->n_streams++];
    *stream = (struct stream){.name = name,
                              .kind = kind,
                              .store = store,
                              .size = size,
                              .stride = size,
                              .unknown = -1,
                              .end = -1,
                              .values = values};
    return stream;
}

const struct stream *dataset_find(const struct dataset *dataset, const char *name) {
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        if (strcmp(dataset->streams[s].name, name) == 0) {
            return &dataset->streams[s];
        }
    }
    return NULL;
}

/* ---- appending ---- */

/* A capacity of at least `needed`, doubling so that appending is cheap on average. */
static int64_t grown_capacity(int64_t capacity, int64_t needed) {
    capacity = capacity < 16 ? 16 : capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    return capacity;
}

/* Makes room for `capacity` entries of `width` bytes in an array of `before`. 0 if out of memory; the array is then still
 * valid. */
static int resize(void **array, int64_t before, int64_t capacity, size_t width) {
    const int fits = (uint64_t)capacity <= SIZE_MAX / width && memory_has_room((uint64_t)(capacity - before) * width);
    memory_refuse(fits ? 0 : (uint64_t)(capacity - before) * width);
    void *resized = fits ? memory_realloc(*array, (size_t)capacity * width) : NULL;
    *array = resized == NULL ? *array : resized;
    return resized != NULL;
}

/* Makes room for `needed` entries in an array of *capacity; if it is large and memory is short, for not many more than these. 0
 * if out of memory. */
static int grow(void **array, int64_t *capacity, int64_t needed, size_t width) {
    const int64_t capacities[] = {grown_capacity(*capacity, needed), needed + needed / 8};
    const int tries = (uint64_t)needed * width < MEMORY_MANY ? 1 : 2;
    int has_room = needed <= *capacity;
    for (int i = 0; i < tries && !has_room; i++) {
        has_room = resize(array, *capacity, capacities[i], width);
        *capacity = has_room ? capacities[i] : *capacity;
    }
    return has_room;
}

static size_t element_bytes(const struct stream *stream) {
    const size_t numbers = stream->kind == STREAM_REAL ? (size_t)stream->stride : 1;
    static const size_t bytes[] = {
        [STORE_I32] = sizeof(int32_t), [STORE_F32] = sizeof(float), [STORE_U8] = 1, [STORE_U16] = sizeof(uint16_t)};
    return numbers * bytes[stream->store];
}

static int reserve_elements(struct stream *stream, int64_t count) {
    struct stream_values *values = stream->values;
    if (count > INT64_MAX / 4 - values->elements) {
        return 0;
    }
    const int has_room = grow(&values->data, &values->capacity, values->elements + count, element_bytes(stream));
    stream->data = values->data;
    return has_room;
}

static int reserve_examples(struct dataset *dataset) {
    if (dataset->count < dataset->capacity) {
        return 1;
    }
    const int64_t capacity = grown_capacity(dataset->capacity, dataset->count + 1);
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &dataset->streams[s];
        void *begin = stream->begin, *length = stream->length;
        const int has_room = resize(&begin, dataset->capacity, capacity, sizeof *stream->begin) &&
                             resize(&length, dataset->capacity, capacity, sizeof *stream->length);
        stream->begin = begin;
        stream->length = length;
        if (!has_room) {
            return 0;
        }
    }
    if (dataset->timeline != NULL) {
        void *series = dataset->series;
        const int has_room = resize(&series, dataset->capacity, capacity, sizeof *dataset->series);
        dataset->series = series;
        if (!has_room) {
            return 0;
        }
    }
    dataset->capacity = capacity;
    return 1;
}

static int is_target(const struct stream *stream) {
    return strcmp(stream->name, "target") == 0;
}

/* The least and the largest of `count` ids. Inline for a constant store: a loop that the compiler vectorises. */
static inline void find_extremes(int32_t store, const void *ids, int64_t count, int32_t *least, int32_t *most) {
    for (int64_t i = 0; i < count; i++) {
        const int32_t id = stored_id(store, ids, i);
        *least = id < *least ? id : *least;
        *most = id > *most ? id : *most;
    }
}

/* 1 if all ids are in the range of the stream: an id past its end would read past the end of an embedding. */
static int ids_are_in_range(const struct stream *stream, const void *ids, int64_t count) {
    int32_t least = 0, most = 0;
    if (stream->kind == STREAM_REAL) {
        return 1;
    }
    if (stream->store == STORE_U8) {
        find_extremes(STORE_U8, ids, count, &least, &most);
    } else if (stream->store == STORE_U16) {
        find_extremes(STORE_U16, ids, count, &least, &most);
    } else {
        find_extremes(STORE_I32, ids, count, &least, &most);
    }
    return least >= (is_target(stream) && stream->kind == STREAM_CLASS ? STREAM_NO_TARGET : 0) && most < stream->size;
}

static rondo_status append(struct stream *stream, const struct stream_part *part, int64_t example,
                           struct errors *errors) {
    const int may_be_empty = is_target(stream) || strcmp(stream->name, "weight") == 0;
    RONDO_CHECK(part->count >= (may_be_empty ? 0 : 1), errors, "an example has at least one element of each stream");
    RONDO_CHECK(ids_are_in_range(stream, part->values, part->count), errors, "ids are below the size of their stream");
    RONDO_CHECK(stream->values->users == 1, errors, "the elements are not shared with a view");
    if (!reserve_elements(stream, part->count)) {
        return errors_no_memory(errors);
    }
    struct stream_values *values = stream->values;
    const size_t bytes = element_bytes(stream);
    if (part->count > 0) {
        memcpy((char *)values->data + (size_t)values->elements * bytes, part->values, (size_t)part->count * bytes);
    }
    stream->begin[example] = values->elements;
    stream->length[example] = part->count;
    values->elements += part->count;
    stream->elements = values->elements;
    return RONDO_OK;
}

rondo_status dataset_add(struct dataset *dataset, const struct stream_part *parts, struct errors *errors) {
    if (!reserve_examples(dataset)) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        RONDO_TRY(append(&dataset->streams[s], &parts[s], dataset->count, errors));
    }
    dataset->count++;
    return RONDO_OK;
}

void *dataset_room(struct dataset *dataset, int32_t stream, int64_t count, struct errors *errors) {
    struct stream *own = &dataset->streams[stream];
    if (!reserve_elements(own, count)) {
        errors_no_memory(errors);
        return NULL;
    }
    return (char *)own->values->data + (size_t)own->values->elements * element_bytes(own);
}

rondo_status dataset_extend(struct dataset *dataset, int32_t stream, int64_t count, struct errors *errors) {
    struct stream *own = &dataset->streams[stream];
    struct stream_values *values = own->values;
    const char *added = (const char *)values->data + (size_t)values->elements * element_bytes(own);
    RONDO_CHECK(count <= values->capacity - values->elements, errors, "there is room for the elements");
    RONDO_CHECK(ids_are_in_range(own, added, count), errors, "ids are below the size of their stream");
    RONDO_CHECK(dataset->count > 0 && values->users == 1, errors, "an example that is not shared is extended");
    own->length[dataset->count - 1] += count;
    values->elements += count;
    own->elements = values->elements;
    return RONDO_OK;
}

rondo_status dataset_add_id(struct dataset *dataset, int32_t stream, int32_t id, struct errors *errors) {
    void *ids = dataset_room(dataset, stream, 1, errors);
    if (ids == NULL) {
        return errors->status;
    }
    store_id(dataset->streams[stream].store, ids, 0, id);
    return dataset_extend(dataset, stream, 1, errors);
}

struct timeline *dataset_timeline(struct dataset *dataset, struct errors *errors) {
    struct timeline *timeline = memory_calloc(1, sizeof *timeline);
    if (timeline == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    timeline->users = 1;
    timeline->groups = 1;
    timeline->season = 1;
    dataset->timeline = timeline;
    return timeline;
}

static int reserve_series(struct timeline *timeline, int64_t elements) {
    void *time = timeline->time, *series = timeline->series;
    const int has_room = grow(&time, &timeline->capacity, timeline->elements + elements, sizeof *timeline->time) &&
                         grow(&series, &timeline->series_capacity, timeline->n_series + 1, sizeof *timeline->series);
    timeline->time = time;
    timeline->series = series;
    return has_room;
}

rondo_status dataset_add_series(struct dataset *dataset, int64_t count, int32_t group, struct series_room *room,
                                struct errors *errors) {
    struct timeline *timeline = dataset->timeline;
    const int64_t elements = count + timeline->horizon, example = dataset->count;
    if (!reserve_series(timeline, elements) || !reserve_examples(dataset)) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &dataset->streams[s];
        RONDO_CHECK(stream->store == STORE_F32 && stream->values->users == 1, errors, "a series has floats of its own");
        room->numbers[s] = dataset_room(dataset, s, elements, errors);
        if (room->numbers[s] == NULL) {
            return errors->status;
        }
        stream->begin[example] = stream->values->elements;
        stream->length[example] = count;
        stream->values->elements += elements;
        stream->elements = stream->values->elements;
    }
    dataset->count++;
    room->time = timeline->time + timeline->elements;
    dataset->series[example] = timeline->n_series;
    timeline->series[timeline->n_series++] =
        (struct timeline_series){.begin = timeline->elements, .count = count, .group = group};
    timeline->elements += elements;
    return RONDO_OK;
}

/* Makes room for the entry of the last example in an array that all examples have an entry of, or none. It grows with the other
 * arrays per example: whenever the index is one that they were full at. 0 if out of memory. */
static int reserve_entry(const struct dataset *dataset, void **array, size_t width) {
    const int64_t index = dataset->count - 1;
    const int is_full = index == 0 || (index >= 16 && (index & (index - 1)) == 0);
    if (is_full && !resize(array, index, dataset->capacity, width)) {
        return 0;
    }
    if (is_full) {
        memset((char *)*array + (size_t)index * width, 0, (size_t)(dataset->capacity - index) * width);
    }
    return 1;
}

rondo_status dataset_add_text(struct dataset *dataset, const char *text, struct errors *errors) {
    const int64_t index = dataset->count - 1;
    RONDO_CHECK(index == 0 || dataset->texts != NULL, errors, "all examples have a text, or none has");
    void *texts = dataset->texts;
    const int has_room = reserve_entry(dataset, &texts, sizeof *dataset->texts);
    dataset->texts = texts;
    if (!has_room) {
        dataset->count = index; /* every example that is left has a text */
        return errors_no_memory(errors);
    }
    dataset->texts[index] = strdup(text);
    dataset->count = dataset->texts[index] == NULL ? index : index + 1;
    return dataset->texts[index] == NULL ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status dataset_set_key(struct dataset *dataset, uint64_t key, struct errors *errors) {
    RONDO_CHECK(dataset->count == 1 || dataset->key != NULL, errors, "all examples have a key, or none has");
    void *keys = dataset->key;
    const int has_room = reserve_entry(dataset, &keys, sizeof *dataset->key);
    dataset->key = keys;
    if (!has_room) {
        dataset->count--;
        return errors_no_memory(errors);
    }
    dataset->key[dataset->count - 1] = key;
    return RONDO_OK;
}

rondo_status dataset_keep_unknown(struct dataset *dataset, int32_t stream, int64_t index, const char *text,
                                  size_t length, struct errors *errors) {
    const struct stream *of = &dataset->streams[stream];
    struct unknown_texts *texts = &of->values->unknown;
    const int64_t element = of->begin[dataset->count - 1] + index, size = (int64_t)length + 1;
    RONDO_CHECK(texts->count == 0 || texts->element[texts->count - 1] < element, errors,
                "unknown symbols are kept in the order of their elements");
    void *elements = texts->element, *begin = texts->begin, *bytes = texts->bytes;
    const int has_room = grow(&elements, &texts->element_capacity, texts->count + 1, sizeof *texts->element) &&
                         grow(&begin, &texts->begin_capacity, texts->count + 1, sizeof *texts->begin) &&
                         grow(&bytes, &texts->bytes_capacity, texts->used + size, 1);
    texts->element = elements;
    texts->begin = begin;
    texts->bytes = bytes;
    if (!has_room) {
        return errors_no_memory(errors);
    }
    memcpy(texts->bytes + texts->used, text, length);
    texts->bytes[texts->used + size - 1] = '\0';
    texts->element[texts->count] = element;
    texts->begin[texts->count++] = texts->used;
    texts->used += size;
    return RONDO_OK;
}

const char *stream_unknown_text(const struct stream *stream, int64_t element) {
    const struct unknown_texts *texts = &stream->values->unknown;
    int64_t low = 0, high = texts->count; /* the first one that is not before the element */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (texts->element[middle] < element) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < texts->count && texts->element[low] == element ? texts->bytes + texts->begin[low] : NULL;
}

void dataset_note(struct dataset *dataset, const char *text) {
    int32_t n = 0;
    while (n < dataset->n_notes && strcmp(dataset->notes[n].text, text) != 0) {
        n++;
    }
    if (n == dataset->n_notes && n < DATASET_MOST_NOTES) {
        dataset->notes[dataset->n_notes++] = (struct dataset_note){.text = text};
    }
    if (n < dataset->n_notes) {
        dataset->notes[n].count++;
    }
}

/* ---- views ---- */

struct dataset *dataset_ranges(const struct dataset *dataset, int64_t count, struct errors *errors) {
    struct dataset *view = dataset_create(errors);
    if (view == NULL) {
        return NULL;
    }
    int failed = 0;
    view->count = view->capacity = count;
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &view->streams[view->n_streams++];
        *stream = dataset->streams[s];
        stream->values->users++;
        stream->begin = memory_calloc((size_t)count + 1, sizeof *stream->begin);
        stream->length = memory_calloc((size_t)count + 1, sizeof *stream->length);
        failed |= stream->begin == NULL || stream->length == NULL;
    }
    if (dataset->timeline != NULL) {
        view->timeline = dataset->timeline;
        view->timeline->users++;
        view->series = memory_calloc((size_t)count + 1, sizeof *view->series);
        failed |= view->series == NULL;
    }
    if (failed) {
        dataset_destroy(view);
        errors_no_memory(errors);
        return NULL;
    }
    return view;
}

struct dataset *dataset_view(const struct dataset *dataset, const int64_t *examples, int64_t count,
                             struct errors *errors) {
    struct dataset *view = dataset_ranges(dataset, count, errors);
    if (view == NULL) {
        return NULL;
    }
    if (dataset->continues != NULL) {
        view->continues = memory_calloc((size_t)count + 1, 1);
        if (view->continues == NULL) {
            dataset_destroy(view);
            errors_no_memory(errors);
            return NULL;
        }
    }
    if (dataset->context != NULL) {
        view->context = memory_calloc((size_t)count + 1, sizeof *view->context);
        if (view->context == NULL) {
            dataset_destroy(view);
            errors_no_memory(errors);
            return NULL;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        for (int32_t s = 0; s < dataset->n_streams; s++) {
            view->streams[s].begin[i] = dataset->streams[s].begin[examples[i]];
            view->streams[s].length[i] = dataset->streams[s].length[examples[i]];
        }
        if (view->continues != NULL) {
            view->continues[i] = dataset->continues[examples[i]];
        }
        if (view->series != NULL) {
            view->series[i] = dataset->series[examples[i]];
        }
        if (view->context != NULL) {
            view->context[i] = dataset->context[examples[i]];
        }
    }
    return view;
}
