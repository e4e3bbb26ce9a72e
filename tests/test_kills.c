/* tests/test_kills.c: a training that is killed at any moment and resumed ends with the same bytes as one left alone. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kill_run.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

enum { LINE = 1024 };

/* A text that lasts as long as the process. */
__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...) {
    char *text = sandbox_memory(LINE);
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(text, LINE, format, arguments), LINE);
    va_end(arguments);
    return text;
}

/* ---- experiments ---- */

/* Everything that an update depends on besides weights and slots: states carried from window to window, dropout, an update of
 * several batches, averaged weights, a learning rate that follows the validations, early stopping by two metrics. What it writes after each validation is a file of the run. */
static const char composite[] =
    "rondo: 1\n"
    "name: composite\n"
    "architecture: \"N:N\"\n"
    "data: {reader: characters, train: train.txt, valid: valid.txt, window: 6, carry: true}\n"
    "model:\n"
    "  feedback: true\n"
    "  embedding: {size: 6, dropout: 0.1}\n"
    "  layers:\n"
    "    - {cell: lstm, hidden: 8, dropout: 0.2, zoneout: 0.1}\n"
    "    - {cell: gru, hidden: 8, variational_dropout: 0.1}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "metrics: [bits_per_symbol]\n"
    "optimizer:\n"
    "  plugin: adamw\n"
    "  lr: 0.08\n"
    "  wrappers: [{plugin: ema, decay: 0.9}]\n"
    "  groups: [{match: \"*.b*\", weight_decay: 0, lr: 0.04}]\n"
    "schedule:\n"
    "  epochs: 10\n"
    "  batch: 4\n"
    "  accumulate: 2\n"
    "  seed: 3\n"
    "  clip_norm: 0.5\n"
    "  diagnostics: true\n"
    "  validate: {epochs: 0.5}\n"
    "  warmup: {steps: 5}\n"
    "  learning_rate: {plugin: plateau, factor: 0.3, patience: 0, threshold: 0.06}\n"
    "  early_stopping: {metric: [valid.accuracy, valid.loss], patience: 2, min_delta: 0.02}\n"
    "  checkpoint: {every: {steps: 3, epochs: 1}}\n"
    "generate: {show: 2, max_length: 20}\n";

/* A few values become infinite, by random words that depend on the step only: these updates are left out. */
static const char skipping[] =
    "rondo: 1\n"
    "name: skipping\n"
    "architecture: \"N:N\"\n"
    "data: {reader: characters, train: train.txt, window: 6, carry: true}\n"
    "model: {feedback: true, embedding: {size: 4}, layers: [{cell: bursts.yaml, hidden: 4}]}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "optimizer: {plugin: adam}\n"
    "schedule: {epochs: 2, batch: 3, on_nonfinite: skip, nonfinite_limit: 100}\n";
static const char bursts[] = "cell: bursts\n"
                             "source: nobody\n"
                             "state: [h]\n"
                             "equations: |\n"
                             "  h' = tanh(x @ W + h @ U) * exp(dropout(sigmoid(x @ V), rate=0.995))\n";

/* The learning rate is so high that the training goes back to checkpoints with a lower one. */
static const char diverging[] =
    "rondo: 1\n"
    "name: diverging\n"
    "architecture: \"N:1\"\n"
    "data: {reader: text, train: three.tsv, valid: three.tsv, columns: {text: 0, label: 1}, target: number}\n"
    "model: {embedding: {size: 4}, layers: [{cell: rnn_tanh, hidden: 4}]}\n"
    "loss: {plugin: squared_error}\n"
    "optimizer: {plugin: sgd, lr: 5}\n"
    "schedule: {epochs: 9, batch: 1, on_nonfinite: rollback}\n";

/* A text with some regularity, different for each `word`. */
static void write_sentences(const char *name, int count, uint64_t word) {
    static const char *const who[] = {"the cat", "a dog", "our king", "some bird"};
    static const char *const what[] = {" sees ", " likes ", " is ", " had "};
    char *text = sandbox_memory((size_t)count * 32 + 1);
    text[0] = '\0';
    for (char *end = text; count > 0; count--) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        end += sprintf(end, "%s%s%s.\n", who[word >> 62], what[word >> 60 & 3], who[word >> 58 & 3]);
    }
    sandbox_write(name, text);
}

/* A file of so many lines, each with words that no other line has. */
static void write_many_words(const char *name, int count) {
    char *text = sandbox_memory((size_t)count * 32 + 1), *end = text;
    for (int i = 0; i < count; i++) {
        end += sprintf(end, "w%d x%d\t%s\n", i, i, i % 3 == 0 ? "great" : "other");
    }
    sandbox_write(name, text);
}

static void setup(void) {
    sandbox_open();
    kill_open();
    tiny_write();
    sandbox_write("composite.yaml", composite);
    sandbox_write("skipping.yaml", skipping);
    sandbox_write("bursts.yaml", bursts);
    sandbox_write("diverging.yaml", diverging);
    sandbox_write("three.tsv", "tea\t1e9\nsoup\t-1e9\ncake\t3\n");
    write_sentences("train.txt", 40, 1);
    write_sentences("valid.txt", 30, 2);
    sandbox_write("predict.txt", "the ca\na dog l\n");
}

/* ---- 200 kills ---- */

START_TEST(two_hundred_kills_leave_no_trace) {
    struct kill_reference reference;
    kill_reference(&reference, "composite.yaml", "alone");
    struct kill_lane lanes[] = {
        {.folder = "times-1", .when = KILL_AT_TIMES, .threads = 1, .signals = 50},
        {.folder = "times-2", .when = KILL_AT_TIMES, .threads = 2, .signals = 50},
        {.folder = "times", .when = KILL_AT_TIMES, .signals = 50},
        {.folder = "calls", .when = KILL_AT_CALLS, .signals = 50},
    };
    int hits = 0, ended = 0;
    for (int i = 0; i < ROWS(lanes); i++) {
        lanes[i].reference = &reference;
        lanes[i].signal = SIGKILL;
        lanes[i].seed = (uint64_t)i + 1;
    }
    kill_lanes(lanes, ROWS(lanes));
    for (int i = 0; i < ROWS(lanes); i++) {
        hits += lanes[i].hits;
        ended += lanes[i].ended;
        ck_assert_int_ge(lanes[i].ended, 1);
    }
    ck_assert_int_eq(hits, 200);
    ck_assert_int_ge(ended, 10);
}
END_TEST

/* ---- every moment ---- */

enum { MOST_MOMENTS = 1024 };

/* Each call that opens or changes a file, and the middle of each that writes: in a training from its start, and in one that is
 * resumed, for which another process was killed when half of it was done. Both also with a loss of power. To save time, only
 * the first has each moment; the others one in four. */
START_TEST(every_moment_of_a_write_leaves_a_run_that_goes_on) {
    static struct kill_lane lanes[MOST_MOMENTS];
    struct kill_reference reference, resumed;
    const int stride = _i == 0 ? 1 : 4;
    tiny_edit("moments.yaml",
              "schedule:", "schedule: {epochs: 2, batch: 12, seed: 1, checkpoint: {every: {steps: 1}}}");
    kill_reference(&reference, "moments.yaml --set optimizer.plugin=sgd --set model.layers.0.cell=rnn_tanh",
                   text_of("alone-moments-%d", _i));
    resumed = reference;
    const char *half = text_of("half-%d", _i), *whole = text_of("whole-%d", _i);
    if (_i % 2 == 1) {
        const char *moment = text_of("call:%d:%d", (int)(0.7 * (double)reference.calls), SIGKILL);
        const struct outcome outcome = kill_session(text_of("train %s --out %s", reference.experiment, half), moment);
        ck_assert_int_eq(outcome.signal, SIGKILL);
        sandbox_copy(half, whole);
        resumed.calls = kill_calls(text_of("train --resume %s --threads 1", whole));
    }
    const int count = (int)resumed.calls / stride;
    ck_assert_int_le(count, MOST_MOMENTS);
    for (int i = 0; i < count; i++) {
        lanes[i] = (struct kill_lane){.reference = &reference,
                                      .folder = text_of("moment-%d-%d", _i, i),
                                      .from = _i % 2 == 1 ? half : NULL,
                                      .when = _i < 2 ? KILL_AT_CALLS : KILL_BY_POWER,
                                      .call = stride * i + 1 + i % stride,
                                      .signals = 1,
                                      .signal = SIGKILL,
                                      .threads = 1};
    }
    kill_lanes(lanes, count);
}
END_TEST

/* ---- accepted changes ---- */

/* A run; flags of a resume with other keys, and a line that experiment.yaml has from then on. */
static const struct {
    const char *experiment, *flags, *line;
} accepted[] = {
    {"e.yaml", "--set optimizer.lr=0.1", "\n  lr: 0.1\n"},
    {"e.yaml", "--set schedule.on_nonfinite=rollback --set optimizer.lr=0.1", "\n  lr: 0.1\n"},
    {"e.yaml", "--set schedule.learning_rate.plugin=cosine", "\n    plugin: cosine\n"},
    /* It goes back to the state after step 8, from before the changes, which are accepted after step 9. */
    {"diverging.yaml --set optimizer.lr=1e-12 --set schedule.validate.steps=8 --set schedule.epochs=3 "
     "--set schedule.checkpoint.every.epochs=100 --set schedule.rollback_factor=1e-5",
     "--set optimizer.lr=1000 --set schedule.epochs=6", "\n  lr: 1000\n"},
};

/* Once experiment.yaml has the changes, or still none of the files has them, nothing needs to be accepted again. In the short time
 * between, the same command goes on. */
START_TEST(changes_that_were_accepted_stay_accepted) {
    char *command = text_of("train --resume changed --quiet --accept-changes --set schedule.epochs=4 "
                            "--set schedule.checkpoint.every.epochs=100 %s",
                            accepted[_i].flags);
    struct outcome outcome;
    int refused = 0, has_changed = 0;
    const char *base = text_of("base-%d", _i);
    outcome = kill_session(text_of("train %s --out %s --quiet", accepted[_i].experiment, base), NULL);
    assert_status("train", &outcome, 0);
    for (int call = 1;; call += _i == 0 ? 2 : 7) {
        if (sandbox_has("changed")) {
            sandbox_remove("changed");
        }
        sandbox_copy(base, "changed");
        outcome = kill_session(command, text_of("call:%d:%d", call, SIGKILL));
        if (outcome.signal != SIGKILL) {
            assert_status(command, &outcome, 0);
            break;
        }
        const int is_changed = strstr(sandbox_read("changed/experiment.yaml", NULL), accepted[_i].line) != NULL;
        outcome = kill_session("train --resume changed --quiet", NULL);
        refused += outcome.status == 2;
        has_changed += is_changed;
        if (is_changed || outcome.status != 2) {
            assert_status(text_of("plain resume after moment %d", call), &outcome, 0);
        } else {
            assert_parts("refusal", outcome.err, "--accept-changes goes on nevertheless");
            outcome = kill_session(command, NULL);
            assert_status(command, &outcome, 0);
        }
    }
    ck_assert_int_ge(has_changed, 2);
    ck_assert_int_le(refused, 15);
}
END_TEST

/* ---- every optimizer, wrapper and schedule ---- */

enum { MOST_PLUGINS = 128, KILLS = 3 };

/* The plug-ins of `rondo list --json`, so that none that is added is left out: a line of the tiny experiment for each, with
 * options that the plug-in needs, which its example has. */
static struct plugin_line { const char *name, *key, *line; } plugin_lines[MOST_PLUGINS];
static int n_plugin_lines;

static void add_line(const char *name, const char *key, const char *line) {
    ck_assert_int_lt(n_plugin_lines, MOST_PLUGINS);
    plugin_lines[n_plugin_lines++] = (struct plugin_line){text_of("%s", name), key, line};
}

/* The mapping "{plugin: NAME, …}" within an example. */
static char *mapping_of(const char *name, const char *example) {
    const char *begin = strstr(example, text_of("{plugin: %s", name));
    ck_assert_msg(begin != NULL, "the example of '%s' is '%s'", name, example);
    const size_t length = strcspn(begin, "}") + 1;
    char *mapping = sandbox_memory(length + 1);
    snprintf(mapping, length + 1, "%s", begin);
    return mapping;
}

static void list_plugins(void) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = "list --json"});
    assert_status("list", &outcome, 0);
    json_t *entries = json_loads(outcome.out, 0, NULL);
    ck_assert(json_is_array(entries));
    size_t index;
    json_t *entry;
    json_array_foreach(entries, index, entry) {
        const char *kind = json_string_value(json_object_get(entry, "kind"));
        const char *name = json_string_value(json_object_get(entry, "name"));
        const char *example = json_string_value(json_object_get(entry, "example"));
        if (strcmp(kind, "schedule") == 0) {
            add_line(
                name, "schedule:",
                text_of("schedule: {epochs: 3, batch: 4, seed: 1, checkpoint: {every: {steps: 2}}, learning_rate: %s}",
                        mapping_of(name, example)));
        } else if (strcmp(kind, "optimizer") == 0 && json_is_true(json_object_get(entry, "wrapper"))) {
            add_line(name, "optimizer:",
                     text_of("optimizer: {plugin: adam, lr: 0.05, wrappers: [%s]}", mapping_of(name, example)));
        } else if (strcmp(kind, "optimizer") == 0) {
            add_line(name, "optimizer:", text_of("optimizer: %s", mapping_of(name, example)));
        }
    }
    json_decref(entries);
}

START_TEST(every_optimizer_wrapper_and_schedule_goes_on) {
    static struct kill_reference references[MOST_PLUGINS];
    static struct kill_lane lanes[MOST_PLUGINS];
    list_plugins();
    ck_assert_int_ge(n_plugin_lines, 31);
    for (int i = 0; i < n_plugin_lines; i++) {
        const struct plugin_line *plugin = &plugin_lines[i];
        const char *file = text_of("%s.yaml", plugin->name);
        tiny_edit(file, plugin->key, plugin->line);
        const char *experiment = text_of("%s --set schedule.checkpoint.every.steps=2 --set schedule.batch=4", file);
        kill_reference(&references[i], experiment, text_of("alone-%s", plugin->name));
        lanes[i] = (struct kill_lane){.reference = &references[i],
                                      .folder = text_of("killed-%s", plugin->name),
                                      .when = i % 2 == 0 ? KILL_AT_CALLS : KILL_AT_TIMES,
                                      .signals = KILLS,
                                      .signal = SIGKILL,
                                      .seed = (uint64_t)i + 1};
    }
    kill_lanes(lanes, n_plugin_lines);
    for (int i = 0; i < n_plugin_lines; i++) {
        ck_assert_int_eq(lanes[i].hits, KILLS);
        ck_assert_int_ge(lanes[i].ended, 1);
    }
}
END_TEST

/* ---- other parts of a training ---- */

/* Settings without blanks. */
static const char *const features[] = {
    "e.yaml --set data.valid=null", /* each epoch is the best */
    "e.yaml --set schedule.batch={\"steps\":12} --set model.embedding.word_dropout=0.3",
    "e.yaml --set schedule.validate.steps=2 --set schedule.accumulate=2 --set schedule.batch=4",
    "e.yaml --set schedule.validate.epochs=0.7 --set schedule.early_stopping.patience=1",
    "e.yaml --set loss={\"plugin\":softmax_cross_entropy,\"class_weights\":balanced}",
    "e.yaml --set loss={\"sum\":[{\"plugin\":softmax_cross_entropy},{\"plugin\":hinge,\"weight\":0.2}]}",
    "e.yaml --set optimizer.groups=[{\"match\":\"embedding.*\",\"frozen\":true}]",
    "e.yaml --set model.layers=[{\"cell\":lstm,\"hidden\":4,\"direction\":both,\"recurrent_dropout\":0.1}]",
    "composite.yaml --set schedule.epochs=2 --set data.carry=false",
    "composite.yaml --set schedule.epochs=2 "
    "--set optimizer.wrappers=[{\"plugin\":lookahead},{\"plugin\":centralise},{\"plugin\":swa}]",
    /* Drawn classes, and vectors of words whose updates are done later. */
    "composite.yaml --set schedule.epochs=2 --set data.reader=words --set metrics=null "
    "--set loss={\"plugin\":sampled_softmax,\"samples\":3} --set model.embedding.lazy=true",
    /* Values that are not finite. */
    "skipping.yaml",
    "diverging.yaml --set schedule.rollback_factor=0.05",
    "diverging.yaml --set schedule.validate.steps=5 --set schedule.checkpoint.keep=1 "
    "--set schedule.rollback_factor=0.05",
};

/* The experiments whose values are not finite must have met some. */
static void assert_feature(const char *feature, const struct kill_reference *reference) {
    const char *key = strncmp(feature, "skipping", 8) == 0    ? "skipped"
                      : strncmp(feature, "diverging", 9) == 0 ? "rollbacks"
                                                              : NULL;
    json_t *result = json_loads(reference->result, 0, NULL);
    ck_assert_msg(key == NULL || json_integer_value(json_object_get(result, key)) > 0, "%s: no %s", feature, key);
    json_decref(result);
}

START_TEST(other_parts_of_a_training_go_on) {
    static struct kill_reference references[ROWS(features)];
    static struct kill_lane lanes[ROWS(features)];
    for (int i = 0; i < ROWS(features); i++) {
        const char *engine = i % 2 == 0 ? "--engine=fused" : "--engine=tape";
        kill_reference(&references[i], text_of("%s %s --set schedule.checkpoint.every.steps=2", features[i], engine),
                       text_of("alone-feature-%d", i));
        assert_feature(features[i], &references[i]);
        lanes[i] = (struct kill_lane){.reference = &references[i],
                                      .folder = text_of("feature-%d", i),
                                      .flags = engine,
                                      .when = KILL_AT_CALLS,
                                      .signals = KILLS,
                                      .signal = SIGKILL,
                                      .seed = (uint64_t)i + 1};
    }
    kill_lanes(lanes, ROWS(lanes));
    for (int i = 0; i < ROWS(lanes); i++) {
        ck_assert_int_eq(lanes[i].hits, KILLS);
        ck_assert_int_ge(lanes[i].ended, 1);
    }
}
END_TEST

/* ---- signals ---- */

static const int stopping[] = {SIGTERM, SIGINT, SIGHUP};

START_TEST(a_signal_at_any_moment_leaves_a_run_that_goes_on) {
    struct kill_reference reference;
    kill_reference(&reference, "composite.yaml", text_of("alone-%d", _i));
    struct kill_lane lanes[] = {
        {.folder = text_of("times-%d", _i), .when = KILL_AT_TIMES, .signals = 10},
        {.folder = text_of("calls-%d", _i), .when = KILL_AT_CALLS, .signals = 10},
    };
    for (int i = 0; i < ROWS(lanes); i++) {
        lanes[i].reference = &reference;
        lanes[i].signal = stopping[_i];
        lanes[i].seed = (uint64_t)(i + 10 * _i) + 1;
    }
    kill_lanes(lanes, ROWS(lanes));
    for (int i = 0; i < ROWS(lanes); i++) {
        ck_assert_int_eq(lanes[i].hits, 10);
        ck_assert_int_ge(lanes[i].ended, 1);
    }
}
END_TEST

/* Reading the data and drawing the initial weights take as long as the training. */
START_TEST(a_slow_start_can_be_ended_at_any_moment) {
    static const int signals[] = {SIGKILL, SIGTERM};
    struct kill_reference reference;
    write_many_words("many.tsv", 8000);
    tiny_edit("many.yaml", "data:", "data: {reader: text, train: many.tsv, valid: valid.tsv}");
    kill_reference(&reference,
                   "many.yaml --set model.embedding.size=64 --set schedule.epochs=1 --set schedule.batch=1000 "
                   "--set schedule.checkpoint.every.steps=3",
                   "alone-many");
    struct kill_lane lanes[ROWS(signals)];
    for (int i = 0; i < ROWS(signals); i++) {
        lanes[i] = (struct kill_lane){.reference = &reference,
                                      .folder = text_of("many-%d", i),
                                      .when = KILL_AT_TIMES,
                                      .share = 0.4,
                                      .signals = 8,
                                      .signal = signals[i],
                                      .seed = (uint64_t)i + 1};
    }
    kill_lanes(lanes, ROWS(lanes));
    for (int i = 0; i < ROWS(lanes); i++) {
        ck_assert_int_eq(lanes[i].hits, lanes[i].signals);
        ck_assert_int_ge(lanes[i].ended, 1);
    }
}
END_TEST

/* ---- more epochs ---- */

static const struct {
    const char *schedule; /* further keys */
    const char *settings; /* of both trainings, not of the resume */
    const char *refusal;  /* NULL: the training goes on as if it had had more epochs from the start */
} longer[] = {
    {", batch: 8", "", NULL},
    {", learning_rate: {plugin: plateau, patience: 0, threshold: 0.05}", "", NULL},
    /* The shorter training ends with a validation that is not due in the longer one, ... */
    {", validate: {epochs: 0.7}, accumulate: 2, batch: 4", "", NULL},
    /* ... and its weights are better than all that the longer one sees. */
    {", validate: {steps: 4}, batch: 8", "--set schedule.seed=19 --set optimizer.plugin=sgd --set optimizer.lr=1",
     NULL},
    {", learning_rate: {plugin: cosine}", "", "cosine"},
};

START_TEST(more_epochs_give_the_bytes_of_a_longer_training) {
    const char *settings = longer[_i].settings, *more = "--set schedule.epochs=6";
    tiny_edit("longer.yaml", "schedule:", text_of("schedule: {epochs: 3, seed: 1%s}", longer[_i].schedule));
    struct outcome outcome = kill_session(text_of("train longer.yaml --out short-%d %s", _i, settings), NULL);
    assert_status("train", &outcome, 0);
    outcome = kill_session(text_of("train longer.yaml --out long-%d %s %s", _i, settings, more), NULL);
    assert_status("train", &outcome, 0);
    outcome = kill_session(text_of("train --resume short-%d", _i), NULL); /* finished: nothing changes */
    assert_status("again", &outcome, 0);
    outcome = kill_session(text_of("train --resume short-%d %s", _i, more), NULL);
    if (longer[_i].refusal == NULL) {
        assert_status("resume", &outcome, 0);
        kill_compare_runs(text_of("long-%d", _i), text_of("short-%d", _i));
    } else {
        assert_status("resume", &outcome, 2);
        assert_parts("resume", outcome.err, longer[_i].refusal);
    }
}
END_TEST

static void add_kills(Suite *suite, const char *name, const TTest *test, int rows) {
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, test, 0, rows);
    suite_add_tcase(suite, cases);
}

int main(void) {
    Suite *suite = suite_create("kills");
    add_kills(suite, "many", two_hundred_kills_leave_no_trace, 1);
    add_kills(suite, "moments", every_moment_of_a_write_leaves_a_run_that_goes_on, 4);
    add_kills(suite, "accepted", changes_that_were_accepted_stay_accepted, ROWS(accepted));
    add_kills(suite, "plugins", every_optimizer_wrapper_and_schedule_goes_on, 1);
    add_kills(suite, "features", other_parts_of_a_training_go_on, 1);
    add_kills(suite, "signals", a_signal_at_any_moment_leaves_a_run_that_goes_on, ROWS(stopping));
    add_kills(suite, "start", a_slow_start_can_be_ended_at_any_moment, 1);
    add_kills(suite, "longer", more_epochs_give_the_bytes_of_a_longer_training, ROWS(longer));
    return run_suite(suite);
}
