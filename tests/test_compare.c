/* tests/test_compare.c: `rondo compare`: what it leaves, what it refuses, and that it comes out the same however often it is
 * killed. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "io/file_lock.h"
#include "sandbox.h"
#include "store/safetensors.h"
#include "tests/suite.h"
#include "tiny.h"

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
}

/* Writes an experiment that extends the tiny one. */
static void write_comparison(const char *name, const char *compare) {
    char text[2048];
    snprintf(text, sizeof text, "extends: e.yaml\nname: c\ncompare:\n%s", compare);
    sandbox_write(name, text);
}

/* Writes a cell of the user's own. */
static void write_cell(const char *name, const char *state) {
    char file[64], text[512];
    snprintf(file, sizeof file, "%s.yaml", name);
    snprintf(text, sizeof text, "cell: %s\nstate: [h]\nequations: |\n  h' = %s\n", name, state);
    sandbox_write(file, text);
}

static struct outcome compare(const char *arguments) {
    char line[1024];
    snprintf(line, sizeof line, "compare %s", arguments);
    return sandbox_run((struct call){.arguments = line});
}

static struct outcome compare_well(const char *arguments) {
    const struct outcome outcome = compare(arguments);
    assert_status(arguments, &outcome, 0);
    return outcome;
}

/* comparison.json, without what was measured. */
static char *result_of(const char *folder) {
    char name[256];
    snprintf(name, sizeof name, "%s/comparison.json", folder);
    char *text = sandbox_read(name, NULL), *out = sandbox_memory(strlen(text) + 1);
    out[0] = '\0';
    static const char *const measured[] = {"\"seconds\"", "\"seconds_per_epoch\"", "\"peak_memory_megabytes\"",
                                           "\"seconds_to_target\""};
    for (char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n") + 1;
        int is_measured = 0;
        for (int i = 0; i < ROWS(measured); i++) {
            const char *found = strstr(line, measured[i]);
            is_measured |= found != NULL && found < line + length;
        }
        if (!is_measured) {
            strncat(out, line, length);
        }
        line += length - (line[length - 1] == '\0');
    }
    return out;
}

/* The run of a variant with a seed in comparison.json; to be released. */
static json_t *run_of(const char *folder, int variant, int seed) {
    char name[256];
    snprintf(name, sizeof name, "%s/comparison.json", folder);
    json_t *root = json_loads(sandbox_read(name, NULL), 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_t *runs = json_object_get(json_array_get(json_object_get(root, "variants"), (size_t)variant), "runs");
    json_t *run = json_array_get(runs, (size_t)seed);
    ck_assert_msg(run != NULL, "%s has no variant %d with seed %d", name, variant, seed);
    json_incref(run);
    json_decref(root);
    return run;
}

/* A text of it, until the next call. */
static const char *text_of(const char *folder, int variant, int seed, const char *key) {
    static char text[4096];
    json_t *run = run_of(folder, variant, seed);
    const char *value = json_string_value(json_object_get(run, key));
    ck_assert_msg(value != NULL && strlen(value) < sizeof text, "no text '%s'", key);
    snprintf(text, sizeof text, "%s", value);
    json_decref(run);
    return text;
}

static void assert_state(const char *folder, int variant, int seed, const char *state) {
    ck_assert_str_eq(text_of(folder, variant, seed, "state"), state);
}

static void wait_ms(long ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The process that trains a run now, which has the lock of the folder; 0: none. */
static long owner_of(const char *folder) {
    const int descriptor = open(sandbox_path("%s/metrics.jsonl", folder), O_RDONLY);
    const long owner = descriptor < 0 ? 0 : file_lock_owner(descriptor);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return owner;
}

/* Waits until one of two runs is trained, and returns its process. */
static long trainer_of_either(const char *one, const char *other) {
    for (int i = 0; i < 400; i++) {
        const long owner = owner_of(one) > 0 ? owner_of(one) : owner_of(other);
        if (owner > 0) {
            return owner;
        }
        wait_ms(5);
    }
    ck_abort_msg("nobody trains in %s or %s", one, other);
    return 0;
}

static long trainer_of(const char *folder) {
    return trainer_of_either(folder, folder);
}

/* ---- results ---- */

START_TEST(every_variant_is_trained_with_every_seed_and_scored_on_the_test_part) {
    write_cell("mine", "tanh(x @ W + h @ U + b)");
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, ./mine.yaml]\n  seeds: [3, 5]\n");
    const struct outcome outcome = compare_well("c.yaml");
    assert_parts("progress", outcome.err, "runs: 4 of 4 to do|gru, seed 3: trained|mine, seed 5: trained|test");
    for (int v = 0; v < 2; v++) {
        for (int s = 0; s < 2; s++) {
            assert_state("comparisons/c", v, s, "scored");
            json_t *run = run_of("comparisons/c", v, s);
            char command[256], score[64];
            snprintf(command, sizeof command, "eval comparisons/c/%s --on test --json",
                     json_string_value(json_object_get(run, "folder")));
            const struct outcome eval = sandbox_run((struct call){.arguments = command});
            assert_status(command, &eval, 0);
            snprintf(score, sizeof score, "\"loss\": %.17g",
                     json_number_value(json_object_get(json_object_get(run, "metrics"), "loss")));
            assert_parts("the score is that of `rondo eval`", eval.out, score);
            json_decref(run);
        }
    }
    ck_assert(sandbox_has("comparisons/c/runs/mine/seed-5/weights.safetensors"));
    const struct outcome again = compare_well("c.yaml");
    ck_assert_msg(strstr(again.err, "to do") == NULL, "%s", again.err);
}
END_TEST

START_TEST(a_run_of_a_comparison_is_that_of_train) {
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: [2]\n");
    compare_well("c.yaml --jobs 2");
    const struct outcome train = sandbox_run(
        (struct call){.arguments = "train e.yaml --set optimizer.lr=0.1 --set schedule.seed=2 --out alone"});
    assert_status("train", &train, 0);
    static const char *const files[] = {"weights.safetensors", "metrics.jsonl", "reader.json"};
    for (int i = 0; i < ROWS(files); i++) {
        char alone[128], compared[128];
        size_t length, other;
        snprintf(alone, sizeof alone, "alone/%s", files[i]);
        snprintf(compared, sizeof compared, "comparisons/c/runs/0.1/seed-2/%s", files[i]);
        const char *left = sandbox_read(alone, &length), *right = sandbox_read(compared, &other);
        ck_assert_msg(length == other && memcmp(left, right, length) == 0, "%s differs", files[i]);
    }
}
END_TEST

/* The tensor of a run's weights, from `arena`. */
static rondo_tensor weight_of(const char *folder, const char *name, struct arena *arena) {
    struct errors errors = {0};
    struct named_tensor *tensors = NULL;
    int32_t count = 0;
    const rondo_status status =
        safetensors_read(sandbox_path("%s/weights.safetensors", folder), arena, &tensors, &count, NULL, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(tensors[i].name, name) == 0) {
            return tensors[i].tensor;
        }
    }
    ck_abort_msg("%s has no tensor %s", folder, name);
    return (rondo_tensor){0};
}

START_TEST(variants_of_a_seed_begin_with_the_same_values_and_see_the_same_order) {
    struct arena *arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    /* With this learning rate nothing moves, so the weights are the initial ones. */
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, lstm]\n  seeds: [1, 2]\n");
    compare_well("c.yaml --set optimizer.lr=1e-30");
    static const char *const same[] = {"embedding.W", "head.W", "head.b"};
    for (int i = 0; i < ROWS(same); i++) {
        const rondo_tensor gru = weight_of("comparisons/c/runs/gru/seed-1", same[i], arena);
        const rondo_tensor lstm = weight_of("comparisons/c/runs/lstm/seed-1", same[i], arena);
        ck_assert_int_eq(rondo_count(&gru), rondo_count(&lstm));
        for (int64_t k = 0; k < rondo_count(&gru); k++) {
            ck_assert_float_eq_tol(((const float *)gru.data)[k], ((const float *)lstm.data)[k], 1e-25f);
        }
    }
    const rondo_tensor first = weight_of("comparisons/c/runs/gru/seed-1", "embedding.W", arena);
    const rondo_tensor second = weight_of("comparisons/c/runs/gru/seed-2", "embedding.W", arena);
    ck_assert(memcmp(first.data, second.data, (size_t)rondo_count(&first) * sizeof(float)) != 0);
    /* The last batch has other examples in another order: two rates that are nearly the same give nearly the same weights. */
    write_comparison("o.yaml", "  optimizer.lr: [0.01, 0.010000001]\n  seeds: [1]\n");
    compare_well("o.yaml --out o");
    const rondo_tensor left = weight_of("o/runs/0.01/seed-1", "head.W", arena);
    const rondo_tensor right = weight_of("o/runs/0.010000001/seed-1", "head.W", arena);
    for (int64_t i = 0; i < rondo_count(&left); i++) {
        ck_assert_float_eq_tol(((const float *)left.data)[i], ((const float *)right.data)[i], 1e-4f);
    }
    arena_destroy(arena);
}
END_TEST

/* ---- failures ---- */

START_TEST(test_data_are_checked_first_and_must_be_the_same_for_all) {
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: 2\n");
    char *good = sandbox_read("test.tsv", NULL);
    sandbox_write("test.tsv", "soup great\tunheard of\n");
    const struct outcome wrong = compare("c.yaml --quiet");
    assert_status("wrong", &wrong, 2);
    assert_parts("wrong", wrong.err, "test.tsv:1: label 'unheard of'");
    sandbox_remove("test.tsv");
    const struct outcome missing = compare("c.yaml --quiet");
    assert_status("missing", &missing, 2);
    ck_assert(!sandbox_has("comparisons"));
    sandbox_write("test.tsv", good);
    compare_well("c.yaml --quiet");
    good[0]++;
    sandbox_write("test.tsv", good);
    const struct outcome other = compare("c.yaml --quiet --seeds 3");
    assert_status("other", &other, 2);
    assert_parts(
        "other", other.err,
        "the test data have changed since the run |was scored; without the files test.json, all runs are scored again");
}
END_TEST

START_TEST(damaged_files_of_a_run_are_mended_or_named) {
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: 2\n");
    compare_well("c.yaml --quiet");
    char *expected = result_of("comparisons/c");
    sandbox_write("comparisons/c/runs/0.1/seed-2/test.json", "{\"part\": \"te");
    compare_well("c.yaml --quiet"); /* scored again */
    ck_assert_str_eq(result_of("comparisons/c"), expected);
    sandbox_write("comparisons/c/runs/0.1/seed-2/metrics.jsonl", "{\"epoch\":1,");
    const struct outcome damaged = compare("c.yaml --quiet");
    assert_status("damaged", &damaged, 1);
    assert_parts("damaged", text_of("comparisons/c", 1, 1, "reason"),
                 "would not go on as it began: |metrics.jsonl|; without the folder '|' the run is trained again");
    sandbox_remove("comparisons/c/runs/0.1/seed-2/experiment.yaml");
    const struct outcome unknown = compare("c.yaml --quiet");
    assert_status("unknown", &unknown, 2);
    assert_parts("unknown", unknown.err, "seed-2/experiment.yaml|without this folder, the run is trained again");
    sandbox_remove("comparisons/c/runs/0.1/seed-2");
    compare_well("c.yaml --quiet");
    ck_assert_str_eq(result_of("comparisons/c"), expected);
}
END_TEST

START_TEST(a_run_that_failed_is_tried_again_with_another_cell) {
    write_cell("mine", "log(0 - exp(x @ W + h @ U + b))");
    const char *command = "e.yaml --cells gru,./mine.yaml --seeds 2 --out m --quiet";
    compare_well(command);
    assert_state("m", 1, 0, "failed");
    write_cell("mine", "tanh(x @ W + h @ U + b)");
    compare_well(command);
    assert_state("m", 1, 0, "scored");
}
END_TEST

START_TEST(a_comparison_without_any_score_fails) {
    write_cell("bad", "log(0 - exp(x @ W + h @ U + b))");
    const struct outcome outcome = compare("e.yaml --cells ./bad.yaml --seeds 2 --out b --quiet");
    assert_status("all fail", &outcome, 1);
    assert_parts("all fail", outcome.err, "no run has a score: all have failed");
    ck_assert(sandbox_has("b/report.html"));
}
END_TEST

START_TEST(a_run_that_fails_is_a_row_with_its_reason) {
    write_cell("bad", "log(0 - exp(x @ W + h @ U + b))");
    write_comparison("c.yaml", "  model.layers.0.cell: [./bad.yaml, gru]\n  seeds: 2\n");
    const struct outcome outcome = compare_well("c.yaml");
    assert_parts("progress", outcome.err, "seed 1: failed: ");
    assert_state("comparisons/c", 0, 1, "failed");
    assert_state("comparisons/c", 1, 1, "scored");
    ck_assert_str_ne(text_of("comparisons/c", 0, 0, "reason"), "");
    const struct outcome again = compare_well("c.yaml"); /* it would fail again, so it is not tried again */
    ck_assert_msg(strstr(again.err, "to do") == NULL, "%s", again.err);
}
END_TEST

/* What is wrong with a comparison, before anything runs. */
static const struct {
    const char *compare, *arguments, *parts;
} mistakes[] = {
    {"  model.layers.0.cell: [gru, lstn]\n", "", "c.yaml:4:30: there is no cell 'lstn'|did you mean 'lstm'?"},
    {"  optimizer.lr: [0.1, many]\n", "", "c.yaml:4:23: 'lr' is 'many'"},
    {"  optimizer.lt: [0.1, 0.2]\n", "", "c.yaml:4|unknown key 'lt'|did you mean 'lr'?"},
    {"  optimizer.lr: [0.1, 0.2]\n  metric: acuracy\n", "",
     "c.yaml:5:11: the experiment has no metric 'acuracy' (did you mean 'accuracy'?)"},
    {"  optimizer.lr: [0.1, 0.2]\n  metric: valid.accuracy\n", "",
     "c.yaml:5:11: 'compare.metric' is 'valid.accuracy', and the variants are compared on the test part; expected "
     "accuracy"},
    {"  seeds: 2\n", "--set compare.optimizer.lr=[0.1,many]",
     "--set compare.\"optimizer.lr\"=[0.1,many]: 'lr' is 'many'"},
    {"  optimizer.lr: [0.1, 0.2]\n", "--set schedule.epochs=0", "'epochs' is 0"},
    {"  optimizer.lr: [0.1, 0.2]\n", "--set data.test=null --set data.valid=null", "there are no data to compare"},
    {"  optimizer.lr: [0.1, 0.2]\n  seeds: 9000\n", "", "18000 runs|--yes"},
    {"  model.layers.0.hidden: [4, 65536]\n", "--set model.layers.0.count=16",
     "training this model takes at least|expected at most"},
    {"  optimizer.lr: [0.1, 0.2]\n", "--phase 1", "--phase and --task are given together"},
};

START_TEST(mistakes_are_reported_before_anything_runs) {
    char arguments[256];
    write_comparison("c.yaml", mistakes[_i].compare);
    snprintf(arguments, sizeof arguments, "c.yaml %s", mistakes[_i].arguments);
    const struct outcome outcome = compare(arguments);
    assert_status(mistakes[_i].compare, &outcome, 2);
    assert_parts(mistakes[_i].compare, outcome.err, mistakes[_i].parts);
    ck_assert(!sandbox_has("comparisons"));
}
END_TEST

START_TEST(an_experiment_without_the_section_is_refused_unless_cells_are_given) {
    const struct outcome refused = compare("e.yaml");
    assert_status("no section", &refused, 2);
    assert_parts("no section", refused.err, "has no section 'compare'|--cells");
    compare_well("e.yaml --cells gru,rnn_tanh --set compare.seeds=1 --out here");
    assert_state("here", 1, 0, "scored");
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, lstm]\n");
    compare_well(
        "c.yaml --cells mgu,rnn_tanh --set compare.seeds=1 --set compare.optimizer.lr=[0.01,0.1] --out others");
    ck_assert(sandbox_has("others/runs/lr-0.1-mgu/seed-1") && sandbox_has("others/runs/lr-0.01-rnn_tanh/seed-1"));
    const struct outcome train = sandbox_run((struct call){.arguments = "train c.yaml"});
    assert_status("train", &train, 2);
    assert_parts("train", train.err, "c.yaml:3:1: 'compare' describes several experiments");
}
END_TEST

/* ---- changes ---- */

static const struct {
    const char *arguments, *parts; /* parts NULL: no difference */
} changes[] = {
    {"--set optimizer.beta1=0.5", "'optimizer.beta1' was 0.9 when the run was trained, and is 0.5|--out names another"},
    {"--set schedule.epochs=3", "'schedule.epochs' was 2"},
    {"--set schedule.early_stopping.patience=1", "'schedule.early_stopping.patience' was"},
    {"--set model.layers.0.hidden=3", "'model.layers.0.hidden' was"},
    {"--engine tape --set compare.seeds=3", "was trained by the engine 'fused', and this is 'tape'; --engine=fused"},
    {"--passes -fuse", "was trained with --passes='', and this is --passes='-fuse'"},
    {"--threads-per-job 2", NULL},
    {"--set compare.seeds=3", NULL},
    {"--set compare.target=0.1", NULL},
    {"--set schedule.checkpoint.keep=1", NULL},
};

START_TEST(a_changed_experiment_is_refused_with_the_difference) {
    char arguments[256];
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: 2\n");
    compare_well("c.yaml --quiet --set schedule.epochs=2 --set schedule.early_stopping.patience=0");
    snprintf(arguments, sizeof arguments,
             "c.yaml --quiet --set schedule.epochs=2 --set schedule.early_stopping.patience=0 %s",
             changes[_i].arguments);
    char *before = result_of("comparisons/c");
    const struct outcome outcome = compare(arguments);
    assert_status(arguments, &outcome, changes[_i].parts == NULL ? 0 : 2);
    if (changes[_i].parts != NULL) {
        assert_parts(arguments, outcome.err, changes[_i].parts);
        ck_assert_str_eq(result_of("comparisons/c"), before);
    }
    strcat(arguments, " --dry-run");
    const struct outcome dry = compare(arguments);
    assert_status(arguments, &dry, changes[_i].parts == NULL ? 0 : 2);
    assert_parts(arguments, changes[_i].parts == NULL ? dry.out : dry.err,
                 changes[_i].parts == NULL ? "runs have ended already, in 'comparisons/c'" : changes[_i].parts);
}
END_TEST

/* What is tuned, and what the table says of the value that was chosen: with a learning rate near 0, nothing is learned. */
static const struct {
    const char *tune, *chosen, *said; /* said NULL: nothing */
} ends[] = {
    {"{optimizer.lr: [1e-7, 1e-6, 0.1], trials: 3}", "0.1", "optimizer.lr 0.1|(the largest) of c"},
    {"{optimizer.lr: [0.1, 1e-6, 1e-7], trials: 3}", "0.1", "optimizer.lr 0.1|(the largest) of c"},
    {"{optimizer.lr: [1e-7, 0.1], trials: 2}", "0.1", NULL}, /* two values are nothing but ends */
};

START_TEST(a_setting_at_an_end_of_those_tried_is_reported) {
    char section[256];
    snprintf(section, sizeof section, "  seeds: 1\n  tune: %s\n", ends[_i].tune);
    write_comparison("c.yaml", section);
    const struct outcome outcome = compare("c.yaml --quiet");
    assert_status(ends[_i].tune, &outcome, 0);
    ck_assert_ptr_nonnull(strstr(result_of("comparisons/c"), ends[_i].chosen));
    ck_assert_msg((strstr(outcome.out, "at an end of those it tried") != NULL) == (ends[_i].said != NULL), "%s",
                  outcome.out);
    assert_parts(ends[_i].tune, outcome.out, ends[_i].said == NULL ? "" : ends[_i].said);
}
END_TEST

/* Tuning that chooses other settings than those that the runs in the folder have. */
static const char *const choices[] = {"trials: 3", "trials: 3, seeds: 2", "trials: 3, halving: 2"};

START_TEST(another_choice_of_tuning_is_refused) {
    char section[256];
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, rnn_tanh]\n  seeds: 2\n"
                               "  tune: {optimizer.lr: [1e-7, 1e-6, 0.1], trials: 2}\n");
    snprintf(section, sizeof section,
             "  model.layers.0.cell: [gru, rnn_tanh]\n  seeds: 2\n  tune: {optimizer.lr: [1e-7, 1e-6, 0.1], %s}\n",
             choices[_i]);
    /* With two trials, one of the small rates is left out; with all three, the large one wins. */
    const struct outcome first = compare("c.yaml --quiet");
    assert_status("first", &first, 0);
    if (strstr(result_of("comparisons/c"), "\"optimizer.lr\": \"0.1\"") != NULL) {
        return; /* it was among the two that were drawn */
    }
    write_comparison("c.yaml", section);
    const struct outcome outcome = compare("c.yaml --quiet");
    assert_status(choices[_i], &outcome, 2);
    assert_parts(choices[_i], outcome.err, "was trained with other settings|'optimizer.lr' was 1e-|, and is 0.1");
}
END_TEST

START_TEST(a_cell_that_changes_meanwhile_stops_the_comparison) {
    write_cell("mine", "tanh(x @ W + h @ U + b)");
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, ./mine.yaml]\n  seeds: 2\n");
    char *good = sandbox_read("mine.yaml", NULL);
    struct process *process =
        sandbox_start((struct call){.arguments = "compare c.yaml --quiet --jobs 1 --set schedule.epochs=100"});
    trainer_of("comparisons/c/runs/gru/seed-1");
    write_cell("mine", "tanh(x @ W - h @ U + b)");
    const struct outcome changed = sandbox_finish(process);
    assert_status("changed", &changed, 1);
    assert_parts("changed", changed.err, "mine.yaml' has changed since the comparison began|the same command goes on");
    sandbox_write("mine.yaml", good);
    compare_well("c.yaml --quiet --set schedule.epochs=100");
    assert_state("comparisons/c", 1, 1, "scored");
}
END_TEST

START_TEST(test_data_that_change_meanwhile_stop_the_comparison) {
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.02]\n  seeds: 2\n");
    const char *command = "compare c.yaml --quiet --jobs 1 --set schedule.epochs=100 --set model.layers.0.hidden=40";
    char *good = sandbox_read("test.tsv", NULL);
    struct process *process = sandbox_start((struct call){.arguments = command});
    trainer_of("comparisons/c/runs/0.01/seed-1");
    sandbox_write("test.tsv", "soup awful\tother\ntea lovely\tgreat\n");
    const struct outcome changed = sandbox_finish(process);
    assert_status("changed", &changed, 1);
    assert_parts("changed", changed.err, "the test data have changed since the comparison began");
    sandbox_write("test.tsv", good);
    compare_well(command + strlen("compare "));
}
END_TEST

/* `first`: the folder of the run that begins first. */
static const struct {
    const char *compare, *first;
} replaced_data[] = {
    {"  optimizer.lr: [0.01, 0.02]\n  seeds: 2\n", "comparisons/c/runs/0.01/seed-1"},
    {"  model.layers.0.cell: [gru, lstm]\n  seeds: 2\n  equal: parameters\n", "comparisons/c/runs/gru/seed-1"},
};

START_TEST(runs_record_the_data_that_they_were_trained_on) {
    write_comparison("c.yaml", replaced_data[_i].compare);
    const char *command = "compare c.yaml --quiet --jobs 1 --set schedule.epochs=100 --set model.layers.0.hidden=40";
    char *good = sandbox_read("train.tsv", NULL), other[64] = "soup awful\tother\ntea lovely\tgreat\n";
    struct process *process = sandbox_start((struct call){.arguments = command});
    trainer_of(replaced_data[_i].first);
    sandbox_write("train.tsv", other); /* those that are read already are used to the end */
    const struct outcome outcome = sandbox_finish(process);
    assert_status("replaced", &outcome, 0);
    const struct outcome refused = sandbox_run((struct call){.arguments = command});
    assert_status("other data", &refused, 2);
    assert_parts("other data", refused.err, "train.tsv|has changed");
    sandbox_write("train.tsv", good);
    compare_well(command + strlen("compare "));
}
END_TEST

START_TEST(whole_layers_get_equal_sizes) {
    write_comparison("c.yaml",
                     "  model.layers.0: [{cell: gru}, {cell: lstm, dropout: 0.1}]\n  equal: parameters\n  seeds: 1\n");
    compare_well("c.yaml --quiet --set model.layers.0.hidden=40");
    assert_parts("widths", result_of("comparisons/c"), "\"model.layers.0.hidden\": \"40\"");
}
END_TEST

START_TEST(changed_data_are_refused) {
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: 1\n");
    compare_well("c.yaml --quiet");
    char *text = sandbox_read("valid.tsv", NULL);
    text[0]++;
    sandbox_write("valid.tsv", text);
    const struct outcome outcome = compare("c.yaml --quiet");
    assert_status("changed data", &outcome, 2);
    assert_parts("changed data", outcome.err, "valid.tsv|has changed");
}
END_TEST

START_TEST(a_folder_of_something_else_is_left_as_it_is) {
    sandbox_write("other/file", "x");
    write_comparison("c.yaml", "  optimizer.lr: [0.01, 0.1]\n  seeds: 1\n");
    const struct outcome outcome = compare("c.yaml --out other");
    assert_status("other", &outcome, 2);
    assert_parts("other", outcome.err, "'other' has 'file' and is not the folder of a comparison");
    ck_assert(!sandbox_has("other/lock"));
}
END_TEST

/* ---- interruptions ---- */

/* Long enough to be hit. */
static const char long_comparison[] = "  model.layers.0.cell: [gru, rnn_tanh]\n"
                                      "  seeds: 2\n"
                                      "  tune: {optimizer.lr: [0.003, 0.01, 0.03, 0.1], trials: 4, halving: 2}\n";

START_TEST(a_comparison_that_is_killed_ends_as_one_that_is_not) {
    static const int signals[] = {SIGKILL, SIGTERM, SIGINT};
    write_comparison("c.yaml", long_comparison);
    const char *command = "c.yaml --quiet --set schedule.epochs=16";
    const long begin = now_ms();
    compare_well(command);
    const long undisturbed = now_ms() - begin;
    char *expected = result_of("comparisons/c");
    ck_assert_ptr_nonnull(strstr(expected, "\"optimizer.lr\"")); /* of "tuned" */
    sandbox_remove("comparisons");
    int32_t hits = 0;
    for (int attempt = 0; attempt < 60; attempt++) {
        char line[256];
        snprintf(line, sizeof line, "compare %s", command);
        struct process *process = sandbox_start((struct call){.arguments = line});
        /* The first four attempts together get a quarter of the time that the whole needs, so they are hit on a machine of
         * any speed; the longest of nine is long enough to get on. */
        wait_ms(undisturbed * (1 + attempt % 9) / 40);
        sandbox_signal(process, signals[attempt % ROWS(signals)]);
        const struct outcome outcome = sandbox_finish(process);
        if (outcome.status == 0) {
            break;
        }
        hits++;
    }
    ck_assert_int_gt(hits, 3);
    compare_well(command);
    ck_assert_str_eq(result_of("comparisons/c"), expected);
}
END_TEST

START_TEST(a_job_that_is_killed_is_a_row_and_is_tried_again) {
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, rnn_tanh]\n  seeds: 2\n");
    const char *command = "compare c.yaml --quiet --jobs 2 --set schedule.epochs=200";
    assert_status("undisturbed", (struct outcome[]){sandbox_run((struct call){.arguments = command})}, 0);
    char *expected = result_of("comparisons/c"), *table = sandbox_read("comparisons/c/table.csv", NULL);
    sandbox_remove("comparisons");
    struct process *process = sandbox_start((struct call){.arguments = command});
    kill((pid_t)trainer_of("comparisons/c/runs/gru/seed-2"), SIGKILL);
    const struct outcome killed = sandbox_finish(process);
    assert_status("one job was killed", &killed, 1);
    assert_parts("one job was killed", killed.err,
                 "1 run ended before the end, as the table reports: the same command tries it again");
    assert_state("comparisons/c", 0, 1, "failed");
    assert_state("comparisons/c", 1, 1, "scored");
    assert_parts("reason", text_of("comparisons/c", 0, 1, "reason"), "SIGKILL");
    assert_parts("table", killed.out, "SIGKILL");
    assert_status("again", (struct outcome[]){sandbox_run((struct call){.arguments = command})}, 0);
    ck_assert_str_eq(result_of("comparisons/c"), expected);
    const char *again = sandbox_read("comparisons/c/table.csv", NULL);
    ck_assert_uint_eq(strcspn(again, "\n"), strcspn(table, "\n")); /* the same columns */
}
END_TEST

START_TEST(a_trial_that_is_killed_after_it_was_chosen_is_tried_again) {
    write_comparison("c.yaml", "  model.layers.0.cell: [gru]\n  seeds: 1\n"
                               "  tune: {optimizer.lr: [0.01, 0.02], trials: 2, halving: 2}\n");
    const char *command = "compare c.yaml --jobs 1 --set schedule.epochs=300";
    assert_status("undisturbed", (struct outcome[]){sandbox_run((struct call){.arguments = command})}, 0);
    char *expected = result_of("comparisons/c");
    sandbox_remove("comparisons");
    struct process *process = sandbox_start((struct call){.arguments = command});
    sandbox_await(process, "rung 2 of 2");
    kill((pid_t)trainer_of_either("comparisons/c/tuning/gru/trial-01/seed-1",
                                  "comparisons/c/tuning/gru/trial-02/seed-1"),
         SIGKILL);
    const struct outcome killed = sandbox_finish(process);
    assert_status("a trial was killed", &killed, 1);
    assert_parts("a trial was killed", killed.err,
                 "1 trial of the tuning ended before the end, so no settings can be chosen yet: |SIGKILL|tries again");
    assert_status("again", (struct outcome[]){sandbox_run((struct call){.arguments = command})}, 0);
    ck_assert_str_eq(result_of("comparisons/c"), expected);
}
END_TEST

START_TEST(a_second_command_in_the_same_folder_is_refused) {
    write_comparison("c.yaml", "  model.layers.0.cell: [gru, rnn_tanh]\n  seeds: 2\n");
    struct process *process = sandbox_start((struct call){.arguments = "compare c.yaml --set schedule.epochs=2000"});
    sandbox_await(process, "to do");
    const struct outcome second = compare("c.yaml --set schedule.epochs=2000");
    assert_status("second", &second, 2);
    assert_parts("second", second.err, "works in 'comparisons/c' now");
    sandbox_signal(process, SIGINT);
    const struct outcome first = sandbox_finish(process);
    assert_status("first", &first, 1);
    assert_parts("first", first.err,
                 "interrupted with 0 of 4 runs finished in 'comparisons/c': the same command goes on");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare");
    TCase *results = add_case(suite, "results", 60, open_sandbox, sandbox_close);
    tcase_add_test(results, every_variant_is_trained_with_every_seed_and_scored_on_the_test_part);
    tcase_add_test(results, a_run_of_a_comparison_is_that_of_train);
    tcase_add_test(results, variants_of_a_seed_begin_with_the_same_values_and_see_the_same_order);
    TCase *failures = add_case(suite, "failures", 60, open_sandbox, sandbox_close);
    tcase_add_test(failures, a_run_that_fails_is_a_row_with_its_reason);
    tcase_add_test(failures, a_comparison_without_any_score_fails);
    tcase_add_test(failures, test_data_are_checked_first_and_must_be_the_same_for_all);
    tcase_add_test(failures, a_run_that_failed_is_tried_again_with_another_cell);
    tcase_add_test(failures, damaged_files_of_a_run_are_mended_or_named);
    tcase_add_loop_test(failures, mistakes_are_reported_before_anything_runs, 0, ROWS(mistakes));
    tcase_add_test(failures, an_experiment_without_the_section_is_refused_unless_cells_are_given);
    TCase *change = add_case(suite, "changes", 60, open_sandbox, sandbox_close);
    tcase_add_loop_test(change, a_changed_experiment_is_refused_with_the_difference, 0, ROWS(changes));
    tcase_add_loop_test(change, another_choice_of_tuning_is_refused, 0, ROWS(choices));
    tcase_add_loop_test(change, a_setting_at_an_end_of_those_tried_is_reported, 0, ROWS(ends));
    tcase_add_test(change, a_cell_that_changes_meanwhile_stops_the_comparison);
    tcase_add_test(change, test_data_that_change_meanwhile_stop_the_comparison);
    tcase_add_loop_test(change, runs_record_the_data_that_they_were_trained_on, 0, ROWS(replaced_data));
    tcase_add_test(change, whole_layers_get_equal_sizes);
    tcase_add_test(change, changed_data_are_refused);
    tcase_add_test(change, a_folder_of_something_else_is_left_as_it_is);
    TCase *interruptions = add_case(suite, "interruptions", 120, open_sandbox, sandbox_close);
    tcase_add_test(interruptions, a_comparison_that_is_killed_ends_as_one_that_is_not);
    tcase_add_test(interruptions, a_job_that_is_killed_is_a_row_and_is_tried_again);
    tcase_add_test(interruptions, a_trial_that_is_killed_after_it_was_chosen_is_tried_again);
    tcase_add_test(interruptions, a_second_command_in_the_same_folder_is_refused);
    return run_suite(suite);
}
