#define _POSIX_C_SOURCE 200809L
#include "experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/options.h"
#include "core/suggest.h"
#include "experiment/paths.h"
#include "experiment/plugin_files.h"
#include "io/file.h"

enum {
    MAX_EXTENDS = 8,
    MOST_NAME = 240 /* bytes; file systems allow 255 for the name of a folder, which may be followed by a number */
};

struct top_options {
    int64_t rondo;
    const char *name;
};
static const rondo_option top_table[] = {
    RONDO_OPTION_INT(struct top_options, rondo, NULL, EXPERIMENT_VERSION, EXPERIMENT_VERSION,
                     "version of the experiment format"),
    RONDO_OPTION_STRING(struct top_options, name, "experiment", "name of the experiment and of its run folder"),
    RONDO_OPTION_END};

static const char *const pool_names[] = {"last", "mean", "max", NULL};
static const rondo_option model_table[] = {
    RONDO_OPTION_CHOICE(struct model_options, pool, "last", pool_names,
                        "how the states of all steps are combined to one output per sequence"),
    RONDO_OPTION_END};

static const rondo_option embedding_table[] = {
    RONDO_OPTION_INT(struct embedding_options, size, "64", 1, 65536, "width of a word's vector"),
    RONDO_OPTION_REAL(struct embedding_options, dropout, "0", 0, 0.99,
                      "share of the elements of the vectors that is dropped in training"),
    RONDO_OPTION_REAL(struct embedding_options, word_dropout, "0", 0, 0.99,
                      "share of the words that is replaced by the unknown word in training"),
    RONDO_OPTION_END};

/* ---- the table of sections and keys ---- */

static const char *const architecture_names[] = {"1:1", "1:N", "N:1", "N:N", NULL};
static const char *const reader_names[] = {"text", NULL};

static const struct experiment_key top_keys[] = {
    {.name = "architecture",
     .value = EXPERIMENT_CHOICE,
     .choices = architecture_names,
     .help = "which steps take input : which steps give output"},
    {.name = "extends",
     .value = EXPERIMENT_FILE,
     .default_text = "",
     .help = "an experiment to start from; the keys of this file replace its keys"},
    {.name = "plugins", .value = EXPERIMENT_FILES, .default_text = "", .help = "plug-ins to load"},
    {.name = NULL}};

static const struct experiment_key data_keys[] = {
    {.name = "reader", .value = EXPERIMENT_CHOICE, .choices = reader_names, .help = "the reader of the data files"},
    {.name = "train",
     .value = EXPERIMENT_FILE,
     .offset = offsetof(struct experiment, train),
     .help = "the training data; paths are relative to the experiment"},
    {.name = "valid",
     .value = EXPERIMENT_FILE,
     .default_text = "",
     .offset = offsetof(struct experiment, valid),
     .help = "validation data, which selects the epoch whose weights are kept"},
    {.name = "test",
     .value = EXPERIMENT_FILE,
     .default_text = "",
     .offset = offsetof(struct experiment, test),
     .help = "data that training never sees, for `rondo eval`"},
    {.name = NULL}};

static const struct experiment_key columns_keys[] = {{.name = "text",
                                                      .value = EXPERIMENT_COLUMN,
                                                      .default_text = "0",
                                                      .offset = offsetof(struct experiment, text_column),
                                                      .help = "the column of the text"},
                                                     {.name = "label",
                                                      .value = EXPERIMENT_COLUMN,
                                                      .default_text = "1",
                                                      .offset = offsetof(struct experiment, label_column),
                                                      .help = "the column of the label or number to predict"},
                                                     {.name = NULL}};

static const struct experiment_key layer_keys[] = {
    {.name = "cell", .value = EXPERIMENT_CELL, .help = "the recurrence; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key plugin_keys[] = {
    {.name = "plugin",
     .value = EXPERIMENT_PLUGIN,
     .help = "name of the plug-in; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key group_keys[] = {
    {.name = "match",
     .value = EXPERIMENT_PATTERNS,
     .help = "names of parameters, with wildcards as in a shell: `embedding.*`, `*.b_*`"},
    {.name = NULL}};

static const struct experiment_section sections[] = {
    {.name = "", .summary = "the top-level keys", .table = top_table, .keys = top_keys},
    {.name = "data",
     .summary = "the data files and their format",
     .table = text_options_table,
     .keys = data_keys,
     .flags = SECTION_REQUIRED},
    {.name = "data.columns",
     .summary = "columns by number from 0 or, with header: true, by name; a name that looks like a number is written "
                "in quotes",
     .keys = columns_keys},
    {.name = "model",
     .summary = "the network, from inputs to outputs",
     .table = model_table,
     .flags = SECTION_REQUIRED},
    {.name = "model.embedding", .summary = "word vectors", .table = embedding_table},
    {.name = "model.layers.N",
     .summary = "a layer: a cell and its settings",
     .table = layer_table,
     .keys = layer_keys,
     .flags = SECTION_REQUIRED,
     .least = 1,
     .most = MAX_LAYERS},
    {.name = "loss",
     .summary = "the loss that training minimises: one loss, or a sum of them",
     .keys = plugin_keys,
     .flags = SECTION_REQUIRED,
     .plugin_kind = RONDO_KIND_LOSS},
    {.name = "loss.sum.N",
     .summary = "a loss of a sum, which replaces a single loss",
     .table = loss_weight_table,
     .keys = plugin_keys,
     .flags = SECTION_ALONE,
     .plugin_kind = RONDO_KIND_LOSS,
     .least = 1,
     .most = LOSS_MOST_TERMS},
    {.name = "metrics.N",
     .summary = "a metric that validation and `rondo eval` report in addition to the loss",
     .keys = plugin_keys,
     .flags = SECTION_OR_TEXT,
     .plugin_kind = RONDO_KIND_METRIC,
     .most = METRICS_MOST},
    {.name = "optimizer",
     .summary = "how gradients change the parameters",
     .keys = plugin_keys,
     .flags = SECTION_REQUIRED,
     .plugin_kind = RONDO_KIND_OPTIMIZER},
    {.name = "optimizer.groups.N",
     .summary =
         "parameters with their own options of the optimizer; a parameter belongs to the first group that matches",
     .table = optimizer_group_table,
     .keys = group_keys,
     .flags = SECTION_OUTER_PLUGIN,
     .plugin_kind = RONDO_KIND_OPTIMIZER},
    {.name = "optimizer.wrappers.N",
     .summary = "plug-ins that wrap the optimizer",
     .keys = plugin_keys,
     .flags = SECTION_WRAPPERS,
     .plugin_kind = RONDO_KIND_OPTIMIZER,
     .most = OPTIMIZER_MOST_WRAPPERS},
    {.name = "schedule", .summary = "length and pace of the training", .table = schedule_table},
    {.name = "schedule.learning_rate",
     .summary = "the factor on the learning rate of every update",
     .keys = plugin_keys,
     .plugin_kind = RONDO_KIND_SCHEDULE},
    {.name = "schedule.warmup",
     .summary = "a linear rise of the learning rate before the schedule begins",
     .table = warmup_table},
    {.name = "schedule.early_stopping",
     .summary = "when to stop, and which weights to keep; needs data.valid",
     .table = stopping_table,
     .keys = stopping_keys},
    {.name = NULL}};

struct experiment_section experiment_section(int32_t index) {
    const int32_t count = sizeof sections / sizeof sections[0];
    return sections[index >= 0 && index < count ? index : count - 1];
}

/* ---- reading ---- */

struct loading {
    struct experiment *experiment;
    struct session *session;
    struct arena *arena;
    struct errors *errors;
    int trains;                 /* 0: for prediction, which needs neither optimizer nor schedule */
    const char *const *metrics; /* of --metric; NULL: no metrics are read */
    /* For prediction: why files under `plugins:` could not be loaded. They may be those of the optimizer; if a plug-in
     * turns out to be missing, this is why. */
    struct errors unloaded;
};

static const char *const *keys_of(struct loading *loading, const struct experiment_section *section) {
    const char *const *keys = experiment_section_keys(sections, section, loading->arena);
    if (keys == NULL) {
        errors_no_memory(loading->errors);
    }
    return keys;
}

/* Reads the options of a section into a struct of `size` bytes, and checks its other keys by the table of sections. */
static void read_options(struct loading *loading, struct yaml_node *node, const char *name, void *options,
                         size_t size) {
    const struct experiment_section *section = experiment_section_find(sections, name);
    const char *const *keys = keys_of(loading, section);
    if (keys != NULL) {
        section_struct(node, section->table, options, size, keys, name, loading->arena, loading->errors);
    }
}

static void read_path(struct loading *loading, struct yaml_node *node, struct experiment_path *path) {
    path->where = node->where;
    path->text = resolve_path(node, loading->arena, loading->errors);
}

/* Checks that a text is one of the choices of its key. 0 with an error. */
static int check_choice(struct loading *loading, const struct experiment_key *key, const struct yaml_node *node) {
    struct suggestion best = {0};
    const char *all = "";
    for (const char *const *choice = key->choices; *choice != NULL && all != NULL; choice++) {
        if (strcmp(node->text, *choice) == 0) {
            return 1;
        }
        suggest(&best, node->text, *choice);
        all = arena_printf(loading->arena, "%s%s%s", all, all[0] == '\0' ? "" : ", ", *choice);
    }
    errors_add_at(loading->errors, RONDO_INVALID, node->where, "unknown %s '%s'%s, expected %s", key->name, node->text,
                  suggestion_text(&best).text, all == NULL ? "another" : all);
    return 0;
}

/* What is expected of a key, for the message that it is missing. */
static const char *expected_of(const struct experiment_key *key, struct arena *arena) {
    switch (key->value) {
    case EXPERIMENT_COLUMN:
        return "the number of a column, from 0, or its name";
    case EXPERIMENT_FILE:
        return "the path of a file";
    default: {
        const char *text = arena_printf(arena, "%s: %s", key->help, key->choices[0]);
        for (const char *const *choice = key->choices + 1; text != NULL && *choice != NULL; choice++) {
            text = arena_printf(arena, "%s, %s", text, *choice);
        }
        return text == NULL ? key->help : text;
    }
    }
}

/* Reads the key of a table into the experiment. */
static void read_key(struct loading *loading, struct yaml_node *mapping, const struct experiment_key *key) {
    const char *default_text = key->default_text;
    if (yaml_get(mapping, key->name) == NULL && default_text != NULL) {
        if (default_text[0] == '\0') {
            return;
        }
        section_put(mapping, key->name, default_text, 0, loading->arena, loading->errors);
    }
    const char *expected = expected_of(key, loading->arena);
    if (section_text(mapping, key->name, expected, mapping->where, loading->errors) == NULL) {
        return;
    }
    struct yaml_node *node = yaml_get(mapping, key->name);
    void *target = (char *)loading->experiment + key->offset;
    switch (key->value) {
    case EXPERIMENT_CHOICE:
        check_choice(loading, key, node);
        break;
    case EXPERIMENT_COLUMN:
        *(struct text_column *)target = (struct text_column){node->text, node->quoted, node->where};
        break;
    default:
        read_path(loading, node, target);
    }
}

static void read_keys(struct loading *loading, struct yaml_node *mapping, const struct experiment_key *keys) {
    for (; keys->name != NULL; keys++) {
        read_key(loading, mapping, keys);
    }
}

static void read_data(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    struct errors *errors = loading->errors;
    struct yaml_node *data = section_child(experiment->root, "data", loading->arena, errors);
    if (data == NULL) {
        return;
    }
    read_options(loading, data, "data", &experiment->text, sizeof experiment->text);
    if (experiment->text.format != TEXT_FORMAT_AUTO && experiment->text.separator != TEXT_SEPARATOR_AUTO) {
        errors_add_at(errors, RONDO_INVALID, yaml_get(data, "format")->where,
                      "'data.format' is not used, because 'data.separator' is given");
    }
    read_keys(loading, data, data_keys);
    struct yaml_node *columns = section_child(data, "columns", loading->arena, errors);
    const char *const *keys =
        columns == NULL ? NULL : keys_of(loading, experiment_section_find(sections, "data.columns"));
    if (keys != NULL) {
        section_read(columns, NULL, 0, keys, "data.columns", columns->where, loading->arena, errors);
        read_keys(loading, columns, columns_keys);
    }
}

/* With an output at every step there is nothing to pool: the options have no effect, so giving one is a mistake. */
static void refuse_pooling(struct loading *loading, struct yaml_node *model) {
    struct model_options unused = {0};
    const struct section_part part = {model_table, &unused};
    const char *const *keys = keys_of(loading, experiment_section_find(sections, "model"));
    const struct yaml_node *pool = yaml_get(model, "pool");
    if (keys != NULL) {
        section_override(model, &part, 1, keys, "model", loading->arena, loading->errors);
    }
    if (pool != NULL) {
        errors_add_at(loading->errors, RONDO_INVALID, pool->key_where,
                      "'model.pool' is not used: architecture %s has an output at every step",
                      architecture_text(loading->experiment->architecture));
    }
}

static void read_model(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, sections};
    struct yaml_node *model = section_child(experiment->root, "model", loading->arena, loading->errors);
    if (model == NULL) {
        return;
    }
    if (experiment->architecture.output_every_step) {
        refuse_pooling(loading, model);
    } else {
        read_options(loading, model, "model", &experiment->model, sizeof experiment->model);
    }
    struct yaml_node *embedding = section_child(model, "embedding", loading->arena, loading->errors);
    if (embedding != NULL) {
        read_options(loading, embedding, "model.embedding", &experiment->embedding, sizeof experiment->embedding);
    }
    layers_read(&reader, model, &experiment->layers);
}

static struct yaml_node *child_of_root(struct loading *loading, const char *key) {
    return section_child(loading->experiment->root, key, loading->arena, loading->errors);
}

/* Loss, metrics, optimizer and schedule. */
static void read_training(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, sections};
    struct yaml_node *loss = child_of_root(loading, "loss");
    if (loss != NULL) {
        loss_section_read(&reader, loss, &experiment->loss);
    }
    if (loading->metrics != NULL) {
        metrics_section_read(&reader, experiment->root, loading->metrics, &experiment->metrics);
    }
    struct yaml_node *optimizer = loading->trains ? child_of_root(loading, "optimizer") : NULL;
    if (optimizer != NULL) {
        optimizer_section_read(&reader, optimizer, &experiment->optimizer);
    }
    struct yaml_node *schedule = child_of_root(loading, "schedule");
    if (schedule != NULL) {
        schedule_section_read(&reader, schedule, experiment->valid.text != NULL, loading->trains,
                              &experiment->schedule);
    }
}

static void read_architecture(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct experiment_key *key = &top_keys[0];
    const char *what = "one of \"1:1\", \"1:N\", \"N:1\", \"N:N\"";
    const char *text = section_text(experiment->root, key->name, what, experiment->root->where, loading->errors);
    struct yaml_node *node = yaml_get(experiment->root, key->name);
    if (text == NULL || !check_choice(loading, key, node) || !architecture_parse(text, &experiment->architecture)) {
        return;
    }
    node->quoted = 1; /* other readers of YAML take 1:1 without quotes for minutes and seconds */
    if (experiment->architecture.output_every_step) {
        errors_add_at(loading->errors, RONDO_INVALID, node->where,
                      "reader 'text' has one target for each text, and architecture %s wants one for every step; "
                      "expected \"N:1\" or \"1:1\"",
                      text);
    }
}

/* Follows `extends:`. The keys of the file that extends replace those of the file that it names. */
static struct yaml_node *read_tree(struct loading *loading, const char *file, int depth, struct location where) {
    if (depth > MAX_EXTENDS) {
        errors_add_at(loading->errors, RONDO_INVALID, where, "'extends' goes deeper than %d files; is it a circle?",
                      MAX_EXTENDS);
        return NULL;
    }
    struct yaml_node *root = yaml_read(file, loading->arena, loading->errors);
    if (root == NULL) {
        return NULL;
    }
    if (root->kind != YAML_MAPPING) {
        errors_add_at(loading->errors, RONDO_INVALID, root->where,
                      "an experiment is a mapping, starting with rondo: %d", EXPERIMENT_VERSION);
        return NULL;
    }
    for (struct yaml_node **link = &root->first; *link != NULL; link = &(*link)->next) {
        struct yaml_node *extends = *link;
        if (strcmp(extends->key, "extends") != 0) {
            continue;
        }
        *link = extends->next;
        if (extends->kind != YAML_SCALAR || extends->text[0] == '\0') {
            errors_add_at(loading->errors, RONDO_INVALID, extends->where,
                          "'extends' must be the path of an experiment");
            return NULL;
        }
        const char *path = path_join(loading->arena, extends->folder, extends->text);
        if (path == NULL) {
            errors_no_memory(loading->errors);
            return NULL;
        }
        if (!file_exists(path)) {
            errors_add_at(loading->errors, RONDO_NOT_FOUND, extends->where, "there is no file '%s' to extend", path);
            return NULL;
        }
        struct yaml_node *base = read_tree(loading, path, depth + 1, extends->where);
        return base == NULL ? NULL : yaml_merge(base, root);
    }
    return root;
}

/* The name becomes that of a folder. */
static void check_name(struct loading *loading, const char *name) {
    struct experiment *experiment = loading->experiment;
    experiment->name = name;
    if (name == NULL) {
        return;
    }
    const struct location where = yaml_get(experiment->root, "name")->where;
    int has_controls = 0;
    for (const char *c = name; *c != '\0'; c++) {
        has_controls |= (unsigned char)*c < 0x20 || *c == 0x7F;
    }
    if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0' || has_controls) {
        errors_add_at(
            loading->errors, RONDO_INVALID, where,
            "the name '%.100s' cannot be that of a folder, expected no slash, no leading dot, no line break or "
            "other control character",
            name);
    }
    if (strlen(name) > MOST_NAME) {
        errors_add_at(loading->errors, RONDO_INVALID, where,
                      "the name has %zu bytes, expected at most %d, for it names "
                      "the folder of the run",
                      strlen(name), MOST_NAME);
    }
}

static void read_experiment(struct loading *loading, const char *const *assignments) {
    struct experiment *experiment = loading->experiment;
    experiment->root = read_tree(loading, experiment->file, 0, (struct location){NULL, 0, 0});
    if (experiment->root == NULL) {
        return;
    }
    for (; assignments != NULL && *assignments != NULL; assignments++) {
        yaml_set(experiment->root, *assignments, loading->arena, loading->errors);
    }
    const struct yaml_node *extends = yaml_get(experiment->root, "extends");
    if (extends != NULL) { /* of --set; those of files have been followed and removed */
        errors_add_at(loading->errors, RONDO_INVALID, extends->where, "'extends' has an effect only in a file");
    }
    struct top_options top = {0};
    read_options(loading, experiment->root, "", &top, sizeof top);
    check_name(loading, top.name);
    read_architecture(loading);
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, sections};
    /* Before the sections that may use them. */
    plugin_files_read(&reader, experiment->root, loading->trains ? loading->errors : &loading->unloaded);
    read_data(loading);
    read_model(loading);
    read_training(loading);
}

static struct experiment *load(const char *file, const char *const *assignments, const char *const *metrics,
                               struct session *session, int trains, struct errors *errors) {
    struct arena *arena = arena_create();
    struct experiment *experiment = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *experiment);
    if (experiment == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    experiment->arena = arena;
    experiment->file = arena_strdup(arena, file);
    struct errors own = {0};
    struct loading loading = {.experiment = experiment,
                              .session = session,
                              .arena = arena,
                              .errors = &own,
                              .trains = trains,
                              .metrics = metrics};
    if (experiment->file == NULL) {
        errors_no_memory(&own);
    } else {
        read_experiment(&loading, assignments);
        layers_check(&experiment->layers, experiment->embedding.size, session->registry, &own);
    }
    const int failed = own.count > 0;
    if (failed && loading.unloaded.count > 0) {
        errors_move(errors, &loading.unloaded);
        errors_add(errors, RONDO_INVALID, "a plug-in that has been moved can be given with --plugin FILE");
    }
    errors_free(&loading.unloaded);
    errors_move(errors, &own);
    if (failed) {
        experiment_destroy(experiment);
        return NULL;
    }
    return experiment;
}

struct experiment *experiment_load(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors) {
    static const char *const no_more[] = {NULL};
    return load(file, assignments, no_more, session, 1, errors);
}

struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  const char *const *metrics, struct session *session,
                                                  struct errors *errors) {
    return load(file, assignments, metrics, session, 0, errors);
}

void experiment_destroy(struct experiment *experiment) {
    if (experiment != NULL) {
        arena_destroy(experiment->arena);
    }
}
