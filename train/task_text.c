#include "train/task_text.h"

#include <string.h>

#include "io/utf8.h"

int task_has_inputs(const struct task *task) {
    const struct dataset *shape = task->data.shape;
    return dataset_find(shape, "input") != NULL || dataset_find(shape, "source") != NULL ||
           dataset_find(shape, "known") != NULL;
}

int task_reads_targets_only(const struct task *task) {
    const struct dataset *shape = task->data.shape;
    return task->experiment->model.feedback && shape->n_streams == 1 && strcmp(shape->streams[0].name, "target") == 0 &&
           shape->streams[0].kind == STREAM_CLASS;
}

rondo_status task_encode(const struct task *task, const char *stream, const char *text, struct location where,
                         struct arena *arena, int32_t **ids, int64_t *count, struct errors *errors) {
    const struct reader *reader = task->data.reader;
    if (reader->class->encode == NULL) {
        return errors_add_at(errors, RONDO_INVALID, where, "reader '%s' of the run has no texts", reader->class->name);
    }
    struct errors own = {0};
    const rondo_status status = reader->class->encode(reader, stream, text, arena, ids, count, &own);
    if (own.count > 0) {
        errors_add_at(errors, status, where, "%s", errors_text(&own, 0));
    }
    errors_free(&own);
    return status;
}

/* The number of ids of the first `bytes` of a text; -1: it cannot be encoded. */
static int64_t count_ids(const struct task *task, const char *stream, const char *text, size_t bytes,
                         struct arena *arena) {
    struct errors ignored = {0};
    const char *part = arena_strndup(arena, text, bytes);
    int32_t *ids;
    int64_t count = -1;
    if (part == NULL ||
        task_encode(task, stream, part, (struct location){0}, arena, &ids, &count, &ignored) != RONDO_OK) {
        count = -1;
    }
    errors_free(&ignored);
    return count;
}

/* The number of the first character, from 0, of the symbol `index` of a text: [n + 1] `begin` are the bytes at which its `n`
 * characters begin, and its end. `n` if there is no such symbol. Readers do not say where a symbol is in a text, but the
 * symbols of its beginning are those of the text, but for the last one. */
static int64_t find_symbol(const struct task *task, const char *stream, const char *text, const size_t *begin,
                           int64_t n, int64_t index, struct arena *arena) {
    int64_t low = 0, high = n + 1; /* `low` characters have at most `index` symbols; `high`, if there are, have more */
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (count_ids(task, stream, text, begin[middle], arena) > index) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return low;
}

rondo_status task_symbol_of(const struct task *task, const char *stream, const char *text, int64_t index,
                            struct arena *arena, struct task_symbol *symbol, struct errors *errors) {
    const int64_t n = (int64_t)utf8_count(text, strlen(text));
    size_t *begin = arena_calloc(arena, (size_t)n + 1, sizeof *begin);
    if (begin == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t code;
        const size_t length = utf8_decode(text + begin[i], 4, &code);
        begin[i + 1] = begin[i] + (length == 0 ? 1 : length);
    }
    const int64_t from = find_symbol(task, stream, text, begin, n, index, arena);
    int64_t to = find_symbol(task, stream, text, begin, n, index + 1, arena);
    while (to - from > 1 && strchr(" \t\n", text[begin[to] - 1]) != NULL) {
        to--;
    }
    *symbol = (struct task_symbol){text + begin[from], begin[to] - begin[from], from};
    return RONDO_OK;
}

/* Refuses symbol number `index` of a text. */
static rondo_status refuse_unknown(const struct task *task, const char *stream, const char *text, int64_t index,
                                   struct location where, struct arena *arena, struct errors *errors) {
    struct task_symbol symbol;
    RONDO_TRY(task_symbol_of(task, stream, text, index, arena, &symbol, errors));
    where.column = (int32_t)symbol.character + 1;
    where.line = where.line == 0 ? 1 : where.line;
    return errors_add_at(errors, RONDO_INVALID, where,
                         "the model has not learned '%.*s', symbol %lld of the text: its vocabulary has %d symbols; "
                         "with --unknown allow (unknown: allow) it reads the unknown symbol in its place",
                         (int)(symbol.length < 200 ? symbol.length : 200), symbol.text, (long long)index + 1,
                         vocabulary_size(dataset_find(task->data.shape, stream)->names));
}

rondo_status task_encode_known(const struct task *task, const char *stream, const char *text, struct location where,
                               struct arena *arena, int32_t **ids, int64_t *count, struct errors *errors) {
    RONDO_TRY(task_encode(task, stream, text, where, arena, ids, count, errors));
    const struct stream *of = dataset_find(task->data.shape, stream);
    for (int64_t i = 0; i < *count && of->unknown >= 0; i++) {
        if ((*ids)[i] == of->unknown) {
            return refuse_unknown(task, stream, text, i, where, arena, errors);
        }
    }
    return RONDO_OK;
}

rondo_status task_decode(const struct task *task, const char *stream, const int32_t *ids, int64_t count, int64_t before,
                         struct arena *arena, const char **text, struct errors *errors) {
    const struct reader *reader = task->data.reader;
    RONDO_CHECK(reader->class->decode != NULL, errors, "the reader has texts");
    return reader->class->decode(reader, stream, ids, count, before, arena, text, errors);
}

rondo_status task_decode_replaced(const struct task *task, const char *stream, const int32_t *ids, int64_t count,
                                  const char *const *texts, struct arena *arena, const char **text,
                                  struct errors *errors) {
    const struct vocabulary *names = dataset_find(task->data.shape, stream)->names;
    const char **pieces = arena_calloc(arena, (size_t)count + 1, sizeof *pieces);
    size_t length = 1;
    for (int64_t i = 0; i < count && pieces != NULL; i++) {
        RONDO_TRY(task_decode(task, stream, ids + i, 1, i, arena, &pieces[i], errors));
        const char *word = texts[i] == NULL || names == NULL ? NULL : vocabulary_word(names, ids[i]);
        const char *at = word == NULL ? NULL : strstr(pieces[i], word);
        if (at != NULL) { /* there may be a blank before it */
            pieces[i] = arena_printf(arena, "%.*s%s%s", (int)(at - pieces[i]), pieces[i], texts[i], at + strlen(word));
        }
        if (pieces[i] == NULL) {
            return errors_no_memory(errors);
        }
        length += strlen(pieces[i]);
    }
    char *joined = pieces == NULL ? NULL : arena_alloc(arena, length), *to = joined;
    if (joined == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        const size_t bytes = strlen(pieces[i]);
        memcpy(to, pieces[i], bytes);
        to += bytes;
    }
    *to = '\0';
    *text = joined;
    return RONDO_OK;
}

rondo_status task_example_text(const struct task *task, const struct dataset *dataset, const char *name,
                               int64_t example, struct arena *arena, const char **text, struct errors *errors) {
    const struct stream *stream = dataset_find(dataset, name);
    *text = NULL;
    if (stream == NULL || stream->kind == STREAM_REAL || task->data.reader->class->decode == NULL) {
        return RONDO_OK;
    }
    int64_t count = stream->length[example];
    int32_t *ids = arena_calloc(arena, (size_t)count + 1, sizeof *ids);
    const char **texts = arena_calloc(arena, (size_t)count + 1, sizeof *texts);
    if (ids == NULL || texts == NULL) {
        return errors_no_memory(errors);
    }
    int has_texts = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t element = stream->begin[example] + i;
        ids[i] = stream_id(stream, element);
        texts[i] = ids[i] == stream->unknown ? stream_unknown_text(stream, element) : NULL;
        has_texts |= texts[i] != NULL;
    }
    count -= count > 0 && stream->end >= 0 && ids[count - 1] == stream->end;
    return has_texts ? task_decode_replaced(task, name, ids, count, texts, arena, text, errors)
                     : task_decode(task, name, ids, count, 0, arena, text, errors);
}

rondo_status task_add_targets(struct dataset *dataset, const int32_t *ids, int64_t count, struct errors *errors) {
    const struct stream_part empty = {NULL, 0};
    const int32_t end = dataset_find(dataset, "target")->end;
    RONDO_CHECK(count > 0 || end >= 0, errors, "an example has a target");
    RONDO_TRY(dataset_add(dataset, &empty, errors));
    for (int64_t i = 0; i < count; i++) {
        RONDO_TRY(dataset_add_id(dataset, 0, ids[i], errors));
    }
    return end < 0 ? RONDO_OK : dataset_add_id(dataset, 0, end, errors);
}
