#include "store/vocabulary_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"

#define VOCABULARY_FILE_MAX_BYTES ((size_t)256 << 20)

static json_t *to_json(const struct vocabulary *vocabulary) {
    if (vocabulary == NULL) {
        return json_null();
    }
    json_t *list = json_array();
    for (int32_t id = 0; list != NULL && id < vocabulary_size(vocabulary); id++) {
        if (json_array_append_new(list, json_string(vocabulary_word(vocabulary, id))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

char *vocabulary_file_text(const struct vocabulary *words, const struct vocabulary *labels) {
    json_t *root = json_pack("{s:o, s:o}", "words", to_json(words), "labels", to_json(labels));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(0) | JSON_ENSURE_ASCII);
    json_decref(root);
    return text;
}

/* Adds the entries in their order, so that they keep their ids. Each must be new. */
static rondo_status from_json(const char *file, const char *key, const json_t *list, struct vocabulary **vocabulary,
                              struct errors *errors) {
    *vocabulary = vocabulary_create();
    if (*vocabulary == NULL) {
        return errors_no_memory(errors);
    }
    const size_t size = json_array_size(list);
    for (size_t i = 0; i < size && i < INT32_MAX; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word == NULL || vocabulary_find(*vocabulary, word) >= 0) {
            return errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of different texts; entry %zu is not",
                              file, key, i);
        }
        if (vocabulary_count(*vocabulary, word) != (int32_t)i) {
            return errors_no_memory(errors);
        }
    }
    if (size == 0) {
        return errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of texts with at least one entry", file, key);
    }
    return RONDO_OK;
}

rondo_status vocabulary_file_read(const char *file, struct vocabulary **words, struct vocabulary **labels,
                                  struct errors *errors) {
    *words = *labels = NULL;
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    char *text;
    size_t length;
    rondo_status status =
        file_read(file, VOCABULARY_FILE_MAX_BYTES, arena, &text, &length, (struct location){NULL, 0, 0}, errors);
    json_t *root = NULL;
    if (status == RONDO_OK) {
        json_error_t reason;
        status = json_parse(text, length, &root, &reason);
        if (status == RONDO_NO_MEMORY) {
            errors_no_memory(errors);
        } else if (status != RONDO_OK) {
            errors_add_at(errors, RONDO_INVALID, (struct location){file, reason.line, reason.column}, "not JSON: %s",
                          reason.text);
        }
    }
    if (status == RONDO_OK) {
        status = from_json(file, "words", json_object_get(root, "words"), words, errors);
    }
    const json_t *list = json_object_get(root, "labels");
    if (status == RONDO_OK && list != NULL && !json_is_null(list)) {
        status = from_json(file, "labels", list, labels, errors);
    }
    if (status != RONDO_OK) {
        vocabulary_destroy(*words);
        vocabulary_destroy(*labels);
        *words = *labels = NULL;
    }
    json_decref(root);
    arena_destroy(arena);
    return status;
}
