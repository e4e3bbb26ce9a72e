#define _POSIX_C_SOURCE 200809L
#include "data/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/utf8.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

const char *const documents_forms[] = {"file", "lines", NULL};

static rondo_status add_document(struct documents *documents, struct document document, struct errors *errors) {
    if (documents->count == documents->capacity) {
        const int64_t capacity = documents->capacity == 0 ? 16 : 2 * documents->capacity;
        struct document *items = memory_realloc(documents->items, (size_t)capacity * sizeof *items);
        if (items == NULL) {
            return errors_no_memory(errors);
        }
        documents->items = items;
        documents->capacity = capacity;
    }
    documents->items[documents->count++] = document;
    return RONDO_OK;
}

static rondo_status add_lines(struct documents *documents, struct document_file *file, const char *text, size_t length,
                              struct errors *errors) {
    const int64_t first = documents->count;
    int32_t line = 1;
    for (size_t at = 0; at < length; line += line < INT32_MAX) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t whole = end == NULL ? length - at : (size_t)(end - text) - at;
        const size_t own = whole - (whole > 0 && text[at + whole - 1] == '\r');
        const struct document document = {text + at, own, file, line, 1};
        if (own > 0) {
            RONDO_TRY(add_document(documents, document, errors));
        }
        RONDO_TRY(document_pass(&document, own, errors));
        at += whole + 1;
    }
    return documents->count > first ? RONDO_OK
                                    : errors_add_at(errors, RONDO_INVALID, (struct location){.file = file->map.file},
                                                    "all lines are empty, expected a document on each line");
}

/* ---- UTF-8 ---- */

/* The place of byte `at`; columns count characters. */
static struct location place_of_byte(const char *file, const char *text, size_t at) {
    struct location where = {file, 1, 1};
    for (size_t i = 0; i < at; i++) {
        const int is_end = text[i] == '\n';
        where.line += is_end && where.line < INT32_MAX;
        where.column =
            is_end ? 1 : where.column + (((unsigned char)text[i] & 0xC0) != 0x80 && where.column < INT32_MAX);
    }
    return where;
}

/* "; 'tokens: bytes' reads any file", or nothing. */
struct remedy_text {
    char text[80];
};

static struct remedy_text remedy_text(const struct documents_settings *settings) {
    struct remedy_text remedy = {""};
    if (settings->any_file != NULL) {
        snprintf(remedy.text, sizeof remedy.text, "; '%s' reads any file", settings->any_file);
    }
    return remedy;
}

static rondo_status check_utf8(const struct documents_settings *settings, struct document_file *file,
                               struct errors *errors) {
    const char *text = file->map.bytes, *name = file->map.file;
    const size_t length = file->map.length;
    for (size_t begin = 0, end; begin < length; begin = end) {
        end = utf8_piece_end(text, length, begin, FILE_MAP_STEP);
        const char *nul = memchr(text + begin, '\0', end - begin);
        size_t bad = end - begin;
        if (!utf8_check(text + begin, end - begin, &bad) && (nul == NULL || begin + bad < (size_t)(nul - text))) {
            return errors_add_at(errors, RONDO_INVALID, place_of_byte(name, text, begin + bad),
                                 "byte 0x%02x is not valid UTF-8, expected text as UTF-8%s",
                                 (unsigned char)text[begin + bad], remedy_text(settings).text);
        }
        if (nul != NULL) {
            return errors_add_at(errors, RONDO_INVALID, place_of_byte(name, text, (size_t)(nul - text)),
                                 "a NUL byte, expected text as UTF-8%s", remedy_text(settings).text);
        }
        RONDO_TRY(reader_pass(file->reader, &file->map, end, (struct location){.file = name}, errors));
    }
    return RONDO_OK;
}

rondo_status document_check_line(const char *line, struct location where, struct errors *errors) {
    size_t bad;
    if (utf8_check(line, strlen(line), &bad)) {
        return RONDO_OK;
    }
    where.column = place_of_byte(NULL, line, bad).column;
    return errors_add_at(errors, RONDO_INVALID, where, "byte 0x%02x is not valid UTF-8, expected text as UTF-8",
                         (unsigned char)line[bad]);
}

/* ---- files ---- */

static rondo_status add_file(struct documents *documents, struct document_file *file,
                             const struct documents_settings *settings, const struct reader_path *path,
                             struct errors *errors) {
    RONDO_TRY(reader_path_map(path, &file->map, errors));
    const char *text = file->map.bytes;
    size_t length = file->map.length;
    if (settings->is_utf8) {
        RONDO_TRY(check_utf8(settings, file, errors));
        const size_t mark = length >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
        text += mark;
        length -= mark;
    }
    if (length == 0) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = path->text},
                             "the file is empty, expected text");
    }
    return settings->form == DOCUMENTS_LINES
               ? add_lines(documents, file, text, length, errors)
               : add_document(documents, (struct document){text, length, file, 1, 0}, errors);
}

rondo_status documents_open(struct documents *documents, const struct reader *reader,
                            const struct documents_settings *settings, const struct reader_source *source,
                            struct errors *errors) {
    *documents = (struct documents){.files = memory_calloc((size_t)source->count, sizeof *documents->files)};
    if (documents->files == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < source->count; i++) {
        documents->files[documents->n_files++].reader = reader;
        RONDO_TRY(add_file(documents, &documents->files[i], settings, &source->paths[i], errors));
    }
    return RONDO_OK;
}

void documents_close(struct documents *documents) {
    for (int32_t i = 0; i < documents->n_files; i++) {
        file_map_close(&documents->files[i].map);
    }
    free(documents->files);
    free(documents->items);
    *documents = (struct documents){0};
}

struct location document_place(const struct document *document) {
    return (struct location){.file = document->file == NULL ? NULL : document->file->map.file, .line = document->line};
}

rondo_status document_pass(const struct document *document, size_t at, struct errors *errors) {
    struct document_file *file = document->file;
    return file == NULL ? RONDO_OK
                        : reader_pass(file->reader, &file->map, (size_t)(document->text - file->map.bytes) + at,
                                      document_place(document), errors);
}

rondo_status document_keep_text(const struct document *document, struct dataset *dataset, struct errors *errors) {
    char *text = strndup(document->text, document->length);
    const rondo_status status = text == NULL ? errors_no_memory(errors) : dataset_add_text(dataset, text, errors);
    free(text);
    return status;
}

/* ---- learning ---- */

rondo_status documents_count(const struct documents *documents, const struct parts *parts,
                             const struct documents_counter *counter, struct errors *errors) {
    if (documents->count == 1) {
        int64_t count, begin, end;
        RONDO_TRY(counter->elements(counter->arg, &documents->items[0], &count, errors));
        part_range(parts, PART_TRAIN, count, &begin, &end);
        return counter->count(counter->arg, &documents->items[0], begin, end, errors);
    }
    for (int64_t i = 0; i < documents->count; i++) {
        if (part_of(parts, i, documents->count) == PART_TRAIN) {
            RONDO_TRY(counter->count(counter->arg, &documents->items[i], 0, INT64_MAX, errors));
        }
    }
    return RONDO_OK;
}
