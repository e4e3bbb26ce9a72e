/* tests/test_experiment.c: the values of an experiment, and its mistakes, which are reported together.
 *
 * Environment variables give the folders of plug-ins and cells: RONDO_PLUGIN_PATH, RONDO_CELL_PATH.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "experiment/experiment.h"
#include "io/section.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

enum { MAX_ASSIGNMENTS = 16 };

static struct errors errors;
static struct session *session;
static struct arena *arena;

static void setup(void) {
    variable("RONDO_PLUGIN_PATH");
    variable("RONDO_CELL_PATH");
    tiny_write();
    memset(&errors, 0, sizeof errors);
    const struct session_settings settings = {.threads = 1};
    session = session_create(&settings, &errors);
    arena = arena_create();
    ck_assert_ptr_nonnull(session);
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    session_destroy(session);
    arena_destroy(arena);
    errors_free(&errors);
}

/* Loads a file of the sandbox; `assignments` are separated by semicolons. */
static struct experiment *load(const char *name, const char *assignments) {
    const char *list[MAX_ASSIGNMENTS + 1] = {NULL};
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", assignments);
    int count = 0;
    for (char *word = strtok(copy, ";"); word != NULL; word = strtok(NULL, ";")) {
        ck_assert_int_lt(count, MAX_ASSIGNMENTS);
        list[count++] = word;
    }
    return experiment_load(sandbox_path("%s", name), list, session, &errors);
}

/* All errors, one per line. */
static const char *all_errors(void) {
    char *text = sandbox_memory(65536);
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < errors.count && i < ERRORS_MAX && used < 65536; i++) {
        used += (size_t)snprintf(text + used, 65536 - used, "%s\n", errors_text(&errors, i));
    }
    return text;
}

static struct experiment *load_good(const char *name, const char *assignments) {
    struct experiment *experiment = load(name, assignments);
    ck_assert_msg(experiment != NULL && errors.count == 0, "%s: %s", name, all_errors());
    return experiment;
}

/* ---- mistakes ---- */

/* The experiment of tests/tiny.h with one line replaced. */
static const struct {
    const char *name, *key, *line, *assignments;
    int32_t count; /* the exact number of errors */
    const char *parts;
} mistakes[] = {
    {"an unknown key", "name:", "naem: tiny", "", 1,
     ":2:1: unknown key 'naem' in an experiment (did you mean 'name'?)"},
    {"a comparison", "name:", "compare: {model.layers.0.cell: [gru, lstm]}", "", 1,
     ":2:1: 'compare' describes several experiments: `rondo compare` trains them"},
    {"two unknown keys", "name:", "a: 1\nb: 2", "", 2, ":2:1: unknown key 'a'|:3:1: unknown key 'b'"},
    {"every key of a section", "schedule:", "schedule: {epochs: 0, batch: 0, clip_norm: -1, seed: -1, patience: 3}", "",
     5,
     ":8:20: 'epochs' is 0|:8:30: 'batch' is 0|:8:44: 'clip_norm' is -1|:8:54: 'seed' is -1|:8:58: unknown key "
     "'patience'"},
    {"a mistake in every section", "rondo:", "rondo: 3",
     "architecture=1:2;data.header=maybe;model.embedding.size=0;model.layers.0.hidden=0;loss.plugin=doubt;"
     "optimizer.lr=x;schedule.epochs=0",
     8,
     "'rondo' is 3|unknown architecture '1:2'|'header' is 'maybe'|'size' is 0|'hidden' is 0|unknown loss 'doubt'|'lr' "
     "is "
     "'x'|'epochs' is 0"},
    {"a mistake in every layer", "model:",
     "model: {layers: [{cell: gru, hidden: 0}, {cell: nothing, hidden: 2}, {hidden: 2}, gru, {cell: gru, hidden: 2, "
     "width: 1}]}",
     "", 5,
     ":5:38: 'hidden' is 0|:5:49: there is no cell 'nothing'|:5:70: 'model.layers.2.cell' is missing|:5:83: a layer "
     "must be a "
     "mapping|unknown key 'width' in model.layers.4"},
    {"nothing but the version", NULL, "rondo: 1\n", "", 5,
     ":1:1: 'architecture' is missing|:1:1: 'data.reader' is missing|:1:1: 'model.layers' must be "
     "a "
     "list|:1:1: 'loss.plugin' is missing, expected the name of a loss|:1:1: 'optimizer.plugin' is missing, expected "
     "the name of an "
     "optimizer"},
    {"quoted numbers", "schedule:", "schedule: {epochs: \"3\", batch: '8'}", "", 2,
     ":8:20: 'schedule.epochs' is quoted text, expected integer|:8:32: 'schedule.batch' must be a number of examples"},
    {"collections for numbers", "schedule:", "schedule: {epochs: [3], clip_norm: {a: 8}}", "", 2,
     ":8:20: 'schedule.epochs' is a list|:8:36: 'schedule.clip_norm' is a mapping"},
    {"a single value for an optimizer", "optimizer:", "optimizer: adam", "", 1,
     ":7:12: 'optimizer' is a single value, expected a mapping with the name of the plug-in: {plugin: adam}"},
    {"a duplicate key", "schedule:", "schedule: {epochs: 3, epochs: 4, epochs: 5}", "", 2,
     ":8:23: key 'epochs' is already there, at line 8|:8:34: key 'epochs' is already there"},
    {"only assignments", "name:", "name: tiny", "optimizer.lr=-1;optimizer.beta1=2;optimizer.gamma=1;nothing", 4,
     "--set optimizer.lr=-1: 'lr' is -1|--set optimizer.beta1=2: 'beta1' is 2|--set optimizer.gamma=1: unknown key "
     "'gamma'|--set nothing: no '='"},
    {"keys that nobody uses", "architecture:", "architecture: \"1:N\"", "", 1,
     ":5:65: 'model.pool' is not used: architecture 1:N"},
    {"early stopping without its data", "data:", "data: {reader: text, train: train.tsv}",
     "schedule.early_stopping.patience=2", 1, "'schedule.early_stopping' is not used without validation data"},
    {"early stopping with a reader that is not there", "data:", "data: {reader: txt, train: t.tsv, valid: t.tsv}",
     "schedule.early_stopping.patience=2", 1, ":4:16: unknown reader 'txt' (did you mean 'text'?)"},
    {"options of an optimizer that is not there", "optimizer:", "optimizer: {plugin: dowsing, lr: x}", "", 1,
     ":7:21: unknown optimizer 'dowsing'"},
    {"two equations of a layer", "model:", "model: {layers: [{cell: ./bad.yaml, hidden: 2}]}", "", 3,
     "/bad.yaml:5:8: unknown op 'tahn'|/bad.yaml:6:3: 'g' is not a state|:5:19: model.layers.0 uses cell 'bad'"},
    {"plug-ins", "name:", "plugins: [none.so, {a: b}]", "", 2,
     ":2:11: plug-in '|/none.so' cannot be opened|:2:20: expected the path of a plug-in"},
};

START_TEST(all_mistakes_are_reported_together) {
    sandbox_write("bad.yaml", "cell: bad\nsource: s\nstate: [h]\nequations: |\n  h' = tahn(x @ W)\n  g' = x @ V\n");
    tiny_edit("m.yaml", mistakes[_i].key, mistakes[_i].line);
    struct experiment *experiment = load("m.yaml", mistakes[_i].assignments);
    ck_assert_ptr_null(experiment);
    const char *texts = all_errors();
    assert_parts(mistakes[_i].name, texts, mistakes[_i].parts);
    ck_assert_msg(errors.count == mistakes[_i].count, "%s: %d errors, expected %d:\n%s", mistakes[_i].name,
                  errors.count, mistakes[_i].count, texts);
    ck_assert(errors.status == RONDO_INVALID || errors.status == RONDO_NOT_FOUND);
}
END_TEST

START_TEST(earlier_errors_of_the_caller_do_not_matter) {
    errors_add(&errors, RONDO_IO, "an earlier one");
    struct experiment *experiment = load("e.yaml", "");
    ck_assert_ptr_nonnull(experiment);
    ck_assert_int_eq(errors.count, 1);
    experiment_destroy(experiment);
    ck_assert_ptr_null(load("e.yaml", "optimizer.lr=x"));
    ck_assert_int_eq(errors.count, 2);
}
END_TEST

/* ---- values ---- */

/* The node at "model.layers.0.hidden". */
static const struct yaml_node *node_at(const struct experiment *experiment, const char *path) {
    const struct yaml_node *node = experiment->root;
    char copy[256];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok(copy, "."); name != NULL; name = strtok(NULL, ".")) {
        if (node->kind == YAML_SEQUENCE) {
            node = node->first;
            for (long i = strtol(name, NULL, 10); node != NULL && i > 0; i--) {
                node = node->next;
            }
        } else {
            node = yaml_get(node, name);
        }
        ck_assert_msg(node != NULL, "there is no '%s'", path);
    }
    return node;
}

static const struct {
    const char *key, *line, *assignments;
    const char *path, *value;
    const char *from; /* the origin: the end of the file's name, or "default" */
    int32_t line_number;
} values[] = {
    {"name:", "name: tiny", "", "optimizer.lr", "0.05", "/v.yaml", 7},
    {"name:", "name: tiny", "", "optimizer.beta1", "0.9", "default", 0},
    {"name:", "", "", "name", "experiment", "default", 0},
    {"name:", "name: tiny", "", "architecture", "N:1", "/v.yaml", 3},
    {"name:", "name: tiny", "", "data.lowercase", "true", "default", 0},
    {"name:", "name: tiny", "", "data.columns.label", "1", "default", 0},
    {"data:", "data: {reader: text, train: train.tsv, columns: {label: 2}}", "", "data.columns.label", "2", "/v.yaml",
     4},
    {"data:", "data: {reader: text, train: train.tsv, columns: {label: 2}}", "", "data.columns.text", "0", "default",
     0},
    {"model:", "model: {layers: [{cell: gru, hidden: 4}]}", "", "model.embedding.size", "64", "default", 0},
    {"model:", "model: {layers: [{cell: gru, hidden: 4}]}", "", "model.pool", "last", "default", 0},
    {"name:", "name: tiny", "", "model.layers.0.dropout", "0", "default", 0},
    {"name:", "name: tiny", "", "schedule.early_stopping.metric", "valid.loss", "default", 0},
    {"name:", "name: tiny", "", "schedule.early_stopping.patience", "0", "default", 0},
    {"name:", "name: tiny", "optimizer.lr=0.5", "optimizer.lr", "0.5", "--set optimizer.lr=0.5", 0},
    {"name:", "name: tiny", "optimizer.lr=0.5;optimizer.lr=0.25", "optimizer.lr", "0.25", "--set optimizer.lr=0.25", 0},
    {"name:", "name: tiny", "model.layers.1.cell=lstm;model.layers.1.hidden=7", "model.layers.1.hidden", "7",
     "--set model.layers.1.hidden=7", 0},
    {"name:", "name: tiny", "optimizer={plugin: sgd, lr: 2}", "optimizer.lr", "2", "--set optimizer={", 0},
    {"name:", "extends: base.yaml", "", "name", "base", "/base.yaml", 1},
    {"name:", "extends: base.yaml", "", "optimizer.lr", "0.05", "/v.yaml", 7},
    {"name:", "extends: base.yaml", "", "optimizer.beta1", "0.5", "/base.yaml", 2},
    {"name:", "extends: base.yaml", "optimizer.beta1=0.25", "optimizer.beta1", "0.25", "--set optimizer.beta1=0.25", 0},
    {"name:", "extends: base.yaml", "", "schedule.clip_norm", "3", "/below.yaml", 2},
};

START_TEST(value_and_where_it_came_from_are_known) {
    sandbox_write("base.yaml", "name: base\noptimizer: {lr: 0.9, beta1: 0.5}\nextends: sub/below.yaml\n");
    sandbox_write("sub/below.yaml", "name: below\nschedule: {clip_norm: 3}\n");
    tiny_edit("v.yaml", values[_i].key, values[_i].line);
    struct experiment *experiment = load_good("v.yaml", values[_i].assignments);
    const struct yaml_node *node = node_at(experiment, values[_i].path);
    ck_assert_str_eq(node->text, values[_i].value);
    assert_parts(values[_i].path, node->where.file, values[_i].from);
    ck_assert_int_eq(node->where.line, values[_i].line_number);
    experiment_destroy(experiment);
}
END_TEST

START_TEST(structs_hold_what_the_tree_says) {
    tiny_edit(
        "v.yaml", "model:",
        "model: {embedding: {size: 6, dropout: 0.1, word_dropout: 0.2}, pool: max, layers: [{cell: lstm, hidden: 5}, "
        "{cell: ./mine.yaml, hidden: 3, dropout: 0.5, gain: 2}]}");
    sandbox_write("mine.yaml", "cell: mine\nsource: s\nstate: [h]\noptions: {gain: 1, rate: {default: 0.5, max: 1}}\n"
                               "equations: |\n  h' = tanh(gain * (x @ W)) * rate\n");
    struct experiment *e = load_good("v.yaml", "schedule.clip_norm=1.5;schedule.seed=9007199254740991;data.min_count=3;"
                                               "schedule.early_stopping.min_delta=0.01;loss.label_smoothing=0.1");
    ck_assert_str_eq(e->name, "tiny");
    ck_assert(e->architecture.input_every_step && !e->architecture.output_every_step);
    ck_assert_str_eq(e->data.reader->name, "text");
    ck_assert_str_eq(node_at(e, "data.min_count")->text, "3");
    ck_assert_int_eq(e->embedding.size, 6);
    ck_assert_double_eq(e->embedding.dropout, 0.1);
    ck_assert_double_eq(e->embedding.word_dropout, 0.2);
    ck_assert_int_eq(e->model.pool, POOL_MAX);
    ck_assert_int_eq(e->layers.count, 2);
    ck_assert_str_eq(e->layers.items[0].definition->name, "lstm");
    ck_assert_int_eq(e->layers.items[0].options.hidden, 5);
    ck_assert_double_eq(e->layers.items[0].options.dropout, 0);
    ck_assert_str_eq(e->layers.items[1].definition->name, "mine");
    ck_assert_double_eq(e->layers.items[1].options.dropout, 0.5);
    ck_assert_double_eq(e->layers.items[1].option_values[0], 2);
    ck_assert_double_eq(e->layers.items[1].option_values[1], 0.5);
    ck_assert_str_eq(e->loss.terms[0].loss->base.name, "softmax_cross_entropy");
    ck_assert_str_eq(e->optimizer.optimizer.descriptor->name, "adam");
    ck_assert_int_eq(e->schedule.options.epochs, 3);
    ck_assert_int_eq(e->schedule.batch.examples, 8);
    ck_assert_double_eq(e->schedule.options.clip_norm, 1.5);
    ck_assert_int_eq(e->schedule.options.seed, 9007199254740991);
    ck_assert_int_eq(e->schedule.n_stopping_metrics, 1);
    ck_assert_str_eq(e->schedule.stopping_metrics[0].name, "valid.loss");
    ck_assert_int_eq(e->schedule.stopping.patience, 0);
    ck_assert_double_eq(e->schedule.stopping.min_delta, 0.01);
    experiment_destroy(e);
}
END_TEST

START_TEST(paths_are_absolute_and_relative_to_the_file_that_has_them) {
    sandbox_write("sub/base.yaml", "data: {train: near.tsv, test: ../far.tsv}\n");
    sandbox_write("sub/near.tsv", "");
    sandbox_write("far.tsv", "");
    tiny_edit("v.yaml", "data:", "data: {reader: text, valid: valid.tsv}\nextends: sub/base.yaml");
    struct experiment *experiment = load_good("v.yaml", "");
    ck_assert_str_eq(experiment->data.train.paths[0].text, sandbox_path("sub/near.tsv"));
    ck_assert_str_eq(experiment->data.valid.paths[0].text, sandbox_path("valid.tsv"));
    ck_assert_str_eq(experiment->data.test.paths[0].text, sandbox_path("far.tsv"));
    ck_assert_str_eq(node_at(experiment, "data.test")->text, experiment->data.test.paths[0].text);
    experiment_destroy(experiment);
    experiment = load_good("v.yaml", "data.train=/nowhere/at/all.tsv"); /* read later, so it need not exist */
    ck_assert_str_eq(experiment->data.train.paths[0].text, "/nowhere/at/all.tsv");
    experiment_destroy(experiment);
}
END_TEST

/* ---- the resolved tree ---- */

static const struct {
    const char *key, *line, *assignments;
} round_trips[] = {
    {"name:", "name: tiny", ""},
    {"name:", "", ""},
    {"name:", "name: \"1.5\"", ""},
    {"name:", "name: |-\n  a block", ""},
    {"optimizer:", "optimizer: {plugin: sgd, momentum: 0.5, lr: 1e-3}", ""},
    {"name:", "name: tiny", "architecture=1:1;data.max_length=1;name=\"yes\""},
    {"name:", "name: tiny", "name='a: b';data.train='x: y.tsv';data.valid=\"q # z.tsv\";data.test='- \\.tsv'"},
    {"name:", "name: tiny", "data.columns={text: '0', label: \"1\"};data.header=true;loss.label_smoothing=0.5"},
    {"name:", "name: tiny", "data.target=number;loss={plugin: squared_error}"},
    {"name:", "name: tiny",
     "model.layers.1={cell: lstm, hidden: 3};model.layers.2={cell: rnn_tanh, hidden: 2, dropout: 0.5}"},
    {"name:", "name: tiny", "optimizer.lr=1e-3;optimizer.epsilon=1e-30;schedule.seed=9007199254740991"},
    {"optimizer:",
     "optimizer:\n  plugin: adamw\n  groups:\n    - {match: \"embedding.*\", frozen: true}\n"
     "    - {match: [\"*.b_*\", head.b], weight_decay: 0, lr: 0.1}\n"
     "  wrappers: [{plugin: ema, decay: 0.9}, {plugin: centralise}]",
     ""},
    {"loss:", "loss: {sum: [{plugin: softmax_cross_entropy, weight: 0.7}, {plugin: hinge}]}", ""},
    {"schedule:",
     "schedule: {epochs: 2, learning_rate: {plugin: step, unit: epochs, every: 1}, warmup: {steps: 1}, validate: "
     "{epochs: 0.5}, "
     "batch: {steps: 40}, accumulate: 2, checkpoint: {every: {steps: 7, minutes: 0.5}, keep: 3}}",
     ""},
};

START_TEST(resolved_tree_resolves_to_itself) {
    tiny_edit("v.yaml", round_trips[_i].key, round_trips[_i].line);
    struct experiment *first = load_good("v.yaml", round_trips[_i].assignments);
    const char *text = yaml_write(first->root, arena);
    ck_assert_ptr_nonnull(text);
    sandbox_write("again.yaml", text);
    struct experiment *second = load_good("again.yaml", "");
    ck_assert_str_eq(yaml_write(second->root, arena), text);
    ck_assert_str_eq(second->name, first->name);
    ck_assert_str_eq(second->data.train.paths[0].text, first->data.train.paths[0].text);
    ck_assert_str_eq(second->data.valid.paths[0].text, first->data.valid.paths[0].text);
    ck_assert_int_eq(memcmp(&second->schedule.warmup, &first->schedule.warmup, sizeof first->schedule.warmup), 0);
    ck_assert_int_eq(memcmp(&second->schedule.batch, &first->schedule.batch, sizeof first->schedule.batch), 0);
    ck_assert_int_eq(memcmp(&second->schedule.validate, &first->schedule.validate, sizeof first->schedule.validate), 0);
    ck_assert_int_eq(memcmp(&second->schedule.options, &first->schedule.options, sizeof first->schedule.options), 0);
    ck_assert_int_eq(memcmp(&second->schedule.checkpoint_every, &first->schedule.checkpoint_every,
                            sizeof first->schedule.checkpoint_every),
                     0);
    ck_assert_int_eq(second->schedule.checkpoint.keep, first->schedule.checkpoint.keep);
    ck_assert_int_eq(memcmp(second->data.options, first->data.options, first->data.reader->options_size), 0);
    ck_assert_int_eq(second->embedding.size, first->embedding.size);
    ck_assert_double_eq(second->embedding.dropout, first->embedding.dropout);
    ck_assert_double_eq(second->embedding.word_dropout, first->embedding.word_dropout);
    ck_assert_int_eq(memcmp(second->optimizer.optimizer.options, first->optimizer.optimizer.options,
                            (size_t)first->optimizer.optimizer.descriptor->options_size),
                     0);
    ck_assert_int_eq(second->optimizer.n_groups, first->optimizer.n_groups);
    ck_assert_int_eq(second->optimizer.n_wrappers, first->optimizer.n_wrappers);
    ck_assert_int_eq(second->loss.count, first->loss.count);
    ck_assert_int_eq(second->layers.count, first->layers.count);
    experiment_destroy(first);
    experiment_destroy(second);
}
END_TEST

START_TEST(tables_of_sections_are_fit_for_use) {
    int32_t count = 0;
    for (struct experiment_section section; (section = experiment_section(count)).name != NULL; count++) {
        ck_assert_msg(section.summary != NULL && section.summary[0] != '\0', "'%s' has no summary", section.name);
        ck_assert_msg(options_create(section.table, 4096, arena, &errors) != NULL, "%s: %s", section.name,
                      all_errors());
        for (int32_t k = 0; k < count; k++) {
            ck_assert_str_ne(section.name, experiment_section(k).name);
        }
    }
    ck_assert_int_ge(count, 7);
    ck_assert_ptr_null(experiment_section(-1).name);
}
END_TEST

/* For each section of the table, lines that add this section to the experiment with a key that no section has. */
static const struct {
    const char *section, *assignments;
} strangers[] = {
    {"", "zzz=1"},
    {"data", "data.zzz=1"},
    {"model", "model.zzz=1"},
    {"model.embedding", "model.embedding.zzz=1"},
    {"model.embedding.input", "model.embedding.input={zzz: 1}"},
    {"model.embedding.previous", "model.embedding.previous={zzz: 1}"},
    {"model.embedding.source", "model.embedding.source={zzz: 1}"},
    {"model.encoder.N", "model.encoder=[{cell: gru, hidden: 4, zzz: 1}]"},
    {"model.encoder.N (block)", "model.encoder=[{block: attention, zzz: 1}]"},
    {"model.head", "model.head={zzz: 1}"},
    {"model.layers.N", "model.layers.0.zzz=1"},
    {"model.layers.N (block)", "model.layers.1={block: attention, over: self, zzz: 1}"},
    {"loss", "loss.zzz=1"},
    {"loss.sum.N", "loss={sum: [{plugin: hinge, zzz: 1}]}"},
    {"metrics.N", "metrics=[{plugin: f1, zzz: 1}]"},
    {"generate", "generate={zzz: 1}"},
    {"optimizer", "optimizer.zzz=1"},
    {"optimizer.groups.N", "optimizer.groups=[{match: head.b, zzz: 1}]"},
    {"optimizer.wrappers.N", "optimizer.wrappers=[{plugin: ema, zzz: 1}]"},
    {"schedule", "schedule.zzz=1"},
    {"schedule.learning_rate", "schedule.learning_rate={plugin: cosine, zzz: 1}"},
    {"schedule.warmup", "schedule.warmup={steps: 1, zzz: 1}"},
    {"schedule.validate", "schedule.validate={steps: 1, zzz: 1}"},
    {"schedule.checkpoint", "schedule.checkpoint={zzz: 1}"},
    {"schedule.checkpoint.every", "schedule.checkpoint={every: {zzz: 1}}"},
    {"schedule.early_stopping", "schedule.early_stopping.zzz=1"},
    {"compare", "compare={zzz: 1}"},
    {"compare.tune", "compare={tune: {zzz: 1}}"},
};

/* The keys that the first error with the key zzz lists, as " a, b, c,". */
static const char *listed_keys(void) {
    for (int32_t i = 0; i < errors.count && i < ERRORS_MAX; i++) {
        const char *text = errors_text(&errors, i);
        const char *list = strstr(text, "unknown key 'zzz'") == NULL ? NULL : strstr(text, "expected one of");
        if (list != NULL) {
            return arena_printf(arena, "%s,", list + strlen("expected one of"));
        }
    }
    ck_abort_msg("no error lists the keys: %s", all_errors());
}

/* `rondo list` shows the same keys that the reader of experiments accepts. */
START_TEST(readers_accept_the_keys_of_the_table) {
    const struct experiment_section section = experiment_section(_i);
    ck_assert_str_eq(section.name, strangers[_i].section);
    const char *listed = "";
    /* Some keys of `data` belong to some readers only. */
    for (int32_t r = 0; reader_at(r) != NULL && (r == 0 || strcmp(section.name, "data") == 0); r++) {
        const char *more =
            strcmp(section.name, "data") == 0 ? arena_printf(arena, ";data.reader=%s", reader_at(r)->name) : "";
        const char *assignments = arena_printf(arena, "%s%s", strangers[_i].assignments, more);
        if (strncmp(section.name, "compare", strlen("compare")) == 0) {
            struct compare_section unused;
            const char *const list[] = {assignments, NULL};
            struct yaml_node *tree = experiment_tree(sandbox_path("e.yaml"), list, arena, &errors);
            ck_assert_int_ne(compare_section_take(tree, &unused, arena, &errors), RONDO_OK);
        } else {
            ck_assert_ptr_null(load("e.yaml", assignments));
        }
        listed = arena_printf(arena, "%s%s", listed, listed_keys());
        errors_free(&errors);
    }

    for (const rondo_option *option = section.table; option != NULL && option->key != NULL; option++) {
        ck_assert_msg(strstr(listed, arena_printf(arena, " %s,", option->key)) != NULL, "%s: %s", option->key, listed);
    }
    for (const struct experiment_key *key = section.keys; key != NULL && key->name != NULL; key++) {
        ck_assert_msg(strstr(listed, arena_printf(arena, " %s,", key->name)) != NULL, "%s: %s", key->name, listed);
    }
    struct experiment_section inner;
    for (int32_t i = 0; (inner = experiment_section(i)).name != NULL; i++) {
        const char *key = NULL;
        const size_t length = experiment_inner_key(section.name, inner.name, &key);
        const char *name = arena_printf(arena, " %.*s,", (int)length, key == NULL ? "" : key);
        ck_assert_msg(length == 0 || strstr(listed, name) != NULL, "%s: %s", name, listed);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("experiment");
    TCase *cases = tcase_create("experiment");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, all_mistakes_are_reported_together, 0, ROWS(mistakes));
    tcase_add_test(cases, earlier_errors_of_the_caller_do_not_matter);
    tcase_add_loop_test(cases, value_and_where_it_came_from_are_known, 0, ROWS(values));
    tcase_add_test(cases, structs_hold_what_the_tree_says);
    tcase_add_test(cases, paths_are_absolute_and_relative_to_the_file_that_has_them);
    tcase_add_loop_test(cases, resolved_tree_resolves_to_itself, 0, ROWS(round_trips));
    tcase_add_test(cases, tables_of_sections_are_fit_for_use);
    tcase_add_loop_test(cases, readers_accept_the_keys_of_the_table, 0, ROWS(strangers));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
