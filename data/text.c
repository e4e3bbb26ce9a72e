#define _POSIX_C_SOURCE 200809L

#include "data/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/number.h"
#include "core/suggest.h"
#include "data/table.h"
#include "data/tokens.h"

enum { FORMAT_AUTO = 0, FORMAT_CSV = 1, FORMAT_TSV = 2, TARGET_LABEL = 0, TARGET_NUMBER = 1, MAX_MISTAKES = 10 };

static const char *const formats[] = {"auto", "csv", "tsv", NULL};
static const char *const targets[] = {"label", "number", NULL};

const rondo_option text_options_table[] = {
    RONDO_OPTION_CHOICE(struct text_options, format, "auto", formats,
                        "how the files separate their fields; auto: by the ending of each file's name"),
    RONDO_OPTION_BOOL(struct text_options, header, "false",
                      "the first row of each file holds the names of the columns"),
    RONDO_OPTION_CHOICE(struct text_options, target, "label", targets, "what is to be predicted: a class, or a number"),
    RONDO_OPTION_BOOL(struct text_options, lowercase, "true", "turn the letters A to Z to lower case"),
    RONDO_OPTION_INT(struct text_options, min_count, "1", 1, 1e9, "words seen fewer times in training are unknown"),
    RONDO_OPTION_INT(struct text_options, max_words, "0", 0, 1e8,
                     "how many words are known, the most frequent ones; 0: all"),
    RONDO_OPTION_INT(struct text_options, max_length, "0", 0, 1e9, "tokens kept of each text, from its start; 0: all"),
    RONDO_OPTION_END};

/* ---- files and their columns ---- */

/* A file that has been read: its table, and which of its columns are meant. */
struct text_file {
    struct arena *arena;
    struct table table;
    int64_t first_row;   /* 1 behind a header, else 0 */
    int32_t text, label; /* columns */
    struct errors *errors;
    int32_t mistakes; /* reported so far */
};

static int has_ending(const char *file, const char *ending) {
    const size_t length = strlen(file), n = strlen(ending);
    return length > n && strcasecmp(file + length - n, ending) == 0;
}

static rondo_status separator_of(const char *file, int32_t format, struct location where, char *separator,
                                 struct errors *errors) {
    if (format == FORMAT_AUTO && !has_ending(file, ".csv") && !has_ending(file, ".tsv") && !has_ending(file, ".tab")) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "the name '%s' ends in neither .csv nor .tsv; expected that, or format: csv or tsv", file);
    }
    const int is_csv = format == FORMAT_CSV || (format == FORMAT_AUTO && has_ending(file, ".csv"));
    *separator = is_csv ? ',' : '\t';
    return RONDO_OK;
}

/* A whole number without sign; -1 where the text is none. */
static long column_number(const char *text) {
    char *end;
    errno = 0;
    const long number = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    return number < 0 || *end != '\0' || errno != 0 ? -1 : number;
}

static rondo_status find_column(const struct text_file *file, const struct text_options *options,
                                const struct text_column *column, int32_t *index) {
    const struct table *table = &file->table;
    const long number = column_number(column->text);
    if (number >= table->columns) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "'%s' has no column %ld; it has %d, numbered from 0", table->file, number, table->columns);
    }
    if (number >= 0) {
        *index = (int32_t)number;
        return RONDO_OK;
    }
    if (!options->header) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "column '%s' is no number from 0; a name needs header: true", column->text);
    }
    struct suggestion near = {0};
    int found = 0;
    for (int32_t i = 0; i < table->columns; i++) {
        if (strcmp(table->fields[i], column->text) == 0) {
            *index = i;
            found++;
        }
        suggest(&near, column->text, table->fields[i]);
    }
    if (found > 1) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "'%s' has %d columns '%s', name one by its number", table->file, found, column->text);
    }
    if (found == 1) {
        return RONDO_OK;
    }
    return errors_add_at(file->errors, RONDO_INVALID, column->where, "'%s' has no column '%s'%s", table->file,
                         column->text, suggestion_text(&near).text);
}

static rondo_status find_columns(struct text_file *file, const struct text_reader *reader) {
    const rondo_status text = find_column(file, &reader->options, &reader->text, &file->text);
    const rondo_status label = find_column(file, &reader->options, &reader->label, &file->label);
    RONDO_TRY(text);
    RONDO_TRY(label);
    if (file->text == file->label) {
        return errors_add_at(file->errors, RONDO_INVALID, reader->label.where,
                             "column '%s' is the text and the label at once, expected two columns", reader->label.text);
    }
    return RONDO_OK;
}

/* Reads a table. What is wrong with the file stands at its own lines; that it is missing is the fault of whoever named
 * it, at `where`. */
static rondo_status read_table(struct text_file *file, const char *name, char separator, struct location where) {
    struct errors own = {0};
    const rondo_status status = table_read(name, separator, file->arena, &file->table, &own);
    if (status == RONDO_NOT_FOUND) {
        errors_add_at(file->errors, status, where, "%s", errors_text(&own, 0));
        errors_free(&own);
    }
    errors_move(file->errors, &own);
    return status;
}

/* Opens a file; text_file_close afterwards, also after a failure. */
static rondo_status text_file_open(struct text_file *file, const struct text_reader *reader, const char *name,
                                   struct location where, struct errors *errors) {
    *file = (struct text_file){.arena = arena_create(), .errors = errors, .first_row = reader->options.header != 0};
    if (file->arena == NULL) {
        return errors_no_memory(errors);
    }
    char separator = '\t';
    RONDO_TRY(separator_of(name, reader->options.format, where, &separator, errors));
    RONDO_TRY(read_table(file, name, separator, where));
    RONDO_TRY(find_columns(file, reader));
    if (file->table.rows == file->first_row) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = name}, "no rows behind the header");
    }
    return RONDO_OK;
}

static void text_file_close(struct text_file *file) {
    arena_destroy(file->arena);
}

static const char *field(const struct text_file *file, int64_t row, int32_t column) {
    return file->table.fields[row * file->table.columns + column];
}

static struct location row_place(const struct text_file *file, int64_t row) {
    return (struct location){.file = file->table.file, .line = file->table.lines[row]};
}

/* ---- texts to tokens ---- */

/* The tokens of one text; the buffer is used again for the next. */
struct token_list {
    int32_t *ids;
    int64_t count, capacity;
};

static int token_list_add(struct token_list *list, int32_t id) {
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        int32_t *ids = realloc(list->ids, (size_t)capacity * sizeof *ids);
        if (ids == NULL) {
            return 0;
        }
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return 1;
}

static rondo_status tokenise(const struct text_reader *reader, const char *text, struct location where,
                             struct token_list *list, struct errors *errors) {
    struct token_cursor cursor = {text};
    char token[TOKEN_BYTES];
    const int64_t limit = reader->options.max_length == 0 ? INT64_MAX : reader->options.max_length;
    list->count = 0;
    while (list->count < limit && token_next(&cursor, reader->options.lowercase, token, sizeof token)) {
        if (list->count == TEXT_MAX_TOKENS) {
            return errors_add_at(errors, RONDO_INVALID, where,
                                 "a text of more than %d tokens; give data.max_length to use its first ones alone",
                                 TEXT_MAX_TOKENS);
        }
        const int32_t id = vocabulary_find(reader->words, token);
        if (!token_list_add(list, id < 0 ? 0 : id)) {
            return errors_no_memory(errors);
        }
    }
    if (list->count == 0 && !token_list_add(list, 0)) { /* an example has at least one input */
        return errors_no_memory(errors);
    }
    return RONDO_OK;
}

/* ---- learning ---- */

/* Counts the words of a text; those past max_length are never seen by the model, so they take no place. */
static int count_words(struct text_reader *reader, const char *text) {
    struct token_cursor cursor = {text};
    char token[TOKEN_BYTES];
    const int64_t limit = reader->options.max_length == 0 ? INT64_MAX : reader->options.max_length;
    for (int64_t n = 0; n < limit && token_next(&cursor, reader->options.lowercase, token, sizeof token); n++) {
        if (vocabulary_count(reader->words, token) < 0) {
            return 0;
        }
    }
    return 1;
}

static rondo_status learn_rows(struct text_reader *reader, struct text_file *file) {
    for (int64_t row = file->first_row; row < file->table.rows && file->mistakes < MAX_MISTAKES; row++) {
        const char *label = field(file, row, file->label);
        if (reader->labels != NULL && *label == '\0') {
            errors_add_at(file->errors, RONDO_INVALID, row_place(file, row), "the label is empty");
            file->mistakes++;
            continue;
        }
        if (!count_words(reader, field(file, row, file->text)) ||
            (reader->labels != NULL && vocabulary_count(reader->labels, label) < 0)) {
            return errors_no_memory(file->errors);
        }
    }
    return file->mistakes > 0 ? RONDO_INVALID : RONDO_OK;
}

static rondo_status learn_file(struct text_reader *reader, struct text_file *file) {
    RONDO_TRY(learn_rows(reader, file));
    RONDO_TRY(vocabulary_finish(reader->words, reader->options.min_count, reader->options.max_words, file->errors));
    if (reader->labels == NULL) {
        return RONDO_OK;
    }
    if (vocabulary_size(reader->labels) < 2) {
        return errors_add_at(file->errors, RONDO_INVALID, (struct location){.file = file->table.file},
                             "every row has the label '%.60s', expected at least two classes",
                             vocabulary_word(reader->labels, 0));
    }
    return vocabulary_finish_labels(reader->labels, file->errors);
}

rondo_status text_reader_learn(struct text_reader *reader, const char *file, struct location where,
                               struct errors *errors) {
    const int has_labels = reader->options.target == TARGET_LABEL;
    reader->words = vocabulary_create();
    reader->labels = has_labels ? vocabulary_create() : NULL;
    if (reader->words == NULL || (has_labels && reader->labels == NULL)) {
        return errors_no_memory(errors);
    }
    struct text_file training;
    rondo_status status = text_file_open(&training, reader, file, where, errors);
    if (status == RONDO_OK) {
        status = learn_file(reader, &training);
    }
    text_file_close(&training);
    return status;
}

/* ---- reading ---- */

/* The class of a label; -1 after a mistake. */
static int32_t read_label(const struct text_reader *reader, struct text_file *file, int64_t row) {
    const char *label = field(file, row, file->label);
    const int32_t id = vocabulary_find(reader->labels, label);
    if (id >= 0) {
        return id;
    }
    file->mistakes++;
    if (*label == '\0') {
        errors_add_at(file->errors, RONDO_INVALID, row_place(file, row), "the label is empty");
        return -1;
    }
    struct suggestion near = {0};
    for (int32_t i = 0; i < vocabulary_size(reader->labels); i++) {
        suggest(&near, label, vocabulary_word(reader->labels, i));
    }
    errors_add_at(file->errors, RONDO_INVALID, row_place(file, row),
                  "label '%.60s' is not among those of the training file%s", label, suggestion_text(&near).text);
    return -1;
}

/* The number of a row; not a number after a mistake. */
static float read_number(struct text_file *file, int64_t row) {
    const char *text = field(file, row, file->label);
    char *end;
    const float number = (float)number_parse(text, &end);
    end += strspn(end, " ");
    /* strtod alone would also take 0x10. */
    if (strspn(text, " 0123456789+-.eE") == strlen(text) && end != text && *end == '\0' && isfinite(number)) {
        return number;
    }
    errors_add_at(file->errors, RONDO_INVALID, row_place(file, row), "'%.60s' is no finite number", text);
    file->mistakes++;
    return NAN;
}

static rondo_status read_row(const struct text_reader *reader, struct text_file *file, int64_t row,
                             struct token_list *tokens, struct dataset *dataset) {
    const void *target;
    int32_t class_id = 0;
    float number = 0;
    if (reader->labels != NULL) {
        class_id = read_label(reader, file, row);
        target = &class_id;
    } else {
        number = read_number(file, row);
        target = &number;
    }
    if (file->mistakes > 0) {
        return RONDO_OK; /* the dataset will not be used: all that is left to do is to find more mistakes */
    }
    if (tokenise(reader, field(file, row, file->text), row_place(file, row), tokens, file->errors) != RONDO_OK) {
        file->mistakes++;
        return file->errors->status;
    }
    return dataset_add(dataset, tokens->ids, tokens->count, target, 1, file->errors);
}

static rondo_status read_rows(const struct text_reader *reader, struct text_file *file, struct dataset *dataset) {
    struct token_list tokens = {0};
    rondo_status status = RONDO_OK;
    for (int64_t row = file->first_row; row < file->table.rows && status == RONDO_OK && file->mistakes < MAX_MISTAKES;
         row++) {
        status = read_row(reader, file, row, &tokens, dataset);
    }
    free(tokens.ids);
    return status == RONDO_OK && file->mistakes > 0 ? RONDO_INVALID : status;
}

struct dataset *text_reader_dataset(const struct text_reader *reader) {
    const int is_class = reader->labels != NULL;
    return dataset_create(INPUT_TOKEN, vocabulary_size(reader->words),
                          is_class ? RONDO_TARGET_CLASS : RONDO_TARGET_REAL,
                          is_class ? vocabulary_size(reader->labels) : 1);
}

rondo_status text_reader_read(const struct text_reader *reader, const char *file, struct location where,
                              struct dataset **dataset, struct errors *errors) {
    struct text_file opened;
    *dataset = NULL;
    rondo_status status = text_file_open(&opened, reader, file, where, errors);
    if (status == RONDO_OK) {
        *dataset = text_reader_dataset(reader);
        status = *dataset == NULL ? errors_no_memory(errors) : read_rows(reader, &opened, *dataset);
    }
    text_file_close(&opened);
    if (status != RONDO_OK) {
        dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

rondo_status text_reader_add(const struct text_reader *reader, const char *text, struct dataset *dataset,
                             struct errors *errors) {
    struct token_list tokens = {0};
    rondo_status status = tokenise(reader, text, (struct location){0}, &tokens, errors);
    if (status == RONDO_OK) {
        status = dataset_add(dataset, tokens.ids, tokens.count, NULL, 0, errors);
    }
    free(tokens.ids);
    return status;
}

void text_reader_clear(struct text_reader *reader) {
    vocabulary_destroy(reader->words);
    vocabulary_destroy(reader->labels);
    reader->words = NULL;
    reader->labels = NULL;
}
