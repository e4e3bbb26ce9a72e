#define _POSIX_C_SOURCE 200809L
#include "run/experiment.h"

#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/options.h"
#include "core/suggest.h"
#include "run/file.h"
#include "run/section.h"

enum { MAX_EXTENDS = 8 };

struct top_options {
    int64_t rondo;
    const char *name;
};
static const rondo_option top_table[] = {
    RONDO_OPTION_INT(struct top_options, rondo, NULL, EXPERIMENT_VERSION, EXPERIMENT_VERSION,
                     "version of the experiment format"),
    RONDO_OPTION_STRING(struct top_options, name, "experiment", "name of the experiment, and of its run folder"),
    RONDO_OPTION_END};

static const char *const pool_names[] = {"last", "mean", "max", NULL};
static const rondo_option model_table[] = {
    RONDO_OPTION_CHOICE(struct model_options, pool, "last", pool_names,
                        "what becomes of the states of all real steps where one output a sequence is wanted"),
    RONDO_OPTION_END};

static const rondo_option embedding_table[] = {
    RONDO_OPTION_INT(struct embedding_options, size, "64", 1, 65536, "width of a word's vector"),
    RONDO_OPTION_REAL(struct embedding_options, dropout, "0", 0, 0.99, "share of the vectors' elements dropped"),
    RONDO_OPTION_REAL(struct embedding_options, word_dropout, "0", 0, 0.99,
                      "share of words replaced by the unknown word in training"),
    RONDO_OPTION_END};

static const rondo_option schedule_table[] = {
    RONDO_OPTION_INT(struct schedule_options, epochs, "10", 1, 1e6, "passes over the training data"),
    RONDO_OPTION_INT(struct schedule_options, batch, "32", 1, 65536, "examples an update"),
    RONDO_OPTION_REAL(struct schedule_options, clip_norm, "0", 0, 1e9,
                      "largest L2 norm of the gradient of all parameters together; 0: no limit"),
    RONDO_OPTION_INT(struct schedule_options, seed, "1", 0, 9007199254740991.0,
                     "origin of everything random in the run"),
    RONDO_OPTION_END};

static const rondo_option stopping_table[] = {
    RONDO_OPTION_STRING(struct stopping_options, metric, "valid.loss",
                        "metric on the validation data that chooses the epoch whose weights are kept"),
    RONDO_OPTION_INT(struct stopping_options, patience, "0", 0, 1e6,
                     "epochs without a better one after which to stop; 0: never"),
    RONDO_OPTION_REAL(struct stopping_options, min_delta, "0", 0, 1e9, "smallest difference that counts as better"),
    RONDO_OPTION_END};

struct experiment_section experiment_section(int32_t index) {
    static const struct experiment_section sections[] = {
        {"", "also: architecture, extends (a file), plugins (a list of files), and the sections below", top_table},
        {"data", "also: reader (text); train, valid, test (files); columns (text and label)", text_options_table},
        {"model", "also: embedding and layers", model_table},
        {"model.embedding", "the vectors of words", embedding_table},
        {"model.layers.N", "also: cell (a name or a file), and the options of that cell", layer_table},
        {"loss", "plugin (its name), and the options of that plug-in", NULL},
        {"optimizer", "plugin (its name), and the options of that plug-in", NULL},
        {"schedule", "also: early_stopping", schedule_table},
        {"schedule.early_stopping", "needs data.valid", stopping_table}};
    const int32_t count = sizeof sections / sizeof sections[0];
    return index >= 0 && index < count ? sections[index] : (struct experiment_section){NULL, NULL, NULL};
}

/* While an experiment is read. */
struct loading {
    struct experiment *experiment;
    struct session *session;
    struct arena *arena;
    struct errors *errors;
    int trains; /* 0: for prediction, which needs no optimizer */
};

static void *new_options(struct loading *loading, const rondo_option *table, size_t size) {
    return options_create(table, size, loading->arena, loading->errors);
}

/* Reads a section with one table into a struct; others as in section_read. */
static rondo_status read_plain(struct loading *loading, struct yaml_node *node, const rondo_option *table,
                               void *options, size_t size, const char *const *others, const char *path) {
    void *parsed = new_options(loading, table, size);
    if (parsed == NULL) {
        return loading->errors->status;
    }
    const struct section_part part = {table, parsed};
    const rondo_status status =
        section_read(node, &part, 1, others, path, node->where, loading->arena, loading->errors);
    memcpy(options, parsed, size);
    return status;
}

/* Makes a path absolute, and writes it back into the tree: the resolved experiment works from any folder. */
static const char *resolve_path(struct loading *loading, struct yaml_node *node) {
    const char *path = path_absolute(loading->arena, path_join(loading->arena, node->folder, node->text));
    if (path == NULL) {
        errors_no_memory(loading->errors);
        return NULL;
    }
    node->text = path;
    return path;
}

static void read_path(struct loading *loading, struct yaml_node *data, const char *key, struct experiment_path *path) {
    struct yaml_node *node = yaml_get(data, key);
    if (node == NULL) {
        return;
    }
    if (node->kind != YAML_SCALAR || node->text[0] == '\0') {
        errors_add_at(loading->errors, RONDO_INVALID, node->where, "'data.%s' must be the path of a file", key);
        return;
    }
    path->where = node->where;
    path->text = resolve_path(loading, node);
}

static void read_column(struct loading *loading, struct yaml_node *columns, const char *key, const char *default_text,
                        struct text_column *column) {
    struct yaml_node *node = yaml_get(columns, key);
    if (node == NULL) {
        section_put(columns, key, default_text, 0, loading->arena, loading->errors);
        node = yaml_get(columns, key);
    }
    if (node == NULL || node->kind != YAML_SCALAR || node->text[0] == '\0') {
        errors_add_at(loading->errors, RONDO_INVALID, node == NULL ? columns->where : node->where,
                      "'data.columns.%s' must be the number of a column, from 0, or its name", key);
        return;
    }
    *column = (struct text_column){node->text, node->where};
}

static void read_data(struct loading *loading) {
    static const char *const keys[] = {"reader", "train", "valid", "test", "columns", NULL};
    static const char *const column_keys[] = {"text", "label", NULL};
    struct experiment *experiment = loading->experiment;
    struct errors *errors = loading->errors;
    struct yaml_node *data = section_child(experiment->root, "data", loading->arena, errors);
    if (data == NULL) {
        return;
    }
    read_plain(loading, data, text_options_table, &experiment->text, sizeof experiment->text, keys, "data");
    const char *reader = section_text(data, "reader", "the kind of data: text", data->where, errors);
    if (reader != NULL && strcmp(reader, "text") != 0) {
        struct suggestion best = {0};
        suggest(&best, reader, "text");
        errors_add_at(errors, RONDO_INVALID, yaml_get(data, "reader")->where, "unknown reader '%s'%s, expected text",
                      reader, suggestion_text(&best).text);
    }
    struct yaml_node *columns = section_child(data, "columns", loading->arena, errors);
    if (columns != NULL) {
        section_read(columns, NULL, 0, column_keys, "data.columns", columns->where, loading->arena, errors);
        read_column(loading, columns, "text", "0", &experiment->text_column);
        read_column(loading, columns, "label", "1", &experiment->label_column);
    }
    if (section_text(data, "train", "the path of the training data", data->where, errors) != NULL) {
        read_path(loading, data, "train", &experiment->train);
    }
    read_path(loading, data, "valid", &experiment->valid);
    read_path(loading, data, "test", &experiment->test);
}

static void read_model(struct loading *loading) {
    static const char *const keys[] = {"embedding", "layers", NULL};
    struct experiment *experiment = loading->experiment;
    struct yaml_node *model = section_child(experiment->root, "model", loading->arena, loading->errors);
    if (model == NULL) {
        return;
    }
    const struct yaml_node *pool = yaml_get(model, "pool");
    if (!experiment->architecture.output_every_step) {
        read_plain(loading, model, model_table, &experiment->model, sizeof experiment->model, keys, "model");
    } else {
        static const char *const keys_and_pool[] = {"embedding", "layers", "pool", NULL};
        section_read(model, NULL, 0, keys_and_pool, "model", model->where, loading->arena, loading->errors);
        if (pool != NULL) {
            errors_add_at(loading->errors, RONDO_INVALID, pool->key_where,
                          "'model.pool' is not used: architecture %s has an output at every step",
                          architecture_text(experiment->architecture));
        }
    }
    struct yaml_node *embedding = section_child(model, "embedding", loading->arena, loading->errors);
    if (embedding != NULL) {
        read_plain(loading, embedding, embedding_table, &experiment->embedding, sizeof experiment->embedding, NULL,
                   "model.embedding");
    }
    layers_read(model, loading->session, loading->arena, &experiment->layers, loading->errors);
}

/* A section with the key `plugin` and the options of the plug-in that it names. NULL with errors. */
static const rondo_descriptor *read_plugin(struct loading *loading, const char *key, int32_t kind,
                                           const void **options) {
    static const char *const keys[] = {"plugin", NULL};
    struct yaml_node *section = section_child(loading->experiment->root, key, loading->arena, loading->errors);
    if (section == NULL) {
        return NULL;
    }
    const char *what = kind == RONDO_KIND_LOSS ? "the name of a loss" : "the name of an optimizer";
    const char *name = section_text(section, "plugin", what, section->where, loading->errors);
    if (name == NULL) {
        return NULL;
    }
    const struct location where = yaml_get(section, "plugin")->where;
    const rondo_descriptor *descriptor =
        registry_resolve(loading->session->registry, kind, name, where, loading->errors);
    if (descriptor == NULL) {
        return NULL;
    }
    void *values = new_options(loading, descriptor->options, (size_t)descriptor->options_size);
    if (values == NULL) {
        return NULL;
    }
    const struct section_part part = {descriptor->options, values};
    const rondo_status status =
        section_read(section, &part, 1, keys, key, section->where, loading->arena, loading->errors);
    *options = values;
    return status == RONDO_OK ? descriptor : NULL;
}

/* Lets the optimizer look at options that do not go together. */
static void check_optimizer(struct loading *loading) {
    const struct experiment *experiment = loading->experiment;
    if (experiment->optimizer == NULL || experiment->optimizer->check == NULL) {
        return;
    }
    struct host_call call = host_call(loading->arena, loading->errors, NULL, experiment->optimizer->base.name);
    call.where = yaml_get(experiment->root, "optimizer")->where;
    host_result(&call, experiment->optimizer->check(&call.base, experiment->optimizer_options));
}

static void read_schedule(struct loading *loading) {
    static const char *const keys[] = {"early_stopping", NULL};
    struct experiment *experiment = loading->experiment;
    struct yaml_node *schedule = section_child(experiment->root, "schedule", loading->arena, loading->errors);
    if (schedule == NULL) {
        return;
    }
    read_plain(loading, schedule, schedule_table, &experiment->schedule, sizeof experiment->schedule, keys, "schedule");
    struct yaml_node *stopping = yaml_get(schedule, "early_stopping");
    if (experiment->valid.text == NULL) {
        if (stopping != NULL) {
            errors_add_at(loading->errors, RONDO_INVALID, stopping->key_where,
                          "'schedule.early_stopping' is not used without validation data: give 'data.valid'");
        }
        return;
    }
    stopping = section_child(schedule, "early_stopping", loading->arena, loading->errors);
    if (stopping == NULL) {
        return;
    }
    read_plain(loading, stopping, stopping_table, &experiment->stopping, sizeof experiment->stopping, NULL,
               "schedule.early_stopping");
    const struct yaml_node *metric = yaml_get(stopping, "metric");
    experiment->stopping_where = metric == NULL ? stopping->where : metric->where;
}

/* Adds a file of --plugin to `plugins:`, so that the run can be repeated and used without the flag. */
static void record_plugin(struct loading *loading, struct yaml_node *plugins, const char *file) {
    struct yaml_node **tail = &plugins->first;
    for (; *tail != NULL; tail = &(*tail)->next) {
        if ((*tail)->kind == YAML_SCALAR && strcmp((*tail)->text, file) == 0) {
            return;
        }
    }
    struct yaml_node *node = arena_calloc(loading->arena, 1, sizeof *node);
    if (node == NULL) {
        errors_no_memory(loading->errors);
        return;
    }
    *node =
        (struct yaml_node){.kind = YAML_SCALAR, .text = file, .quoted = 1, .folder = ".", .where = {"--plugin", 0, 0}};
    *tail = node;
}

/* The files under `plugins:`, loaded at once. Those of --plugin have been loaded, and are added to the list. */
static void read_plugins(struct loading *loading) {
    struct yaml_node *root = loading->experiment->root;
    struct yaml_node *plugins = yaml_get(root, "plugins");
    const char *const *given = loading->session->plugin_files;
    if (plugins == NULL && *given != NULL) {
        if (section_put(root, "plugins", "[]", 0, loading->arena, loading->errors) != RONDO_OK) {
            return;
        }
        plugins = yaml_get(root, "plugins");
    }
    if (plugins == NULL) {
        return;
    }
    if (plugins->kind != YAML_SEQUENCE) {
        errors_add_at(loading->errors, RONDO_INVALID, plugins->where, "'plugins' must be a list of files");
        return;
    }
    for (struct yaml_node *file = plugins->first; file != NULL; file = file->next) {
        if (file->kind != YAML_SCALAR || file->text[0] == '\0') {
            errors_add_at(loading->errors, RONDO_INVALID, file->where, "expected the path of a plug-in");
            continue;
        }
        const char *path = resolve_path(loading, file);
        if (path != NULL) {
            loader_load(loading->session->loader, loading->session->registry, path, file->where, loading->errors);
        }
    }
    for (; *given != NULL; given++) {
        record_plugin(loading, plugins, *given);
    }
}

static void read_architecture(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const char *what = "one of \"1:1\", \"1:N\", \"N:1\", \"N:N\"";
    const char *text = section_text(experiment->root, "architecture", what, experiment->root->where, loading->errors);
    struct yaml_node *node = yaml_get(experiment->root, "architecture");
    if (text == NULL) {
        return;
    }
    if (!architecture_parse(text, &experiment->architecture)) {
        errors_add_at(loading->errors, RONDO_INVALID, node->where, "unknown architecture '%s', expected %s", text,
                      what);
        return;
    }
    node->quoted = 1; /* 1:1 without quotes is a number of minutes to other readers of YAML */
    if (experiment->architecture.output_every_step) {
        errors_add_at(loading->errors, RONDO_INVALID, node->where,
                      "reader 'text' has one target for each text, and architecture %s wants one for every step; "
                      "expected \"N:1\" or \"1:1\"",
                      text);
    }
}

/* Follows `extends:`: the files named there lie below the one that names them. */
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

static void read_experiment(struct loading *loading, const char *const *assignments) {
    static const char *const keys[] = {"architecture", "data",    "model",   "loss", "optimizer",
                                       "schedule",     "plugins", "extends", NULL};
    struct experiment *experiment = loading->experiment;
    experiment->root = read_tree(loading, experiment->file, 0, (struct location){NULL, 0, 0});
    if (experiment->root == NULL) {
        return;
    }
    for (; assignments != NULL && *assignments != NULL; assignments++) {
        yaml_set(experiment->root, *assignments, loading->arena, loading->errors);
    }
    const struct yaml_node *extends = yaml_get(experiment->root, "extends");
    if (extends != NULL) { /* those of files have been followed, and are gone */
        errors_add_at(loading->errors, RONDO_INVALID, extends->where, "'extends' has an effect in a file alone");
    }
    struct top_options top = {0};
    read_plain(loading, experiment->root, top_table, &top, sizeof top, keys, "");
    experiment->name = top.name;
    if (top.name != NULL && (strchr(top.name, '/') != NULL || top.name[0] == '.' || top.name[0] == '\0')) {
        errors_add_at(loading->errors, RONDO_INVALID, yaml_get(experiment->root, "name")->where,
                      "the name '%s' cannot be that of a folder, expected no slash and no leading dot", top.name);
    }
    read_architecture(loading);
    read_plugins(loading); /* before what may use them */
    read_data(loading);
    read_model(loading);
    experiment->loss = (const rondo_loss *)read_plugin(loading, "loss", RONDO_KIND_LOSS, &experiment->loss_options);
    const struct yaml_node *loss = yaml_get(yaml_get(experiment->root, "loss"), "plugin");
    experiment->loss_where = loss == NULL ? experiment->root->where : loss->where;
    if (loading->trains) {
        experiment->optimizer = (const rondo_optimizer *)read_plugin(loading, "optimizer", RONDO_KIND_OPTIMIZER,
                                                                     &experiment->optimizer_options);
        check_optimizer(loading);
    }
    read_schedule(loading);
}

static struct experiment *load(const char *file, const char *const *assignments, struct session *session, int trains,
                               struct errors *errors) {
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
    struct loading loading = {experiment, session, arena, &own, trains};
    if (experiment->file == NULL) {
        errors_no_memory(&own);
    } else {
        read_experiment(&loading, assignments);
        layers_check(&experiment->layers, experiment->embedding.size, session->registry, &own);
    }
    const int failed = own.count > 0;
    errors_move(errors, &own);
    if (failed) {
        experiment_destroy(experiment);
        return NULL;
    }
    return experiment;
}

struct experiment *experiment_load(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors) {
    return load(file, assignments, session, 1, errors);
}

struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  struct session *session, struct errors *errors) {
    return load(file, assignments, session, 0, errors);
}

void experiment_destroy(struct experiment *experiment) {
    if (experiment != NULL) {
        arena_destroy(experiment->arena);
    }
}
