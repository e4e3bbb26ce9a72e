#include "experiment/data_section.h"

#include <string.h>

#include "core/options.h"
#include "data/dates.h"
#include "experiment/paths.h"
#include "io/file.h"

/* The keys of long sequences come first: readers of other data have only the rows after them. */
enum { SEQUENCE_ROWS = 2 };
const rondo_option data_table[] = {
    RONDO_OPTION_INT(
        struct data_options, window, "0", 0, 1e6,
        "steps of one update: long sequences are cut into windows of this length, and the gradient stops at "
        "their borders; 0: sequences are not cut"),
    RONDO_OPTION_BOOL(struct data_options, carry, "false",
                      "states are carried from window to window, in as many lanes as a batch has examples"),
    SCALING_OPTIONS(struct data_options), RONDO_OPTION_END};

static const char *const file_keys[] = {"train", "valid", "test"}; /* by enum part_name */

/* ---- files ---- */

static int read_path(const struct plugin_reader *reader, struct yaml_node *node, const char *stream,
                     struct reader_path *path) {
    if (node->kind != YAML_SCALAR || node->text[0] == '\0') {
        errors_add_at(reader->errors, RONDO_INVALID, node->where, "expected the path of a file");
        return 0;
    }
    *path = (struct reader_path){
        .stream = stream, .text = resolve_path(node, reader->arena, reader->errors), .where = node->where};
    return path->text != NULL;
}

static void read_paths(const struct plugin_reader *reader, struct yaml_node *node, struct data_files *files) {
    const int32_t count = node->kind == YAML_SCALAR ? 1 : yaml_count(node);
    struct reader_path *paths = arena_calloc(reader->arena, (size_t)count + 1, sizeof *paths);
    if (paths == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    if (count == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where, "expected the path of a file");
    }
    int32_t good = 0;
    if (node->kind == YAML_SCALAR) {
        good += read_path(reader, node, NULL, &paths[0]);
    }
    for (struct yaml_node *child = node->kind == YAML_SCALAR ? NULL : node->first; child != NULL; child = child->next) {
        good += read_path(reader, child, child->key, &paths[good]);
    }
    files->paths = paths;
    files->count = good == count ? count : 0;
}

/* {last: 0.1}, {share: 0.1} or {from: 2012-06-01}. */
struct part_options {
    double last, share;
    const char *from;
};
static const rondo_option part_table[] = {
    RONDO_OPTION_REAL(struct part_options, last, "0", 0, 0.99, "this share of the training file, from its end"),
    RONDO_OPTION_REAL(struct part_options, share, "0", 0, 0.99, "this share of the training file, chosen at random"),
    RONDO_OPTION_STRING(struct part_options, from, "", "of series: from this date on"), RONDO_OPTION_END};

/* 1 for a mapping whose first key is nearer to those of a part than to the name of a stream. */
static int is_part(const struct yaml_node *node) {
    enum { PARTS = 3, KEYS = 7 };
    static const char *const keys[KEYS] = {"last", "share", "from", "input", "source", "target", "weight"};
    struct suggestion near = {0};
    int is_near_part = 0;
    for (int i = 0; node->kind == YAML_MAPPING && node->first != NULL && i < KEYS; i++) {
        suggest(&near, node->first->key, keys[i]);
        is_near_part |= i < PARTS && near.name == keys[i];
        is_near_part &= i < PARTS || near.name != keys[i];
    }
    return is_near_part;
}

/* What a part may be, for messages. */
static const char *part_forms(const struct reader_class *reader) {
    return (reader->flags & READER_DATES) != 0 ? "{from: DATE} and {last: SHARE}" : "{last: SHARE} and {share: SHARE}";
}

/* A date such as 2012-06-01, a year, or a number of seconds since 1970. */
static void read_from(const struct plugin_reader *reader, const struct yaml_node *node, const char *text,
                      struct part *part) {
    const struct location where = yaml_get(node, "from")->where;
    int32_t zone = DATE_NO_ZONE;
    int64_t time = 0;
    if (!date_parse(text, "", &time, &zone) && !date_parse(text, "%Y", &time, &zone) &&
        !date_parse(text, "seconds", &time, &zone)) {
        errors_add_at(reader->errors, RONDO_INVALID, where, "'%s' is not %s", text, date_expected(""));
    }
    *part = (struct part){PART_FROM, (double)time / (double)DATE_SECOND, zone, where};
}

static void read_part(const struct plugin_reader *reader, const struct yaml_node *node, const char *key,
                      const struct reader_class *class, struct part *part) {
    struct part_options options = {.from = ""};
    const struct section_part own = {part_table, &options};
    if (section_override(node, &own, 1, NULL, key, reader->arena, reader->errors) != RONDO_OK) {
        return;
    }
    const int has_dates = (class->flags & READER_DATES) != 0, has_from = options.from[0] != '\0';
    if ((options.last > 0) + (options.share > 0) + has_from != 1) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where, "expected one of %s, with a share above 0",
                      part_forms(class));
    } else if (has_from != has_dates && (has_from || options.share > 0)) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "the examples of reader '%s' have %s; expected one of %s", class->name,
                      has_dates ? "an order of time, which a random choice would break" : "no dates",
                      part_forms(class));
    } else if (has_from) {
        read_from(reader, node, options.from, part);
    } else {
        *part = options.last > 0 ? (struct part){.rule = PART_LAST, .value = options.last}
                                 : (struct part){.rule = PART_SHARE, .value = options.share};
    }
}

static void read_files(const struct plugin_reader *reader, struct yaml_node *section, enum part_name part,
                       struct data_section *read) {
    struct data_files *all[] = {&read->train, &read->valid, &read->test};
    struct data_files *files = all[part];
    struct yaml_node *node = yaml_get(section, file_keys[part]);
    if (node == NULL) {
        if (part == PART_TRAIN) {
            errors_add_at(reader->errors, RONDO_INVALID, section->where,
                          "'data' has no key 'train', expected the path of a file");
        }
        return;
    }
    files->where = node->where;
    if (part != PART_TRAIN && is_part(node)) {
        const char *path = part == PART_VALID ? "data.valid" : "data.test";
        read_part(reader, node, path, read->reader, part == PART_VALID ? &read->parts.valid : &read->parts.test);
        return;
    }
    if (node->kind == YAML_MAPPING && (read->reader->flags & READER_BY_STREAM) == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "reader '%s' reads all streams from the same file; expected a path, or a list of paths%s%s",
                      read->reader->name, part == PART_TRAIN ? "" : ", or one of ",
                      part == PART_TRAIN ? "" : part_forms(read->reader));
        return;
    }
    read_paths(reader, node, files);
}

/* Seconds since 1970, in the zone of the data if the part has none. */
static double utc_of(const struct part *part) {
    return part->value - (part->zone == DATE_NO_ZONE ? 0 : 60.0 * part->zone);
}

static struct date_text from_text(const struct part *part) {
    return date_text((int64_t)part->value * DATE_SECOND, part->zone, 1, "");
}

static void check_parts(const struct plugin_reader *reader, const struct data_section *read) {
    const struct part *valid = &read->parts.valid, *test = &read->parts.test;
    const int has_parts = valid->rule != PART_NONE || test->rule != PART_NONE;
    /* a part of series ends at a date, whatever the number of files */
    const int is_one_file =
        read->train.count <= 1 || read->train.paths[0].stream != NULL || (read->reader->flags & READER_DATES) != 0;
    if (has_parts && !is_one_file) {
        errors_add_at(reader->errors, RONDO_INVALID, valid->rule != PART_NONE ? read->valid.where : read->test.where,
                      "a part is taken from one training file, and data.train has %d", read->train.count);
    }
    const int are_alike = (valid->zone == DATE_NO_ZONE) == (test->zone == DATE_NO_ZONE);
    if (valid->rule == PART_FROM && test->rule == PART_FROM && are_alike && utc_of(valid) >= utc_of(test)) {
        errors_add_at(reader->errors, RONDO_INVALID, read->valid.where,
                      "the validation part begins at %s, not before the test part, at %s", from_text(valid).text,
                      from_text(test).text);
    }
}

int data_section_has(const struct data_section *section, enum part_name part) {
    if (section->reader != NULL && (section->reader->flags & READER_NO_FILES) != 0) {
        return 1;
    }
    const struct data_files *all[] = {&section->train, &section->valid, &section->test};
    return all[part]->where.file != NULL;
}

/* 1 for a file of the stream that the model reads. */
static int is_read(const struct reader_path *path) {
    return path->stream != NULL && (strcmp(path->stream, "input") == 0 || strcmp(path->stream, "source") == 0);
}

/* The first file of `from` that is also one of `files`; NULL: none. Only what the model reads matters if each stream has a file:
 * targets may be the same for several inputs. */
static const struct reader_path *shared_path(const struct data_files *from, const struct data_files *files) {
    for (int32_t i = 0; i < from->count; i++) {
        const struct reader_path *path = &from->paths[i];
        for (int32_t k = 0; k < files->count; k++) {
            const char *stream = files->paths[k].stream;
            const int may_share = path->stream == NULL ? stream == NULL : is_read(path) && is_read(&files->paths[k]);
            if (may_share && file_is_same(path->text, files->paths[k].text)) {
                return path;
            }
        }
    }
    return NULL;
}

void data_section_warn(const struct data_section *section, struct errors *warnings) {
    const struct data_files *all[] = {&section->train, &section->valid, &section->test};
    for (int part = PART_VALID; part <= PART_TEST; part++) {
        const struct reader_path *path = NULL;
        for (int other = PART_TRAIN; other < part && path == NULL; other++) {
            path = shared_path(all[part], all[other]);
            if (path != NULL) {
                errors_add_at(warnings, RONDO_INVALID, path->where,
                              "'data.%s' has the same examples as 'data.%s', so its scores say nothing about new data; "
                              "expected another file, or a part of data.train: one of %s",
                              file_keys[part], file_keys[other], part_forms(section->reader));
            }
        }
    }
}

/* ---- columns ---- */

/* One column of a key, or of the list of a key. 0 with an error. */
static int read_column(const struct plugin_reader *reader, const struct yaml_node *node, const char *key,
                       struct reader_column *column) {
    if (node->kind != YAML_SCALAR || node->text[0] == '\0') {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "'data.columns.%s' is not a column, expected its number, from 0, or its name", key);
        return 0;
    }
    *column = (struct reader_column){.text = node->text, .is_name = node->quoted, .where = node->where};
    return 1;
}

static void read_list(const struct plugin_reader *reader, const struct yaml_node *list, const char *key,
                      struct reader_column *column) {
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (!read_column(reader, node, key, column) || node->next == NULL) {
            return;
        }
        struct reader_column *next = arena_calloc(reader->arena, 1, sizeof *next);
        if (next == NULL) {
            errors_no_memory(reader->errors);
            return;
        }
        column->next = next;
        column = next;
    }
}

static void read_key(const struct plugin_reader *reader, struct yaml_node *columns, const struct reader_column_key *key,
                     struct reader_column *column) {
    const struct yaml_node *node = yaml_get(columns, key->name);
    if (node == NULL && key->default_text != NULL && key->default_text[0] == '\0') {
        return;
    }
    if (node == NULL && key->default_text != NULL) {
        section_put(columns, key->name, key->default_text, 0, reader->arena, reader->errors);
        node = yaml_get(columns, key->name);
    }
    if (node == NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, columns->where,
                      "'data.columns' has no key '%s', expected the number of a column, from 0, or its name",
                      key->name);
    } else if (node->kind == YAML_SEQUENCE && key->is_list) {
        read_list(reader, node, key->name, column);
    } else {
        read_column(reader, node, key->name, column);
    }
}

static void read_columns(const struct plugin_reader *reader, struct yaml_node *section, struct data_section *read) {
    const struct reader_column_key *keys = read->reader->columns;
    int32_t count = 0;
    while (keys != NULL && keys[count].name != NULL) {
        count++;
    }
    if (count == 0) {
        return;
    }
    struct yaml_node *columns = section_child(section, "columns", reader->arena, reader->errors);
    const char **names = arena_calloc(reader->arena, (size_t)count + 1, sizeof *names);
    read->columns = arena_calloc(reader->arena, (size_t)count, sizeof *read->columns);
    if (columns == NULL || names == NULL || read->columns == NULL) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
    }
    section_read(columns, NULL, 0, names, "data.columns", columns->where, reader->arena, reader->errors);
    for (int32_t i = 0; i < count; i++) {
        read_key(reader, columns, &keys[i], &read->columns[i]);
    }
}

/* ---- the section ---- */

static const struct reader_class *find_reader(const struct plugin_reader *reader, struct yaml_node *section) {
    const char *all = reader_at(0)->name;
    for (int32_t i = 1; all != NULL && reader_at(i) != NULL; i++) {
        all = arena_printf(reader->arena, "%s, %s", all, reader_at(i)->name);
    }
    const char *expected = all == NULL ? NULL : arena_printf(reader->arena, "the reader of the data files: %s", all);
    const char *name = section_text(section, "data", "reader", expected == NULL ? "a reader" : expected, section->where,
                                    reader->errors);
    struct suggestion near = {0};
    const struct reader_class *class = name == NULL ? NULL : reader_find(name, &near);
    if (name != NULL && class == NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, yaml_get(section, "reader")->where,
                      "unknown reader '%s'%s, expected %s", name, suggestion_text(&near).text,
                      all == NULL ? "another" : all);
    }
    return class;
}

/* ---- options by stream ---- */

static int is_given_by_stream(const struct yaml_node *section, const struct reader_class *class,
                              const rondo_option *option) {
    const struct yaml_node *node = yaml_get(section, option->key);
    return reader_is_by_stream(class, option) && node != NULL && node->kind == YAML_MAPPING;
}

enum { MOST_OTHER_KEYS = 6, MOST_BY_STREAM = 16 };

/* The options with a single value as a table; the keys of the others are added to `names`. NULL with an error. */
static const rondo_option *single_options(const struct plugin_reader *reader, const struct yaml_node *section,
                                          const struct reader_class *class, const char **names) {
    int32_t count = 0, n = 0, n_names = 0;
    while (class->options != NULL && class->options[count].key != NULL) {
        count++;
    }
    while (names[n_names] != NULL) {
        n_names++;
    }
    rondo_option *table = arena_calloc(reader->arena, (size_t)count + 1, sizeof *table);
    if (table == NULL) {
        errors_no_memory(reader->errors);
        return NULL;
    }
    const int32_t most = n_names + MOST_BY_STREAM;
    for (int32_t i = 0; i < count; i++) {
        if (is_given_by_stream(section, class, &class->options[i]) && n_names < most) {
            names[n_names++] = class->options[i].key;
        } else {
            table[n++] = class->options[i];
        }
    }
    names[n_names] = NULL;
    table[n] = (rondo_option)RONDO_OPTION_END;
    return table;
}

/* The options that are given by stream, after those with a single value. A stream that is left out has the default. */
static rondo_status read_by_stream(const struct plugin_reader *reader, const struct yaml_node *section,
                                   const struct data_section *read) {
    const struct reader_class *class = read->reader;
    rondo_status first = RONDO_OK;
    reader_spread_options(class, read->options);
    for (const rondo_option *option = class->options; option != NULL && option->key != NULL; option++) {
        if (is_given_by_stream(section, class, option)) {
            struct yaml_node *node = yaml_get(section, option->key);
            const char *path = arena_printf(reader->arena, "data.%s", option->key);
            rondo_option rows[READER_MOST_BY_STREAM + 1];
            reader_stream_options(class, option, rows);
            const struct section_part part = {rows, read->options};
            const rondo_status status =
                path == NULL ? errors_no_memory(reader->errors)
                             : section_read(node, &part, 1, NULL, path, node->where, reader->arena, reader->errors);
            first = first == RONDO_OK ? status : first;
        }
    }
    return first;
}

/* The keys of the section that are not options. */
static void other_keys(const struct reader_class *class, const char *names[MOST_OTHER_KEYS + MOST_BY_STREAM]) {
    int32_t count = 0;
    names[count++] = "reader";
    if ((class->flags & READER_NO_FILES) == 0) {
        names[count++] = "train";
        names[count++] = "valid";
        names[count++] = "test";
    }
    if (class->columns != NULL) {
        names[count++] = "columns";
    }
    names[count] = NULL;
}

/* Options that do not go together: reported at the first option that the message names. */
static void check_options(const struct plugin_reader *reader, const struct yaml_node *section,
                          const struct data_section *read) {
    if (read->reader->check == NULL) {
        return;
    }
    struct errors own = {0};
    const struct reader view = {.class = read->reader, .options = read->options, .columns = read->columns};
    read->reader->check(&view, &own);
    plugin_section_errors(section, section->where, NULL, &own, reader->errors);
}

static void check_sequences(const struct plugin_reader *reader, const struct yaml_node *section,
                            struct data_section *read) {
    const struct yaml_node *node = yaml_get(section, "window");
    read->sequences_where = node == NULL ? section->where : node->where;
    const struct yaml_node *season = yaml_get(section, "season");
    read->season_where = season == NULL ? section->where : season->where;
    const struct yaml_node *carry = yaml_get(section, "carry");
    read->carry_where = carry == NULL ? section->where : carry->where;
    if (read->settings.carry && read->settings.window == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, read->carry_where,
                      "'data.carry' is not used without 'data.window', the steps of one update");
    }
}

void data_section_read(const struct plugin_reader *reader, struct yaml_node *section, struct data_section *read) {
    const char *names[MOST_OTHER_KEYS + MOST_BY_STREAM];
    const struct reader_class *class = find_reader(reader, section);
    if (class == NULL) {
        return;
    }
    const int has_sequences = (class->flags & READER_SEQUENCES) != 0;
    void *options = options_create(class->options, class->options_size, reader->arena, reader->errors);
    if (options == NULL) {
        return;
    }
    const struct data_options *defaults = options_create(data_table, sizeof *defaults, reader->arena, reader->errors);
    if (defaults == NULL) {
        return;
    }
    read->node = section;
    read->reader = class;
    read->options = options;
    read->settings = *defaults;
    other_keys(class, names);
    const rondo_option *single = single_options(reader, section, class, names);
    if (single == NULL) {
        return;
    }
    const struct section_part parts[] = {{single, options},
                                         {data_table + (has_sequences ? 0 : SEQUENCE_ROWS), &read->settings}};
    rondo_status status = section_read(section, parts, 2, names, "data", section->where, reader->arena, reader->errors);
    const rondo_status by_stream = read_by_stream(reader, section, read);
    status = status == RONDO_OK ? by_stream : status;
    for (int part = PART_TRAIN; part <= PART_TEST && (class->flags & READER_NO_FILES) == 0; part++) {
        read_files(reader, section, (enum part_name)part, read);
    }
    check_parts(reader, read);
    read_columns(reader, section, read);
    if (status == RONDO_OK) {
        check_options(reader, section, read);
        check_sequences(reader, section, read);
    }
}
