#define _POSIX_C_SOURCE 200809L
#include "experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/options.h"
#include "core/suggest.h"
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

static const char *const pool_names[] = {"last", "first", "mean", "max", NULL};
static const rondo_option model_table[] = {
    RONDO_OPTION_CHOICE(struct model_options, pool, "last", pool_names,
                        "how the states of all steps are combined to one output per sequence"),
    RONDO_OPTION_BOOL(struct model_options, feedback, "false",
                      "the model also reads the target of the step before: language models and generators"),
    RONDO_OPTION_INT(struct model_options, steps, "0", 0, 1e6,
                     "steps of every example where neither input nor target gives their number: 1:1, and 1:N in "
                     "prediction; 0: not given"),
    RONDO_OPTION_END};
#define MODEL_TABLE_WITHOUT_POOL (model_table + 1)

static const rondo_option embedding_table[] = {
    RONDO_OPTION_INT(struct embedding_options, size, "64", 1, 65536, "width of a symbol's vector"),
    RONDO_OPTION_REAL(struct embedding_options, dropout, "0", 0, 0.99,
                      "share of the elements of the vectors that is dropped in training"),
    RONDO_OPTION_REAL(struct embedding_options, word_dropout, "0", 0, 0.99,
                      "share of the symbols that is replaced by the unknown symbol in training"),
    RONDO_OPTION_REAL(struct embedding_options, rare_word_dropout, "0.25", 0, 1e6,
                      "a: in training, a symbol of the stream `input` that occurs n times in the training data is "
                      "replaced by the unknown symbol with the probability a / (n + a), so that its vector is trained; "
                      "0: never"),
    RONDO_OPTION_BOOL(
        struct embedding_options, lazy, "false",
        "the optimizer updates only the vectors of the symbols that occur in an update, and its memory of "
        "them: another rule for optimizers with memory, and cheaper with many symbols"),
    RONDO_OPTION_END};

static const rondo_option head_table[] = {
    RONDO_OPTION_BOOL(
        struct head_options, tie, "false",
        "the head has no matrix of its own, but uses the embedding of the symbols that it predicts; the last "
        "layer must be as wide as the embedding"),
    RONDO_OPTION_END};

/* ---- the table of sections and keys ---- */

static const char *const architecture_names[] = {"1:1", "1:N", "N:1", "N:N", NULL};

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
    {.name = "reader",
     .value = EXPERIMENT_READER,
     .help = "the reader of the data files; its options are further keys of this section"},
    {.name = "train",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "the training data: a path, a list of paths, or a path for each stream; relative to the experiment"},
    {.name = "valid",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "validation data, which selects the weights that are kept: a path, or a part of the training "
             "file, `{last: 0.1}` or `{share: 0.1}`"},
    {.name = "test",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "data that training never sees, for `rondo eval`: a path, or a part of the training file, which is taken "
             "before the validation data"},
    {.name = "columns",
     .value = EXPERIMENT_COLUMNS,
     .default_text = "",
     .help = "for readers of tables: columns by number from 0 or, with header: true, by name; a name that looks like a "
             "number is written in quotes"},
    {.name = NULL}};

static const struct experiment_key layer_keys[] = {
    {.name = "cell", .value = EXPERIMENT_CELL, .help = "the recurrence; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key plugin_keys[] = {
    {.name = "plugin",
     .value = EXPERIMENT_PLUGIN,
     .help = "name of the plug-in; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key metric_keys[] = {
    {.name = "plugin",
     .value = EXPERIMENT_PLUGIN,
     .help = "name of the plug-in; its options are further keys of this section"},
    {.name = "without",
     .value = EXPERIMENT_LABELS,
     .default_text = "",
     .help = "labels of classes: targets of these classes are left out, as if their weight were 0"},
    {.name = NULL}};
static const struct experiment_key group_keys[] = {
    {.name = "match",
     .value = EXPERIMENT_PATTERNS,
     .help = "names of parameters, with wildcards as in a shell: `embedding.*`, `*.b_*`"},
    {.name = NULL}};

static const struct experiment_section sections[] = {
    {.name = "", .summary = "the top-level keys", .table = top_table, .keys = top_keys},
    {.name = "data",
     .summary = "the data files and their reader",
     .table = data_table,
     .keys = data_keys,
     .flags = SECTION_REQUIRED},
    {.name = "model",
     .summary = "the network, from inputs to outputs",
     .table = model_table,
     .flags = SECTION_REQUIRED},
    {.name = "model.embedding",
     .summary = "the vectors of symbols (words, characters, classes), for all streams of symbols that the model reads",
     .table = embedding_table},
    {.name = "model.embedding.input",
     .summary =
         "other settings for the stream `input`; if it has numbers, they pass through a linear map to this width",
     .table = embedding_table},
    {.name = "model.embedding.previous",
     .summary = "other settings for the stream `previous` (model.feedback)",
     .table = embedding_table},
    {.name = "model.head", .summary = "the linear map from the last layer to the outputs", .table = head_table},
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
     .keys = metric_keys,
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
    {.name = "schedule", .summary = "length and pace of the training", .table = schedule_table, .keys = schedule_keys},
    {.name = "schedule.learning_rate",
     .summary = "the factor on the learning rate of every update",
     .keys = plugin_keys,
     .plugin_kind = RONDO_KIND_SCHEDULE},
    {.name = "schedule.warmup",
     .summary = "a linear rise of the learning rate before the schedule begins",
     .table = warmup_table,
     .flags = SECTION_DURATION},
    {.name = "schedule.validate",
     .summary = "how often the model is evaluated on data.valid; always at the end of the training",
     .table = validate_table,
     .flags = SECTION_DURATION},
    {.name = "schedule.checkpoint",
     .summary = "when the state of the training is saved; always at its end, and when it is interrupted",
     .table = checkpoint_table},
    {.name = "schedule.checkpoint.every",
     .summary = "a checkpoint is written as soon as one of these has passed since the last one; without the section: "
                "{epochs: 1, minutes: 10}",
     .table = checkpoint_every_table},
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

static void read_data(struct loading *loading) {
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, sections};
    struct yaml_node *data = section_child(loading->experiment->root, "data", loading->arena, loading->errors);
    if (data != NULL) {
        data_section_read(&reader, data, &loading->experiment->data);
    }
}

/* With an output at every step there is nothing to pool: `pool` has no effect, so giving it is a mistake. */
static void read_model_options(struct loading *loading, struct yaml_node *model) {
    struct experiment *experiment = loading->experiment;
    if (!experiment->architecture.output_every_step) {
        read_options(loading, model, "model", &experiment->model, sizeof experiment->model);
        return;
    }
    const struct yaml_node *pool = yaml_get(model, "pool");
    if (pool != NULL) {
        errors_add_at(loading->errors, RONDO_INVALID, pool->key_where,
                      "'model.pool' is not used: architecture %s has an output at every step",
                      architecture_text(experiment->architecture));
    }
    static const char *const others[] = {"pool", "embedding", "layers", "head", NULL};
    section_struct(model, MODEL_TABLE_WITHOUT_POOL, &experiment->model, sizeof experiment->model, others, "model",
                   loading->arena, loading->errors);
}

/* The settings of one stream: those of model.embedding, with the keys of model.embedding.STREAM in their place. */
static void read_stream_embedding(struct loading *loading, const struct yaml_node *embedding, const char *stream,
                                  struct embedding_options *options) {
    struct yaml_node *own = yaml_get(embedding, stream);
    *options = loading->experiment->embedding;
    options->is_given = own != NULL;
    if (strcmp(stream, "previous") == 0) {
        options->rare_word_dropout = 0; /* unless its own section gives it: what a model writes, it knows */
    }
    if (own == NULL) {
        return;
    }
    options->where = own->where;
    const char *path = arena_printf(loading->arena, "model.embedding.%s", stream);
    const struct section_part part = {embedding_table, options};
    if (path == NULL) {
        errors_no_memory(loading->errors);
    } else if (own->kind != YAML_MAPPING) {
        errors_add_at(loading->errors, RONDO_INVALID, own->where, "'%s' must be a mapping", path);
    } else {
        section_override(own, &part, 1, NULL, path, loading->arena, loading->errors);
    }
}

/* Feedback needs outputs at every step, which become inputs. */
static void check_feedback(struct loading *loading, const struct yaml_node *model) {
    const struct experiment *experiment = loading->experiment;
    if (experiment->model.feedback && !experiment->architecture.output_every_step) {
        errors_add_at(
            loading->errors, RONDO_INVALID, yaml_get(model, "feedback")->where,
            "'model.feedback' reads the target of the step before, and architecture %s has one target for all "
            "steps; expected \"N:N\" or \"1:N\"",
            architecture_text(experiment->architecture));
    }
}

/* A model that reads only numbers has no vectors of symbols. What the streams are is known once the data has been read
 * (train/task.c); the defaults become part of the resolved experiment only if the reader gives symbols. */
static void read_embedding(struct loading *loading, struct yaml_node *model) {
    struct experiment *experiment = loading->experiment;
    const struct yaml_node *given = yaml_get(model, "embedding");
    const int has_symbols = experiment->data.reader != NULL && (experiment->data.reader->flags & READER_SYMBOLS) != 0;
    struct yaml_node none = {.kind = YAML_MAPPING, .where = model->where, .folder = model->folder};
    struct yaml_node *embedding =
        given != NULL || has_symbols ? section_child(model, "embedding", loading->arena, loading->errors) : &none;
    if (embedding != NULL) {
        read_options(loading, embedding, "model.embedding", &experiment->embedding, sizeof experiment->embedding);
        experiment->embedding.is_given = given != NULL;
        experiment->embedding.where = embedding->where;
        read_stream_embedding(loading, embedding, "input", &experiment->input_embedding);
        read_stream_embedding(loading, embedding, "previous", &experiment->previous_embedding);
    }
}

static void read_model(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, sections};
    struct yaml_node *model = section_child(experiment->root, "model", loading->arena, loading->errors);
    if (model == NULL) {
        return;
    }
    const int32_t before = loading->errors->count;
    read_model_options(loading, model);
    if (loading->errors->count == before) {
        check_feedback(loading, model);
    }
    read_embedding(loading, model);
    struct yaml_node *head = section_child(model, "head", loading->arena, loading->errors);
    if (head != NULL) {
        read_options(loading, head, "model.head", &experiment->head, sizeof experiment->head);
        const struct yaml_node *tie = yaml_get(head, "tie");
        experiment->head.where = tie == NULL ? head->where : tie->where;
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
        /* without a reader, its mistake hides whether there are validation data */
        const int has_valid = experiment->data.reader == NULL || data_section_has(&experiment->data, PART_VALID);
        schedule_section_read(&reader, schedule, has_valid, loading->trains, &experiment->schedule);
    }
    if (experiment->data.settings.carry && experiment->schedule.batch.steps > 0) {
        errors_add_at(loading->errors, RONDO_INVALID, experiment->schedule.batch_where,
                      "'data.carry' trains one lane for each example of a batch, expected a number of examples");
    }
}

static void read_architecture(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct experiment_key *key = &top_keys[0];
    const char *what = "one of \"1:1\", \"1:N\", \"N:1\", \"N:N\"";
    const char *text = section_text(experiment->root, "", key->name, what, experiment->root->where, loading->errors);
    struct yaml_node *node = yaml_get(experiment->root, key->name);
    if (text == NULL || !check_choice(loading, key, node) || !architecture_parse(text, &experiment->architecture)) {
        return;
    }
    node->quoted = 1; /* other readers of YAML take 1:1 without quotes for minutes and seconds */
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
        if (experiment->data.reader != NULL && (experiment->data.reader->flags & READER_SYMBOLS) != 0) {
            layers_check(&experiment->layers, experiment->embedding.size, session->registry, &own);
        }
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
