#include "cli/record_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/number.h"
#include "io/json.h"

enum { BUFFER = 1 << 16 };

struct record_cell record_text(const char *text) {
    return (struct record_cell){text, NAN};
}

struct record_cell record_number(double number) {
    return (struct record_cell){NULL, number};
}

struct record_cell record_count(int64_t count) {
    return record_number(count < 0 ? NAN : (double)count);
}

struct record_cell record_value(const char *text) {
    char *end;
    if (text == NULL) {
        return record_text(NULL);
    }
    const double number = number_parse(text, &end);
    return end != text && *end == '\0' && isfinite(number) ? record_number(number) : record_text(text);
}

/* ---- bytes ---- */

static void flush(struct record_file *file) {
    if (file->errors->count == 0 && file->length > 0) {
        file_piece(&file->writer, file->buffer, file->length, file->errors);
    }
    file->length = 0;
}

static void put_bytes(struct record_file *file, const char *bytes, size_t length) {
    if (file->is_standard) {
        fwrite(bytes, 1, length, stdout); /* finish_output reports failures */
        return;
    }
    while (length > 0) {
        const size_t piece = length < BUFFER - file->length ? length : BUFFER - file->length;
        memcpy(file->buffer + file->length, bytes, piece);
        file->length += piece;
        bytes += piece;
        length -= piece;
        if (file->length == BUFFER) {
            flush(file);
        }
    }
}

static void put(struct record_file *file, const char *text) {
    put_bytes(file, text, strlen(text));
}

/* ---- cells ---- */

/* Quotes are needed for what separates, and for blanks at the ends, which some readers remove. */
static void put_csv_text(struct record_file *file, const char *text) {
    const size_t length = strlen(text);
    const int is_plain =
        text[strcspn(text, "\",\r\n")] == '\0' && (length == 0 || (text[0] != ' ' && text[length - 1] != ' '));
    if (is_plain) {
        put(file, text);
        return;
    }
    put(file, "\"");
    for (const char *rest = text; *rest != '\0';) {
        const size_t piece = strcspn(rest, "\"");
        put_bytes(file, rest, piece);
        put(file, rest[piece] == '"' ? "\"\"" : "");
        rest += piece + (rest[piece] == '"');
    }
    put(file, "\"");
}

static void put_text(struct record_file *file, const char *text) {
    json_t *value = json_text(text);
    char *json = file->is_json ? json_write(value, JSON_ENCODE_ANY) : NULL;
    if (value == NULL || (file->is_json && json == NULL)) {
        errors_no_memory(file->errors);
    } else if (file->is_json) {
        put(file, json);
    } else {
        put_csv_text(file, json_string_value(value));
    }
    free(json);
    json_decref(value);
}

static void put_cell(struct record_file *file, const struct record_cell *cell) {
    if (cell->text != NULL) {
        put_text(file, cell->text);
    } else if (isfinite(cell->number)) {
        put(file, number_shortest(cell->number, 6).text);
    } else {
        put(file, file->is_json ? "null" : "");
    }
}

/* ---- records ---- */

static int ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), n = strlen(end);
    return length > n && strcmp(text + length - n, end) == 0;
}

rondo_status record_file_begin(struct record_file *file, const char *name, const char *const *columns, int32_t count,
                               struct errors *errors) {
    *file = (struct record_file){.columns = columns, .count = count, .is_standard = name == NULL, .errors = errors};
    if (name != NULL) {
        file->is_json = ends_with(name, ".json");
        if (!file->is_json && !ends_with(name, ".csv")) {
            return errors_add(errors, RONDO_INVALID, "--out expects a file that ends in .csv or .json, got '%s'", name);
        }
        file->buffer = memory_alloc(BUFFER);
        if (file->buffer == NULL) {
            return errors_no_memory(errors);
        }
        if (file_begin(&file->writer, name, errors) != RONDO_OK) {
            free(file->buffer);
            return errors->status;
        }
    }
    for (int32_t i = 0; i < count && !file->is_json; i++) {
        put(file, i == 0 ? "" : ",");
        put_text(file, columns[i]);
    }
    put(file, file->is_json ? "[" : "\r\n");
    return errors->count == 0 ? RONDO_OK : record_file_end(file);
}

rondo_status record_file_add(struct record_file *file, const struct record_cell *cells) {
    if (file->is_json) {
        put(file, file->records == 0 ? "\n{" : ",\n{");
    }
    for (int32_t i = 0; i < file->count; i++) {
        put(file, i == 0 ? "" : file->is_json ? ", " : ",");
        if (file->is_json) {
            put_text(file, file->columns[i]);
            put(file, ": ");
        }
        put_cell(file, &cells[i]);
    }
    put(file, file->is_json ? "}" : "\r\n");
    file->records++;
    return file->errors->status;
}

rondo_status record_file_end(struct record_file *file) {
    if (file->is_json) {
        put(file, "\n]\n");
    }
    if (!file->is_standard) {
        flush(file);
        if (file->errors->count == 0) {
            file_commit(&file->writer, file->errors);
        }
        file_abort(&file->writer); /* does nothing after a commit */
        free(file->buffer);
    }
    return file->errors->status;
}
