/* tests/test_cli.c: the `rondo` program from outside: its output, the files that it writes, and its exit status.
 *
 * test_bad_input.c tests the reaction to bad input. The environment names the program: RONDO_PROGRAM.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* Every test has the experiment e.yaml, its data, a cell of its own, and a run of it: `run`. */
static void setup(void) {
    sandbox_open();
    tiny_write();
    sandbox_write("mine.yaml", "cell: mine\n"
                               "source: \"swish in a plain recurrence\"\n"
                               "state: [h]\n"
                               "options: {gain: {default: 1, min: 0, max: 10, help: \"slope of swish\"}}\n"
                               "equations: |\n"
                               "  h' = tanh(swish(x @ W + h @ U + b, beta=gain))\n");
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e.yaml --out run"});
    assert_status("the run that all tests share", &outcome, 0);
}

/* Runs `rondo` with these arguments and asserts its status. */
static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* ---- one call with its output ---- */

static const struct {
    const char *arguments, *input;
    int status;
    const char *out, *err; /* parts */
} calls[] = {
    {"--help", NULL, 0, "usage: rondo COMMAND|train|eval|predict|check|list|cells|gradcheck", ""},
    {"help", NULL, 0, "usage: rondo COMMAND", ""},
    {"--version", NULL, 0, "rondo " RONDO_VERSION "|plugin ABI 1.", ""},
    {"train --help", NULL, 0, "usage: rondo train EXPERIMENT.yaml|--set KEY=VALUE|-o, --out FOLDER|--plugin", ""},
    {"report --help", NULL, 0, "usage: rondo report RUN|-o, --out FILE", ""},
    {"report run -o r.html", NULL, 0, "r.html: 1 run, 1 variant", ""},
    {"report run --out r.html", NULL, 0, "r.html: 1 run, 1 variant", ""},
    {"report run none", NULL, 2, "", "'none' is not a folder; expected that of a run or of a comparison"},
    {"report", NULL, 2, "", "an argument is missing"},
    {"report run -o none/r.html", NULL, 1, "", "none/r.html"},
    {"eval --help", NULL, 0, "usage: rondo eval RUN|--on PART|--data FILE|--json", ""},
    {"predict --help", NULL, 0, "usage: rondo predict RUN|--json", ""},
    {"check --help", NULL, 0, "usage: rondo check EXPERIMENT.yaml|--set KEY=VALUE", ""},
    {"list -h", NULL, 0, "usage: rondo list [KIND[/NAME]]|--json|--reference FOLDER", ""},
    {"train --help e.yaml nonsense", NULL, 0, "usage: rondo train", ""},

    {"", NULL, 2, "", "usage: rondo COMMAND"},
    {"trian e.yaml", NULL, 2, "", "unknown command 'trian' (did you mean 'train'?)"},
    {"xyzzy", NULL, 2, "", "unknown command 'xyzzy'\n"},
    {"train", NULL, 2, "", "an argument is missing|usage: rondo train"},
    {"train e.yaml f.yaml", NULL, 2, "", "one argument too many: 'f.yaml'"},
    {"train e.yaml --thread 2", NULL, 2, "", "unknown flag '--thread' (did you mean '--threads'?)"},
    {"train e.yaml -q", NULL, 2, "", "unknown flag '-q'"},
    {"eval run -o x", NULL, 2, "", "unknown flag '-o'"},
    {"train e.yaml -o", NULL, 2, "", "a value is missing after '-o'"},
    {"train e.yaml --out", NULL, 2, "", "a value is missing after '--out'"},
    {"train e.yaml --out=", NULL, 2, "", "--out expects a value that is not empty, got ''"},
    {"train e.yaml --quiet=yes", NULL, 2, "", "this flag takes no value: '--quiet=yes'"},
    {"train e.yaml --threads 0", NULL, 2, "", "--threads expects a number from 1 to 4096, got '0'"},
    {"train e.yaml --threads two", NULL, 2, "", "--threads expects a number from 1 to 4096, got 'two'"},
    {"train e.yaml --threads 2x", NULL, 2, "", "got '2x'"},
    {"train e.yaml --max-memory lots", NULL, 2, "",
     "--max-memory expects a size with a unit, such as 512M, 4G or 4GiB, got 'lots' (at character 1)"},
    {"check e.yaml --max-memory 4", NULL, 2, "", "got '4' (at character 2)"},
    {"check e.yaml --max-memory 1.5X", NULL, 2, "", "got '1.5X' (at character 4)"},
    {"train e.yaml --max-memory 1k --out none", NULL, 2, "",
     "e.yaml:5:|training this model takes | MB of memory: | for the program and the data, |expected at most 1.0 kB, "
     "which is "
     "--max-memory"},
    {"train e.yaml --engine warp", NULL, 2, "", "unknown engine 'warp', expected fused or tape"},
    {"train e.yaml --engine fusd", NULL, 2, "", "unknown engine 'fusd' (did you mean 'fused'?)"},
    {"eval run --engine=Tape", NULL, 2, "", "unknown engine 'Tape' (did you mean 'tape'?)"},
    {"predict run --passes=-fuse,-mrege", NULL, 2, "", "unknown pass '-mrege' (did you mean '-merge'?) in --passes"},
    {"check e.yaml --passes=all", NULL, 2, "",
     "unknown pass 'all' in --passes, expected one or more of -merge, -hoist"},
    {"check e.yaml --engine=tape --passes=-fuse", NULL, 2, "", "'-fuse' is not used: the engine tape has no passes"},
    {"train -- --help", NULL, 2, "", "cannot read '--help': there is no such file"},
    {"eval run --on tset", NULL, 2, "", "unknown part of the data 'tset' (did you mean 'test'?)"},
    {"eval run --data nothing.tsv", NULL, 2, "", "--data: |nothing.tsv"},
    {"predict nothing", NULL, 2, "", "'nothing' is not the folder of a run: it has no experiment.yaml"},
    {"predict run nothing.txt", NULL, 2, "", "cannot open 'nothing.txt'"},
    {"predict run run", NULL, 2, "", "cannot open 'run': Is a directory"},
    {"list adam", NULL, 2, "", "unknown kind 'adam' (did you mean 'optimizer/adam'?)"},
    {"list optimiser", NULL, 2, "", "unknown kind 'optimiser' (did you mean 'optimizer'?)"},
    {"list schedul", NULL, 2, "",
     "unknown kind 'schedul' (did you mean 'schedule'?), expected op, optimizer, loss, schedule, metric, cell, block, "
     "reader "
     "or "
     "experiment, "},
    {"list optimizer/adm", NULL, 2, "", "there is no 'optimizer/adm' (did you mean 'adam'?)"},
    {"list experiment/shedule", NULL, 2, "", "there is no 'experiment/shedule' (did you mean 'schedule'?)"},

    {"list", NULL, 0,
     "op:\n|optimizer:\n|loss:\n|schedule:\n|cell:\n|experiment:\n|adam|softmax_cross_entropy|cosine|lstm|swish", ""},
    {"list optimizer", NULL, 0, "adam|sgd|  ema  ", ""},
    {"list optimizer/adam", NULL, 0,
     "  lr  | 0.001  | number in [0, 1000]  | learning rate\n|first_moment, second_moment (like the parameter)\n|"
     "  optimizer: {plugin: adam, lr: 0.001}\n|/optimizers/adam.so\n|  adam 1.0, licence MIT\n",
     ""},
    {"list optimizer/muon", NULL, 0, " ns_coefficients |number or list of numbers in", ""},
    {"list optimizer/ema", NULL, 0, "wrapper  |wrappers: [{plugin: ema, decay: 0.999}]", ""},
    {"list loss/huber", NULL, 0, "metrics  |(lower is better)|  loss: {plugin: huber, ", ""},
    {"list schedule/cosine", NULL, 0, "  schedule: {learning_rate: {plugin: cosine", ""},
    {"list schedule/plateau", NULL, 0, "needs  |validation data", ""},
    {"list op/sigmoid", NULL, 0, "op sigmoid\n|  y = sigmoid(x)\n|gradient    yes\n|file        built-in\n", ""},
    {"list op/gather", NULL, 0, "inputs      x, index\n", ""},
    {"list cell/lstm", NULL, 0,
     "  | c' = f * c + i * g\n|state       h [hidden], c [hidden]\n|source      Hochreiter|/cells/lstm.yaml\n|"
     "{cell: lstm, hidden: 64}",
     ""},
    {"list experiment", NULL, 0, "experiment (top)\n|experiment schedule.warmup\n|  match  |  plugin  |  cell  ", ""},
    {"list experiment/schedule", NULL, 0, "batch|epochs|accumulate|clip_norm|seed", ""},

    {"check e.yaml", NULL, 0,
     "rondo |# e.yaml:1:8\n|optimizer.lr |0.05 |# e.yaml:7:31\n|optimizer.beta1 |# default\n|model.layers.0.hidden "
     "|embedding.W |layers.0.U_r |head.b |operations for each row|24 training examples, 8 for validation, 8 for "
     "testing\n|input: |target: 1 element per example, one of 2 classes\n",
     ""},
    {"check e.yaml --set optimizer.lr=0.5", NULL, 0, "# --set optimizer.lr=0.5", ""},
    {"eval run", NULL, 0, "test: 8 examples, loss |, accuracy |, perplexity ", ""},
    {"eval run --on valid", NULL, 0, "valid: 8 examples, loss ", ""},
    {"eval run --data train.tsv", NULL, 0, "train.tsv: 24 examples, loss ", ""},
    {"eval run --engine tape", NULL, 0, "test: 8 examples, loss ", ""},
    {"eval run --engine fused --passes -fuse,-plan", NULL, 0, "test: 8 examples, loss ", ""},
    {"check e.yaml --engine tape", NULL, 0, "24 training examples", ""},
    {"check e.yaml --max-memory 4GiB", NULL, 0, " of memory for training: | program and data", ""},
    {"check e.yaml --max-memory 1M", NULL, 2,
     " of memory for training: ", "expected at most 1.0 MB, which is --max-memory"},
    {"check e.yaml --max-memory 1M --json", NULL, 2, "\"tapes\": ", "which is --max-memory"},
    {"predict run --engine tape", "soup lovely\n", 0, "\t0.", ""},
    {"predict run", "", 0, "", ""},
    {"predict run", "soup lovely", 0, "\t0.", ""}, /* a last line without its end */
    {"predict run", "fine\n\xff\xfe\nfine\n", 2, "\t0.", "standard input:2: this line is not UTF-8 text"},
    {"predict run", "caf\xc3\xa9\n\xc3\n", 2, "\t0.", "standard input:2: this line is not UTF-8 text"},
};

START_TEST(call_is_answered) {
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = calls[_i].arguments, .input = calls[_i].input});
    assert_status(calls[_i].arguments, &outcome, calls[_i].status);
    assert_parts(calls[_i].arguments, outcome.out, calls[_i].out);
    assert_parts(calls[_i].arguments, outcome.err, calls[_i].err);
    /* Data are printed on standard output, errors on standard error: a success prints no error, a mistake no data. */
    ck_assert_msg(calls[_i].status != 0 || outcome.err[0] == '\0', "%s: said '%s'", calls[_i].arguments, outcome.err);
    ck_assert_msg(calls[_i].out[0] != '\0' || outcome.out[0] == '\0', "%s: printed '%s'", calls[_i].arguments,
                  outcome.out);
}
END_TEST

/* ---- output that programs read ---- */

static json_t *parse(const char *what, const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(value != NULL, "%s: no JSON: %s in '%.500s'", what, error.text, text);
    return value;
}

/* The keys, separated by blanks, are all in the object. */
static void assert_keys(const char *what, const json_t *object, const char *keys) {
    char *copy = strdup(keys);
    ck_assert_ptr_nonnull(copy);
    for (char *key = strtok(copy, " "); key != NULL; key = strtok(NULL, " ")) {
        ck_assert_msg(json_object_get(object, key) != NULL, "%s: there is no '%s'", what, key);
    }
    free(copy);
}

static const struct {
    const char *arguments, *keys;
} json_calls[] = {
    {"train e.yaml --quiet --json --out json-run", "run epochs best_epoch best_step stopped_early valid"},
    {"eval run --json", "data examples rows loss accuracy perplexity"},
    {"report run --json -o r.html", "report runs variants bytes"},
    {"check e.yaml --json", "values parameters size step_flops parameter_megabytes memory_megabytes memory"},
};

START_TEST(json_is_one_object_with_its_keys) {
    const char *arguments = json_calls[_i].arguments;
    json_t *object = parse(arguments, rondo(arguments, 0).out);
    assert_keys(arguments, object, json_calls[_i].keys);
    json_decref(object);
}
END_TEST

START_TEST(list_as_json_has_every_option_of_an_optimizer) {
    json_t *list = parse("list", rondo("list optimizer/adam --json", 0).out);
    ck_assert_uint_eq(json_array_size(list), 1);
    const json_t *adam = json_array_get(list, 0);
    assert_keys("list", adam,
                "kind name summary source equations origin options plugin wrapper stage elementwise slots example");
    ck_assert_uint_eq(json_array_size(json_object_get(adam, "slots")), 2);
    assert_keys("plugin", json_object_get(adam, "plugin"), "name version licence");
    const json_t *lr = json_array_get(json_object_get(adam, "options"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(lr, "key")), "lr");
    ck_assert_str_eq(json_string_value(json_object_get(lr, "type")), "real");
    ck_assert_str_eq(json_string_value(json_object_get(lr, "default")), "0.001");
    assert_keys("lr", lr, "min max help");
    json_decref(list);
    list = parse("list", rondo("list op --json", 0).out);
    ck_assert_uint_gt(json_array_size(list), 20);
    json_decref(list);
}
END_TEST

START_TEST(full_disk_under_the_output_is_a_failure) {
    static const char *const all[] = {"list",      "list --json",         "--help",
                                      "--version", "train --help",        "check e.yaml",
                                      "eval run",  "check e.yaml --json", "predict run e.yaml"};
    for (int i = 0; i < ROWS(all); i++) {
        const struct outcome outcome = sandbox_run((struct call){.arguments = all[i], .output = "/dev/full"});
        assert_status(all[i], &outcome, 1);
        assert_parts(all[i], outcome.err, "rondo: cannot write to standard output: ");
    }
}
END_TEST

/* ---- the files of a run ---- */

static const char *const run_files[] = {"experiment.yaml", "metrics.jsonl",    "timings.jsonl", "weights.safetensors",
                                        "reader.json",     "environment.json", "cells/gru.yaml"};

START_TEST(run_folder_is_complete) {
    for (int i = 0; i < ROWS(run_files); i++) {
        ck_assert_msg(sandbox_has(sandbox_path("run/%s", run_files[i])), "there is no %s", run_files[i]);
    }
    json_t *vocabulary = parse("vocabulary", sandbox_read("run/reader.json", NULL));
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(vocabulary, "words"), 0)), "<unk>");
    ck_assert_uint_eq(json_array_size(json_object_get(vocabulary, "labels")), 2);
    json_decref(vocabulary);
    json_t *environment = parse("environment", sandbox_read("run/environment.json", NULL));
    assert_keys("environment", environment,
                "rondo abi compiler system machine threads seed started data cells plugins");
    static const char *const parts[] = {"train", "valid", "test"};
    for (int i = 0; i < ROWS(parts); i++) {
        const json_t *file = json_object_get(json_object_get(environment, "data"), parts[i]);
        size_t size;
        sandbox_read(sandbox_path("%s.tsv", parts[i]), &size);
        assert_keys(parts[i], file, "file bytes xxh3");
        ck_assert_int_eq(json_integer_value(json_object_get(file, "bytes")), (json_int_t)size);
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(file, "xxh3"))), 16);
    }
    const json_t *plugins = json_object_get(environment, "plugins");
    ck_assert_uint_eq(json_array_size(plugins), 2); /* adam and softmax_cross_entropy, which it used */
    assert_keys("plugin", json_array_get(plugins, 0), "name version licence provides file bytes xxh3");
    json_decref(environment);
}
END_TEST

/* The lines of a file of a run as an array. */
static json_t *lines_of(const char *run, const char *file) {
    json_t *lines = json_array();
    char *text = sandbox_read(sandbox_path("%s/%s", run, file), NULL);
    ck_assert_msg(text[0] != '\0' && text[strlen(text) - 1] == '\n', "%s: the last line has no end", run);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_array_append_new(lines, parse(file, line));
    }
    return lines;
}

static json_t *metrics_of(const char *run) {
    return lines_of(run, "metrics.jsonl");
}

START_TEST(metrics_have_a_line_an_epoch_and_one_for_the_end) {
    json_t *lines = metrics_of("run");
    ck_assert_uint_eq(json_array_size(lines), 4);
    for (size_t i = 0; i < 3; i++) {
        const json_t *line = json_array_get(lines, i);
        assert_keys("epoch", line, "epoch step gradient_norm best train valid");
        assert_keys("valid", json_object_get(line, "valid"), "loss accuracy perplexity");
        ck_assert_uint_eq(json_object_size(json_object_get(line, "train")), 1);
        assert_keys("train", json_object_get(line, "train"), "loss");
        ck_assert_int_eq(json_integer_value(json_object_get(line, "epoch")), (int)i + 1);
        ck_assert_int_eq(json_integer_value(json_object_get(line, "step")), 3 * ((int)i + 1));
    }
    assert_keys("end", json_array_get(lines, 3), "finished epochs best_epoch best_step steps stopped_early");
    json_decref(lines);
}
END_TEST

START_TEST(measured_values_are_in_a_file_of_their_own) {
    json_t *metrics = metrics_of("run"), *timings = lines_of("run", "timings.jsonl");
    ck_assert_uint_eq(json_array_size(timings), json_array_size(metrics));
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *line = json_array_get(metrics, i), *timing = json_array_get(timings, i);
        const int is_last = json_object_get(line, "finished") != NULL;
        assert_keys("timing", timing, "step seconds memory_megabytes");
        ck_assert_uint_eq(json_object_size(timing), 3);
        ck_assert(json_equal(json_object_get(timing, "step"), json_object_get(line, is_last ? "steps" : "step")));
        ck_assert(json_number_value(json_object_get(timing, "seconds")) > 0);
        ck_assert(json_number_value(json_object_get(timing, "memory_megabytes")) > 0);
    }
    json_decref(metrics);
    json_decref(timings);
}
END_TEST

static void assert_same_file(const char *a, const char *b) {
    size_t size_a, size_b;
    const char *bytes_a = sandbox_read(a, &size_a), *bytes_b = sandbox_read(b, &size_b);
    ck_assert_msg(size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0, "'%s' is not '%s'", a, b);
}

static void assert_same_training(const char *a, const char *b) {
    assert_same_file(sandbox_path("%s/metrics.jsonl", a), sandbox_path("%s/metrics.jsonl", b));
    assert_same_file(sandbox_path("%s/weights.safetensors", a), sandbox_path("%s/weights.safetensors", b));
    assert_same_file(sandbox_path("%s/reader.json", a), sandbox_path("%s/reader.json", b));
}

START_TEST(resolved_experiment_trains_the_same_run_again) {
    rondo("train run/experiment.yaml --out again", 0);
    assert_same_training("run", "again");
    /* The resolved experiment is a fixed point: it resolves to itself. */
    assert_same_file("run/experiment.yaml", "again/experiment.yaml");
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits) {
    /* Enough rows per batch for several shards. */
    rondo("train e.yaml --set schedule.batch=24 --threads 1 --out one", 0);
    rondo("train e.yaml --set schedule.batch=24 --threads 2 --out two", 0);
    rondo("train e.yaml --set schedule.batch=24 --threads 7 --out seven", 0);
    assert_same_training("one", "two");
    assert_same_training("one", "seven");
}
END_TEST

/* ---- engines ---- */

/* Stacked layers of both directions, with random ops inside and outside the recurrence. */
static const struct {
    const char *name, *model;
} engine_rows[] = {
    {"plain", "model: {embedding: {size: 4}, layers: [{cell: gru, hidden: 4}], pool: mean}"},
    {"deep", "model: {embedding: {size: 4}, layers: [{cell: lstm, hidden: 5, direction: both, dropout: 0.2}, "
             "{cell: rnn_tanh, hidden: 3, learn_initial_state: true}], pool: last}"},
    {"dropped", "model: {embedding: {size: 4, dropout: 0.1}, layers: [{cell: lstm, hidden: 6, count: 2, zoneout: 0.1, "
                "recurrent_dropout: 0.2, variational_dropout: 0.2, weight_drop: 0.1, layer_norm: true}], pool: max}"},
    {"own", "model: {layers: [{cell: ./mine.yaml, hidden: 5, gain: 2, direction: backward}]}"},
};

static void assert_near_losses(const char *what, const json_t *a, const json_t *b) {
    for (size_t i = 0; i < json_array_size(a); i++) {
        static const char *const parts[] = {"train", "valid"};
        for (int part = 0; part < ROWS(parts); part++) {
            const json_t *loss_a = json_object_get(json_object_get(json_array_get(a, i), parts[part]), "loss");
            const json_t *loss_b = json_object_get(json_object_get(json_array_get(b, i), parts[part]), "loss");
            const double x = json_number_value(loss_a), y = json_number_value(loss_b);
            ck_assert_msg((loss_a == NULL) == (loss_b == NULL) && x - y < 1e-4 && y - x < 1e-4,
                          "%s: epoch %d, %s: loss %.9g, expected %.9g", what, (int)i + 1, parts[part], x, y);
        }
    }
}

START_TEST(both_engines_train_the_same_but_for_rounding) {
    char arguments[128];
    json_t *metrics[3];
    static const char *const how[] = {"--engine fused", "--engine tape", "--passes=-merge,-hoist,-sink,-fuse,-plan"};
    tiny_edit("engine.yaml", "model:", engine_rows[_i].model);
    for (int i = 0; i < 3; i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "engine-%s-%d", engine_rows[_i].name, i);
        snprintf(arguments, sizeof arguments, "train engine.yaml %s --out %s", how[i], folder);
        rondo(arguments, 0);
        metrics[i] = metrics_of(folder);
        ck_assert_uint_eq(json_array_size(metrics[i]), 4);
    }
    assert_near_losses(how[1], metrics[1], metrics[0]);
    assert_near_losses(how[2], metrics[2], metrics[0]);
    for (int i = 0; i < 3; i++) {
        json_decref(metrics[i]);
    }
}
END_TEST

/* exp(exp(50)) is infinite in f32, in the step of the recurrence. */
START_TEST(every_engine_names_the_op_that_infinity_began_with) {
    sandbox_write("burst.yaml", "cell: burst\nstate: [h]\nequations: |\n"
                                "  a = exp(x @ W * 0 + 50)\n  g = exp(a)\n  h' = tanh(h * g)\n");
    tiny_edit("burst-run.yaml", "model:", "model: {layers: [{cell: gru, hidden: 3}, {cell: ./burst.yaml, hidden: 4}]}");
    static const char *const all[] = {"train burst-run.yaml --out burst",
                                      "train burst-run.yaml --out burst --engine tape"};
    for (int i = 0; i < ROWS(all); i++) {
        assert_parts(all[i], rondo(all[i], 1).err,
                     "the loss is not finite; it began with op 'exp' of 'g' in layers.1.forward|epoch 1, at step 1");
    }
}
END_TEST

START_TEST(another_seed_gives_other_weights) {
    rondo("train e.yaml --set schedule.seed=2 --out other", 0);
    size_t size, other_size;
    const char *bytes = sandbox_read("run/weights.safetensors", &size);
    const char *other = sandbox_read("other/weights.safetensors", &other_size);
    ck_assert(size == other_size && memcmp(bytes, other, size) != 0);
}
END_TEST

START_TEST(run_needs_nothing_outside_its_folder_to_predict) {
    tiny_edit("gone.yaml",
              "model:", "model: {embedding: {size: 4}, layers: [{cell: ./gone-cell.yaml, hidden: 4, gain: 2}]}");
    sandbox_copy("mine.yaml", "gone-cell.yaml");
    sandbox_copy("train.tsv", "gone-train.tsv");
    rondo("train gone.yaml --set data.train=gone-train.tsv --out complete", 0);
    const struct call call = {.arguments = "predict complete", .input = "soup lovely\ntea awful\n"};
    const struct outcome before = sandbox_run(call);
    assert_status("before", &before, 0);
    sandbox_remove("gone.yaml");
    sandbox_remove("gone-cell.yaml");
    sandbox_remove("gone-train.tsv");
    const struct outcome after = sandbox_run(call);
    assert_status("after", &after, 0);
    ck_assert_str_eq(before.out, after.out);
    rondo("eval complete --on valid", 0);
    assert_parts("data that is gone", rondo("eval complete --on train", 2).err, "gone-train.tsv|there is no such file");
}
END_TEST

START_TEST(moved_run_predicts) {
    sandbox_copy("run", "elsewhere");
    const struct outcome here = sandbox_run((struct call){.arguments = "predict run", .input = "tea\n"});
    const struct outcome there = sandbox_run((struct call){.arguments = "predict elsewhere", .input = "tea\n"});
    assert_status("there", &there, 0);
    ck_assert_str_eq(here.out, there.out);
}
END_TEST

START_TEST(cells_of_one_name_from_two_files_stay_apart) {
    static const char *const other = "cell: mine\nsource: \"another cell of this name\"\nstate: [h]\n"
                                     "equations: |\n  h' = tanh(x @ A)\n";
    sandbox_write("other/mine.yaml", other);
    tiny_edit("both.yaml", "model:",
              "model: {layers: [{cell: ./mine.yaml, hidden: 3}, {cell: other/mine.yaml, hidden: 4}, "
              "{cell: other/mine.yaml, hidden: 5}, {cell: ./mine.yaml, hidden: 6}]}");
    rondo("train both.yaml --out both", 0);
    assert_same_file("mine.yaml", "both/cells/mine.yaml");
    assert_same_file("other/mine.yaml", "both/cells/mine-1.yaml");
    rondo("predict both e.yaml", 0);
    rondo("train both/experiment.yaml --out both-again", 0);
    assert_same_training("both", "both-again");
}
END_TEST

START_TEST(second_run_does_not_overwrite_the_first) {
    assert_parts("first", rondo("train e.yaml --quiet --set name=twice", 0).out, "run runs/twice:");
    sandbox_copy("runs/twice/environment.json", "first.json");
    assert_parts("second", rondo("train e.yaml --quiet --set name=twice --set schedule.seed=9", 0).out,
                 "run runs/twice-2:");
    assert_same_file("first.json", "runs/twice/environment.json");
    ck_assert(sandbox_has("runs/twice-2/weights.safetensors"));
}
END_TEST

START_TEST(runs_that_start_at_the_same_time_get_a_folder_each) {
    enum { RUNS = 8 };
    for (int i = 0; i < RUNS; i++) {
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(sandbox_run((struct call){.arguments = "train e.yaml --quiet --set name=crowd"}).status);
        }
    }
    for (int i = 0; i < RUNS; i++) {
        int status;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_same_training("run", "runs/crowd");
    for (int i = 2; i <= RUNS; i++) {
        char folder[32];
        snprintf(folder, sizeof folder, "runs/crowd-%d", i);
        assert_same_training("run", folder);
    }
}
END_TEST

START_TEST(folder_that_is_not_empty_is_left_alone) {
    sandbox_write("full/notes.txt", "mine");
    const int before = sandbox_entries();
    assert_parts("full", rondo("train e.yaml --out full", 2).err, "'full' exists and is not empty");
    assert_parts("a run", rondo("train e.yaml --out run", 2).err, "'run' exists and is not empty");
    assert_parts("a file", rondo("train e.yaml --out e.yaml", 2).err, "'e.yaml' exists");
    assert_parts("below a file", rondo("train e.yaml --out e.yaml/run", 2).err, "'e.yaml' is a file");
    ck_assert_int_eq(sandbox_entries(), before);
    rondo("train e.yaml --out new/and/deep", 0);
    ck_assert(sandbox_has("new/and/deep/weights.safetensors"));
}
END_TEST

START_TEST(folder_that_cannot_be_made_leaves_none_above_it) {
    char name[300], arguments[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0'; /* more than a component of a path may have */
    snprintf(arguments, sizeof arguments, "train e.yaml --out long/and/deep/%s", name);
    const int before = sandbox_entries();
    assert_parts("long", rondo(arguments, 1).err, "cannot make the folder 'long/and/deep/nnn|File name too long");
    ck_assert_int_eq(sandbox_entries(), before);
}
END_TEST

START_TEST(data_that_changed_since_the_training_is_reported) {
    sandbox_copy("valid.tsv", "before.tsv");
    tiny_edit("changing.yaml", "data:", "data: {reader: text, train: train.tsv, valid: before.tsv, test: test.tsv}");
    rondo("train changing.yaml --quiet --out changing", 0);
    ck_assert_str_eq(rondo("eval changing --on valid", 0).err, "");
    sandbox_copy("test.tsv", "before.tsv");
    assert_parts("changed", rondo("eval changing --on valid", 0).err,
                 "rondo: warning: |/before.tsv: data.valid has changed since the run was trained: it had | bytes");
    json_t *warning = parse("warning", rondo("eval changing --on valid --json", 0).err);
    assert_keys("warning", warning, "file line column warning");
    json_decref(warning);
    ck_assert_str_eq(rondo("eval changing --on test", 0).err, "");
    ck_assert_str_eq(rondo("eval changing --data before.tsv", 0).err, "");
}
END_TEST

/* ---- changes of the folder during the training ---- */

/* With a learning rate of 0 no epoch is better than the first, so after it only metrics.jsonl is written. */
START_TEST(folder_that_is_removed_ends_the_training_as_a_failure) {
    struct process *process = sandbox_start(
        (struct call){.arguments = "train e.yaml --out gone --set optimizer.lr=0 --set schedule.epochs=20000"});
    sandbox_await(process, "epoch 2/");
    sandbox_remove("gone");
    const struct outcome outcome = sandbox_finish(process);
    assert_status("removed", &outcome, 1);
    assert_parts("removed", outcome.err, "the folder 'gone' of the run was removed while the run was going on");
    ck_assert_ptr_null(strstr(outcome.err, "the weights of epoch"));
    ck_assert(!sandbox_has("gone"));
}
END_TEST

START_TEST(folder_that_is_moved_ends_the_training_as_a_failure) {
    struct process *process =
        sandbox_start((struct call){.arguments = "train e.yaml --out here --set schedule.epochs=20000"});
    sandbox_await(process, "epoch 2/");
    ck_assert_int_eq(rename(sandbox_path("here"), sandbox_path("there")), 0);
    const struct outcome outcome = sandbox_finish(process);
    assert_status("moved", &outcome, 1);
    assert_parts("moved", outcome.err,
                 "the folder 'here' of the run was moved to '|/there' while the run was going on");
    ck_assert_ptr_null(strstr(outcome.err, "the weights of epoch"));
    ck_assert(!sandbox_has("here"));
    rondo("eval there --on valid", 0);
}
END_TEST

/* From some epoch on, weights cannot be written, because a folder has the name of their file. */
START_TEST(no_epoch_is_called_the_best_whose_weights_were_not_written) {
    tiny_edit("always-best.yaml", "data:", "data: {reader: text, train: train.tsv}");
    struct process *process =
        sandbox_start((struct call){.arguments = "train always-best.yaml --out blocked --set schedule.epochs=20000"});
    sandbox_await(process, "epoch 2/");
    do {
        remove(sandbox_path("blocked/weights.safetensors"));
    } while (mkdir(sandbox_path("blocked/weights.safetensors"), 0755) != 0);
    const struct outcome outcome = sandbox_finish(process);
    assert_status("blocked", &outcome, 1);
    assert_parts("blocked", outcome.err, "cannot write 'blocked/weights.safetensors': |the weights of epoch ");
    const int kept = atoi(strstr(outcome.err, "the weights of epoch ") + strlen("the weights of epoch "));
    json_t *lines = metrics_of("blocked");
    const json_t *last = json_array_get(lines, json_array_size(lines) - 1);
    ck_assert_int_eq(json_integer_value(json_object_get(last, "epoch")), kept);
    ck_assert(json_is_true(json_object_get(last, "best")));
    json_decref(lines);
}
END_TEST

/* ---- training ---- */

START_TEST(progress_is_a_plain_line_an_epoch_where_there_is_no_terminal) {
    const struct outcome loud = rondo("train e.yaml --out loud", 0);
    assert_parts("loud", loud.err,
                 "tiny: |parameters, 24 examples|epoch 1/3  train loss |  valid loss | accuracy |epoch 3/3");
    ck_assert_ptr_null(strchr(loud.err, '\r'));
    assert_parts("loud", loud.out, "run loud: best epoch |of 3, valid loss |accuracy ");
    ck_assert_str_eq(rondo("train e.yaml --quiet --out silent", 0).err, "");
}
END_TEST

static const struct {
    const char *name, *arguments; /* arguments after "train" */
    const char *out;              /* parts */
} trainings[] = {
    {"another optimizer", "e.yaml --set optimizer.plugin=sgd --set optimizer.lr=0.1", ", valid loss | accuracy "},
    {"another loss", "e.yaml --set loss.plugin=sigmoid_cross_entropy", ", valid loss | accuracy "},
    {"another cell", "e.yaml --set model.layers.0.cell=lstm", ", valid loss "},
    {"a further layer", "e.yaml --set model.layers.1.cell=rnn_tanh --set model.layers.1.hidden=3", ", valid loss "},
    {"a cell with an op of a plug-in", "e.yaml --set model.layers.0.cell=./mine.yaml", ", valid loss "},
    {"an option of the cell", "e.yaml --set model.layers.0.cell=mine.yaml --set model.layers.0.gain=3",
     ", valid loss "},
    {"the last state", "e.yaml --set model.pool=last", ", valid loss "},
    {"dropout everywhere",
     "e.yaml --set model.embedding.dropout=0.5 --set model.embedding.word_dropout=0.5 --set model.layers.0.dropout=0.5",
     ", valid loss "},
    {"clipping", "e.yaml --set schedule.clip_norm=0.1", ", valid loss "},
    {"one word in, one label out", "e.yaml --set architecture=1:1 --set data.max_length=1", ", valid loss "},
    {"no validation data", "no-valid.yaml --set schedule.epochs=2", ": best epoch 2 of 2\n"},
    {"numbers", "numbers.yaml", ", valid loss | rmse | mae "},
    /* With a learning rate of 0 no epoch is better than the first, so the first remains the best. */
    {"early stopping", "e.yaml --set optimizer.lr=0 --set schedule.epochs=50 --set schedule.early_stopping.patience=4",
     ": best epoch 1 of 5 (stopped early), valid loss "},
    {"early stopping by another metric",
     "e.yaml --set optimizer.lr=0 --set schedule.epochs=50 --set schedule.early_stopping.patience=2 --set "
     "schedule.early_stopping.metric=valid.accuracy",
     ": best epoch 1 of 3 (stopped early), valid loss "},
    {"no early stopping", "e.yaml --set optimizer.lr=0 --set schedule.epochs=7", ": best epoch 1 of 7, valid loss "},
};

START_TEST(experiment_trains_without_a_new_build) {
    tiny_edit("no-valid.yaml", "data:", "data: {reader: text, train: train.tsv}");
    tiny_edit("numbers.yaml", "data:", "data: {reader: text, target: number, train: numbers.tsv, valid: numbers.tsv}");
    char *text = sandbox_read("numbers.yaml", NULL);
    memcpy(strstr(text, "softmax_cross_entropy}"), "squared_error}        ", 22);
    sandbox_write("numbers.yaml", text);
    sandbox_write("numbers.tsv", "tea\t0.5\nlovely soup\t1\nawful soup\t-1e-1\n");
    char arguments[512];
    snprintf(arguments, sizeof arguments, "train --quiet --out trained-%d %s", _i, trainings[_i].arguments);
    assert_parts(trainings[_i].name, rondo(arguments, 0).out, trainings[_i].out);
    snprintf(arguments, sizeof arguments, "predict trained-%d", _i);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = "tea\n"});
    assert_status(trainings[_i].name, &outcome, 0);
    ck_assert_ptr_nonnull(strchr(outcome.out, '\n'));
}
END_TEST

START_TEST(kept_weights_are_those_of_the_best_epoch) {
    /* The steps are far too large, so the first epochs are better than the last. */
    const char *arguments = "train e.yaml --quiet --json --out wild --set optimizer.plugin=sgd --set optimizer.lr=30 "
                            "--set schedule.epochs=6";
    json_t *result = parse("train", rondo(arguments, 0).out);
    const json_int_t best = json_integer_value(json_object_get(result, "best_epoch"));
    const double loss = json_real_value(json_object_get(json_object_get(result, "valid"), "loss"));
    json_t *lines = metrics_of("wild");
    for (size_t i = 0; i < 6; i++) {
        const json_t *line = json_array_get(lines, i);
        const double other = json_real_value(json_object_get(json_object_get(line, "valid"), "loss"));
        ck_assert_double_le(loss, other + 1e-9);
        ck_assert((json_int_t)i + 1 != best || other < loss + 1e-9);
    }
    json_decref(lines);
    json_t *scores = parse("eval", rondo("eval wild --on valid --json", 0).out);
    ck_assert_double_eq_tol(json_real_value(json_object_get(scores, "loss")), loss, 1e-6);
    json_decref(scores);
    json_decref(result);
}
END_TEST

START_TEST(extended_experiment_is_merged_key_by_key) {
    sandbox_copy("train.tsv", "base/train.tsv");
    tiny_edit("base/base.yaml", "data:", "data: {reader: text, train: train.tsv, valid: ../valid.tsv}");
    sandbox_write("child.yaml", "extends: base/base.yaml\nname: child\noptimizer: {lr: 0.02}\n");
    assert_parts("check", rondo("check child.yaml", 0).out,
                 "name                                 child |# child.yaml:2:7\n|# child.yaml:3:17\n|optimizer.plugin "
                 "|# base/base.yaml:7:21\n|data.train |/base/train.tsv |# base/base.yaml:4:29\n");
    rondo("train child.yaml --out child", 0);
    ck_assert_ptr_null(strstr(sandbox_read("child/experiment.yaml", NULL), "extends"));
    rondo("train child/experiment.yaml --out child-again", 0);
    assert_same_training("child", "child-again");
}
END_TEST

/* Every variant is checked, and the first one is shown, which alone may make the experiment complete. */
START_TEST(comparison_is_checked_with_all_its_variants) {
    sandbox_write("cells.yaml",
                  "extends: e.yaml\nmodel: {layers: [{hidden: 4}]}\ncompare:\n  model.layers.0.cell: [gru, "
                  "lstm]\n  seeds: 3\n  tune: {optimizer.lr: [0.1, 0.2], trials: 2}\n");
    assert_parts(
        "check", rondo("check cells.yaml", 0).out,
        "model.layers.0.cell                  gru |# cells.yaml:4:25|8 for testing|comparison: 2 variants with 3 "
        "seeds each after 2 trials of tuning each, 10 runs; what is above is the first variant, gru\n");
    json_t *json = parse("check", rondo("check cells.yaml --json", 0).out);
    const json_t *comparison = json_object_get(json, "comparison");
    ck_assert_int_eq(json_integer_value(json_object_get(comparison, "runs")), 10);
    ck_assert_str_eq(json_string_value(json_object_get(comparison, "first")), "gru");
    json_decref(json);
    assert_parts("an error of the section", rondo("check cells.yaml --set compare.seeds=0", 2).err,
                 "'compare.seeds' must be a number of seeds");
    sandbox_write("wrong.yaml", "extends: e.yaml\ncompare:\n  model.layers.0.hidden: [2, 0]\n  optimizer.lr: [x]\n");
    assert_parts("errors of variants", rondo("check wrong.yaml", 2).err,
                 "wrong.yaml:3:30: 'hidden' is 0|wrong.yaml:4:18: 'lr' is 'x'");
}
END_TEST

START_TEST(loss_that_is_not_finite_from_the_start_leaves_no_run) {
    sandbox_write("huge.tsv", "tea\t1e30\nsoup\t-1e30\n");
    tiny_edit("huge.yaml", "loss:", "loss: {plugin: squared_error}");
    const int before = sandbox_entries();
    const char *data =
        "--set data.target=number --set data.train=huge.tsv --set data.valid=huge.tsv --set data.scale_target=none";
    char arguments[512];
    snprintf(arguments, sizeof arguments, "train huge.yaml --out huge %s", data);
    assert_parts("huge", rondo(arguments, 1).err, "the loss is not finite; it began with |epoch 1, at step 1");
    ck_assert_int_eq(sandbox_entries(), before);
}
END_TEST

START_TEST(loss_that_becomes_infinite_keeps_the_last_good_weights) {
    sandbox_write("large.tsv", "tea\t1e9\nsoup\t-1e9\n");
    tiny_edit("large.yaml", "loss:", "loss: {plugin: squared_error}");
    const struct outcome outcome =
        rondo("train large.yaml --out large --set data.target=number --set data.train=large.tsv --set "
              "data.valid=large.tsv --set optimizer.plugin=sgd --set optimizer.lr=1000 --set schedule.epochs=1000",
              1);
    assert_parts(
        "large", outcome.err,
        "the loss is not finite; it began with |training stopped |of epoch |step |the weights of epoch |'large'");
    rondo("predict large e.yaml", 0);
}
END_TEST

/* ---- predicting ---- */

START_TEST(predictions_come_one_a_line_in_order_whatever_stands_beside_them) {
    const struct outcome all =
        sandbox_run((struct call){.arguments = "predict run", .input = "soup lovely\n\ntea\r\nunknown words here\n"});
    assert_status("all", &all, 0);
    static const char *const lines[] = {"soup lovely", "", "tea", "unknown words here"};
    char together[512] = "";
    for (int i = 0; i < ROWS(lines); i++) {
        char input[64];
        snprintf(input, sizeof input, "%s\n", lines[i]);
        const struct outcome one = sandbox_run((struct call){.arguments = "predict run", .input = input});
        assert_status(lines[i], &one, 0);
        snprintf(together + strlen(together), sizeof together - strlen(together), "%s", one.out);
    }
    ck_assert_str_eq(all.out, together);
}
END_TEST

START_TEST(files_are_predicted_like_standard_input) {
    sandbox_write("a.txt", "soup lovely\ntea awful");
    sandbox_write("b.txt", "tea\n");
    const struct outcome input =
        sandbox_run((struct call){.arguments = "predict run", .input = "soup lovely\ntea awful\ntea\n"});
    ck_assert_str_eq(rondo("predict run a.txt b.txt", 0).out, input.out);
}
END_TEST

START_TEST(probabilities_of_a_prediction_add_up_to_one) {
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "predict run --json", .input = "\"quoted\"\tsoup\n\xe2\x82\xac 5\n"});
    assert_status("predict --json", &outcome, 0);
    static const char *const texts[] = {"\"quoted\"\tsoup", "\xe2\x82\xac 5"};
    int i = 0;
    for (char *line = strtok((char *)outcome.out, "\n"); line != NULL; line = strtok(NULL, "\n"), i++) {
        json_t *object = parse("prediction", line);
        const json_t *all = json_object_get(object, "probabilities");
        const double great = json_real_value(json_object_get(all, "great"));
        const double other = json_real_value(json_object_get(all, "other"));
        ck_assert_str_eq(json_string_value(json_object_get(object, "text")), texts[i]);
        ck_assert_str_eq(json_string_value(json_object_get(object, "label")), great > other ? "great" : "other");
        ck_assert_double_eq_tol(great + other, 1, 1e-5);
        json_decref(object);
    }
    ck_assert_int_eq(i, 2);
}
END_TEST

/* ---- plug-ins and their folders ---- */

/* The program with copies of its plug-ins and cells, which a test may change. */
static const char *private_copy(const char *folder) {
    char *built = strdup(variable("RONDO_PROGRAM"));
    ck_assert_ptr_nonnull(built);
    char *slash = strrchr(built, '/');
    sandbox_copy(built, sandbox_path("%s/rondo", folder));
    *slash = '\0';
    char part[1024];
    snprintf(part, sizeof part, "%s/plugins", built);
    sandbox_copy(part, sandbox_path("%s/plugins", folder));
    snprintf(part, sizeof part, "%s/cells", built);
    sandbox_copy(part, sandbox_path("%s/cells", folder));
    free(built);
    return sandbox_path("%s/rondo", folder);
}

START_TEST(missing_plugin_hurts_only_who_names_it) {
    const char *program = private_copy("missing");
    sandbox_remove("missing/plugins/optimizers/adam.so");
    const struct outcome named = sandbox_run((struct call){.program = program, .arguments = "train e.yaml --out m1"});
    assert_status("adam", &named, 2);
    assert_parts("adam", named.err, "e.yaml:7:21: unknown optimizer 'adam'|/missing/plugins");
    ck_assert(!sandbox_has("m1"));
    const struct outcome other =
        sandbox_run((struct call){.program = program, .arguments = "train e.yaml --out m2 --set optimizer.plugin=sgd"});
    assert_status("sgd", &other, 0);
}
END_TEST

START_TEST(broken_plugin_hurts_only_who_names_it) {
    const char *program = private_copy("broken");
    sandbox_write("broken/plugins/optimizers/adam.so", "no shared object");
    const struct outcome named = sandbox_run((struct call){.program = program, .arguments = "train e.yaml --out b1"});
    assert_status("adam", &named, 2);
    assert_parts("adam", named.err, "e.yaml:7:21: plug-in '|/broken/plugins/optimizers/adam.so' is not an ELF");
    ck_assert(!sandbox_has("b1"));
    const struct outcome other =
        sandbox_run((struct call){.program = program, .arguments = "train e.yaml --out b2 --set optimizer.plugin=sgd"});
    assert_status("sgd", &other, 0);
    const struct outcome old = sandbox_run((struct call){.program = program, .arguments = "predict run e.yaml"});
    assert_status("prediction, which needs no optimizer", &old, 0);
}
END_TEST

START_TEST(folder_of_the_environment_comes_first) {
    sandbox_copy(sandbox_path("%s/optimizers/sgd.so", variable("RONDO_TEST_PLUGINS")), "mine/optimizers/sgd.so");
    sandbox_copy("mine.yaml", "mine/own_cell.yaml");
    const char *sgd = "train e.yaml --out from-mine --set optimizer.plugin=sgd";
    char plugin_path[512], cell_path[512];
    snprintf(plugin_path, sizeof plugin_path, "RONDO_PLUGIN_PATH=%s", sandbox_path("mine"));
    snprintf(cell_path, sizeof cell_path, "RONDO_CELL_PATH=%s", sandbox_path("mine"));
    const struct outcome trained = sandbox_run((struct call){.arguments = sgd, .environment = plugin_path});
    assert_status(sgd, &trained, 0);
    assert_parts("plug-ins", sandbox_read("from-mine/environment.json", NULL), sandbox_path("mine/optimizers/sgd.so"));
    const char *check = "check e.yaml --set model.layers.0.cell=own_cell";
    const struct outcome with = sandbox_run((struct call){.arguments = check, .environment = cell_path});
    assert_status(check, &with, 0);
    rondo(check, 2);
}
END_TEST

START_TEST(folder_of_the_environment_that_cannot_be_used_is_told) {
    const char *check = "check e.yaml";
    struct outcome outcome =
        sandbox_run((struct call){.arguments = check, .environment = "RONDO_PLUGIN_PATH=mine:/nowhere"});
    assert_status("relative", &outcome, 2);
    assert_parts("relative", outcome.err, "RONDO_PLUGIN_PATH: 'mine' is relative");
    outcome = sandbox_run((struct call){.arguments = check, .environment = "RONDO_PLUGIN_PATH=/nowhere/at/all"});
    assert_status("missing", &outcome, 2);
    assert_parts("missing", outcome.err, "RONDO_PLUGIN_PATH: there is no folder '/nowhere/at/all'");
    static const struct {
        const char *environment, *message;
    } paths[] = {{"RONDO_CELL_PATH=mine", "RONDO_CELL_PATH: 'mine' is relative"},
                 {"RONDO_CELL_PATH=/nowhere", "RONDO_CELL_PATH: there is no folder '/nowhere'"},
                 {"RONDO_BLOCK_PATH=/nowhere", "RONDO_BLOCK_PATH: there is no folder '/nowhere'"}};
    for (int i = 0; i < ROWS(paths); i++) {
        outcome = sandbox_run((struct call){.arguments = check, .environment = paths[i].environment});
        assert_status(paths[i].environment, &outcome, 2);
        assert_parts(paths[i].environment, outcome.err, paths[i].message);
    }
}
END_TEST

/* ---- the profile ---- */

static double number_at(const json_t *object, const char *key) {
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_real(number), "there is no number '%s'", key);
    return json_real_value(number);
}

/* The times of layers are not longer than that of their pass, with one thread and with several. An evaluation adds no
 * time to them. */
START_TEST(profile_has_a_time_for_every_stage_and_layer) {
    char arguments[256];
    snprintf(arguments, sizeof arguments,
             "train e.yaml --quiet --json --profile --out profiled-%d --threads %d --set "
             "model.layers.0.direction=both --set model.layers.1.cell=lstm --set "
             "model.layers.1.hidden=3 --set schedule.batch=24",
             _i, _i);
    json_t *result = parse("train", rondo(arguments, 0).out);
    const json_t *profile = json_object_get(result, "profile"), *stages = json_object_get(profile, "stages");
    const json_t *layers = json_object_get(profile, "layers");
    static const char *const all[] = {"reading",    "batches", "forward",         "loss", "backward", "update",
                                      "validation", "files",   "sum of gradients"};
    for (int i = 0; i < ROWS(all); i++) {
        ck_assert_msg(number_at(stages, all[i]) > 0, "%s took no time", all[i]);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(profile, "threads")), _i);
    ck_assert_uint_eq(json_array_size(layers), 2);
    static const char *const halves[] = {"forward", "backward"};
    for (int half = 0; half < 2; half++) {
        double sum = 0;
        for (size_t layer = 0; layer < 2; layer++) {
            const json_t *times = json_object_get(json_array_get(layers, layer), halves[half]);
            ck_assert_double_gt(number_at(times, "loop"), 0);
            ck_assert_double_ge(number_at(times, "before"), 0);
            ck_assert_double_ge(number_at(times, "after"), 0);
            sum += number_at(times, "before") + number_at(times, "loop") + number_at(times, "after");
        }
        ck_assert_double_le(sum, number_at(stages, halves[half]));
    }
    json_decref(result);
}
END_TEST

START_TEST(profile_changes_no_bit_and_is_a_table_for_people) {
    const struct outcome outcome = rondo("train e.yaml --quiet --profile --out with-profile", 0);
    assert_parts("profile", outcome.err,
                 "seconds\n|  reading |  forward |    layers.0 loop over time |  update |  total ");
    assert_same_training("run", "with-profile");
}
END_TEST

/* ---- plug-ins of a run that have moved ---- */

static const struct {
    const char *kind, *key; /* folder of the plug-in, and what names it in the experiment */
    const char *name;
    int is_needed; /* 1: needed for predictions */
} moved_plugins[] = {
    {"optimizers", "optimizer.plugin", "sgd", 0},
    {"schedules", "schedule.learning_rate.plugin", "cosine", 0},
    {"metrics", "metrics.0", "f1", 0},
    {"losses", "loss.plugin", "hinge", 1},
};

/* A copy of the program without that plug-in; --plugin gives it from another folder. */
START_TEST(run_predicts_without_what_only_training_needs) {
    const char *kind = moved_plugins[_i].kind, *name = moved_plugins[_i].name;
    char folder[64], text[1024];
    snprintf(folder, sizeof folder, "moved-%s", name);
    char program[1024];
    snprintf(program, sizeof program, "%s", private_copy(folder)); /* sandbox_path uses its buffers again */
    sandbox_copy(sandbox_path("%s/plugins/%s/%s.so", folder, kind, name), sandbox_path("%s/first/%s.so", folder, name));
    sandbox_remove(sandbox_path("%s/plugins/%s/%s.so", folder, kind, name));
    snprintf(text, sizeof text, "train e.yaml --quiet --out %s-run --plugin %s --set %s=%s", folder,
             sandbox_path("%s/first/%s.so", folder, name), moved_plugins[_i].key, name);
    const struct outcome trained = sandbox_run((struct call){.program = program, .arguments = text});
    assert_status(text, &trained, 0);
    ck_assert_int_eq(rename(sandbox_path("%s/first", folder), sandbox_path("%s/second", folder)), 0);

    snprintf(text, sizeof text, "predict %s-run", folder);
    struct call call = {.program = program, .arguments = text, .input = "tea\n"};
    const struct outcome without = sandbox_run(call);
    assert_status(text, &without, moved_plugins[_i].is_needed ? 2 : 0);
    if (moved_plugins[_i].is_needed) {
        assert_parts(text, without.err, sandbox_path("%s/first/%s.so", folder, name));
        assert_parts(text, without.err,
                     "unknown loss 'hinge'|a plug-in that has been moved can be given with --plugin");
    }
    char with_new_place[2048];
    snprintf(with_new_place, sizeof with_new_place, "%s --plugin %s", text,
             sandbox_path("%s/second/%s.so", folder, name));
    call.arguments = with_new_place;
    const struct outcome with = sandbox_run(call);
    assert_status(with_new_place, &with, 0);

    /* Training the run again needs all of them, and records only their new places. */
    snprintf(text, sizeof text, "train %s-run/experiment.yaml --quiet --out %s-again", folder, folder);
    call = (struct call){.program = program, .arguments = text};
    const struct outcome refused = sandbox_run(call);
    assert_status(text, &refused, 2);
    snprintf(with_new_place, sizeof with_new_place, "%s --plugin %s", text,
             sandbox_path("%s/second/%s.so", folder, name));
    call.arguments = with_new_place;
    const struct outcome again = sandbox_run(call);
    assert_status(with_new_place, &again, 0);
    const char *experiment = sandbox_read(sandbox_path("%s-again/experiment.yaml", folder), NULL);
    assert_parts("again", experiment, sandbox_path("%s/second/%s.so", folder, name));
    ck_assert_ptr_null(strstr(experiment, sandbox_path("%s/first/%s.so", folder, name)));
    assert_same_file(sandbox_path("%s-run/weights.safetensors", folder),
                     sandbox_path("%s-again/weights.safetensors", folder));
}
END_TEST

START_TEST(plugin_of_the_command_line_is_recorded_in_the_run) {
    const char *program = private_copy("recorded");
    char train[512];
    snprintf(train, sizeof train, "train e.yaml --out recorded-run --plugin %s",
             sandbox_path("recorded/plugins/optimizers/sgd.so"));
    const struct outcome trained = sandbox_run((struct call){.program = program, .arguments = train});
    assert_status(train, &trained, 0);
    assert_parts("experiment", sandbox_read("recorded-run/experiment.yaml", NULL),
                 sandbox_path("recorded/plugins/optimizers/sgd.so"));
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_loop_test(cases, call_is_answered, 0, ROWS(calls));
    tcase_add_loop_test(cases, json_is_one_object_with_its_keys, 0, ROWS(json_calls));
    tcase_add_test(cases, list_as_json_has_every_option_of_an_optimizer);
    tcase_add_test(cases, full_disk_under_the_output_is_a_failure);
    tcase_add_test(cases, run_folder_is_complete);
    tcase_add_test(cases, metrics_have_a_line_an_epoch_and_one_for_the_end);
    tcase_add_test(cases, measured_values_are_in_a_file_of_their_own);
    tcase_add_test(cases, resolved_experiment_trains_the_same_run_again);
    tcase_add_test(cases, any_number_of_threads_gives_the_same_bits);
    tcase_add_loop_test(cases, both_engines_train_the_same_but_for_rounding, 0, ROWS(engine_rows));
    tcase_add_test(cases, every_engine_names_the_op_that_infinity_began_with);
    tcase_add_test(cases, another_seed_gives_other_weights);
    tcase_add_test(cases, run_needs_nothing_outside_its_folder_to_predict);
    tcase_add_test(cases, moved_run_predicts);
    tcase_add_test(cases, cells_of_one_name_from_two_files_stay_apart);
    tcase_add_test(cases, second_run_does_not_overwrite_the_first);
    tcase_add_test(cases, runs_that_start_at_the_same_time_get_a_folder_each);
    tcase_add_test(cases, folder_that_is_not_empty_is_left_alone);
    tcase_add_test(cases, folder_that_cannot_be_made_leaves_none_above_it);
    tcase_add_test(cases, data_that_changed_since_the_training_is_reported);
    tcase_add_test(cases, folder_that_is_removed_ends_the_training_as_a_failure);
    tcase_add_test(cases, folder_that_is_moved_ends_the_training_as_a_failure);
    tcase_add_test(cases, no_epoch_is_called_the_best_whose_weights_were_not_written);
    tcase_add_test(cases, progress_is_a_plain_line_an_epoch_where_there_is_no_terminal);
    tcase_add_loop_test(cases, experiment_trains_without_a_new_build, 0, ROWS(trainings));
    tcase_add_test(cases, kept_weights_are_those_of_the_best_epoch);
    tcase_add_test(cases, extended_experiment_is_merged_key_by_key);
    tcase_add_test(cases, comparison_is_checked_with_all_its_variants);
    tcase_add_test(cases, loss_that_is_not_finite_from_the_start_leaves_no_run);
    tcase_add_test(cases, loss_that_becomes_infinite_keeps_the_last_good_weights);
    tcase_add_test(cases, predictions_come_one_a_line_in_order_whatever_stands_beside_them);
    tcase_add_test(cases, files_are_predicted_like_standard_input);
    tcase_add_test(cases, probabilities_of_a_prediction_add_up_to_one);
    tcase_add_test(cases, missing_plugin_hurts_only_who_names_it);
    tcase_add_test(cases, broken_plugin_hurts_only_who_names_it);
    tcase_add_test(cases, folder_of_the_environment_comes_first);
    tcase_add_test(cases, folder_of_the_environment_that_cannot_be_used_is_told);
    tcase_add_test(cases, plugin_of_the_command_line_is_recorded_in_the_run);
    tcase_add_loop_test(cases, run_predicts_without_what_only_training_needs, 0, ROWS(moved_plugins));
    tcase_add_loop_test(cases, profile_has_a_time_for_every_stage_and_layer, 1, 4);
    tcase_add_test(cases, profile_changes_no_bit_and_is_a_table_for_people);
}

int main(void) {
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("cli");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    add_tests(cases);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
