#define _POSIX_C_SOURCE 200809L
#include "experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/options.h"
#include "core/suggest.h"
#include "experiment/plugin_files.h"
#include "experiment/sections.h"
#include "io/file.h"

enum {
    MAX_EXTENDS = 8,
    MOST_NAME = 240 /* bytes; file systems allow 255 for the name of a folder, which may be followed by a number */
};

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
    const char *const *keys = experiment_section_keys(experiment_sections, section, loading->arena);
    if (keys == NULL) {
        errors_no_memory(loading->errors);
    }
    return keys;
}

/* Reads the options of a section into a struct of `size` bytes, and checks its other keys by the table of sections. */
static void read_options(struct loading *loading, struct yaml_node *node, const char *name, void *options,
                         size_t size) {
    const struct experiment_section *section = experiment_section_find(experiment_sections, name);
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
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, experiment_sections};
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
    static const char *const others[] = {"pool", "bridge", "embedding", "encoder", "layers", "head", NULL};
    section_struct(model, EXPERIMENT_MODEL_WITHOUT_POOL, &experiment->model, sizeof experiment->model, others, "model",
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
    const struct section_part part = {experiment_embedding_table, options};
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
        read_stream_embedding(loading, embedding, "source", &experiment->source_embedding);
    }
}

/* The bridge of a model with an encoder; its default becomes part of the resolved experiment only there. */
static void read_bridge(struct loading *loading, struct yaml_node *model) {
    struct bridge_option *bridge = &loading->experiment->bridge;
    const struct experiment_section *section = experiment_section_find(experiment_sections, "model");
    const struct yaml_node *encoder = yaml_get(model, "encoder");
    struct yaml_node *given = yaml_get(model, section->keys->name);
    if (given != NULL && encoder == NULL) {
        errors_add_at(loading->errors, RONDO_INVALID, given->key_where,
                      "'model.bridge' is not used: the model has no encoder ('model.encoder')");
    }
    if (encoder == NULL) {
        return;
    }
    bridge->where = given == NULL ? encoder->key_where : given->where;
    bridge->kind = BRIDGE_LEARNT;
    if (given == NULL) {
        section_put(model, section->keys->name, section->keys->choices[BRIDGE_LEARNT], 0, loading->arena,
                    loading->errors);
    } else if (section_text(model, "model", section->keys->name, "none, last, mean or learnt", model->where,
                            loading->errors) != NULL &&
               check_choice(loading, section->keys, given)) {
        while (strcmp(section->keys->choices[bridge->kind], given->text) != 0) {
            bridge->kind = (enum bridging)(((int)bridge->kind + 1) % (BRIDGE_LEARNT + 1));
        }
    }
}

static void read_model(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, experiment_sections};
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
    read_bridge(loading, model);
    layers_read(&reader, model, &experiment->layers);
}

/* Loss, metrics, optimizer and schedule. */
static void read_training(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, experiment_sections};
    struct yaml_node *loss = plugin_section_child(&reader, experiment->root, "loss");
    if (loss != NULL) {
        loss_section_read(&reader, loss, &experiment->loss);
    }
    if (loading->metrics != NULL) {
        metrics_section_read(&reader, experiment->root, loading->metrics, &experiment->metrics);
    }
    const int has_source = yaml_get(yaml_get(experiment->root, "model"), "encoder") != NULL;
    generate_section_read(&reader, experiment->root, experiment->model.feedback, has_source, &experiment->generate);
    struct yaml_node *optimizer = loading->trains ? plugin_section_child(&reader, experiment->root, "optimizer") : NULL;
    if (optimizer != NULL) {
        optimizer_section_read(&reader, optimizer, &experiment->optimizer);
    }
    struct yaml_node *schedule = section_child(experiment->root, "schedule", loading->arena, loading->errors);
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
    const struct experiment_key *key = &experiment_sections[0].keys[0];
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

/* The keys of `compare`, and of its `tune`, are paths of other keys: "compare.optimizer.lr=[1, 2]" is compare."optimizer.lr". If there
 * is a key already that begins the rest of the path, that is the key: compare."optimizer.lr".from. From the arena; NULL: out of
 * memory. */
static const char *quote_compared_key(const struct yaml_node *root, const char *assignment, struct arena *arena) {
    static const char whole[] = "compare.", tune[] = "compare.tune.", variants[] = "compare.variants.";
    const int is_tune = strncmp(assignment, tune, strlen(tune)) == 0;
    const size_t begin = strlen(is_tune ? tune : whole);
    if (strncmp(assignment, whole, strlen(whole)) != 0 || strncmp(assignment, variants, strlen(variants)) == 0) {
        return assignment;
    }
    const char *key = assignment + begin;
    size_t length = strcspn(key, "=");
    if (memchr(key, '.', length) == NULL || memchr(key, '"', length) != NULL) {
        return assignment;
    }
    const struct yaml_node *compare = yaml_get(root, "compare");
    const struct yaml_node *section = is_tune ? yaml_get(compare, "tune") : compare;
    for (const struct yaml_node *child = section == NULL ? NULL : section->first; child != NULL; child = child->next) {
        const size_t own = child->key == NULL ? 0 : strlen(child->key);
        if (own > 0 && own < length && strncmp(child->key, key, own) == 0 && key[own] == '.') {
            length = own;
        }
    }
    return arena_printf(arena, "%.*s\"%.*s\"%s", (int)begin, assignment, (int)length, key, key + length);
}

/* The tree of the file, with the assignments; NULL with errors. */
static struct yaml_node *read_root(struct loading *loading, const char *file, const char *const *assignments) {
    struct yaml_node *root = read_tree(loading, file, 0, (struct location){NULL, 0, 0});
    for (; root != NULL && assignments != NULL && *assignments != NULL; assignments++) {
        const char *assignment = quote_compared_key(root, *assignments, loading->arena);
        if (assignment == NULL) {
            errors_no_memory(loading->errors);
            return NULL;
        }
        yaml_set(root, assignment, loading->arena, loading->errors);
    }
    const struct yaml_node *extends = yaml_get(root, "extends");
    if (extends != NULL) { /* of --set; those of files have been followed and removed */
        errors_add_at(loading->errors, RONDO_INVALID, extends->where, "'extends' has an effect only in a file");
    }
    return root;
}

/* Checks the tree of the experiment. */
static void read_experiment(struct loading *loading) {
    struct experiment *experiment = loading->experiment;
    const struct yaml_node *compare = yaml_get(experiment->root, "compare");
    if (compare != NULL) {
        errors_add_at(loading->errors, RONDO_INVALID, compare->key_where,
                      "'compare' describes several experiments: `rondo compare` trains them; --set compare=null leaves "
                      "the section out");
        return;
    }
    struct experiment_top top = {0};
    read_options(loading, experiment->root, "", &top, sizeof top);
    check_name(loading, top.name);
    read_architecture(loading);
    const struct plugin_reader reader = {loading->session, loading->arena, loading->errors, experiment_sections};
    /* Before the sections that may use them. */
    plugin_files_read(&reader, experiment->root, loading->trains ? loading->errors : &loading->unloaded);
    read_data(loading);
    read_model(loading);
    read_training(loading);
}

/* What an experiment is loaded from: a file with assignments, or a tree with settings. */
struct loading_source {
    const char *file;
    const char *const *assignments;
    const struct yaml_node *tree; /* NULL: the file is read */
    const struct compare_setting *settings;
    int32_t n_settings;
};

/* The tree of the source, in the arena of the experiment; NULL with errors. */
static struct yaml_node *take_source(struct loading *loading, const struct loading_source *source) {
    if (source->tree == NULL) {
        return read_root(loading, source->file, source->assignments);
    }
    struct yaml_node *root = yaml_clone(source->tree, loading->arena);
    if (root == NULL) {
        errors_no_memory(loading->errors);
    }
    for (int32_t i = 0; i < source->n_settings && root != NULL; i++) {
        yaml_put(root, source->settings[i].key, source->settings[i].value, loading->arena, loading->errors);
    }
    return root;
}

static struct experiment *load(const struct loading_source *source, const char *const *metrics, struct session *session,
                               int trains, struct errors *errors) {
    struct arena *arena = arena_create();
    struct experiment *experiment = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *experiment);
    if (experiment == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    experiment->arena = arena;
    experiment->file = arena_strdup(arena, source->file);
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
        experiment->root = take_source(&loading, source);
        if (experiment->root != NULL) {
            read_experiment(&loading);
        }
        if (experiment->data.reader != NULL && (experiment->data.reader->flags & READER_SYMBOLS) != 0) {
            layers_check(&experiment->layers, experiment->embedding.size, experiment->source_embedding.size,
                         session->registry, &own);
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
    const struct loading_source source = {.file = file, .assignments = assignments};
    return load(&source, no_more, session, 1, errors);
}

struct yaml_node *experiment_tree(const char *file, const char *const *assignments, struct arena *arena,
                                  struct errors *errors) {
    struct loading loading = {.arena = arena, .errors = errors};
    const int32_t before = errors->count;
    struct yaml_node *root = read_root(&loading, file, assignments);
    return errors->count == before ? root : NULL;
}

struct experiment *experiment_load_tree(const char *file, const struct yaml_node *tree,
                                        const struct compare_setting *settings, int32_t n_settings,
                                        struct session *session, struct errors *errors) {
    static const char *const no_more[] = {NULL};
    const struct loading_source source = {file, NULL, tree, settings, n_settings};
    return load(&source, no_more, session, 1, errors);
}

struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  const char *const *metrics, struct session *session,
                                                  struct errors *errors) {
    const struct loading_source source = {.file = file, .assignments = assignments};
    return load(&source, metrics, session, 0, errors);
}

void experiment_destroy(struct experiment *experiment) {
    if (experiment != NULL) {
        arena_destroy(experiment->arena);
    }
}
