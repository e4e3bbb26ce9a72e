#include "data/references.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

enum { MOST_KEYS = 2 }; /* streams that are compared */

/* The streams that make two examples equal. */
struct source_streams {
    const struct stream *streams[MOST_KEYS];
    int32_t count;
};

/* An example while examples are sorted. */
struct hashed {
    uint64_t hash;
    int64_t example;
    const struct source_streams *by;
};

/* The bits of number `k` of an element. */
static uint32_t bits_of(const struct stream *stream, int64_t element, int64_t k) {
    if (stream->kind != STREAM_REAL) {
        return (uint32_t)stream_id(stream, element);
    }
    const float number = stream_number(stream, element, k);
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* An unknown symbol as it is written in the file; "": a known one. Sources that differ in unknown words only are different sources. */
static const char *unknown_of(const struct stream *stream, int64_t element) {
    const int is_unknown =
        stream->kind != STREAM_REAL && stream->unknown >= 0 && stream_id(stream, element) == stream->unknown;
    const char *text = is_unknown ? stream_unknown_text(stream, element) : NULL;
    return text == NULL ? "" : text;
}

static int64_t width_of(const struct stream *stream) {
    return stream->kind == STREAM_REAL ? stream->size : 1;
}

/* FNV-1a over numbers of 32 bits. */
static uint64_t hash_of(const struct source_streams *by, int64_t example) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (int32_t s = 0; s < by->count; s++) {
        const struct stream *stream = by->streams[s];
        const int64_t begin = stream->begin[example], end = begin + stream->length[example];
        for (int64_t element = begin; element < end; element++) {
            for (int64_t k = 0; k < width_of(stream); k++) {
                hash = (hash ^ bits_of(stream, element, k)) * 0x100000001b3u;
            }
            for (const char *c = unknown_of(stream, element); *c != '\0'; c++) {
                hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
            }
        }
        hash = (hash ^ (uint64_t)stream->length[example]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static int compare_lengths(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* 0 if the examples have the same elements in a stream; otherwise their order. */
static int compare_elements(const struct stream *stream, int64_t left, int64_t right) {
    const int lengths = compare_lengths(stream->length[left], stream->length[right]);
    int texts = 0;
    for (int64_t t = 0; lengths == 0 && t < stream->length[left]; t++) {
        for (int64_t k = 0; k < width_of(stream); k++) {
            const uint32_t a = bits_of(stream, stream->begin[left] + t, k);
            const uint32_t b = bits_of(stream, stream->begin[right] + t, k);
            if (a != b) {
                return a < b ? -1 : 1;
            }
        }
        texts = texts != 0
                    ? texts
                    : strcmp(unknown_of(stream, stream->begin[left] + t), unknown_of(stream, stream->begin[right] + t));
    }
    return lengths != 0 ? lengths : texts;
}

static int compare_sources(const struct hashed *a, const struct hashed *b) {
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    int order = 0;
    for (int32_t s = 0; s < a->by->count && order == 0; s++) {
        order = compare_elements(a->by->streams[s], a->example, b->example);
    }
    return order;
}

static int by_source(const void *left, const void *right) {
    const struct hashed *a = left, *b = right;
    const int order = compare_sources(a, b);
    return order != 0 ? order : compare_lengths(a->example, b->example);
}

/* Numbers the groups by their first examples, and lists them. `first` is the first example of the group of each. */
static void list_groups(struct references *references, const int64_t *first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        references->group[i] = first[i] == i ? references->groups++ : references->group[first[i]];
        references->begin[references->group[i] + 1]++;
    }
    for (int64_t g = 0; g < references->groups; g++) {
        references->begin[g + 1] += references->begin[g];
    }
    for (int64_t i = count; i-- > 0;) { /* begin[g + 1] becomes the beginning of g, and is moved back below */
        references->examples[--references->begin[references->group[i] + 1]] = i;
    }
    for (int64_t g = 0; g < references->groups; g++) {
        references->begin[g] = references->begin[g + 1];
    }
    references->begin[references->groups] = count;
}

rondo_status references_find(struct references *references, const struct dataset *dataset, struct errors *errors) {
    static const char *const names[MOST_KEYS] = {"source", "input"};
    const int64_t count = dataset->count;
    struct source_streams by = {.count = 0};
    for (int32_t s = 0; s < MOST_KEYS; s++) {
        const struct stream *stream = dataset_find(dataset, names[s]);
        if (stream != NULL) {
            by.streams[by.count++] = stream;
        }
    }
    *references = (struct references){.begin = memory_calloc((size_t)count + 2, sizeof *references->begin),
                                      .examples = memory_calloc((size_t)count + 1, sizeof *references->examples),
                                      .group = memory_calloc((size_t)count + 1, sizeof *references->group)};
    struct hashed *hashed = memory_calloc((size_t)count + 1, sizeof *hashed);
    int64_t *first = memory_calloc((size_t)count + 1, sizeof *first);
    rondo_status status = RONDO_OK;
    if (references->begin == NULL || references->examples == NULL || references->group == NULL || hashed == NULL ||
        first == NULL) {
        status = errors_no_memory(errors);
    }
    for (int64_t i = 0; status == RONDO_OK && i < count; i++) {
        hashed[i] = (struct hashed){by.count == 0 ? (uint64_t)i : hash_of(&by, i), i, &by};
    }
    if (status == RONDO_OK) {
        qsort(hashed, (size_t)count, sizeof *hashed, by_source);
        for (int64_t i = 0; i < count; i++) {
            const int is_same = i > 0 && compare_sources(&hashed[i - 1], &hashed[i]) == 0;
            first[hashed[i].example] = is_same ? first[hashed[i - 1].example] : hashed[i].example;
        }
        list_groups(references, first, count);
    }
    free(hashed);
    free(first);
    return status;
}

void references_free(struct references *references) {
    free(references->begin);
    free(references->examples);
    free(references->group);
    *references = (struct references){0};
}
