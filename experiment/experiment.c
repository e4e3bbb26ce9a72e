#define _POSIX_C_SOURCE 200809L
#include "experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/options.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/utf8.h"

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

/* ---- what the sections are, for those who list them ---- */

static const char *const architecture_names[] = {"1:1", "1:N", "N:1", "N:N", NULL};
static const char *const reader_names[] = {"text", NULL};
static const struct experiment_key top_keys[] = {
    {"architecture", EXPERIMENT_CHOICE, NULL, architecture_names, "which steps take input : which steps emit output"},
    {"extends", EXPERIMENT_FILE, "", NULL, "an experiment that this one starts from; what stands here goes over it"},
    {"plugins", EXPERIMENT_FILES, "", NULL, "plug-ins to load first"},
    {NULL, 0, NULL, NULL, NULL}};
static const struct experiment_key data_keys[] = {
    {"reader", EXPERIMENT_CHOICE, NULL, reader_names, "what the files hold"},
    {"train", EXPERIMENT_FILE, NULL, NULL, "what is learnt from; paths are relative to the experiment"},
    {"valid", EXPERIMENT_FILE, "", NULL, "what the epoch is chosen by whose weights are kept"},
    {"test", EXPERIMENT_FILE, "", NULL, "what training never sees, for `rondo eval`"},
    {NULL, 0, NULL, NULL, NULL}};
static const struct experiment_key columns_keys[] = {
    {"text", EXPERIMENT_COLUMN, "0", NULL, "the column of the text"},
    {"label", EXPERIMENT_COLUMN, "1", NULL, "the column of what is to be predicted"},
    {NULL, 0, NULL, NULL, NULL}};
static const struct experiment_key layer_keys[] = {
    {"cell", EXPERIMENT_CELL, NULL, NULL, "the recurrence; its options stand beside it"}, {NULL, 0, NULL, NULL, NULL}};
static const struct experiment_key plugin_keys[] = {
    {"plugin", EXPERIMENT_PLUGIN, NULL, NULL, "which one; its options stand beside it"}, {NULL, 0, NULL, NULL, NULL}};
static const struct experiment_key group_keys[] = {
    {"match", EXPERIMENT_PATTERNS, NULL, NULL, "names of parameters as in a shell: `embedding.*`, `*.b_*`"},
    {NULL, 0, NULL, NULL, NULL}};

struct experiment_section experiment_section(int32_t index) {
    enum { LOSS = RONDO_KIND_LOSS, OPTIMIZER = RONDO_KIND_OPTIMIZER, SCHEDULE = RONDO_KIND_SCHEDULE };
    static const struct experiment_section sections[] = {
        {"", "the keys at the left margin", top_table, top_keys, 0, 0, 0, 0},
        {"data", "the files and how they are read", text_options_table, data_keys, SECTION_REQUIRED, 0, 0, 0},
        {"data.columns", "columns by number from 0, or, with header: true, by name", NULL, columns_keys, 0, 0, 0, 0},
        {"model", "from what is read to outputs", model_table, NULL, SECTION_REQUIRED, 0, 0, 0},
        {"model.embedding", "the vectors of words", embedding_table, NULL, 0, 0, 0, 0},
        {"model.layers.N", "a cell, and how it is run", layer_table, layer_keys, SECTION_REQUIRED, 0, 1, MAX_LAYERS},
        {"loss", "what training makes small: one loss, or a sum of them", NULL, plugin_keys, SECTION_REQUIRED, LOSS, 0,
         0},
        {"loss.sum.N", "a loss of a sum, which stands in the place of one loss", loss_weight_table, plugin_keys,
         SECTION_ALONE, LOSS, 1, LOSS_MOST_TERMS},
        {"optimizer", "how parameters follow their gradients", NULL, plugin_keys, SECTION_REQUIRED, OPTIMIZER, 0, 0},
        {"optimizer.groups.N",
         "parameters with options of their own, of the optimizer; the first group that fits a name has it",
         optimizer_group_table, group_keys, SECTION_OUTER_PLUGIN, OPTIMIZER, 0, 0},
        {"optimizer.wrappers.N", "what goes around the optimizer", NULL, plugin_keys, SECTION_WRAPPERS, OPTIMIZER, 0,
         OPTIMIZER_MOST_WRAPPERS},
        {"schedule", "how long and how hard to train", schedule_table, NULL, 0, 0, 0, 0},
        {"schedule.learning_rate", "the factor on the learning rate, update by update", NULL, plugin_keys, 0, SCHEDULE,
         0, 0},
        {"schedule.warmup", "a rise of the learning rate in front of its schedule", warmup_table, NULL, 0, 0, 0, 0},
        {"schedule.early_stopping", "when to stop, and which weights to keep; needs data.valid", stopping_table, NULL,
         0, 0, 0, 0}};
    const int32_t count = sizeof sections / sizeof sections[0];
    return index >= 0 && index < count ? sections[index]
                                       : (struct experiment_section){NULL, NULL, NULL, NULL, 0, 0, 0, 0};
}

/* While an experiment is read. */
struct loading {
    struct experiment *experiment;
    struct session *session;
    struct arena *arena;
    struct errors *errors;
    int trains; /* 0: for prediction, which needs neither optimizer nor schedule */
    /* For prediction: why files under `plugins:` could not be loaded. They may be those of the optimizer; if a plug-in
     * turns out to be missing, this is why. */
    struct errors unloaded;
};

/* Reads a section with one table into a struct; others as in section_read. */
static rondo_status read_plain(struct loading *loading, struct yaml_node *node, const rondo_option *table,
                               void *options, size_t size, const char *const *others, const char *path) {
    return section_struct(node, table, options, size, others, path, loading->arena, loading->errors);
}

/* The resolved experiment is YAML, so a path that is not UTF-8 could be written there but not be read back. */
static int check_path(struct loading *loading, const char *path, struct location where) {
    if (utf8_check(path, strlen(path), NULL)) {
        return 1;
    }
    errors_add_at(loading->errors, RONDO_INVALID, where,
                  "the path '%s' is not UTF-8, so a run could not record it; rename the folder", path);
    return 0;
}

/* Makes a path absolute, and writes it back into the tree: the resolved experiment works from any folder. */
static const char *resolve_path(struct loading *loading, struct yaml_node *node) {
    const char *path = path_absolute(loading->arena, path_join(loading->arena, node->folder, node->text));
    if (path == NULL) {
        errors_no_memory(loading->errors);
        return NULL;
    }
    if (!check_path(loading, path, node->where)) {
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
    *column = (struct text_column){node->text, node->quoted, node->where};
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
    if (experiment->text.format != TEXT_FORMAT_AUTO && experiment->text.separator != TEXT_SEPARATOR_AUTO) {
        errors_add_at(errors, RONDO_INVALID, yaml_get(data, "format")->where,
                      "'data.format' is not used, because 'data.separator' is given");
    }
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

static struct yaml_node *child_of_root(struct loading *loading, const char *key) {
    return section_child(loading->experiment->root, key, loading->arena, loading->errors);
}

/* Loss, optimizer and schedule. */
static void read_training(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors};
    struct yaml_node *loss = child_of_root(loading, "loss");
    if (loss != NULL) {
        loss_section_read(&reader, loss, &experiment->loss);
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

/* Adds a file of --plugin to `plugins:`, so that the run can be repeated and used without the flag. */
static void record_plugin(struct loading *loading, struct yaml_node *plugins, const char *file) {
    if (!check_path(loading, file, (struct location){"--plugin", 0, 0})) {
        return;
    }
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

/* The file of --plugin with the same name as `path`, in whatever folder; NULL: none. */
static const char *replacement_of(const struct loading *loading, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    for (const char *const *given = loading->session->plugin_files; *given != NULL; given++) {
        if (strcmp(strrchr(*given, '/') + 1, name) == 0) { /* they are absolute */
            return *given;
        }
    }
    return NULL;
}

/* A file under `plugins:`. It is loaded, or replaced by the file of --plugin that has its name: a plug-in of a run may
 * have been moved. */
static void read_plugin(struct loading *loading, struct yaml_node *file) {
    if (file->kind != YAML_SCALAR || file->text[0] == '\0') {
        errors_add_at(loading->errors, RONDO_INVALID, file->where, "expected the path of a plug-in");
        return;
    }
    const char *replacement = replacement_of(loading, file->text);
    if (replacement != NULL) {
        file->text = replacement;
        file->folder = ".";
        return;
    }
    const char *path = resolve_path(loading, file);
    if (path != NULL) {
        loader_load(loading->session->loader, loading->session->registry, path, file->where,
                    loading->trains ? loading->errors : &loading->unloaded);
    }
}

/* The files under `plugins:`. Those of --plugin have been loaded already, and are added to the list. */
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
        read_plugin(loading, file);
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
    check_name(loading, top.name);
    read_architecture(loading);
    read_plugins(loading); /* before what may use them */
    read_data(loading);
    read_model(loading);
    read_training(loading);
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
    struct loading loading = {experiment, session, arena, &own, trains, {0}};
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
