/* data/dataset.h: examples in memory, from any reader.
 *
 * An example is a set of named streams: sequences of symbols or of numbers. Names are fixed:
 *
 *     input     what the model reads
 *     target    what it predicts: one element for each step, or one for the whole example; or a list (STREAM_LIST)
 *     source    what an encoder reads, before anything is predicted; its length is its own
 *     weight    one number per example: the factor of its losses
 *     known     numbers of the steps to come that are known in advance; the model reads them at each step, beside `input`
 *
 * A stream stores the elements of all examples in one array; each example is a range of it. Ranges may overlap: windows of
 * a long sequence, and the parts of a file, are views and copy nothing (dataset_view). A reader fills a dataset; the code
 * that uses it does not know the file format.
 *
 *     struct dataset *dataset = dataset_create(errors);
 *     dataset_stream(dataset, "input", STREAM_CLASS, STORE_I32, words, errors);
 *     dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, labels, errors);
 *     const struct stream_part parts[] = {{tokens, n_tokens}, {&label, 1}};
 *     status = dataset_add(dataset, parts, errors);
 *
 * Threads: filled on one thread; afterwards read from any.
 */
#ifndef RONDO_DATA_DATASET_H
#define RONDO_DATA_DATASET_H

#include <math.h>

#include "core/tensor.h"
#include "data/vocabulary.h"

/* What an element of a stream is. */
enum stream_kind {
    STREAM_CLASS = 0, /* one id in [0, size); in the stream "target", STREAM_NO_TARGET is allowed as well */
    STREAM_REAL = 1,  /* `size` numbers; in the stream "target", an element whose first number is NaN is missing */
    STREAM_LIST = 2   /* one id in [0, size); the ids of an example are a list that is not aligned with its steps */
};
/* The class of a step that has no target: it has no loss, and no metric counts it. */
#define STREAM_NO_TARGET (-1)

/* How elements are stored. STORE_U8: classes up to 255, so that a text takes one byte per character, and numbers that
 * are bytes, such as pixels. STORE_U16: classes up to 65,535, for words and large alphabets. */
enum stream_store { STORE_I32 = 0, STORE_F32 = 1, STORE_U8 = 2, STORE_U16 = 3 };

/* What is done with a number before it is shifted and scaled. */
enum number_transform { TRANSFORM_NONE = 0, TRANSFORM_LOG = 1, TRANSFORM_LOG1P = 2 }; /* x, log x, log(1 + x) */

struct augment; /* data/augment.h */

/* The elements of a stream, shared by all datasets that are views of the same examples. Private to dataset.c. */
struct stream_values;

struct stream {
    const char *name;        /* constant text */
    int32_t kind, store;     /* enum stream_kind, enum stream_store */
    int64_t size;            /* ids, or numbers of an element; >= 1 */
    int64_t *begin, *length; /* [count of the dataset] the elements of each example */
    const void *data;        /* all elements, by `store`; [elements], or [elements, size] */
    int64_t elements;
    /* Numbers from the beginning of one element to that of the next: `size`, or less if elements overlap. The targets of
     * forecasts do: `size` is the number of steps to come times `stride`, and nothing is stored more than once. */
    int64_t stride;
    /* STREAM_REAL: the model sees number k of an element as (transform[k](stored) - shift[k]) / scale[k]. With groups, each
     * has its own shift and scale (dataset_group): [groups, size]. NULL: as it is. Borrowed. */
    const float *shift, *scale;
    const unsigned char *transform; /* [size] enum number_transform; NULL: none. Borrowed */
    /* The target of a series: the mean absolute error of the naive forecast in training, [groups, size]; NULL: not known; NaN: the
     * series has none, because it does not change there or is no longer than a season. */
    const float *naive;
    /* STREAM_REAL, not the target: a number may be NaN, and the model then sees 0. STREAM_CLASS, the target: the reader leaves out
     * the target of steps that a token of the text marks. */
    int has_missing;
    /* STREAM_REAL: numbers k, k + channels, k + 2 * channels, … of an element share their scaling, as do the pixels of one
     * colour; it divides `size`. 0: each number has its own. */
    int64_t channels;
    const struct augment *augment;  /* what training changes in an input; borrowed from the reader; NULL: nothing */
    const struct vocabulary *names; /* texts of the ids; borrowed from the reader; NULL: none */
    const char *form; /* what its elements are parts of, for `rondo check`; borrowed from the reader; NULL: nothing */
    int32_t unknown;  /* the id that replaces unknown symbols; -1: none */
    int32_t end;      /* the id that ends each sequence of the stream, and so what the model generates; -1: none */
    struct stream_values *values;
};

/* Sequences of which each element belongs to a time: the rows of a table with dates. */
struct timeline_series {
    int64_t begin, count; /* its elements in all streams; `horizon` further ones follow, of the steps to come */
    int32_t group;        /* of shift and scale */
};
struct timeline {
    struct timeline_series *series; /* [n_series] */
    int64_t *time;                  /* [elements] microseconds, as in data/dates.h */
    int32_t n_series, groups;
    int64_t window, horizon, step; /* of the forecasts that are made of it (data/origins.h) */
    int32_t zone;                  /* of all times, as of date_parse */
    int64_t season;                /* steps after which the series repeats itself; 1: it does not */
    int64_t elements, capacity, series_capacity, users; /* private to dataset.c */
};

enum { DATASET_MOST_STREAMS = 5, DATASET_MOST_NOTES = 4 };

/* "12 examples are left out, because …": a number of examples, and what is done with them. Constant text. */
struct dataset_note {
    int64_t count;
    const char *text;
};

struct dataset {
    int64_t count; /* examples */
    struct stream streams[DATASET_MOST_STREAMS];
    int32_t n_streams;
    /* Windows of longer sequences (data/windows.h); NULL: every example is a whole sequence. [count] 1 if the example
     * continues the sequence of the elements before it. */
    unsigned char *continues;
    /* Windows that carry states from one to the next: batch u has the windows update_begin[u] .. update_begin[u + 1], at
     * most one of each of the `lanes`. lane NULL: examples are independent. */
    int64_t *lane;         /* [count] */
    int64_t *update_begin; /* [updates + 1] */
    int64_t lanes, updates;
    struct timeline
        *timeline;    /* of examples that are series, or windows of them; shared by views. NULL: they have no times */
    int32_t *series;  /* [count] the series of each example; NULL without a timeline */
    int64_t *context; /* [count] first steps of an example whose targets are not scored; NULL: none */
    int64_t left_out; /* windows that would be examples if none of their targets were missing */
    /* [count] examples with the same key are in the same part if parts are chosen at random (data/parts.h); NULL: each is chosen
     * alone. */
    uint64_t *key;
    struct dataset_note notes[DATASET_MOST_NOTES]; /* what a person should know of how the examples were read */
    int32_t n_notes;
    char **texts;     /* [count] for prediction: the text that each example was made from; NULL: not kept */
    int64_t capacity; /* of the arrays per example; private to dataset.c */
};

/* Elements of one stream of an example. */
struct stream_part {
    const void *values; /* [count]: int32_t, float, unsigned char or uint16_t, as the stream stores them; copied */
    int64_t count;      /* >= 1; 0 only in `target` and `weight`, for examples that have none */
};

/* An empty dataset without streams; NULL with an error. */
struct dataset *dataset_create(struct errors *errors);
void dataset_destroy(struct dataset *dataset);

/* Adds a stream, before the first example. `name` is constant text. The result, for its optional fields, is valid until
 * dataset_destroy; NULL with an error. */
struct stream *dataset_stream(struct dataset *dataset, const char *name, int32_t kind, int32_t store, int64_t size,
                              struct errors *errors);
/* The stream of that name; NULL: there is none. */
const struct stream *dataset_find(const struct dataset *dataset, const char *name);

/* Appends one example; `parts` has an entry for each stream, in the order in which they were added. */
rondo_status dataset_add(struct dataset *dataset, const struct stream_part *parts, struct errors *errors);

/* For an example that is too long to be in memory twice: room for `count` more elements at the end of the last example, in
 * stream number `stream`, which may have been added without elements. The caller writes up to `count` of them as the stream
 * stores them (store_id), and dataset_extend appends them. NULL with an error. */
void *dataset_room(struct dataset *dataset, int32_t stream, int64_t count, struct errors *errors);
rondo_status dataset_extend(struct dataset *dataset, int32_t stream, int64_t count, struct errors *errors);
/* Appends one id in the same way. */
rondo_status dataset_add_id(struct dataset *dataset, int32_t stream, int32_t id, struct errors *errors);
/* For series: gives the dataset a timeline without series, before the first example. The result is valid as long as the
 * dataset or a view of it; NULL with an error. */
struct timeline *dataset_timeline(struct dataset *dataset, struct errors *errors);
/* Appends a series as an example of `count` elements. The room is for `count` + timeline->horizon elements of each stream,
 * floats, which overlap the next ones if `stride` says so, and for the time of each: all of it must be written, before
 * anything else is appended. */
struct series_room {
    float *numbers[DATASET_MOST_STREAMS];
    int64_t *time;
};
rondo_status dataset_add_series(struct dataset *dataset, int64_t count, int32_t group, struct series_room *room,
                                struct errors *errors);

/* Keeps a copy of an unknown symbol as it is written in the file: element `index` of the last example in stream number `stream`,
 * whose id is stream->unknown. In the order of the elements. */
rondo_status dataset_keep_unknown(struct dataset *dataset, int32_t stream, int64_t index, const char *text,
                                  size_t length, struct errors *errors);
/* The text of an unknown symbol, by the number of its element; NULL: it is not kept. Valid as long as the dataset or a view of
 * it. */
const char *stream_unknown_text(const struct stream *stream, int64_t element);

/* Keeps a copy of the text that the last example was made from. For all examples of a dataset, or for none. */
rondo_status dataset_add_text(struct dataset *dataset, const char *text, struct errors *errors);

/* Gives the last example a key, by which parts are chosen. For all examples of a dataset, or for none. */
rondo_status dataset_set_key(struct dataset *dataset, uint64_t key, struct errors *errors);
/* Counts one more example of a note; `text` is constant, and one of at most DATASET_MOST_NOTES. */
void dataset_note(struct dataset *dataset, const char *text);

/* Examples examples[0 .. count) as a dataset of their own, which shares the elements. It may outlive `dataset`. Windows stay
 * windows, without lanes; texts, keys and notes are not kept. NULL with an error. */
struct dataset *dataset_view(const struct dataset *dataset, const int64_t *examples, int64_t count,
                             struct errors *errors);
/* For views with other ranges: a dataset with the streams of `dataset`, and room for `count` examples whose ranges the
 * caller sets. NULL with an error. */
struct dataset *dataset_ranges(const struct dataset *dataset, int64_t count, struct errors *errors);

/* Id number `index` of a stream of ids, and number `k` of element `index` of a stream of numbers, as stored. Inline, because
 * a long text is read element by element. */
static inline int32_t stored_id(int32_t store, const void *ids, int64_t index) {
    return store == STORE_U8    ? (int32_t)((const unsigned char *)ids)[index]
           : store == STORE_U16 ? (int32_t)((const uint16_t *)ids)[index]
                                : ((const int32_t *)ids)[index];
}

static inline int32_t stream_id(const struct stream *stream, int64_t index) {
    return stored_id(stream->store, stream->data, index);
}

static inline float stream_number(const struct stream *stream, int64_t index, int64_t k) {
    const int64_t at = index * stream->stride + k;
    return stream->store == STORE_U8 ? (float)((const unsigned char *)stream->data)[at]
                                     : ((const float *)stream->data)[at];
}

/* The smallest store of `size` ids, and the other direction of stored_id. */
static inline int32_t store_for_ids(int64_t size) {
    return size <= 1 << 8 ? STORE_U8 : size <= 1 << 16 ? STORE_U16 : STORE_I32;
}

static inline void store_id(int32_t store, void *ids, int64_t index, int32_t id) {
    if (store == STORE_U8) {
        ((unsigned char *)ids)[index] = (unsigned char)id;
    } else if (store == STORE_U16) {
        ((uint16_t *)ids)[index] = (uint16_t)id;
    } else {
        ((int32_t *)ids)[index] = id;
    }
}

/* 1 if element `index` of the stream "target" is a target. If elements overlap, each of its numbers must be there. */
static inline int stream_has_target(const struct stream *stream, int64_t index) {
    if (stream->kind != STREAM_REAL) {
        return stream_id(stream, index) != STREAM_NO_TARGET;
    }
    const int64_t checked = stream->stride < stream->size ? stream->size : 1;
    for (int64_t k = 0; k < checked; k++) {
        if (index * stream->stride + k >= stream->elements * stream->stride || isnan(stream_number(stream, index, k))) {
            return 0;
        }
    }
    return 1;
}

/* The group of an example, by which its numbers are scaled. */
static inline int32_t dataset_group(const struct dataset *dataset, int64_t example) {
    return dataset->timeline == NULL ? 0 : dataset->timeline->series[dataset->series[example]].group;
}

/* Number k of an element, transformed. */
static inline double stream_transform(const struct stream *stream, int64_t k, double stored) {
    const int transform = stream->transform == NULL ? TRANSFORM_NONE : stream->transform[k];
    return transform == TRANSFORM_LOG ? log(stored) : transform == TRANSFORM_LOG1P ? log1p(stored) : stored;
}

/* A number of an element as the model sees it, and back. */
static inline double stream_to_model(const struct stream *stream, int32_t group, int64_t k, double stored) {
    if (isnan(stored) && stream->has_missing) {
        return 0;
    }
    const int64_t at = group * stream->size + k;
    const double shift = stream->shift == NULL ? 0 : (double)stream->shift[at];
    const double scale = stream->scale == NULL ? 1 : (double)stream->scale[at];
    return (stream_transform(stream, k, stored) - shift) / scale;
}

static inline double stream_to_units(const struct stream *stream, int32_t group, int64_t k, double seen) {
    const int64_t at = group * stream->size + k;
    const double shift = stream->shift == NULL ? 0 : (double)stream->shift[at];
    const double scale = stream->scale == NULL ? 1 : (double)stream->scale[at];
    const double number = seen * scale + shift;
    const int transform = stream->transform == NULL ? TRANSFORM_NONE : stream->transform[k];
    return transform == TRANSFORM_LOG ? exp(number) : transform == TRANSFORM_LOG1P ? expm1(number) : number;
}

#endif
