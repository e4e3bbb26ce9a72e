#define _POSIX_C_SOURCE 200809L
#include "data/pair_file.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "io/json.h"
#include "io/utf8.h"

enum pair_form { FORM_TABLE, FORM_PARALLEL, FORM_JSON };

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

int pair_file_is_parallel(const struct reader_path *paths) {
    return paths[0].stream != NULL;
}

static rondo_status mistake(struct pair_file *file, struct pair *pair, rondo_status status) {
    pair->is_bad = 1;
    file->mistakes += status == RONDO_INVALID;
    return status == RONDO_INVALID ? RONDO_OK : status;
}

/* ---- lines ---- */

/* The next line, without its end; the cursor moves past it. */
static struct pair_text take_line(struct pair_lines *lines) {
    const char *text = lines->map.bytes + lines->at;
    const size_t left = lines->map.length - lines->at;
    const char *end = memchr(text, '\n', left);
    const size_t whole = end == NULL ? left : (size_t)(end - text);
    const struct pair_text line = {
        text, whole - (whole > 0 && text[whole - 1] == '\r'), {.file = lines->map.file, .line = lines->line}};
    lines->at += whole + (end != NULL);
    lines->line += lines->line < INT32_MAX;
    return line;
}

static void rewind_lines(struct pair_lines *lines) {
    const int has_mark = lines->map.length >= 3 && memcmp(lines->map.bytes, BYTE_ORDER_MARK, 3) == 0;
    lines->at = has_mark ? 3 : 0;
    lines->line = 1;
}

static int is_at_end(const struct pair_lines *lines) {
    return lines->at >= lines->map.length;
}

static int is_blank(struct pair_text text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.text[i] != ' ' && text.text[i] != '\t' && text.text[i] != '\r') {
            return 0;
        }
    }
    return 1;
}

static rondo_status pass_lines(const struct pair_file *file, struct pair_lines *lines, struct location where) {
    return reader_pass(file->settings->reader, &lines->map, lines->at, where, file->errors);
}

/* Opens a file and counts its lines; without those that are blank, if they mean nothing. */
static rondo_status open_lines(const struct pair_file *file, struct pair_lines *lines, const struct reader_path *path,
                               int skips_blank) {
    RONDO_TRY(reader_path_map(path, &lines->map, file->errors));
    for (rewind_lines(lines); !is_at_end(lines);) {
        const struct pair_text line = take_line(lines);
        lines->count += !(skips_blank && is_blank(line));
        RONDO_TRY(pass_lines(file, lines, line.where));
    }
    rewind_lines(lines);
    return lines->count > 0 ? RONDO_OK
                            : errors_add_at(file->errors, RONDO_INVALID, (struct location){.file = path->text},
                                            "the file is empty, expected a text on each line");
}

/* The next line that is not blank. There is one. */
static struct pair_text take_text_line(struct pair_lines *lines) {
    struct pair_text line;
    do {
        line = take_line(lines);
    } while (is_blank(line) && !is_at_end(lines));
    return line;
}

static rondo_status check_text(struct pair_file *file, struct pair_text text, struct pair *pair) {
    size_t bad = text.length;
    const char *nul = memchr(text.text, '\0', text.length);
    const int is_utf8 = utf8_check(text.text, text.length, &bad);
    if (is_utf8 && nul == NULL) {
        return RONDO_OK;
    }
    const int is_nul = nul != NULL && (is_utf8 || (size_t)(nul - text.text) < bad);
    const size_t at = is_nul ? (size_t)(nul - text.text) : bad;
    text.where.column = (int32_t)utf8_count(text.text, at) + 1;
    return mistake(file, pair,
                   is_nul ? errors_add_at(file->errors, RONDO_INVALID, text.where, "a NUL byte, expected text as UTF-8")
                          : errors_add_at(file->errors, RONDO_INVALID, text.where,
                                          "byte 0x%02x is not valid UTF-8, expected text as UTF-8",
                                          (unsigned char)text.text[at]));
}

/* ---- parallel files ---- */

static const struct reader_path *find_path(const struct reader_path *paths, int32_t count, const char *stream) {
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(paths[i].stream, stream) == 0) {
            return &paths[i];
        }
    }
    return NULL;
}

static rondo_status open_parallel(struct pair_file *file, const struct reader_path *paths, int32_t count) {
    const struct pair_file_settings *settings = file->settings;
    for (int32_t i = 0; i < count; i++) {
        struct suggestion near = {0};
        suggest(&near, paths[i].stream, settings->streams[0]);
        suggest(&near, paths[i].stream, settings->streams[1]);
        if (strcmp(paths[i].stream, settings->streams[0]) != 0 && strcmp(paths[i].stream, settings->streams[1]) != 0) {
            return errors_add_at(file->errors, RONDO_INVALID, paths[i].where,
                                 "there is no stream '%s'%s, expected a file for '%s' and one for '%s'",
                                 paths[i].stream, suggestion_text(&near).text, settings->streams[0],
                                 settings->streams[1]);
        }
    }
    for (int side = 0; side < (settings->has_targets ? PAIR_SIDES : 1); side++) {
        const struct reader_path *path = find_path(paths, count, settings->streams[side]);
        if (path == NULL) {
            return errors_add_at(file->errors, RONDO_INVALID, paths[0].where,
                                 "there is no file for '%s', expected one for '%s' and one for '%s'",
                                 settings->streams[side], settings->streams[0], settings->streams[1]);
        }
        RONDO_TRY(open_lines(file, &file->lines[side], path, 0));
    }
    const struct pair_lines *source = &file->lines[PAIR_SOURCE], *target = &file->lines[PAIR_TARGET];
    file->count = source->count;
    if (!settings->has_targets || source->count == target->count) {
        return RONDO_OK;
    }
    const struct pair_lines *longer = source->count > target->count ? source : target;
    const struct pair_lines *shorter = longer == source ? target : source;
    return errors_add_at(file->errors, RONDO_INVALID,
                         (struct location){.file = longer->map.file, .line = (int32_t)shorter->count + 1},
                         "'%s' has %lld lines and '%s' %lld, expected a line of one for each line of the other",
                         source->map.file, (long long)source->count, target->map.file, (long long)target->count);
}

static rondo_status next_of_parallel(struct pair_file *file, struct pair *pair) {
    for (int side = 0; side < (file->settings->has_targets ? PAIR_SIDES : 1); side++) {
        struct pair_lines *lines = &file->lines[side];
        pair->side[side] = take_line(lines);
        RONDO_TRY(check_text(file, pair->side[side], pair));
        /* the memory before the line itself is given back */
        RONDO_TRY(reader_pass(file->settings->reader, &lines->map, (size_t)(pair->side[side].text - lines->map.bytes),
                              pair->side[side].where, file->errors));
    }
    return RONDO_OK;
}

/* ---- a JSON object on each line ---- */

static const char *type_name(const json_t *value) {
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a text", [JSON_INTEGER] = "a number",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "true",    [JSON_FALSE] = "false",   [JSON_NULL] = "null"};
    return names[json_typeof(value)];
}

static rondo_status missing_key(struct pair_file *file, struct pair *pair, const char *key, struct location where) {
    struct suggestion near = {0};
    const char *name;
    json_t *value;
    json_object_foreach(file->object, name, value) {
        suggest(&near, key, name);
    }
    return mistake(file, pair,
                   errors_add_at(file->errors, RONDO_INVALID, where, "the object has no key '%s'%s", key,
                                 suggestion_text(&near).text));
}

static rondo_status next_of_json(struct pair_file *file, struct pair *pair) {
    struct pair_lines *lines = &file->lines[0];
    const struct pair_text line = take_text_line(lines);
    RONDO_TRY(reader_pass(file->settings->reader, &lines->map, (size_t)(line.text - lines->map.bytes), line.where,
                          file->errors));
    json_decref(file->object);
    file->object = NULL;
    RONDO_TRY(check_text(file, line, pair)); /* jansson does not say which byte is none of UTF-8 */
    if (pair->is_bad) {
        return RONDO_OK;
    }
    json_error_t reason;
    const rondo_status status = json_parse(line.text, line.length, &file->object, &reason);
    if (status == RONDO_INVALID) {
        struct location where = line.where;
        where.column = reason.column > 0 ? reason.column : 1;
        return mistake(file, pair,
                       errors_add_at(file->errors, RONDO_INVALID, where, "the line is no JSON: %s", reason.text));
    }
    if (status != RONDO_OK) {
        return errors_no_memory(file->errors);
    }
    if (!json_is_object(file->object)) {
        return mistake(file, pair,
                       errors_add_at(file->errors, RONDO_INVALID, line.where, "the line is %s, expected an object",
                                     type_name(file->object)));
    }
    for (int side = 0; side < (file->settings->has_targets ? PAIR_SIDES : 1); side++) {
        const char *key = file->key[side];
        const json_t *value = json_object_get(file->object, key);
        if (value == NULL) {
            RONDO_TRY(missing_key(file, pair, key, line.where));
        } else if (!json_is_string(value)) {
            RONDO_TRY(mistake(file, pair,
                              errors_add_at(file->errors, RONDO_INVALID, line.where, "'%s' is %s, expected a text", key,
                                            type_name(value))));
        } else {
            pair->side[side] = (struct pair_text){json_string_value(value), json_string_length(value), line.where};
        }
    }
    return RONDO_OK;
}

/* ---- tables ---- */

/* The number of the column of a side. */
static rondo_status find_column(struct pair_file *file, int side) {
    static const char *const numbers[PAIR_SIDES] = {"0", "1"};
    struct reader_column column = file->settings->columns[side];
    column.text = column.text == NULL ? numbers[side] : column.text;
    column.where.file = column.where.file == NULL ? file->table.table.file : column.where.file;
    return table_file_column(&file->table, &column, &file->column[side]);
}

static rondo_status open_table(struct pair_file *file, const struct reader_path *path) {
    const struct pair_file_settings *settings = file->settings;
    RONDO_TRY(table_file_open(&file->table, settings->reader, settings->table, path, file->errors));
    file->count = table_file_count(&file->table);
    const rondo_status source = find_column(file, PAIR_SOURCE);
    if (!settings->has_targets) {
        return source;
    }
    const rondo_status target = find_column(file, PAIR_TARGET);
    RONDO_TRY(source);
    RONDO_TRY(target);
    return file->column[0] != file->column[1]
               ? RONDO_OK
               : errors_add_at(file->errors, RONDO_INVALID,
                               settings->columns[settings->columns[1].text == NULL ? 0 : 1].where,
                               "%s is both the %s and the target, expected two columns",
                               table_file_column_text(&file->table, file->column[1]).text, settings->streams[0]);
}

static rondo_status next_of_table(struct pair_file *file, struct pair *pair) {
    RONDO_TRY(table_file_advance(&file->table, pair->index));
    for (int side = 0; side < (file->settings->has_targets ? PAIR_SIDES : 1); side++) {
        const char *text = table_file_field(&file->table, pair->index, file->column[side]);
        pair->side[side] = (struct pair_text){text, strlen(text), table_file_place(&file->table, pair->index)};
    }
    return RONDO_OK;
}

/* ---- any form ---- */

static int is_json_file(const struct reader_path *path) {
    const char *name = path->like != NULL ? path->like : path->text;
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcasecmp(dot, ".jsonl") == 0 || strcasecmp(dot, ".ndjson") == 0);
}

rondo_status pair_file_open(struct pair_file *file, const struct pair_file_settings *settings,
                            const struct reader_path *paths, int32_t count, struct errors *errors) {
    const int32_t format = settings->table.format;
    *file = (struct pair_file){.settings = settings, .errors = errors};
    if (pair_file_is_parallel(paths)) {
        file->form = FORM_PARALLEL;
        return open_parallel(file, paths, count);
    }
    if (format == PAIR_JSON_LINES ||
        (format == TABLE_FILE_AUTO && settings->table.separator == TABLE_SEPARATOR_AUTO && is_json_file(paths))) {
        file->form = FORM_JSON;
        for (int side = 0; side < PAIR_SIDES; side++) {
            const char *key = settings->columns[side].text;
            file->key[side] = key == NULL ? settings->streams[side] : key;
        }
        RONDO_TRY(open_lines(file, &file->lines[0], paths, 1));
        file->count = file->lines[0].count;
        return RONDO_OK;
    }
    file->form = FORM_TABLE;
    return table_file_has_format(settings->table, paths)
               ? open_table(file, paths)
               : errors_add_at(errors, RONDO_INVALID, paths->where,
                               "the name '%s' ends in none of .csv, .tsv and .jsonl; expected one of these, 'format', "
                               "or a file for '%s' and one for '%s'",
                               paths->like != NULL ? paths->like : paths->text, settings->streams[0],
                               settings->streams[1]);
}

int pair_file_has_next(const struct pair_file *file) {
    return file->next < file->count && file->mistakes < PAIR_FILE_MOST_MISTAKES;
}

rondo_status pair_file_next(struct pair_file *file, struct pair *pair) {
    static rondo_status (*const next[])(struct pair_file * file, struct pair * pair) = {
        [FORM_TABLE] = next_of_table, [FORM_PARALLEL] = next_of_parallel, [FORM_JSON] = next_of_json};
    *pair = (struct pair){.index = file->next++};
    return next[file->form](file, pair);
}

rondo_status pair_file_close(struct pair_file *file, rondo_status status) {
    if (file->form == FORM_TABLE) {
        table_file_close(&file->table);
    }
    json_decref(file->object);
    file_map_close(&file->lines[0].map);
    file_map_close(&file->lines[1].map);
    const int has_mistakes = file->mistakes > 0;
    *file = (struct pair_file){0};
    return status == RONDO_OK && has_mistakes ? RONDO_INVALID : status;
}
