#include "data/label_column.h"

#include <string.h>

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_empty(const char *label) {
    while (is_blank(*label)) {
        label++;
    }
    return *label == '\0';
}

static void report_empty(struct table_file *file, int64_t index) {
    errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index), "the label is empty");
    file->mistakes++;
}

/* The label without blanks at its ends, and with one space for each run of blanks within. */
static void normalise_label(const char *label, char *normal) {
    char *end = normal;
    for (; *label != '\0'; label++) {
        const int is_last_of_run = is_blank(*label) && !is_blank(label[1]);
        if (!is_blank(*label)) {
            *end++ = *label;
        } else if (is_last_of_run && end > normal && label[1] != '\0') {
            *end++ = ' ';
        }
    }
    *end = '\0';
}

/* The place of the first row with this label; without a line if it is in an earlier file. */
static struct location place_of_label(const struct table_file *file, int32_t column, const char *label) {
    for (int64_t index = 0; index < table_file_count(file); index++) {
        if (strcmp(table_file_field(file, index, column), label) == 0) {
            return table_file_place(file, index);
        }
    }
    return (struct location){.file = file->table.file};
}

/* Reports label `id` if a label before it differs from it only in blanks. `normals` has the labels before it, as
 * normalised, at their ids. */
static rondo_status check_label(struct table_file *file, int32_t column, const struct vocabulary *labels, int32_t id,
                                struct column_words words, struct vocabulary *normals) {
    const char *label = vocabulary_word(labels, id);
    const struct arena_mark mark = arena_mark(file->arena);
    char *normal = arena_alloc(file->arena, strlen(label) + 1);
    if (normal == NULL) {
        return errors_no_memory(file->errors);
    }
    normalise_label(label, normal);
    const int32_t found = vocabulary_find(normals, normal);
    rondo_status status = RONDO_OK;
    if (found >= 0) {
        const char *other = vocabulary_word(labels, found);
        const struct location place = place_of_label(file, column, other);
        status =
            place.line == 0
                ? errors_add_at(file->errors, RONDO_INVALID, place_of_label(file, column, label),
                                "%s '%.60s' differs from '%.60s' of another file only in blanks, and would be another "
                                "%s",
                                words.name, label, other, words.thing)
                : errors_add_at(file->errors, RONDO_INVALID, place_of_label(file, column, label),
                                "%s '%.60s' differs from '%.60s' of line %d only in blanks, and would be another %s",
                                words.name, label, other, place.line, words.thing);
    } else if (vocabulary_count(normals, normal) < 0) {
        status = errors_no_memory(file->errors);
    }
    arena_release(file->arena, mark);
    return status;
}

rondo_status label_column_check_blanks(struct table_file *file, int32_t column, const struct vocabulary *labels,
                                       struct column_words words) {
    struct vocabulary *normals = vocabulary_create();
    rondo_status status = normals == NULL ? errors_no_memory(file->errors) : RONDO_OK;
    for (int32_t id = 0; status == RONDO_OK && id < vocabulary_size(labels); id++) {
        status = check_label(file, column, labels, id, words, normals);
    }
    vocabulary_destroy(normals);
    return status;
}

rondo_status label_column_learn(struct table_file *file, int32_t column, struct vocabulary *labels) {
    for (int64_t index = 0; index < table_file_count(file) && file->mistakes < TABLE_FILE_MOST_MISTAKES; index++) {
        RONDO_TRY(table_file_advance(file, index));
        const char *label = table_file_field(file, index, column);
        if (is_empty(label)) {
            report_empty(file, index);
        } else if (vocabulary_count(labels, label) < 0) {
            return errors_no_memory(file->errors);
        }
    }
    const struct column_words words = {"label", "class"};
    return file->mistakes > 0 ? RONDO_INVALID : label_column_check_blanks(file, column, labels, words);
}

rondo_status label_column_finish(struct vocabulary *labels, const char *name, struct errors *errors) {
    if (vocabulary_size(labels) < 2) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = name},
                             "every row has the label '%.60s', expected at least two classes",
                             vocabulary_word(labels, 0));
    }
    return vocabulary_finish_labels(labels, errors);
}

int32_t label_column_class(struct table_file *file, int64_t index, int32_t column, const struct vocabulary *labels) {
    const char *label = table_file_field(file, index, column);
    const int32_t id = vocabulary_find(labels, label);
    if (id >= 0) {
        return id;
    }
    if (is_empty(label)) {
        report_empty(file, index);
        return -1;
    }
    struct suggestion near = {0};
    float number;
    int are_numbers = table_file_is_number(label, &number);
    for (int32_t i = 0; i < vocabulary_size(labels); i++) {
        suggest(&near, label, vocabulary_word(labels, i));
        are_numbers = are_numbers && table_file_is_number(vocabulary_word(labels, i), &number);
    }
    errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index),
                  "label '%.60s' in %s is not among those of the training file%s", label,
                  table_file_column_text(file, column).text,
                  are_numbers ? "; 'target: number' predicts numbers instead of classes" : suggestion_text(&near).text);
    file->mistakes++;
    return -1;
}
