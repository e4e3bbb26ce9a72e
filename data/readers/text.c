/* data/readers/text.c: texts with one label or one number each, from TSV or CSV files.
 *
 * The vocabulary and the labels come from the training part only; everything else is read with them. A token that is not in
 * the vocabulary becomes UNKNOWN_WORD. A label that the training part does not have is an error at its file and line. Two
 * labels of the training file that differ only in blanks are an error with both lines. A text without a token becomes one
 * UNKNOWN_WORD.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "data/label_column.h"
#include "data/reader.h"
#include "data/table_file.h"
#include "data/tokens.h"

/* A recurrence keeps its states at every step, so a very long text would take all memory: longer texts are refused
 * unless max_length cuts them. */
#define TEXT_MAX_TOKENS 100000

enum { TARGET_LABEL = 0, TARGET_NUMBER = 1 };
enum { COLUMN_TEXT = 0, COLUMN_LABEL = 1 };

struct text_options {
    int32_t format, separator, quotes, header; /* struct table_file_options */
    int32_t target;                            /* TARGET_LABEL or TARGET_NUMBER */
    int32_t tokens;                            /* enum token_unit */
    int32_t lowercase;                         /* lower-case ASCII letters */
    int64_t min_count;                         /* a token seen fewer times in training is unknown */
    int64_t max_words;                         /* size of the vocabulary, 0: no limit */
    int64_t max_length;                        /* tokens kept of each text, from its start; 0: all */
};

static const char *const targets[] = {"label", "number", NULL};
static const char *const tokens[] = {"words", "characters", "bytes", NULL};

static const rondo_option options_table[] = {
    TABLE_FILE_OPTIONS(struct text_options, "false"),
    RONDO_OPTION_CHOICE(struct text_options, target, "label", targets, "what is to be predicted: a class, or a number"),
    RONDO_OPTION_CHOICE(struct text_options, tokens, "words", tokens,
                        "the steps of a text: its words and signs, its characters, or its bytes"),
    RONDO_OPTION_BOOL(struct text_options, lowercase, "true", "turn the letters A to Z to lower case"),
    RONDO_OPTION_INT(struct text_options, min_count, "1", 1, 1e9, "tokens seen fewer times in training are unknown"),
    RONDO_OPTION_INT(struct text_options, max_words, "0", 0, 1e8,
                     "how many tokens are known, the most frequent ones; 0: all"),
    RONDO_OPTION_INT(struct text_options, max_length, "0", 0, 1e9, "tokens kept of each text, from its start; 0: all"),
    RONDO_OPTION_END};

static const struct reader_column_key columns[] = {{"text", "0", "the column of the text", 0},
                                                   {"label", "1", "the column of the label or number to predict", 0},
                                                   {NULL, NULL, NULL, 0}};

/* What is learned. */
struct text_vocabularies {
    struct vocabulary *words, *labels; /* labels NULL: the target is a number */
};

static const struct text_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct text_vocabularies *vocabularies_of(const struct reader *reader) {
    return reader->state;
}

static rondo_status check(const struct reader *reader, struct errors *errors) {
    return table_file_check(TABLE_FILE_OPTIONS_OF(options_of(reader)), errors);
}

/* ---- files and their columns ---- */

/* A file that has been read, and its columns. */
struct text_file {
    struct table_file table;
    int32_t text, label;
};

/* Opens a file; text_file_close afterwards, also after a failure. has_label 0: only the text is wanted. */
static rondo_status text_file_open(struct text_file *file, const struct reader *reader, const struct reader_path *path,
                                   int has_label, struct errors *errors) {
    RONDO_TRY(table_file_open(&file->table, reader, TABLE_FILE_OPTIONS_OF(options_of(reader)), path, errors));
    const rondo_status text = table_file_column(&file->table, &reader->columns[COLUMN_TEXT], &file->text);
    if (!has_label) {
        return text;
    }
    const rondo_status label = table_file_column(&file->table, &reader->columns[COLUMN_LABEL], &file->label);
    RONDO_TRY(text);
    RONDO_TRY(label);
    if (file->text == file->label) {
        return errors_add_at(errors, RONDO_INVALID, reader->columns[COLUMN_LABEL].where,
                             "column '%s' is both the text and the label, expected two columns",
                             reader->columns[COLUMN_LABEL].text);
    }
    return RONDO_OK;
}

static void text_file_close(struct text_file *file) {
    table_file_close(&file->table);
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
        int32_t *ids = memory_realloc(list->ids, (size_t)capacity * sizeof *ids);
        if (ids == NULL) {
            return 0;
        }
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return 1;
}

/* The tokens of a text, up to max_length. */
struct text_cursor {
    struct token_cursor cursor;
    const struct text_options *options;
    int64_t left; /* tokens */
    char token[TOKEN_BYTES];
};

static struct text_cursor text_cursor(const struct reader *reader, const char *text) {
    const struct text_options *options = options_of(reader);
    return (struct text_cursor){.cursor = {text, text + strlen(text)},
                                .options = options,
                                .left = options->max_length == 0 ? INT64_MAX : options->max_length};
}

static int next_token(struct text_cursor *text) {
    return text->left-- > 0 && token_next_of(&text->cursor, (enum token_unit)text->options->tokens,
                                             text->options->lowercase, text->token, sizeof text->token);
}

static rondo_status tokenise(const struct reader *reader, const char *text, struct location where,
                             struct token_list *list, struct errors *errors) {
    struct text_cursor cursor = text_cursor(reader, text);
    list->count = 0;
    while (next_token(&cursor)) {
        if (list->count == TEXT_MAX_TOKENS) {
            return errors_add_at(errors, RONDO_INVALID, where,
                                 "a text of more than %d tokens; give data.max_length to use only its first ones",
                                 TEXT_MAX_TOKENS);
        }
        const int32_t id = vocabulary_find(vocabularies_of(reader)->words, cursor.token);
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

/* Counts the words of a text. The model never sees those after max_length, so they are not counted. */
static int count_words(const struct reader *reader, const char *text) {
    struct text_cursor cursor = text_cursor(reader, text);
    while (next_token(&cursor)) {
        if (vocabulary_count(vocabularies_of(reader)->words, cursor.token) < 0) {
            return 0;
        }
    }
    return 1;
}

/* Words come from the training part only; labels from the whole file, because a class that is only in another part is no
 * mistake. */
static rondo_status learn_file(const struct reader *reader, const struct reader_source *source,
                               struct text_file *file) {
    struct table_file *table = &file->table;
    const struct text_vocabularies *learned = vocabularies_of(reader);
    const int64_t count = table_file_count(table);
    for (int64_t index = 0; index < count; index++) {
        RONDO_TRY(table_file_advance(table, index));
        if (part_of(source->parts, index, count) == PART_TRAIN &&
            !count_words(reader, table_file_field(table, index, file->text))) {
            return errors_no_memory(table->errors);
        }
    }
    return learned->labels == NULL ? RONDO_OK : label_column_learn(table, file->label, learned->labels);
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    const struct text_options *options = options_of(reader);
    struct text_vocabularies *learned = vocabularies_of(reader);
    const int has_labels = options->target == TARGET_LABEL;
    learned->words = vocabulary_create();
    learned->labels = has_labels ? vocabulary_create() : NULL;
    if (learned->words == NULL || (has_labels && learned->labels == NULL)) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < source->count; i++) {
        struct text_file file = {0};
        rondo_status status = text_file_open(&file, reader, &source->paths[i], 1, errors);
        if (status == RONDO_OK) {
            status = learn_file(reader, source, &file);
        }
        text_file_close(&file);
        RONDO_TRY(status);
    }
    RONDO_TRY(vocabulary_finish(learned->words, options->min_count, options->max_words, errors));
    return has_labels ? label_column_finish(learned->labels, source->paths[source->count - 1].text, errors) : RONDO_OK;
}

static void clear(struct reader *reader) {
    struct text_vocabularies *learned = vocabularies_of(reader);
    vocabulary_destroy(learned->words);
    vocabulary_destroy(learned->labels);
    *learned = (struct text_vocabularies){0};
}

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct text_vocabularies *learned = vocabularies_of(reader);
    const int failed =
        json_object_set_new(object, "words", vocabulary_json(learned->words)) |
        (learned->labels != NULL && json_object_set_new(object, "labels", vocabulary_json(learned->labels)));
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct text_vocabularies *learned = vocabularies_of(reader);
    const json_t *labels = json_object_get(object, "labels");
    if (options_of(reader)->target == TARGET_NUMBER && labels != NULL && !json_is_null(labels)) {
        return errors_add(errors, RONDO_INVALID, "%s: has labels, and the target of the run is a number", file);
    }
    RONDO_TRY(vocabulary_from_json(object, "words", file, &learned->words, errors));
    return options_of(reader)->target == TARGET_LABEL
               ? vocabulary_from_json(object, "labels", file, &learned->labels, errors)
               : RONDO_OK;
}

/* ---- reading ---- */

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct text_vocabularies *learned = vocabularies_of(reader);
    struct stream *input =
        dataset_stream(dataset, "input", STREAM_CLASS, STORE_I32, vocabulary_size(learned->words), errors);
    const int is_class = learned->labels != NULL;
    struct stream *target =
        is_class ? dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, vocabulary_size(learned->labels), errors)
                 : dataset_stream(dataset, "target", STREAM_REAL, STORE_F32, 1, errors);
    if (input == NULL || target == NULL) {
        return errors->status;
    }
    input->names = learned->words;
    input->unknown = 0;
    target->names = learned->labels;
    return RONDO_OK;
}

/* Adds one text; `target` has no elements if it is not known. */
static rondo_status add_text(const struct reader *reader, const char *text, struct location where,
                             struct stream_part target, struct token_list *list, struct dataset *dataset,
                             struct errors *errors) {
    RONDO_TRY(tokenise(reader, text, where, list, errors));
    const struct stream_part parts[] = {{list->ids, list->count}, target};
    return dataset_add(dataset, parts, errors);
}

static rondo_status read_row(const struct reader *reader, struct text_file *file, int64_t index, int with_targets,
                             struct token_list *list, struct dataset *dataset) {
    struct table_file *table = &file->table;
    const struct vocabulary *labels = vocabularies_of(reader)->labels;
    const char *text = table_file_field(table, index, file->text);
    const struct location where = table_file_place(table, index);
    int32_t class_id = 0;
    float number = 0;
    struct stream_part target = {NULL, 0};
    if (with_targets && labels != NULL) {
        class_id = label_column_class(table, index, file->label, labels);
        target = (struct stream_part){&class_id, 1};
    } else if (with_targets) {
        number = table_file_number(table, index, file->label);
        target = (struct stream_part){&number, 1};
    }
    if (table->mistakes > 0) {
        return RONDO_OK; /* the dataset will not be used: the rest is only read to find more mistakes */
    }
    const rondo_status status = add_text(reader, text, where, target, list, dataset, table->errors);
    table->mistakes += status == RONDO_INVALID;
    return status != RONDO_OK || with_targets ? status : dataset_add_text(dataset, text, table->errors);
}

static rondo_status read_file(const struct reader *reader, struct text_file *file, int with_targets,
                              struct dataset *dataset) {
    struct table_file *table = &file->table;
    struct token_list list = {0};
    rondo_status status = RONDO_OK;
    for (int64_t index = 0;
         index < table_file_count(table) && status == RONDO_OK && table->mistakes < TABLE_FILE_MOST_MISTAKES; index++) {
        status = table_file_advance(table, index);
        status = status == RONDO_OK ? read_row(reader, file, index, with_targets, &list, dataset) : status;
    }
    free(list.ids);
    return status == RONDO_OK && table->mistakes > 0 ? RONDO_INVALID : status;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    for (int32_t i = 0; i < source->count; i++) {
        struct text_file file = {0};
        rondo_status status = text_file_open(&file, reader, &source->paths[i], with_targets, errors);
        if (status == RONDO_OK) {
            status = read_file(reader, &file, with_targets, dataset);
        }
        text_file_close(&file);
        RONDO_TRY(status);
    }
    return RONDO_OK;
}

static rondo_status add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors) {
    struct token_list list = {0};
    rondo_status status = add_text(reader, line, where, (struct stream_part){NULL, 0}, &list, dataset, errors);
    free(list.ids);
    return status == RONDO_OK ? dataset_add_text(dataset, line, errors) : status;
}

extern const struct reader_class reader_text;
const struct reader_class reader_text = {
    .name = "text",
    .summary = "texts with one label or one number each, from TSV or CSV files",
    .options = options_table,
    .options_size = sizeof(struct text_options),
    .columns = columns,
    .flags = READER_SYMBOLS,
    .state_size = sizeof(struct text_vocabularies),
    .check = check,
    .target_as = {[STREAM_CLASS] = "target: label", [STREAM_REAL] = "target: number"},
    .learn = learn,
    .describe = describe,
    .read = read,
    .add = add,
    .save = save,
    .load = load,
    .clear = clear};
