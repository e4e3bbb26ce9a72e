/* data/readers/table.c: rows of numbers and categories, with a class or numbers to predict, from CSV or TSV files.
 *
 * Each row is an example of one step. Its input is a row of numbers: one for each column of numbers, and for a column of
 * categories one number per category, 1 for that of the row and 0 for the others (one-hot). What the columns are is learned
 * from the training part: a column whose fields are all numbers has numbers, any other column has categories. A category
 * that the training part does not have becomes zeros. Other files may have their columns in another order, and further ones.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/label_column.h"
#include "data/reader.h"
#include "data/table_file.h"

/* A column with more categories than this is probably one of numbers with a mistake, of identifiers or of texts. */
enum { MOST_CATEGORIES = 10000 };

enum { TARGET_LABEL = 0, TARGET_NUMBER = 1 };
enum { MISSING_ERROR = 0, MISSING_MEAN = 1 };
enum { COLUMN_TARGET, COLUMN_INPUT, COLUMN_IGNORE, COLUMN_CATEGORIES, COLUMN_WEIGHT };

struct table_options {
    int32_t format, separator, quotes, header; /* struct table_file_options */
    int32_t target;                            /* TARGET_LABEL or TARGET_NUMBER */
    int32_t missing;                           /* MISSING_ERROR or MISSING_MEAN */
    const char *missing_text;                  /* a field with this text is missing, as an empty one is */
};

static const char *const targets[] = {"label", "number", NULL};
static const char *const missing_rules[] = {"error", "mean", NULL};

static const rondo_option options_table[] = {
    TABLE_FILE_OPTIONS(struct table_options, "true"),
    RONDO_OPTION_CHOICE(struct table_options, target, "label", targets, "what is to be predicted: a class, or numbers"),
    RONDO_OPTION_CHOICE(struct table_options, missing, "error", missing_rules,
                        "an empty field is an error, or becomes the mean of its column in the training data; of a "
                        "category: none of the categories"),
    RONDO_OPTION_STRING(struct table_options, missing_text, "",
                        "a field with this text is missing as well, such as NA"),
    RONDO_OPTION_END};

static const struct reader_column_key columns[] = {
    [COLUMN_TARGET] = {"target", NULL, "the column of the label, or the columns of the numbers, to predict", 1},
    [COLUMN_INPUT] = {"input", "",
                      "the columns that the model sees, such as [age, income]; without it, all but the others", 1},
    [COLUMN_IGNORE] = {"ignore", "", "a column that the model does not see, or a list of them", 1},
    [COLUMN_CATEGORIES] = {"categories", "", "a column whose numbers are categories, such as codes, or a list of them",
                           1},
    [COLUMN_WEIGHT] = {"weight", "", "the column of the factors of the losses", 0},
    {NULL, NULL, NULL, 0}};

/* What is learned of a column of the input. */
struct table_column {
    const char *name;              /* in the header, or its number */
    struct vocabulary *categories; /* NULL: numbers */
    float mean;                    /* of the numbers of the training part */
};
struct table_state {
    struct table_column *inputs; /* [n_inputs] */
    int32_t n_inputs;
    int64_t width;             /* numbers of the input */
    struct vocabulary *labels; /* NULL: the target is numbers */
    int32_t n_targets;         /* numbers to predict */
};

static const struct table_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct table_state *state_of(const struct reader *reader) {
    return reader->state;
}

static int is_given(const struct reader *reader, int key) {
    return reader->columns[key].where.file != NULL;
}

static int32_t count_columns(const struct reader *reader, int key) {
    int32_t count = 0;
    for (const struct reader_column *column = &reader->columns[key]; is_given(reader, key) && column != NULL;
         column = column->next) {
        count++;
    }
    return count;
}

static rondo_status check(const struct reader *reader, struct errors *errors) {
    const struct table_options *options = options_of(reader);
    if (options->missing_text[0] != '\0' && options->missing == MISSING_ERROR) {
        return errors_add(errors, RONDO_INVALID, "'missing_text' is not used without missing: mean");
    }
    return table_file_check(TABLE_FILE_OPTIONS_OF(options), errors);
}

/* ---- files and their columns ---- */

/* A file that has been read; columns by their number in it. */
struct table_source {
    struct table_file file;
    int32_t *inputs;  /* [n_inputs] */
    int32_t *targets; /* [count_columns(COLUMN_TARGET)] */
    int32_t weight;   /* -1: none */
};

static void close_source(struct table_source *source) {
    table_file_close(&source->file);
}

/* Opens a file and finds the columns of the target and the weight. */
static rondo_status open_source(struct table_source *source, const struct reader *reader,
                                const struct reader_path *path, int with_targets, struct errors *errors) {
    RONDO_TRY(table_file_open(&source->file, reader, TABLE_FILE_OPTIONS_OF(options_of(reader)), path, errors));
    const int32_t n_targets = count_columns(reader, COLUMN_TARGET);
    source->targets = arena_calloc(source->file.arena, (size_t)n_targets + 1, sizeof *source->targets);
    if (source->targets == NULL) {
        return errors_no_memory(errors);
    }
    source->weight = -1;
    if (!with_targets) {
        return RONDO_OK;
    }
    RONDO_TRY(table_file_columns(&source->file, &reader->columns[COLUMN_TARGET], source->targets));
    return table_file_columns(&source->file, &reader->columns[COLUMN_WEIGHT], &source->weight);
}

/* Finds the columns of the input, which are known by name. */
static rondo_status find_inputs(struct table_source *source, const struct reader *reader,
                                const struct reader_path *path) {
    const struct table_state *state = state_of(reader);
    source->inputs = arena_calloc(source->file.arena, (size_t)state->n_inputs + 1, sizeof *source->inputs);
    if (source->inputs == NULL) {
        return errors_no_memory(source->file.errors);
    }
    for (int32_t i = 0; i < state->n_inputs; i++) {
        const struct reader_column column = {
            .text = state->inputs[i].name, .is_name = options_of(reader)->header, .where = path->where};
        RONDO_TRY(table_file_column(&source->file, &column, &source->inputs[i]));
    }
    return RONDO_OK;
}

/* ---- fields ---- */

static int is_missing(const struct reader *reader, const char *text) {
    const char *missing = options_of(reader)->missing_text;
    return text[strspn(text, " ")] == '\0' || (missing[0] != '\0' && strcmp(text, missing) == 0);
}

static void report_missing(struct table_file *file, int64_t index, const char *column) {
    errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index),
                  "the field of column '%.60s' is empty; missing: mean allows that", column);
    file->mistakes++;
}

/* Writes the numbers of one field; *values is advanced by their count. Mistakes are reported and counted. */
static void read_field(const struct reader *reader, struct table_source *source, int64_t index, int32_t input,
                       float **values) {
    const struct table_column *column = &state_of(reader)->inputs[input];
    const char *text = table_file_field(&source->file, index, source->inputs[input]);
    const int is_none = is_missing(reader, text);
    if (is_none && options_of(reader)->missing == MISSING_ERROR) {
        report_missing(&source->file, index, column->name);
    } else if (column->categories != NULL) {
        const int32_t category = is_none ? -1 : vocabulary_find(column->categories, text);
        if (category >= 0) {
            (*values)[category] = 1; /* the row is zeros */
        }
    } else {
        **values = is_none ? column->mean : table_file_number(&source->file, index, source->inputs[input]);
    }
    *values += column->categories == NULL ? 1 : vocabulary_size(column->categories);
}

/* ---- learning ---- */

/* The training files, all open: a column has numbers only if it has them in each file. */
struct table_training {
    const struct reader *reader;
    const struct reader_source *source;
    struct table_source *files; /* [source->count] */
    struct errors *errors;
};

/* What the fields of a column in the training part are. */
struct column_content {
    int64_t numbers, others; /* fields that are numbers, and that are neither numbers nor missing */
    double sum;              /* of the numbers */
    struct location other;   /* the first field that is not a number */
    const char *text;        /* of that field */
};

static int is_training(const struct table_training *training, int32_t file, int64_t index) {
    return part_of(training->source->parts, index, table_file_count(&training->files[file].file)) == PART_TRAIN;
}

/* The text is kept, since the fields of a row last only until the next one. */
static rondo_status look_at_field(struct table_file *file, int64_t index, const char *text,
                                  struct column_content *content) {
    float number;
    if (table_file_is_number(text, &number)) {
        content->numbers++;
        content->sum += (double)number;
    } else if (content->others++ == 0) {
        content->other = table_file_place(file, index);
        content->text = arena_printf(file->arena, "%.60s", text);
    }
    return arena_failed(file->arena) ? errors_no_memory(file->errors) : RONDO_OK;
}

/* Passes over the training part: looks at the fields that are not missing, or, if `contents` is NULL, counts categories. */
static rondo_status pass_training(const struct table_training *training, struct column_content *contents) {
    const struct table_state *state = state_of(training->reader);
    for (int32_t f = 0; f < training->source->count; f++) {
        struct table_source *source = &training->files[f];
        for (int64_t index = 0; index < table_file_count(&source->file); index++) {
            RONDO_TRY(table_file_advance(&source->file, index));
            for (int32_t i = 0; i < state->n_inputs && is_training(training, f, index); i++) {
                const char *text = table_file_field(&source->file, index, source->inputs[i]);
                struct vocabulary *categories = state->inputs[i].categories;
                const int is_used = !is_missing(training->reader, text);
                if (is_used && contents != NULL) {
                    RONDO_TRY(look_at_field(&source->file, index, text, &contents[i]));
                } else if (is_used && categories != NULL && vocabulary_count(categories, text) < 0) {
                    return errors_no_memory(training->errors);
                }
            }
        }
    }
    return RONDO_OK;
}

/* 1 if the experiment says that a column of the first file is a column of categories. */
static int is_declared_category(const struct table_training *training, const int32_t *categories, int32_t input) {
    const int32_t count = count_columns(training->reader, COLUMN_CATEGORIES);
    for (int32_t i = 0; i < count; i++) {
        if (categories[i] == training->files[0].inputs[input]) {
            return 1;
        }
    }
    return 0;
}

/* Decides whether a column has numbers, and learns their mean, or categories, which are counted later. */
static rondo_status learn_column(const struct table_training *training, const int32_t *categories, int32_t input,
                                 struct column_content content) {
    struct table_column *column = &state_of(training->reader)->inputs[input];
    const int is_declared = is_declared_category(training, categories, input);
    if (content.numbers + content.others == 0) {
        return errors_add_at(
            training->errors, RONDO_INVALID, (struct location){.file = training->files[0].file.table.file},
            "column '%.60s' is empty in the training data; data.columns.ignore leaves it out", column->name);
    }
    if (!is_declared && content.others > 0 && content.numbers > content.others) {
        return errors_add_at(training->errors, RONDO_INVALID, content.other,
                             "'%.60s' in column '%.60s', where most fields are numbers, is not a number; expected a "
                             "number, or the column among data.columns.categories, or the text as data.missing_text",
                             content.text, column->name);
    }
    if (is_declared || content.others > 0) {
        column->categories = vocabulary_create();
        return column->categories == NULL ? errors_no_memory(training->errors) : RONDO_OK;
    }
    column->mean = (float)(content.sum / (double)content.numbers);
    return RONDO_OK;
}

static rondo_status finish_categories(const struct table_training *training, struct table_column *column) {
    if (vocabulary_size(column->categories) > MOST_CATEGORIES) {
        return errors_add_at(training->errors, RONDO_INVALID,
                             (struct location){.file = training->files[0].file.table.file},
                             "column '%.60s' has %d different texts, expected at most %d categories; "
                             "data.columns.ignore leaves it out",
                             column->name, vocabulary_size(column->categories), MOST_CATEGORIES);
    }
    return vocabulary_finish_labels(column->categories, training->errors);
}

/* Categories are of inputs. `declared`: the columns of data.columns.categories. */
static rondo_status check_declared(const struct table_training *training, const int32_t *declared) {
    const struct reader *reader = training->reader;
    const struct reader_column *column = &reader->columns[COLUMN_CATEGORIES];
    for (int32_t k = 0; k < count_columns(reader, COLUMN_CATEGORIES); k++, column = column->next) {
        int is_input = 0;
        for (int32_t i = 0; i < state_of(reader)->n_inputs; i++) {
            is_input |= training->files[0].inputs[i] == declared[k];
        }
        if (!is_input) {
            return errors_add_at(training->errors, RONDO_INVALID, column->where,
                                 "column '%s' has categories and is no input; expected it among the inputs",
                                 column->text);
        }
    }
    return RONDO_OK;
}

/* Two passes over the files: what the fields are, and the categories. */
static rondo_status learn_columns(const struct table_training *training) {
    struct table_state *state = state_of(training->reader);
    struct arena *arena = training->files[0].file.arena;
    struct column_content *contents = arena_calloc(arena, (size_t)state->n_inputs, sizeof *contents);
    int32_t *declared =
        arena_calloc(arena, (size_t)count_columns(training->reader, COLUMN_CATEGORIES) + 1, sizeof *declared);
    if (contents == NULL || declared == NULL) {
        return errors_no_memory(training->errors);
    }
    RONDO_TRY(table_file_columns(&training->files[0].file, &training->reader->columns[COLUMN_CATEGORIES], declared));
    RONDO_TRY(check_declared(training, declared));
    RONDO_TRY(pass_training(training, contents));
    int has_categories = 0;
    for (int32_t i = 0; i < state->n_inputs; i++) {
        RONDO_TRY(learn_column(training, declared, i, contents[i]));
        has_categories |= state->inputs[i].categories != NULL;
    }
    if (has_categories) {
        RONDO_TRY(pass_training(training, NULL));
    }
    for (int32_t i = 0; i < state->n_inputs; i++) {
        RONDO_TRY(state->inputs[i].categories == NULL ? RONDO_OK : finish_categories(training, &state->inputs[i]));
    }
    return RONDO_OK;
}

/* The columns of the input, from the first training file. */
static rondo_status choose_inputs(struct reader *reader, struct table_source *source) {
    const struct table *table = &source->file.table;
    struct table_state *state = state_of(reader);
    const char **use = arena_calloc(reader->arena, (size_t)table->columns, sizeof *use);
    state->inputs = arena_calloc(reader->arena, (size_t)table->columns, sizeof *state->inputs);
    if (use == NULL || state->inputs == NULL) {
        return errors_no_memory(source->file.errors);
    }
    static const int uses[] = {COLUMN_TARGET, COLUMN_IGNORE, COLUMN_WEIGHT, COLUMN_INPUT};
    for (int k = 0; k < 4; k++) {
        RONDO_TRY(table_file_mark(&source->file, &reader->columns[uses[k]], columns[uses[k]].name, use));
    }
    for (int32_t i = 0; i < table->columns; i++) {
        const int is_input = is_given(reader, COLUMN_INPUT) ? use[i] == columns[COLUMN_INPUT].name : use[i] == NULL;
        const char *name = options_of(reader)->header ? arena_strdup(reader->arena, table->names[i])
                                                      : arena_printf(reader->arena, "%d", i);
        if (name == NULL) {
            return errors_no_memory(source->file.errors);
        }
        if (is_input) {
            RONDO_TRY(options_of(reader)->header ? table_file_check_name(&source->file, i) : RONDO_OK);
            state->inputs[state->n_inputs++].name = name;
        }
    }
    return state->n_inputs > 0
               ? RONDO_OK
               : errors_add_at(source->file.errors, RONDO_INVALID, (struct location){.file = table->file},
                               "no column is left as an input of the model");
}

static rondo_status learn_target(struct table_training *training, struct table_state *state) {
    const struct reader *reader = training->reader;
    state->n_targets = count_columns(reader, COLUMN_TARGET);
    if (options_of(reader)->target == TARGET_NUMBER) {
        return RONDO_OK;
    }
    if (state->n_targets != 1) {
        return errors_add_at(training->errors, RONDO_INVALID, reader->columns[COLUMN_TARGET].next->where,
                             "a label has one column, expected that or target: number");
    }
    state->labels = vocabulary_create();
    if (state->labels == NULL) {
        return errors_no_memory(training->errors);
    }
    for (int32_t f = 0; f < training->source->count; f++) {
        RONDO_TRY(label_column_learn(&training->files[f].file, training->files[f].targets[0], state->labels));
    }
    return label_column_finish(state->labels, training->source->paths[0].text, training->errors);
}

static int64_t width_of(const struct table_state *state) {
    int64_t width = 0;
    for (int32_t i = 0; i < state->n_inputs; i++) {
        width += state->inputs[i].categories == NULL ? 1 : vocabulary_size(state->inputs[i].categories);
    }
    return width;
}

/* Learns from files that are open. */
static rondo_status learn_files(struct reader *reader, struct table_training *training) {
    struct table_state *state = state_of(reader);
    RONDO_TRY(choose_inputs(reader, &training->files[0]));
    for (int32_t f = 0; f < training->source->count; f++) {
        RONDO_TRY(find_inputs(&training->files[f], reader, &training->source->paths[f]));
    }
    RONDO_TRY(learn_columns(training));
    state->width = width_of(state);
    return learn_target(training, state);
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    struct table_source *files = arena_calloc(reader->arena, (size_t)source->count, sizeof *files);
    if (files == NULL) {
        return errors_no_memory(errors);
    }
    struct table_training training = {reader, source, files, errors};
    rondo_status status = RONDO_OK;
    for (int32_t f = 0; f < source->count && status == RONDO_OK; f++) {
        status = open_source(&files[f], reader, &source->paths[f], 1, errors);
    }
    if (status == RONDO_OK) {
        status = learn_files(reader, &training);
    }
    for (int32_t f = 0; f < source->count; f++) {
        close_source(&files[f]);
    }
    return status;
}

static void clear(struct reader *reader) {
    struct table_state *state = state_of(reader);
    for (int32_t i = 0; i < state->n_inputs; i++) {
        vocabulary_destroy(state->inputs[i].categories);
    }
    vocabulary_destroy(state->labels);
    *state = (struct table_state){0};
}

/* ---- JSON: {"columns": [{"name": "age", "mean": 40.5}, {"name": "town", "categories": […]}], "labels": […]} ---- */

static json_t *column_json(const struct table_column *column) {
    return column->categories == NULL
               ? json_pack("{s:s, s:f}", "name", column->name, "mean", (double)column->mean)
               : json_pack("{s:s, s:o}", "name", column->name, "categories", vocabulary_json(column->categories));
}

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct table_state *state = state_of(reader);
    json_t *list = json_array();
    int failed = json_object_set_new(object, "columns", list) != 0;
    for (int32_t i = 0; i < state->n_inputs && !failed; i++) {
        failed = json_array_append_new(list, column_json(&state->inputs[i])) != 0;
    }
    failed =
        failed || (state->labels != NULL ? json_object_set_new(object, "labels", vocabulary_json(state->labels))
                                         : json_object_set_new(object, "targets", json_integer(state->n_targets))) != 0;
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status load_column(const json_t *member, const char *file, struct table_column *column,
                                struct arena *arena, struct errors *errors) {
    const json_t *mean = json_object_get(member, "mean");
    const char *name = json_string_value(json_object_get(member, "name"));
    if (name == NULL || (json_object_get(member, "categories") == NULL && !json_is_number(mean))) {
        return errors_add(errors, RONDO_INVALID,
                          "%s: 'columns' must have a 'name', and a 'mean' or 'categories', in each entry", file);
    }
    column->name = arena_strdup(arena, name);
    column->mean = (float)json_number_value(mean);
    if (column->name == NULL) {
        return errors_no_memory(errors);
    }
    return mean != NULL ? RONDO_OK : vocabulary_from_json(member, "categories", file, &column->categories, errors);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct table_state *state = state_of(reader);
    const json_t *list = json_object_get(object, "columns");
    const size_t count = json_array_size(list);
    if (count == 0 || count > TABLE_MAX_COLUMNS) {
        return errors_add(errors, RONDO_INVALID, "%s: 'columns' must be a list of at least one column", file);
    }
    state->inputs = arena_calloc(reader->arena, count, sizeof *state->inputs);
    if (state->inputs == NULL) {
        return errors_no_memory(errors);
    }
    for (size_t i = 0; i < count; i++) {
        RONDO_TRY(load_column(json_array_get(list, i), file, &state->inputs[state->n_inputs++], reader->arena, errors));
    }
    state->width = width_of(state);
    state->n_targets = count_columns(reader, COLUMN_TARGET);
    return options_of(reader)->target == TARGET_LABEL
               ? vocabulary_from_json(object, "labels", file, &state->labels, errors)
               : RONDO_OK;
}

/* ---- reading ---- */

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct table_state *state = state_of(reader);
    struct stream *input = dataset_stream(dataset, "input", STREAM_REAL, STORE_F32, state->width, errors);
    const int is_class = state->labels != NULL;
    struct stream *target =
        is_class ? dataset_stream(dataset, "target", STREAM_CLASS, STORE_I32, vocabulary_size(state->labels), errors)
                 : dataset_stream(dataset, "target", STREAM_REAL, STORE_F32, state->n_targets, errors);
    if (input == NULL || target == NULL) {
        return errors->status;
    }
    target->names = state->labels;
    const int is_weighted = is_given(reader, COLUMN_WEIGHT);
    return !is_weighted || dataset_stream(dataset, "weight", STREAM_REAL, STORE_F32, 1, errors) != NULL
               ? RONDO_OK
               : errors->status;
}

/* Numbers of one row; [width], [n_targets]. */
struct table_row {
    float *input, *targets;
    int32_t label;
    float weight;
};

static float read_weight(struct table_source *source, int64_t index) {
    const float weight = table_file_number(&source->file, index, source->weight);
    if (weight < 0) {
        errors_add_at(source->file.errors, RONDO_INVALID, table_file_place(&source->file, index),
                      "the weight is %g, expected a number from 0", (double)weight);
        source->file.mistakes++;
    }
    return weight;
}

static struct stream_part read_target(const struct reader *reader, struct table_source *source, int64_t index,
                                      struct table_row *row) {
    const struct table_state *state = state_of(reader);
    if (state->labels != NULL) {
        row->label = label_column_class(&source->file, index, source->targets[0], state->labels);
        return (struct stream_part){&row->label, 1};
    }
    for (int32_t k = 0; k < state->n_targets; k++) {
        row->targets[k] = table_file_number(&source->file, index, source->targets[k]);
    }
    return (struct stream_part){row->targets, 1};
}

static rondo_status read_row(const struct reader *reader, struct table_source *source, int64_t index, int with_targets,
                             struct table_row *row, struct dataset *dataset) {
    const struct table_state *state = state_of(reader);
    struct stream_part parts[3] = {{row->input, 1}, {NULL, 0}, {NULL, 0}};
    float *values = row->input;
    memset(row->input, 0, (size_t)state->width * sizeof *row->input);
    for (int32_t i = 0; i < state->n_inputs; i++) {
        read_field(reader, source, index, i, &values);
    }
    if (with_targets) {
        parts[1] = read_target(reader, source, index, row);
    }
    if (source->weight >= 0) {
        row->weight = read_weight(source, index);
        parts[2] = (struct stream_part){&row->weight, 1};
    }
    /* After a mistake the dataset will not be used: the rest is only read to find more mistakes. */
    return source->file.mistakes > 0 ? RONDO_OK : dataset_add(dataset, parts, source->file.errors);
}

static rondo_status read_rows(const struct reader *reader, struct table_source *source, int with_targets,
                              struct dataset *dataset) {
    const struct table_state *state = state_of(reader);
    struct table_file *file = &source->file;
    struct table_row row = {.input = arena_calloc(file->arena, (size_t)state->width, sizeof *row.input),
                            .targets = arena_calloc(file->arena, (size_t)state->n_targets + 1, sizeof *row.targets)};
    if (row.input == NULL || row.targets == NULL) {
        return errors_no_memory(file->errors);
    }
    for (int64_t index = 0; index < table_file_count(file) && file->mistakes < TABLE_FILE_MOST_MISTAKES; index++) {
        RONDO_TRY(table_file_advance(file, index));
        RONDO_TRY(read_row(reader, source, index, with_targets, &row, dataset));
    }
    return file->mistakes > 0 ? RONDO_INVALID : RONDO_OK;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    for (int32_t i = 0; i < source->count; i++) {
        struct table_source file = {0};
        rondo_status status = open_source(&file, reader, &source->paths[i], with_targets, errors);
        status = status == RONDO_OK ? find_inputs(&file, reader, &source->paths[i]) : status;
        status = status == RONDO_OK ? read_rows(reader, &file, with_targets, dataset) : status;
        close_source(&file);
        RONDO_TRY(status);
    }
    return RONDO_OK;
}

extern const struct reader_class reader_table;
const struct reader_class reader_table = {
    .name = "table",
    .summary = "rows of numbers and categories with a label or numbers to predict, from TSV or CSV files",
    .options = options_table,
    .options_size = sizeof(struct table_options),
    .columns = columns,
    .state_size = sizeof(struct table_state),
    .check = check,
    .target_as = {[STREAM_CLASS] = "target: label", [STREAM_REAL] = "target: number"},
    .learn = learn,
    .describe = describe,
    .read = read,
    .save = save,
    .load = load,
    .clear = clear};
