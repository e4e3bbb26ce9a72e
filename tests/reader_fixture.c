/* tests/reader_fixture.c: see tests/reader_fixture.h. */
#define _XOPEN_SOURCE 700
#include "reader_fixture.h"

#include <check.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/options.h"

static const struct location here = {"experiment.yaml", 3, 9};

void reader_fixture_open(struct reader_fixture *fixture) {
    const char *root = getenv("TMPDIR");
    *fixture = (struct reader_fixture){.arena = arena_create()};
    ck_assert_ptr_nonnull(fixture->arena);
    snprintf(fixture->folder, sizeof fixture->folder, "%s/rondo-test-XXXXXX", root == NULL ? "/tmp" : root);
    ck_assert_ptr_nonnull(mkdtemp(fixture->folder));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void reader_fixture_close(struct reader_fixture *fixture) {
    reader_destroy(fixture->reader);
    errors_free(&fixture->errors);
    ck_assert_int_eq(nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    arena_destroy(fixture->arena);
}

/* Sets an option of one stream, as in "target.tokens=bytes". */
static void parse_by_stream(struct reader_fixture *fixture, const struct reader_class *class, void *set, char *text) {
    char *key = strchr(text, '.') + 1, *value = strchr(key, '=') + 1;
    key[-1] = value[-1] = '\0';
    const rondo_option *option = option_find(class->options, key);
    ck_assert_msg(option != NULL && reader_is_by_stream(class, option), "'%s' is no option by stream", key);
    rondo_option rows[READER_MOST_BY_STREAM + 1];
    reader_stream_options(class, option, rows);
    const rondo_option *row = option_find(rows, text);
    ck_assert_msg(row != NULL, "no stream '%s'", text);
    ck_assert_int_eq(option_set(row, set, value, fixture->arena, here, &fixture->errors), RONDO_OK);
}

static void *parse(struct reader_fixture *fixture, const struct reader_class *class, const char *options) {
    void *set = options_create(class->options, class->options_size, fixture->arena, &fixture->errors);
    ck_assert_ptr_nonnull(set);
    char *text = arena_strdup(fixture->arena, options == NULL ? "" : options), *by_stream[8];
    const char *single = "";
    int n_by_stream = 0;
    for (char *rest, *item = strtok_r(text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        if (class->by_stream != NULL && strcspn(item, ".") < strcspn(item, "=")) {
            ck_assert_int_lt(n_by_stream, 8);
            by_stream[n_by_stream++] = item;
        } else {
            single = arena_printf(fixture->arena, "%s %s", single, item);
        }
    }
    const rondo_status status =
        options_parse(class->options, set, single, "reader", fixture->arena, here, &fixture->errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture->errors, 0));
    reader_spread_options(class, set);
    for (int i = 0; i < n_by_stream; i++) {
        parse_by_stream(fixture, class, set, by_stream[i]);
    }
    return set;
}

static const struct reader_class *class_of(const char *name) {
    const struct reader_class *class = reader_find(name, NULL);
    ck_assert_msg(class != NULL, "there is no reader '%s'", name);
    return class;
}

/* The columns of a list such as "id,name". */
static struct reader_column column_list(struct reader_fixture *fixture, char *text) {
    static const struct location at = {"experiment.yaml", 4, 9};
    struct reader_column first = {0}, *column = &first;
    for (char *rest, *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        if (first.text != NULL) {
            struct reader_column *next = arena_calloc(fixture->arena, 1, sizeof *next);
            ck_assert_ptr_nonnull(next);
            column->next = next;
            column = next;
        }
        *column = (struct reader_column){.text = item, .where = at};
    }
    return first;
}

/* Fills fixture->columns with the columns of `text`, and with defaults. */
static void set_columns(struct reader_fixture *fixture, const struct reader_class *class) {
    for (int32_t i = 0; class->columns != NULL && class->columns[i].name != NULL; i++) {
        const char *key = class->columns[i].name, *standard = class->columns[i].default_text;
        char *text = arena_printf(fixture->arena, " %s", fixture->columns_text == NULL ? "" : fixture->columns_text);
        char *given = strstr(text, arena_printf(fixture->arena, " %s=", key));
        fixture->columns[i] = (struct reader_column){0};
        if (given != NULL) {
            given += strlen(key) + 2;
            given[strcspn(given, " ")] = '\0';
            fixture->columns[i] = column_list(fixture, given);
        } else if (standard != NULL && standard[0] != '\0') {
            fixture->columns[i] = (struct reader_column){.text = standard, .where = here};
        }
    }
}

void reader_fixture_columns(struct reader_fixture *fixture, const char *columns) {
    fixture->columns_text = columns;
}

const char *reader_fixture_check(struct reader_fixture *fixture, const char *name, const char *options) {
    const struct reader_class *class = class_of(name);
    set_columns(fixture, class);
    const struct reader view = {.class = class, .options = parse(fixture, class, options), .columns = fixture->columns};
    struct errors own = {0};
    const rondo_status status = class->check == NULL ? RONDO_OK : class->check(&view, &own);
    ck_assert_int_eq(status == RONDO_OK, own.count == 0);
    const char *text = own.count == 0 ? NULL : arena_strdup(fixture->arena, errors_text(&own, 0));
    errors_free(&own);
    return text;
}

void reader_fixture_make(struct reader_fixture *fixture, const char *name, const char *options) {
    const char *refused = reader_fixture_check(fixture, name, options);
    ck_assert_msg(refused == NULL, "%s", refused);
    reader_destroy(fixture->reader);
    const struct reader_class *class = class_of(name);
    fixture->reader =
        reader_create(class, parse(fixture, class, options), fixture->columns, (struct interrupt){0}, &fixture->errors);
    ck_assert_ptr_nonnull(fixture->reader);
}

const char *reader_fixture_path(struct reader_fixture *fixture, const char *name) {
    return arena_printf(fixture->arena, "%s/%s", fixture->folder, name);
}

void reader_fixture_write(struct reader_fixture *fixture, const char *name, const void *bytes, size_t length) {
    char *path = arena_strdup(fixture->arena, reader_fixture_path(fixture, name));
    for (char *slash = strchr(path + strlen(fixture->folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, length, out), length);
    ck_assert_int_eq(fclose(out), 0);
}

int32_t reader_fixture_paths(struct reader_fixture *fixture, const char *names,
                             struct reader_path paths[FIXTURE_PATHS]) {
    char *text = arena_strdup(fixture->arena, names == NULL ? "" : names);
    int32_t count = 0;
    for (char *rest, *item = strtok_r(text, " ", &rest); item != NULL; item = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(item, '=');
        ck_assert_int_lt(count, FIXTURE_PATHS);
        if (equals != NULL) {
            *equals = '\0';
        }
        paths[count++] = (struct reader_path){.stream = equals == NULL ? NULL : item,
                                              .text = reader_fixture_path(fixture, equals == NULL ? item : equals + 1),
                                              .where = here};
    }
    return count;
}

rondo_status reader_fixture_learn(struct reader_fixture *fixture, const char *name, double valid, double test) {
    struct reader_path paths[FIXTURE_PATHS];
    const int32_t count = reader_fixture_paths(fixture, name, paths);
    const struct parts parts = {.valid = {.rule = valid > 0 ? PART_LAST : PART_NONE, .value = valid},
                                .test = {.rule = test > 0 ? PART_LAST : PART_NONE, .value = test}};
    const struct reader_source source = {paths, count, PART_TRAIN, &parts};
    const rondo_status status = reader_learn(fixture->reader, &source, &fixture->errors);
    ck_assert_int_eq(fixture->errors.count == 0, status == RONDO_OK);
    return status;
}

struct dataset *reader_fixture_read(struct reader_fixture *fixture, const char *name, enum part_name part,
                                    int with_targets) {
    struct reader_path paths[FIXTURE_PATHS];
    const int32_t count = reader_fixture_paths(fixture, name, paths);
    const struct parts parts = {{.rule = PART_NONE}, {.rule = PART_NONE}};
    const struct reader_source source = {paths, count, part, &parts};
    struct dataset *dataset = reader_read(fixture->reader, &source, with_targets, &fixture->errors);
    ck_assert_int_eq(fixture->errors.count == 0, dataset != NULL);
    return dataset;
}

static const char *element_text(struct reader_fixture *fixture, const struct stream *stream, int64_t element,
                                int is_named) {
    if (strcmp(stream->name, "target") == 0 && !stream_has_target(stream, element)) {
        return "-";
    }
    if (stream->kind != STREAM_REAL) {
        const int32_t id = stream_id(stream, element);
        return is_named ? vocabulary_word(stream->names, id) : arena_printf(fixture->arena, "%d", id);
    }
    const char *text = "";
    for (int64_t k = 0; k < stream->size; k++) {
        text = arena_printf(fixture->arena, "%s%s%.4g", text, k == 0 ? "" : ",",
                            (double)stream_number(stream, element, k));
    }
    return text;
}

const char *reader_fixture_show(struct reader_fixture *fixture, const struct dataset *dataset, const char *stream,
                                int64_t index, int is_named) {
    const struct stream *found = dataset_find(dataset, stream);
    ck_assert_msg(found != NULL, "no stream '%s'", stream);
    ck_assert_int_lt(index, dataset->count);
    const char *text = "";
    for (int64_t t = 0; t < found->length[index]; t++) {
        text = arena_printf(fixture->arena, "%s%s%s", text, t == 0 ? "" : " ",
                            element_text(fixture, found, found->begin[index] + t, is_named));
    }
    return text;
}

const char *reader_fixture_expect(struct reader_fixture *fixture, const char *expected, const char *name) {
    const char *mark = strchr(expected, '%');
    return mark == NULL ? expected
                        : arena_printf(fixture->arena, "%.*s%s%s", (int)(mark - expected), expected,
                                       reader_fixture_path(fixture, name), mark + 1);
}

struct reader_fixture_rendered reader_fixture_render(struct reader_fixture *fixture, const struct dataset *dataset,
                                                     int64_t index, const float *values, int64_t steps, int64_t size) {
    const struct stream *target = dataset_find(dataset, "target");
    const struct reader_prediction prediction = {.dataset = dataset,
                                                 .example = index,
                                                 .values = values,
                                                 .steps = steps,
                                                 .size = size,
                                                 .by_step = 1,
                                                 .is_class = target->kind != STREAM_REAL,
                                                 .names = target->names};
    return reader_fixture_render_prediction(fixture, &prediction);
}

struct reader_fixture_rendered reader_fixture_render_prediction(struct reader_fixture *fixture,
                                                                const struct reader_prediction *prediction) {
    struct fields fields;
    fields_open(&fields, fixture->arena);
    ck_assert_int_eq(reader_render(fixture->reader, prediction, &fields, &fixture->errors), RONDO_OK);
    const char *line = "";
    for (const struct field_shown *shown = fields.first; shown != NULL; shown = shown->next) {
        line = arena_printf(fixture->arena, "%s%s%s", line, shown == fields.first ? "" : " | ", shown->text);
    }
    char *dumped = json_dumps(fields.object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    const char *json = arena_strdup(fixture->arena, dumped);
    free(dumped);
    fields_close(&fields);
    return (struct reader_fixture_rendered){line, json};
}

static const char *decode(struct reader_fixture *fixture, const char *stream, const int32_t *ids, int64_t count,
                          int64_t before) {
    const char *text;
    const rondo_status status = fixture->reader->class->decode(fixture->reader, stream, ids, count, before,
                                                               fixture->arena, &text, &fixture->errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture->errors, 0));
    return text;
}

static const int32_t *encode(struct reader_fixture *fixture, const char *stream, const char *text, int64_t *count) {
    int32_t *ids;
    const rondo_status status =
        fixture->reader->class->encode(fixture->reader, stream, text, fixture->arena, &ids, count, &fixture->errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture->errors, 0));
    return ids;
}

const int32_t *reader_fixture_check_text(struct reader_fixture *fixture, const char *stream, const char *text,
                                         const char *decoded, int64_t *count) {
    const int32_t *ids = encode(fixture, stream, text, count);
    ck_assert_str_eq(decode(fixture, stream, ids, *count, 0), decoded);
    int64_t n_again;
    const int32_t *again = encode(fixture, stream, decoded, &n_again);
    ck_assert_int_eq(n_again, *count);
    ck_assert(*count == 0 || memcmp(again, ids, (size_t)*count * sizeof *ids) == 0);
    for (int64_t cut = 1; cut < *count; cut++) {
        const char *left = decode(fixture, stream, ids, cut, 0);
        const char *right = decode(fixture, stream, ids + cut, *count - cut, cut);
        ck_assert_str_eq(arena_printf(fixture->arena, "%s%s", left, right), decoded);
    }
    return ids;
}

void reader_fixture_reload(struct reader_fixture *fixture) {
    struct reader *before = fixture->reader;
    json_t *saved = reader_save(before, &fixture->errors);
    ck_assert_ptr_nonnull(saved);
    fixture->reader =
        reader_create(before->class, before->options, before->columns, before->interrupt, &fixture->errors);
    ck_assert_ptr_nonnull(fixture->reader);
    reader_destroy(before);
    const rondo_status status = reader_load(fixture->reader, saved, "reader.json", &fixture->errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture->errors, 0));
    json_decref(saved);
}
