/* tests/test_runs.c: `rondo runs`: what is found and said about the folders of runs, whatever state they are in. */
#define _DEFAULT_SOURCE
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* Replaces a file by the part of it before the last `find`. */
static void cut_before(const char *file, const char *find) {
    char *text = sandbox_read(file, NULL), *last = NULL;
    for (char *next = strstr(text, find); next != NULL; next = strstr(next + 1, find)) {
        last = next;
    }
    ck_assert_msg(last != NULL, "'%s' has no '%s'", file, find);
    *last = '\0';
    sandbox_write(file, text);
}

/* Puts `text` in place of the first `find`, which must not be longer. */
static void put_in(const char *file, const char *find, const char *text) {
    char *old = sandbox_read(file, NULL), *at = strstr(old, find);
    ck_assert_msg(at != NULL, "'%s' has no '%s'", file, find);
    char *edited = sandbox_memory(strlen(old) + strlen(text) + 1);
    sprintf(edited, "%.*s%s%s", (int)(at - old), old, text, at + strlen(find));
    sandbox_write(file, edited);
}

/* Seeds 1 to 3 of a variant, one run of another one, one of another experiment, and folders in which something is wrong. */
static void setup(void) {
    sandbox_open();
    tiny_write();
    tiny_edit("metrics.yaml", "name", "name: tiny\nmetrics: [accuracy]");
    tiny_edit("other.yaml", "name", "name: other");
    rondo("train metrics.yaml --quiet --out runs/a", 0);
    rondo("train metrics.yaml --quiet --out runs/a-2 --set schedule.seed=2 --set schedule.checkpoint.keep=1", 0);
    rondo("train metrics.yaml --quiet --out runs/a-10 --set schedule.seed=3", 0);
    rondo("train metrics.yaml --quiet --out runs/b --set model.layers.0.cell=lstm --set model.layers.0.hidden=6", 0);
    rondo("train other.yaml --quiet --out deep/er/c --set schedule.epochs=2", 0);
    sandbox_write("runs/a/test.json", "{\"part\": \"test\", \"scores\": {\"loss\": 0.25, \"accuracy\": 0.875}}");
    sandbox_write("runs/notes.txt", "not a run");
    sandbox_write("data/experiment.yaml", "rondo: 1\n"); /* not a run either */

    sandbox_copy("runs/a", "odd/unfinished");
    cut_before("odd/unfinished/metrics.jsonl", "{\"finished\"");
    sandbox_copy("runs/a", "odd/half-line");
    cut_before("odd/half-line/metrics.jsonl", ",\"epochs\":3");
    sandbox_copy("runs/a", "odd/version");
    put_in("odd/version/experiment.yaml", "rondo: 1", "rondo: 7");
    sandbox_copy("runs/a", "odd/weights");
    sandbox_write_bytes("odd/weights/weights.safetensors", sandbox_read("runs/a/weights.safetensors", NULL), 700);
    sandbox_copy("runs/a", "odd/no-weights");
    sandbox_remove("odd/no-weights/weights.safetensors");
    sandbox_copy("runs/a", "odd/no-experiment");
    sandbox_remove("odd/no-experiment/experiment.yaml");
    sandbox_copy("runs/a", "odd/yaml");
    sandbox_write("odd/yaml/experiment.yaml", "rondo: [1\n");
    sandbox_copy("runs/a", "odd/scalar");
    sandbox_write("odd/scalar/experiment.yaml", "hello\n");
    sandbox_copy("runs/a", "odd/lines");
    sandbox_write("odd/lines/metrics.jsonl", "[1, 2]\n");
    sandbox_copy("runs/a", "odd/empty-log");
    sandbox_write("odd/empty-log/metrics.jsonl", "");
    sandbox_copy("runs/a", "odd/no-environment");
    sandbox_remove("odd/no-environment/environment.json");
    sandbox_copy("runs/a", "odd/environment");
    sandbox_write("odd/environment/environment.json", "{");
    sandbox_write("odd/killed/metrics.jsonl", "");
    sandbox_write("odd/killed/reader.json", "{}");
    sandbox_copy("runs/a", "odd/pipe");
    sandbox_remove("odd/pipe/metrics.jsonl");
    ck_assert_int_eq(mkfifo(sandbox_path("odd/pipe/metrics.jsonl"), 0600), 0);
}

/* ---- one call with its output ---- */

#define A_LINE "runs/a cell gru, hidden 4 3 finished 3 valid.loss "

static const struct {
    const char *arguments;
    int status;
    const char *out, *err, *absent; /* parts; what neither has */
} calls[] = {
    {"runs", 2, "", "usage: rondo runs ACTION|ls|show", NULL},
    {"runs --help", 0, "usage: rondo runs ACTION|ls |show ", "", NULL},
    {"runs sohw", 2, "", "unknown action 'sohw' (did you mean 'show'?)", NULL},
    {"runs ls --help", 0, "usage: rondo runs ls [FOLDER…]|--where KEY=VALUE|--sort KEY", "", NULL},

    /* groups: seeds are a band; what changes no result makes no other variant */
    {"runs ls", 0, "run varies |" A_LINE "| ± |runs/b cell lstm, hidden 6 1 finished 3 valid.loss ", "",
     "a-2|notes|data"},
    {"runs ls runs/", 0, A_LINE, "", NULL},
    {"runs ls runs runs", 0, A_LINE, "", NULL},
    {"runs ls deep", 0, "deep/er/c finished 2 valid.loss ", "", "seeds|varies|±"},
    {"runs ls deep/er/c", 0, "deep/er/c finished", "", NULL},
    {"runs ls runs deep", 0, "deep/er/c 1 finished 2|" A_LINE, "", NULL},
    {"runs ls --each", 0,
     "runs/a cell gru, hidden 4, seed 1 finished |runs/a-2 cell gru, hidden 4, seed 2 finished |"
     "runs/b cell lstm, hidden 6, seed 1 finished ",
     "", "±|seeds"},

    /* filters, columns, order */
    {"runs ls --where model.layers.0.cell=lstm", 0, "runs/b", "", "runs/a"},
    {"runs ls --where model.layers.0.cell!=lstm", 0, "runs/a ", "", "runs/b"},
    {"runs ls --where schedule.seed>=2 --each", 0, "runs/a-2|runs/a-10", "", "runs/b"},
    {"runs ls --where schedule.seed<2.0 --where model.layers.0.hidden>4", 0, "runs/b", "", "runs/a"},
    {"runs ls --where test.accuracy>0.8 --each", 0, "runs/a ", "", "runs/a-2|runs/b"},
    {"runs ls --where accuracy>=0 --each", 0, "runs/a |runs/a-2|runs/b", "", NULL},
    {"runs ls --where state=unfinished", 0, "run", "", "runs/"},
    {"runs ls --where optimizer.lr=5e-2", 0, "runs/a |runs/b", "", NULL},
    {"runs ls --columns schedule.seed,valid.accuracy,test.loss,optimizer.plugin", 0,
     "seeds schedule.seed valid.accuracy test.loss optimizer.plugin| 1, 2, 3 | 0.2500 (1)|adam", "", "state|score"},
    {"runs ls --where lr=1", 2, "", "--where: no run has the key 'lr' (did you mean 'optimizer.lr'?)", NULL},
    {"runs ls --where optimizer.Ir=1", 2, "", "(did you mean 'optimizer.lr'?)", NULL},
    {"runs ls --where valid.acuracy>1", 2, "", "no run has the key 'valid.acuracy' (did you mean 'valid.accuracy'?)",
     NULL},
    {"runs ls --sort stat --columns epoch --where seed=1", 2, "",
     "--sort: no run has the key 'stat' (did you mean 'state'?)|--columns: no run has the key 'epoch' (did you mean "
     "'epochs'?)|--where: no run has the key 'seed' (did you mean 'schedule.seed'?)",
     NULL},
    {"runs ls --where state", 2, "", "--where expects KEY=VALUE, or !=, <, <=, >, >= in place of =, got 'state'", NULL},
    {"runs ls --where =3", 2, "", "--where expects KEY=VALUE", NULL},
    {"runs ls nowhere", 2, "", "there is no folder 'nowhere'", NULL},
    {"runs ls data", 0, "", "no run was found in 'data'", "varies"},
    {"runs ls data --where lr=3 --json", 0, "{\"groups\": []}", "", NULL},

    /* folders in which something is wrong */
    {"runs ls odd --each", 0,
     "odd/unfinished |unfinished at step 9|odd/half-line |unfinished at step 9|"
     "other version: experiment.yaml is of format 7, expected 1|odd/weights |damaged: odd/weights/weights.safetensors: "
     "|"
     "damaged: weights.safetensors is missing|damaged: experiment.yaml is missing|damaged: odd/yaml/experiment.yaml:|"
     "damaged: experiment.yaml is not the mapping of an experiment|damaged: a line of metrics.jsonl is not an object "
     "of "
     "JSON|odd/no-environment |damaged: 'environment.json' is not JSON|"
     "damaged: killed as it started: the next run in this folder replaces it|odd/pipe |damaged: metrics.jsonl is "
     "missing",
     "", NULL},
    {"runs ls odd --each --where state=unfinished", 0, "odd/empty-log|odd/half-line|odd/unfinished", "",
     "no-environment"},

    /* one run */
    {"runs show runs/a", 0,
     "run runs/a\n| state |finished|9 steps, in epoch 3 of 3|the best by valid.loss|parameters |model.layers.0 "
     "gru, hidden 4|"
     " train valid test\n| accuracy | 0.8750\n|data.train |/train.tsv|weights.safetensors|test.json|"
     "rondo eval runs/a --plot|rondo train --resume runs/a --set schedule.epochs=N",
     "", "not a file of Rondo's|is missing now"},
    {"runs show runs/a/", 0, "run runs/a\n", "", NULL},
    {"runs show runs/a --all", 0,
     "keys of the experiment\n| model.layers 1\n| optimizer.beta1 | schedule.checkpoint.keep ", "", NULL},
    {"runs show odd/unfinished", 0, "unfinished at step 9|rondo train --resume odd/unfinished\n", "", "epochs=N"},
    {"runs show odd/version", 0, "other version: experiment.yaml is of format 7, expected 1", "", "to go on"},
    {"runs show odd/killed", 0, "damaged: killed as it started", "", "to go on"},
    {"runs show a", 2, "", "there is no folder 'a' (did you mean 'runs/a'?)", NULL},
    {"runs show nowhere", 2, "", "there is no folder 'nowhere'", "did you mean"},
    {"runs show e.yaml", 2, "", "'e.yaml' is a file, expected the folder of a run", NULL},
    {"runs show runs", 2, "", "'runs' is not the folder of a run; 'rondo runs ls runs --each' lists the 4 in it", NULL},
    {"runs show data", 2, "", "'data' is not the folder of a run\n", NULL},

    /* two runs */
    {"runs diff runs/a runs/b", 0,
     "keys runs/a runs/b\nmodel.layers.0.cell gru lstm\nmodel.layers.0.hidden 4 6\n|scores runs/a runs/b difference\n|"
     "test.loss 0.2500 -\n|parameters 182 342 × 1.88\n",
     "", "contents|no differences|schedule"},
    {"runs diff runs/a runs/a-2", 0, "schedule.checkpoint.keep 2 1\n|schedule.seed 1 2\n", "", "model|contents"},
    {"runs diff runs/a runs/a", 0, "the experiments have no differences\n", "", "keys"},
    {"runs diff odd/unfinished runs/a", 0, "facts odd/unfinished runs/a\nstate unfinished finished\n", "", "keys"},
    {"runs diff runs/a deep", 0, "keys runs/a deep\nname tiny other\n", "", NULL}, /* a folder with one variant */
    {"runs diff runs deep", 2, "", "'runs' has runs of 2 variants, expected one run, or the runs of one variant", NULL},
    {"runs diff runs/a odd/yaml", 0, "scores runs/a odd/yaml", "warning: odd/yaml/experiment.yaml:", "keys"},
    {"runs diff runs/a data", 2, "", "'data' is not the folder of a run\n", NULL},
    {"runs diff runs/a", 2, "", "an argument is missing", NULL},

    /* tables for other programs */
    {"runs export runs", 0,
     "run,group,experiment,state,metric,score,epochs,|,rondo,model.layers.0.cell,model.layers.0.hidden,"
     "schedule.checkpoint.keep,schedule.seed,test.accuracy,test.loss,train.loss,valid.accuracy,|"
     "\r\nruns/a-2,runs/a,tiny,finished,valid.loss,|,gru,4,1,2,,,|\r\nruns/a,runs/a,|,gru,4,2,1,0.875,0.25,|"
     "\r\nruns/b,runs/b,|,lstm,6,2,1,,,",
     "", "optimizer"},
    {"runs export runs/a --keys", 0, ",optimizer.lr,", "", NULL},
    {"runs export runs --where schedule.seed=2 --curves", 0,
     "run,group,schedule.seed,epoch,step,seconds,part,metric,value\r\n|runs/a-2,runs/"
     "a-2,2,1,3,|,train,loss,|,valid,accuracy,|"
     "runs/a-2,runs/a-2,2,3,9,|,train,gradient_norm,",
     "", "runs/a,"},
    {"runs export odd", 0, "\r\nodd/killed,odd/killed,,damaged,,,,,,,0,,|odd/version,|,other version,valid.loss,0.", "",
     NULL},
    {"runs export odd --curves", 0, "odd/unfinished,", "'odd/pipe/metrics.jsonl' is a pipe", NULL},
    {"runs export runs --out table.txt", 2, "", "--out expects a file that ends in .csv or .json, got 'table.txt'",
     NULL},
    {"runs export data", 2, "", "no run was found", NULL},
    {"runs export runs --where lr=1", 2, "", "did you mean 'optimizer.lr'?", NULL},
    {"runs export runs --out no/such/folder.csv", 1, "", "cannot write 'no/such/folder.csv'", NULL},
};

/* A text in which several blanks are one: the width of a column depends on all of its rows. */
static const char *squeezed(const char *text) {
    char *copy = sandbox_memory(strlen(text) + 1), *end = copy;
    for (; *text != '\0'; text++) {
        if (*text != ' ' || end == copy || end[-1] != ' ') {
            *end++ = *text;
        }
    }
    *end = '\0';
    return copy;
}

START_TEST(what_is_printed) {
    struct outcome outcome = rondo(calls[_i].arguments, calls[_i].status);
    outcome.out = squeezed(outcome.out);
    assert_parts(calls[_i].arguments, outcome.out, calls[_i].out);
    assert_parts(calls[_i].arguments, outcome.err, calls[_i].err);
    char absent[200] = "";
    snprintf(absent, sizeof absent, "%s", calls[_i].absent == NULL ? "" : calls[_i].absent);
    for (char *part = strtok(absent, "|"); part != NULL; part = strtok(NULL, "|")) {
        ck_assert_msg(strstr(outcome.out, part) == NULL && strstr(outcome.err, part) == NULL, "%s: '%s' is in\n%s%s",
                      calls[_i].arguments, part, outcome.out, outcome.err);
    }
}
END_TEST

/* The names of the first column, in order. */
static const struct {
    const char *arguments, *order;
} orders[] = {
    {"runs ls --each", "runs/a runs/a-2 runs/a-10 runs/b "},
    {"runs ls --each --sort -schedule.seed", "runs/a-10 runs/a-2 runs/a runs/b "},
    {"runs ls --each --sort model.layers.0.cell", "runs/a runs/a-2 runs/a-10 runs/b "},
    {"runs ls --each --sort -model.layers.0.cell", "runs/b runs/a runs/a-2 runs/a-10 "},
    {"runs ls --each --sort test.loss", "runs/a runs/a-2 runs/a-10 runs/b "}, /* those without it are last */
    {"runs ls --each --sort -test.loss", "runs/a runs/a-2 runs/a-10 runs/b "},
    {"runs ls --sort -parameters", "runs/b runs/a "},
    {"runs ls", "runs/a runs/b "},
};

START_TEST(runs_are_in_the_order_that_is_asked_for) {
    char names[400] = "";
    const char *line = strchr(rondo(orders[_i].arguments, 0).out, '\n') + 1;
    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        const size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%.*s ", (int)strcspn(line, " "), line);
    }
    ck_assert_str_eq(names, orders[_i].order);
}
END_TEST

static json_t *json_of(const char *arguments) {
    const char *text = rondo(arguments, 0).out;
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_msg(root != NULL, "%s: not JSON: %s", arguments, text);
    return root;
}

static double number_at(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "'%s' is no number", key);
    return json_number_value(value);
}

START_TEST(a_group_has_mean_and_deviation_of_its_seeds) {
    json_t *root = json_of("runs ls --where model.layers.0.cell=gru --json");
    const json_t *groups = json_object_get(root, "groups"), *group = json_array_get(groups, 0);
    const json_t *runs = json_object_get(group, "runs");
    double values[3], mean = 0, squares = 0;
    ck_assert_uint_eq(json_array_size(groups), 1);
    ck_assert_uint_eq(json_array_size(runs), 3);
    for (size_t i = 0; i < 3; i++) {
        values[i] = number_at(json_array_get(runs, i), "score");
        mean += values[i] / 3;
    }
    for (size_t i = 0; i < 3; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    ck_assert(values[0] != values[1]);
    ck_assert_double_eq_tol(number_at(group, "mean"), mean, 1e-8);
    ck_assert_double_eq_tol(number_at(group, "deviation") * number_at(group, "deviation"), squares / 2, 1e-8);
    ck_assert_str_eq(json_string_value(json_object_get(group, "metric")), "valid.loss");
    json_decref(root);
}
END_TEST

/* The score of the weights is that of the line `best`, however far it is from the end of the log. */
START_TEST(the_score_is_that_of_the_weights) {
    enum { LINES = 2000 };
    sandbox_copy("runs/a", "long/run");
    char *text = sandbox_memory((size_t)LINES * 120), *end = text;
    for (int i = 1; i <= LINES; i++) {
        end += sprintf(end,
                       "{\"epoch\":%d,\"step\":%d,\"best\":%s,\"train\":{\"loss\":%d.5},\"valid\":{\"loss\":%d.25}}\n",
                       i, 3 * i, i <= 7 ? "true" : "false", i, i);
    }
    for (int is_finished = 0; is_finished < 2; is_finished++) {
        end += is_finished ? sprintf(end, "{\"finished\":true,\"epochs\":2000,\"steps\":6000}\n") : 0;
        sandbox_write("long/run/metrics.jsonl", text);
        json_t *root = json_of("runs ls long --each --json");
        const json_t *run = json_array_get(json_object_get(root, "runs"), 0);
        ck_assert_double_eq(number_at(run, "score"), 7.25);
        ck_assert_double_eq(number_at(run, "best_epoch"), 7);
        ck_assert_double_eq(number_at(run, "epochs"), LINES);
        ck_assert_double_eq(number_at(run, "steps"), 3 * LINES);
        ck_assert_str_eq(json_string_value(json_object_get(run, "state")), is_finished ? "finished" : "unfinished");
        json_decref(root);
    }
}
END_TEST

/* Whoever trains has a lock on metrics.jsonl; whatever is missing is perhaps being written. */
START_TEST(a_run_that_is_trained_now_is_shown_as_such) {
    static const char *const folders[] = {"runs/a", "odd/unfinished", "odd/killed", "odd/yaml"};
    char copy[64], file[96], arguments[96];
    snprintf(copy, sizeof copy, "now/%s", strrchr(folders[_i], '/') + 1);
    sandbox_copy(folders[_i], copy);
    snprintf(file, sizeof file, "%s/metrics.jsonl", copy);
    const int descriptor = open(sandbox_path("%s", file), O_RDWR);
    ck_assert_int_eq(flock(descriptor, LOCK_EX | LOCK_NB), 0);
    snprintf(arguments, sizeof arguments, "runs show %s", copy);
    assert_parts(arguments, rondo(arguments, 0).out, "  state |training");
    close(descriptor);
    ck_assert_ptr_null(strstr(rondo(arguments, 0).out, "training "));
}
END_TEST

/* File names are any bytes; a link is not followed, so nothing is listed twice. */
START_TEST(strange_names_are_listed) {
    sandbox_copy("runs/a", "strange/x");
    ck_assert_int_eq(rename(sandbox_path("strange/x"), sandbox_path("strange/a b\nc\xff\x1b[1m é")), 0);
    sandbox_copy("runs/b", "strange/-b");
    ck_assert_int_eq(symlink("-b", sandbox_path("strange/link")), 0);
    ck_assert_int_eq(symlink(".", sandbox_path("strange/loop")), 0);
    const char *out = rondo("runs ls strange", 0).out;
    assert_parts("runs ls strange", out, "strange/a b\\nc\\xff\\x1b[1m é  |strange/-b ");
    ck_assert_ptr_null(strstr(out, "link"));
    ck_assert_ptr_null(strstr(out, "loop"));
    json_decref(json_of("runs ls strange --json"));
}
END_TEST

/* Runs of a comparison: the folder of a variant is the name of its group; runs that only chose settings are left out. */
START_TEST(runs_of_a_comparison_are_grouped_by_variant) {
    sandbox_write("comparisons/grid/comparison.json", "{}");
    sandbox_copy("runs/a", "comparisons/grid/runs/gru/seed-1");
    sandbox_copy("runs/a-2", "comparisons/grid/runs/gru/seed-2");
    sandbox_copy("runs/a-10", "comparisons/grid/runs/gru/seed-3");
    sandbox_copy("runs/b", "comparisons/grid/runs/lstm/seed-1");
    sandbox_copy("runs/b", "comparisons/grid/tuning/lstm/trial-1/seed-1");
    struct outcome outcome = rondo("runs ls comparisons", 0);
    assert_parts(
        "ls", outcome.out,
        "comparisons/grid/runs/gru          cell gru, hidden 4       3  |comparisons/grid/runs/lstm/seed-1  cell lstm");
    assert_parts("ls", outcome.err,
                 "the runs that only chose settings of 1 comparison are left out; --all lists them, too");
    ck_assert_ptr_null(strstr(outcome.out, "tuning"));
    /* They are not mixed with the same experiments elsewhere, and a seed that was trained twice counts once. */
    sandbox_copy("runs/a", "comparisons/alone");
    sandbox_copy("runs/a", "comparisons/again");
    assert_parts("ls", squeezed(rondo("runs ls comparisons", 0).out),
                 "comparisons/again cell gru, hidden 4 1 (2 runs) finished 3 valid.loss |comparisons/grid/runs/gru "
                 "cell gru, hidden 4 "
                 "3 finished ");
    outcome = rondo("runs ls comparisons --all --each", 0);
    assert_parts("ls --all", outcome.out, "comparisons/grid/tuning/lstm/trial-1/seed-1 ");
    ck_assert_str_eq(outcome.err, "");
}
END_TEST

/* The contents of a cell decide, not its name. */
START_TEST(runs_of_another_cell_of_the_same_name_are_another_variant) {
    sandbox_copy("runs/a", "cells/one");
    sandbox_copy("runs/a-2", "cells/two");
    const char *environment = sandbox_read("cells/two/environment.json", NULL);
    const char *hash = strstr(strstr(environment, "model.layers.0"), "\"xxh3\": \"");
    char found[40];
    snprintf(found, sizeof found, "%.25s", hash);
    put_in("cells/two/environment.json", found, "\"xxh3\": \"0123456789abcdef");
    assert_parts("ls", rondo("runs ls cells", 0).out, "cells/one  contents |cells/two  contents 0123456789abcdef");
}
END_TEST

/* A file name of any bytes is one field, and one JSON text; numbers are numbers. */
START_TEST(exports_are_read_by_other_programs) {
    sandbox_copy("runs/a", "named/x");
    ck_assert_int_eq(rename(sandbox_path("named/x"), sandbox_path("named/a,\"b\"\nc\xff ")), 0);
    rondo("runs export named --out named.csv", 0);
    rondo("runs export named --out named.json --keys", 0);
    rondo("runs export named --out curves.json --curves", 0);
    assert_parts("csv", sandbox_read("named.csv", NULL), "\r\n\"named/a,\"\"b\"\"\nc\xef\xbf\xbd \",\"named/a,");
    json_t *rows = json_loads(sandbox_read("named.json", NULL), 0, NULL), *row = json_array_get(rows, 0);
    ck_assert_uint_eq(json_array_size(rows), 1);
    ck_assert_str_eq(json_string_value(json_object_get(row, "run")), "named/a,\"b\"\nc\xef\xbf\xbd ");
    ck_assert_double_eq(number_at(row, "optimizer.lr"), 0.05);
    ck_assert_double_eq(number_at(row, "test.accuracy"), 0.875);
    ck_assert(json_is_string(json_object_get(row, "model.layers.0.cell")));
    json_decref(rows);
    rows = json_loads(sandbox_read("curves.json", NULL), 0, NULL);
    ck_assert_uint_eq(json_array_size(rows), 3 * (1 + 3 + 2)); /* the loss of training, three metrics, norm and scale */
    row = json_array_get(rows, 0);
    ck_assert_str_eq(json_string_value(json_object_get(row, "metric")), "loss");
    ck_assert_double_eq(number_at(row, "step"), 3);
    json_decref(rows);
}
END_TEST

/* Seeds of a variant on both sides: means are compared, and the seed is no difference. */
START_TEST(variants_are_compared_with_all_their_seeds) {
    sandbox_copy("runs/a", "sides/left/1");
    sandbox_copy("runs/a-2", "sides/left/2");
    sandbox_copy("runs/b", "sides/right/1");
    json_t *root = json_of("runs diff sides/left sides/right --json");
    const json_t *pair = json_object_get(json_object_get(root, "scores"), "valid.loss"),
                 *left = json_array_get(pair, 0);
    json_t *runs = json_of("runs ls sides/left --each --json");
    double mean = 0;
    for (size_t i = 0; i < 2; i++) {
        mean += number_at(json_array_get(json_object_get(runs, "runs"), i), "score") / 2;
    }
    ck_assert_double_eq_tol(number_at(left, "mean"), mean, 1e-8);
    ck_assert_double_eq(number_at(left, "count"), 2);
    ck_assert_ptr_null(json_object_get(json_object_get(root, "keys"), "schedule.seed"));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(root, "keys"), "model.layers.0.cell"));
    json_decref(runs);
    json_decref(root);
}
END_TEST

/* `ls` must not wait for, or change, anything. */
START_TEST(listing_changes_nothing) {
    const int before = sandbox_entries();
    rondo("runs ls runs odd deep --each", 0);
    rondo("runs show runs/a", 0);
    ck_assert_int_eq(sandbox_entries(), before);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("runs");
    TCase *test_case = tcase_create("output");
    tcase_set_timeout(test_case, 60);
    tcase_add_unchecked_fixture(test_case, setup, sandbox_close);
    tcase_add_loop_test(test_case, what_is_printed, 0, ROWS(calls));
    tcase_add_loop_test(test_case, runs_are_in_the_order_that_is_asked_for, 0, ROWS(orders));
    tcase_add_test(test_case, a_group_has_mean_and_deviation_of_its_seeds);
    tcase_add_test(test_case, listing_changes_nothing);
    tcase_add_test(test_case, exports_are_read_by_other_programs);
    tcase_add_test(test_case, variants_are_compared_with_all_their_seeds);
    tcase_add_test(test_case, the_score_is_that_of_the_weights);
    tcase_add_loop_test(test_case, a_run_that_is_trained_now_is_shown_as_such, 0, 4);
    tcase_add_test(test_case, strange_names_are_listed);
    tcase_add_test(test_case, runs_of_a_comparison_are_grouped_by_variant);
    tcase_add_test(test_case, runs_of_another_cell_of_the_same_name_are_another_variant);
    suite_add_tcase(suite, test_case);
    return run_suite(suite);
}
