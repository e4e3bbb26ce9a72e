#define _POSIX_C_SOURCE 200809L

#include "data/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/number.h"
#include "core/suggest.h"
#include "data/tokens.h"

enum { TARGET_LABEL = 0, TARGET_NUMBER = 1, MAX_MISTAKES = 10 };

static const char *const formats[] = {"auto", "csv", "tsv", NULL};
static const char *const separators[] = {"auto", "comma", "tab", "semicolon", "bar", NULL};
static const char separator_characters[] = {0, ',', '\t', ';', '|'};
static const char *const quotes[] = {"auto", "double", "none", NULL};
static const char *const targets[] = {"label", "number", NULL};

const rondo_option text_options_table[] = {
    RONDO_OPTION_CHOICE(struct text_options, format, "auto", formats,
                        "csv or tsv; auto: by the ending of each file's name"),
    RONDO_OPTION_CHOICE(struct text_options, separator, "auto", separators,
                        "character between two fields; auto: a comma in csv, a tab in tsv"),
    RONDO_OPTION_CHOICE(struct text_options, quotes, "auto", quotes,
                        "double: a field in double quotes may contain separators, line breaks, and \"\" for a quote; "
                        "none: a quote is an ordinary character; auto: none if tabs separate the fields, else double"),
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

/* A file that has been read: its table, and the columns that are used. */
struct text_file {
    struct arena *arena;
    struct table table;
    int64_t first_row;   /* 1 if there is a header, else 0 */
    int32_t text, label; /* columns */
    struct errors *errors;
    int32_t mistakes; /* reported so far */
};

static int has_ending(const char *file, const char *ending) {
    const size_t length = strlen(file), n = strlen(ending);
    return length > n && strcasecmp(file + length - n, ending) == 0;
}

static rondo_status table_format_of(const char *file, const struct text_options *options, struct location where,
                                    struct table_format *format, struct errors *errors) {
    const int is_csv = has_ending(file, ".csv"), is_tsv = has_ending(file, ".tsv") || has_ending(file, ".tab");
    int32_t separator = options->separator;
    if (separator == TEXT_SEPARATOR_AUTO && options->format == TEXT_FORMAT_AUTO && !is_csv && !is_tsv) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "the name '%s' ends in neither .csv nor .tsv; expected that, or format: csv or tsv", file);
    }
    if (separator == TEXT_SEPARATOR_AUTO) {
        const int has_commas = options->format == TEXT_FORMAT_CSV || (options->format == TEXT_FORMAT_AUTO && is_csv);
        separator = has_commas ? TEXT_COMMA : TEXT_TAB;
    }
    format->separator = separator_characters[separator];
    format->has_quotes =
        options->quotes == TEXT_QUOTES_AUTO ? separator != TEXT_TAB : options->quotes == TEXT_QUOTES_DOUBLE;
    return RONDO_OK;
}

/* The value of a whole number without a sign; -1 for any other text. */
static long column_number(const char *text) {
    char *end;
    errno = 0;
    const long number = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    return number < 0 || *end != '\0' || errno != 0 ? -1 : number;
}

/* "; it has 'id', 'body', 'label'": the names in the header, as many as fit in a message. */
static const char *column_names(const struct text_file *file) {
    enum { MOST = 20 };
    const struct table *table = &file->table;
    const char *names = "; it has ";
    for (int32_t i = 0; i < table->columns && i < MOST && names != NULL; i++) {
        names = arena_printf(file->arena, "%s%s'%.60s'", names, i == 0 ? "" : ", ", table->fields[i]);
    }
    if (table->columns > MOST && names != NULL) {
        names = arena_printf(file->arena, "%s and %d more", names, table->columns - MOST);
    }
    return names == NULL ? "" : names;
}

static rondo_status find_column_by_name(const struct text_file *file, const struct text_column *column,
                                        int32_t *index) {
    const struct table *table = &file->table;
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
    if (found == 0) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where, "'%s' has no column '%s'%s%s", table->file,
                             column->text, suggestion_text(&near).text, column_names(file));
    }
    return RONDO_OK;
}

/* A number that is also the name of a column at another place could mean either. */
static rondo_status check_number(const struct text_file *file, const struct text_column *column, long number) {
    const struct table *table = &file->table;
    for (int32_t i = 0; file->first_row > 0 && i < table->columns; i++) {
        if (i != number && strcmp(table->fields[i], column->text) == 0) {
            return errors_add_at(file->errors, RONDO_INVALID, column->where,
                                 "'%s' has a column of the name '%s', which is column %d; write \"%s\", in quotes, for "
                                 "the name, or %d for the column",
                                 table->file, column->text, i, column->text, i);
        }
    }
    if (number >= table->columns) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "'%s' has no column %ld; it has %d, numbered from 0", table->file, number, table->columns);
    }
    return RONDO_OK;
}

static rondo_status find_column(const struct text_file *file, const struct text_options *options,
                                const struct text_column *column, int32_t *index) {
    const long number = options->header && column->is_name ? -1 : column_number(column->text);
    if (number >= 0) {
        RONDO_TRY(check_number(file, column, number));
        *index = (int32_t)number;
        return RONDO_OK;
    }
    if (!options->header) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "column '%s' is not a number from 0; a name needs header: true", column->text);
    }
    return find_column_by_name(file, column, index);
}

static rondo_status check_rows(const struct text_file *file) {
    if (file->table.rows > file->first_row) {
        return RONDO_OK;
    }
    return errors_add_at(file->errors, RONDO_INVALID, (struct location){.file = file->table.file},
                         "no rows after the header");
}

static rondo_status find_columns(struct text_file *file, const struct text_reader *reader) {
    const rondo_status text = find_column(file, &reader->options, &reader->text, &file->text);
    const rondo_status label = find_column(file, &reader->options, &reader->label, &file->label);
    RONDO_TRY(text);
    RONDO_TRY(label);
    if (file->text == file->label) {
        return errors_add_at(file->errors, RONDO_INVALID, reader->label.where,
                             "column '%s' is both the text and the label, expected two columns", reader->label.text);
    }
    return RONDO_OK;
}

/* Reads a table. Mistakes in the file are reported at its own lines; a missing file is a mistake of the experiment, at
 * `where`. */
static rondo_status read_table(struct text_file *file, const char *name, struct table_format format,
                               struct location where) {
    struct errors own = {0};
    const rondo_status status = table_read(name, format, file->arena, &file->table, &own);
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
    struct table_format format = {0};
    RONDO_TRY(table_format_of(name, &reader->options, where, &format, errors));
    RONDO_TRY(read_table(file, name, format, where));
    RONDO_TRY(find_columns(file, reader));
    return check_rows(file);
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

/* The tokens of one text; the buffer is reused for the next text. */
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
                                 "a text of more than %d tokens; give data.max_length to use only its first ones",
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

/* RONDO_INTERRUPTED, at this row, if an interrupt is requested. Asks only at every thousandth row. */
static rondo_status check_interrupt(const struct text_reader *reader, struct text_file *file, int64_t row) {
    return row % 1000 != 0 || !interrupt_is_requested(&reader->interrupt)
               ? RONDO_OK
               : errors_add_at(file->errors, RONDO_INTERRUPTED, row_place(file, row), "interrupted at this line");
}

/* ---- learning ---- */

/* Counts the words of a text. The model never sees those after max_length, so they are not counted. */
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

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_empty(const char *label) {
    while (is_blank(*label)) {
        label++;
    }
    return *label == '\0';
}

static rondo_status learn_rows(struct text_reader *reader, struct text_file *file) {
    for (int64_t row = file->first_row; row < file->table.rows && file->mistakes < MAX_MISTAKES; row++) {
        RONDO_TRY(check_interrupt(reader, file, row));
        const char *label = field(file, row, file->label);
        if (reader->labels != NULL && is_empty(label)) {
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

/* The line of the first row with this label. */
static int32_t line_of_label(const struct text_file *file, const char *label) {
    int64_t row = file->first_row;
    while (row + 1 < file->table.rows && strcmp(field(file, row, file->label), label) != 0) {
        row++;
    }
    return file->table.lines[row];
}

/* Reports label `id` if a label before it differs from it only in blanks. `normals` has the labels before it, as
 * normalised, at their ids. */
static rondo_status check_label(const struct text_reader *reader, struct text_file *file, int32_t id,
                                struct vocabulary *normals) {
    const char *label = vocabulary_word(reader->labels, id);
    const struct arena_mark mark = arena_mark(file->arena);
    char *normal = arena_alloc(file->arena, strlen(label) + 1);
    if (normal == NULL) {
        return errors_no_memory(file->errors);
    }
    normalise_label(label, normal);
    const int32_t found = vocabulary_find(normals, normal);
    rondo_status status = RONDO_OK;
    if (found >= 0) {
        const char *other = vocabulary_word(reader->labels, found);
        status = errors_add_at(
            file->errors, RONDO_INVALID, (struct location){file->table.file, line_of_label(file, label), 0},
            "label '%.60s' differs from '%.60s' of line %d only in blanks, and would be another class", label, other,
            line_of_label(file, other));
    } else if (vocabulary_count(normals, normal) < 0) {
        status = errors_no_memory(file->errors);
    }
    arena_release(file->arena, mark);
    return status;
}

/* Labels that differ only in blanks are a mistake of the file: they would silently become separate classes. */
static rondo_status check_blanks(const struct text_reader *reader, struct text_file *file) {
    struct vocabulary *normals = vocabulary_create();
    rondo_status status = normals == NULL ? errors_no_memory(file->errors) : RONDO_OK;
    for (int32_t id = 0; status == RONDO_OK && id < vocabulary_size(reader->labels); id++) {
        status = check_label(reader, file, id, normals);
    }
    vocabulary_destroy(normals);
    return status;
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
    RONDO_TRY(check_blanks(reader, file));
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
    if (is_empty(label)) {
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
    /* the conversion also accepts 0x10 */
    if (strspn(text, " 0123456789+-.eE") == strlen(text) && end != text && *end == '\0' && isfinite(number)) {
        return number;
    }
    errors_add_at(file->errors, RONDO_INVALID, row_place(file, row), "'%.60s' is not a finite number", text);
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
        return RONDO_OK; /* the dataset will not be used: only look for more mistakes */
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
        status = check_interrupt(reader, file, row);
        status = status == RONDO_OK ? read_row(reader, file, row, &tokens, dataset) : status;
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

rondo_status text_reader_rows(const struct text_reader *reader, const struct text_column *column, const char *file,
                              const char *format_file, char *text, size_t length, struct arena *arena,
                              struct text_rows *rows, struct errors *errors) {
    struct text_file opened = {.arena = arena, .errors = errors, .first_row = reader->options.header != 0};
    struct table_format format = {0};
    RONDO_TRY(table_format_of(format_file, &reader->options, column->where, &format, errors));
    RONDO_TRY(text == NULL ? read_table(&opened, file, format, column->where)
                           : table_parse(file, text, length, format, arena, &opened.table, errors));
    RONDO_TRY(find_column(&opened, &reader->options, column, &opened.text));
    *rows = (struct text_rows){opened.table, opened.first_row, opened.text};
    return RONDO_OK;
}

const char *text_rows_text(const struct text_rows *rows, int64_t row) {
    return rows->table.fields[row * rows->table.columns + rows->column];
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
