#include "data/reader.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"

struct reader *reader_create(const struct reader_class *class, const void *options, const struct reader_column *columns,
                             struct interrupt interrupt, struct errors *errors) {
    struct arena *arena = arena_create();
    struct reader *reader = arena_calloc(arena, 1, sizeof *reader);
    void *state = arena_calloc(arena, 1, class->state_size + 1);
    if (arena_failed(arena)) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *reader = (struct reader){
        .class = class, .options = options, .columns = columns, .interrupt = interrupt, .arena = arena, .state = state};
    return reader;
}

void reader_destroy(struct reader *reader) {
    if (reader != NULL) {
        if (reader->class->clear != NULL) {
            reader->class->clear(reader);
        }
        arena_destroy(reader->arena);
    }
}

int reader_has_option(const struct reader_class *class, const char *key) {
    const rondo_option *option = class->options;
    while (option != NULL && option->key != NULL && strcmp(option->key, key) != 0) {
        option++;
    }
    return option != NULL && option->key != NULL;
}

int reader_is_by_stream(const struct reader_class *class, const rondo_option *option) {
    const struct reader_by_stream *by = class->by_stream;
    return by != NULL && option->offset >= by->offset && option->offset < by->offset + by->size;
}

void reader_spread_options(const struct reader_class *class, void *options) {
    const struct reader_by_stream *by = class->by_stream;
    for (int i = 1; by != NULL && by->streams[i] != NULL; i++) {
        char *first = (char *)options + by->offset;
        memcpy(first + (size_t)i * by->size, first, by->size);
    }
}

void reader_stream_options(const struct reader_class *class, const rondo_option *option,
                           rondo_option rows[READER_MOST_BY_STREAM + 1]) {
    const struct reader_by_stream *by = class->by_stream;
    int count = 0;
    for (; count < READER_MOST_BY_STREAM && by->streams[count] != NULL; count++) {
        rows[count] = *option;
        rows[count].key = by->streams[count];
        rows[count].offset += (uint32_t)count * (uint32_t)by->size;
    }
    rows[count] = (rondo_option)RONDO_OPTION_END;
}

/* Moves the errors of `own` to `errors`. A lack of memory gets the names of the files. */
static rondo_status end_of_reading(const struct reader_source *source, rondo_status status, struct errors *own,
                                   const char *hint, struct errors *errors) {
    if (source->count > 0) {
        char others[40] = "";
        if (source->count > 1) {
            snprintf(others, sizeof others, " and %d more", (int)source->count - 1);
        }
        (void)errors_memory_for(own, status, source->paths[0].where, "the data of '%s'%s", source->paths[0].text,
                                others);
        (void)errors_memory_hint(own, status, hint);
    }
    errors_move(errors, own);
    return status;
}

rondo_status reader_learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    if (reader->class->clear != NULL) {
        reader->class->clear(reader);
    }
    memset(reader->state, 0, reader->class->state_size);
    struct errors own = {0};
    const rondo_status status = reader->class->learn == NULL ? RONDO_OK : reader->class->learn(reader, source, &own);
    progress_report(&reader->progress, NULL, 1);
    const char *hint =
        reader_has_option(reader->class, "max_words")
            ? "'max_words' and 'min_count' leave words out after all have been counted, so that only a smaller "
              "training part takes less"
            : "a smaller training part takes less";
    return end_of_reading(source, status, &own, hint, errors);
}

struct dataset *reader_describe(const struct reader *reader, struct errors *errors) {
    struct dataset *dataset = dataset_create(errors);
    if (dataset != NULL && reader->class->describe(reader, dataset, errors) != RONDO_OK) {
        dataset_destroy(dataset);
        return NULL;
    }
    return dataset;
}

struct dataset *reader_read(const struct reader *reader, const struct reader_source *source, int with_targets,
                            struct errors *errors) {
    struct errors own = {0};
    struct dataset *dataset = reader_describe(reader, &own);
    const rondo_status status =
        dataset == NULL ? own.status : reader->class->read(reader, source, with_targets, dataset, &own);
    progress_report(&reader->progress, NULL, 1);
    if (status != RONDO_OK) {
        dataset_destroy(dataset);
        dataset = NULL;
    }
    (void)end_of_reading(source, status, &own, "a smaller part of the data takes less", errors);
    return dataset;
}

rondo_status reader_add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors) {
    const int64_t before = dataset->count;
    const rondo_status status = reader->class->add(reader, line, where, dataset, errors);
    if (status != RONDO_OK) {
        dataset->count = before;
    }
    return errors_memory_for(errors, status, where, "the examples of this file");
}

rondo_status reader_render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    if (reader->class->render != NULL) {
        RONDO_TRY(reader->class->render(reader, prediction, fields, errors));
    } else {
        fields_of_prediction(prediction, fields);
    }
    return fields_failed(fields) ? errors_no_memory(errors) : RONDO_OK;
}

struct json_t *reader_save(const struct reader *reader, struct errors *errors) {
    json_t *object = json_object();
    rondo_status status = object == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK && reader->class->save != NULL) {
        status = reader->class->save(reader, object, errors);
    }
    if (errors_memory_for(errors, status, (struct location){0}, "what was learned from the data") != RONDO_OK) {
        json_decref(object);
        return NULL;
    }
    return object;
}

rondo_status reader_load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    return reader->class->load == NULL ? RONDO_OK : reader->class->load(reader, object, file, errors);
}

rondo_status reader_check_interrupt(const struct reader *reader, int64_t index, struct location where,
                                    struct errors *errors) {
    return index % 1000 != 0 || !interrupt_is_requested(&reader->interrupt)
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INTERRUPTED, where,
                               where.line > 0 ? "interrupted at this line" : "interrupted while this file was read");
}

rondo_status reader_advance(const struct reader *reader, int64_t index, int64_t count, struct location where,
                            struct errors *errors) {
    if (index % 1000 == 0) {
        progress_report(&reader->progress, where.file, (double)index / (double)(count > 0 ? count : 1));
    }
    return reader_check_interrupt(reader, index, where, errors);
}

rondo_status reader_pass(const struct reader *reader, struct file_map *map, size_t at, struct location where,
                         struct errors *errors) {
    if (!file_map_is_due(map, at)) {
        return RONDO_OK;
    }
    progress_report(&reader->progress, map->file, (double)at / (double)map->length);
    RONDO_TRY(reader_check_interrupt(reader, 0, where, errors));
    return file_map_pass(map, at, errors);
}

rondo_status reader_path_map(const struct reader_path *path, struct file_map *map, struct errors *errors) {
    if (path->bytes == NULL) {
        return file_map_open(map, path->text, path->where, errors);
    }
    *map = file_map_of_bytes(path->text, path->bytes, path->length);
    return RONDO_OK;
}

rondo_status reader_path_read(const struct reader_path *path, size_t most, struct arena *arena, char **bytes,
                              size_t *length, struct errors *errors) {
    if (path->bytes == NULL) {
        return file_read(path->text, most, arena, bytes, length, path->where, errors);
    }
    if (path->length > most) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = path->text}, "more than %zu bytes", most);
    }
    *bytes = arena_alloc(arena, path->length + 1);
    if (*bytes == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(*bytes, path->bytes, path->length);
    (*bytes)[path->length] = '\0';
    *length = path->length;
    return RONDO_OK;
}

/* ---- vocabularies ---- */

struct json_t *vocabulary_json(const struct vocabulary *vocabulary) {
    json_t *list = json_array();
    for (int32_t id = 0; list != NULL && id < vocabulary_size(vocabulary); id++) {
        if (json_array_append_new(list, json_string(vocabulary_word(vocabulary, id))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Adds the entries in their order, so that they keep their ids. Each must be new. */
static rondo_status add_entries(const char *file, const char *key, const json_t *list, struct vocabulary *vocabulary,
                                struct errors *errors) {
    const size_t size = json_array_size(list);
    for (size_t i = 0; i < size && i < INT32_MAX; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word == NULL || vocabulary_find(vocabulary, word) >= 0) {
            return errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of different texts; entry %zu is not",
                              file, key, i);
        }
        if (vocabulary_count(vocabulary, word) != (int32_t)i) {
            return errors_no_memory(errors);
        }
    }
    if (size == 0) {
        return errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of texts with at least one entry", file, key);
    }
    return RONDO_OK;
}

rondo_status vocabulary_from_json(const struct json_t *object, const char *key, const char *file,
                                  struct vocabulary **vocabulary, struct errors *errors) {
    *vocabulary = vocabulary_create();
    if (*vocabulary == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = add_entries(file, key, json_object_get(object, key), *vocabulary, errors);
    if (status != RONDO_OK) {
        vocabulary_destroy(*vocabulary);
        *vocabulary = NULL;
    }
    return status;
}
