/* tests/test_run_summary.c: the parts of the store of runs: lines from the end of a log, values of an experiment, order of names,
 * groups of seeds; and what a lack of memory does to them. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failing_allocator.h"
#include "sandbox.h"
#include "store/line_file_end.h"
#include "store/run_search.h"
#include "store/seed_groups.h"
#include "tests/suite.h"
#include "tiny.h"

static struct arena *arena, *scratch;
static struct errors errors;

static void setup(void) {
    arena = arena_create();
    scratch = arena_create();
}

static void teardown(void) {
    arena_destroy(arena);
    arena_destroy(scratch);
    errors_free(&errors);
}

/* ---- lines from the end ---- */

enum { LONG = 20000 }; /* longer than what is read together */

/* Lengths of lines, the last one without its end if `is_cut`. */
static const struct {
    int lengths[6], count, is_cut;
} logs[] = {
    {{0}, 0, 0},
    {{5}, 1, 0},
    {{5}, 1, 1},
    {{0}, 1, 0},
    {{0, 0, 3}, 3, 0},
    {{3, 4, 5}, 3, 1},
    {{LONG}, 1, 0},
    {{LONG}, 1, 1},
    {{1, LONG, 1}, 3, 0},
    {{LONG, LONG, 7}, 3, 1},
    {{8191, 8191, 8191}, 3, 0},
    {{8190, 1, 8192, 8193, 0, 2}, 6, 0},
};

START_TEST(a_log_is_read_line_by_line_from_its_end) {
    char *text = sandbox_memory(1 << 17), *next = text;
    for (int i = 0; i < logs[_i].count; i++) {
        memset(next, 'a' + i, (size_t)logs[_i].lengths[i]);
        next += logs[_i].lengths[i];
        *next++ = '\n';
    }
    next -= logs[_i].is_cut;
    sandbox_write_bytes("log", text, (size_t)(next - text));
    const int descriptor = open(sandbox_path("log"), O_RDONLY);
    struct line_file_end end;
    ck_assert_int_eq(line_file_end_open(&end, descriptor, "log", &errors), RONDO_OK);
    ck_assert_int_eq(end.is_cut, logs[_i].is_cut);
    for (int i = logs[_i].count - 1 - logs[_i].is_cut; i >= -1; i--) {
        const char *line;
        size_t length;
        ck_assert_int_eq(line_file_previous(&end, &line, &length, &errors), RONDO_OK);
        ck_assert_int_eq(line == NULL, i < 0);
        ck_assert_uint_eq(length, i < 0 ? 0 : (size_t)logs[_i].lengths[i]);
        for (size_t k = 0; k < length; k++) {
            ck_assert_int_eq(line[k], 'a' + i);
        }
    }
    line_file_end_close(&end);
    close(descriptor);
}
END_TEST

START_TEST(a_line_without_end_is_refused) {
    const size_t size = 3 << 20;
    char *text = sandbox_memory(size);
    memset(text, 'x', size);
    sandbox_write_bytes("log", text, size);
    const int descriptor = open(sandbox_path("log"), O_RDONLY);
    struct line_file_end end;
    ck_assert_int_eq(line_file_end_open(&end, descriptor, "log", &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "'log' has a line of more than 1048576 bytes");
    line_file_end_close(&end);
    close(descriptor);
}
END_TEST

/* ---- values ---- */

static struct run_values values_of(const char *text) {
    struct run_values values;
    const struct yaml_node *root = yaml_parse("e.yaml", text, strlen(text), arena, &errors);
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(run_values_of_tree(root, &values, arena), RONDO_OK);
    return values;
}

static const struct {
    const char *text, *values;
} trees[] = {
    {"b: 1\na: x\n", "a=x b=1 "},
    {"a: {c: 0.10, b: ''}\n", "a.b= a.c=0.10 "},
    {"a: []\nb: {}\n", "a=[] b={} "},
    {"a: [1, x]\n", "a=[1, x] "},
    {"a: [[1, 2], [3]]\n", "a=2 a.0=[1, 2] a.1=[3] "},
    {"model: {layers: [{cell: cells/gru.yaml}, {cell: cells/a.b-1.yaml}]}\n",
     "model.layers=2 model.layers.0.cell=gru model.layers.1.cell=a.b-1 "},
    {"model: {layers: [{cell: ./mine.yaml}, {cell: cells/.yaml}, {cell: {x: 1}}]}\n",
     "model.layers=3 model.layers.0.cell=./mine.yaml model.layers.1.cell=cells/.yaml model.layers.2.cell.x=1 "},
    {"hello\n", ""},
};

START_TEST(an_experiment_is_a_sorted_list_of_values) {
    const struct run_values values = values_of(trees[_i].text);
    char found[500] = "";
    for (int32_t i = 0; i < values.count; i++) {
        const size_t length = strlen(found);
        snprintf(found + length, sizeof found - length, "%s=%s ", values.items[i].key, values.items[i].text);
        ck_assert_ptr_eq(run_values_get(&values, values.items[i].key), values.items[i].text);
    }
    ck_assert_str_eq(found, trees[_i].values);
    ck_assert_ptr_null(run_values_get(&values, "no.such"));
}
END_TEST

/* The left name is before the right one. */
static const struct {
    const char *left, *right;
} names[] = {
    {"a", "b"},         {"a", "a-2"},
    {"a-2", "a-10"},    {"a-9/b", "a-10/a"},
    {"a-02", "a-2-1"},  {"seed-1", "seed-2"},
    {"x2y10", "x10y2"}, {"1", "a"},
    {"run", "run-2"},   {"a-99999999999999999999999", "a-100000000000000000000000"},
};

START_TEST(numbers_in_names_are_in_the_order_of_numbers) {
    ck_assert_int_lt(run_compare_names(names[_i].left, names[_i].right), 0);
    ck_assert_int_gt(run_compare_names(names[_i].right, names[_i].left), 0);
    ck_assert_int_eq(run_compare_names(names[_i].left, names[_i].left), 0);
    ck_assert_int_ne(run_compare_names("a-1", "a-01"), 0); /* two folders are never the same */
}
END_TEST

/* ---- groups ---- */

enum { MOST = 4 };

/* Experiments, which are the folders a, b, c, d; and for each group the folders of its runs, and what varies. */
static const struct {
    const char *experiments[MOST], *groups;
    int is_each;
} grouped[] = {
    {{"name: x\nschedule: {seed: 1}\n", "name: x\nschedule: {seed: 2}\n"}, "ab()", 0},
    {{"name: x\nschedule: {seed: 1}\n", "name: x\nschedule: {seed: 2}\n"}, "a(schedule.seed=1) b(schedule.seed=2)", 1},
    {{"name: x\nschedule: {seed: 1, checkpoint: {keep: 1}}\n",
      "name: x\nschedule: {seed: 1, tensorboard: true, diagnostics: true}\n"},
     "ab()",
     0},
    {{"name: x\nlr: 1\n", "name: x\nlr: 2\n", "name: x\nlr: 1\n"}, "ac(lr=1) b(lr=2)", 0},
    {{"name: x\nlr: 1\n", "name: y\nlr: 2\n"}, "a() b()", 0}, /* other experiments have other keys anyway */
    /* the options of another plug-in are no news, but those that both have are */
    {{"name: x\no: {plugin: adam, lr: 1, beta: 2}\n", "name: x\no: {plugin: sgd, lr: 3, momentum: 4}\n"},
     "a(o.lr=1 o.plugin=adam) b(o.lr=3 o.plugin=sgd)",
     0},
    /* and neither are the keys of one more layer */
    {{"name: x\nlayers: [{w: 1}]\n", "name: x\nlayers: [{w: 2}, {w: 3}]\n"},
     "a(layers=1 layers.0.w=1) b(layers=2 layers.0.w=2)",
     0},
    {{"name: x\nlr: 1\n", "name: x\n"}, "a(lr=1) b(lr=-)", 0},
    {{NULL, NULL}, "a() b()", 0}, /* damaged runs are not the same variant */
};

START_TEST(seeds_are_groups_and_variants_vary) {
    struct run_summary runs[MOST] = {{0}};
    struct seed_groups groups;
    char found[400] = "";
    static const char *const folders[MOST] = {"a", "b", "c", "d"};
    int32_t count = 0;
    for (; count < 2 || (count < MOST && grouped[_i].experiments[count] != NULL); count++) {
        const char *text = grouped[_i].experiments[count];
        runs[count].folder = folders[count];
        if (text != NULL) {
            runs[count].values = values_of(text);
            runs[count].name = run_values_get(&runs[count].values, "name");
        }
    }
    ck_assert_int_eq(seed_groups_make(runs, count, grouped[_i].is_each, &groups, arena, &errors), RONDO_OK);
    for (int32_t g = 0; g < groups.count; g++) {
        strcat(found, g == 0 ? "" : " ");
        for (int32_t i = 0; i < groups.items[g].count; i++) {
            strcat(found, groups.items[g].runs[i]->folder);
        }
        for (int32_t i = 0; i < groups.items[g].varies.count; i++) {
            const size_t length = strlen(found);
            snprintf(found + length, sizeof found - length, "%s%s=%s", i == 0 ? "(" : " ",
                     groups.items[g].varies.items[i].key, groups.items[g].varies.items[i].text);
        }
        strcat(found, groups.items[g].varies.count == 0 ? "()" : ")");
    }
    ck_assert_str_eq(found, grouped[_i].groups);
}
END_TEST

/* Scores of runs: those that are finished, if there is one; values that are not defined are left out. */
START_TEST(a_band_is_that_of_the_finished_runs) {
    struct run_score scores[] = {{"valid.loss", 1}, {"valid.loss", 2}, {"valid.loss", 6}, {"valid.loss", NAN}};
    struct run_summary runs[4] = {{0}};
    const struct run_summary *members[4];
    struct seed_group group = {.runs = members, .count = 4};
    for (int i = 0; i < 4; i++) {
        runs[i] =
            (struct run_summary){.state = i == 2 ? RUN_UNFINISHED : RUN_FINISHED, .scores = &scores[i], .n_scores = 1};
        members[i] = &runs[i];
    }
    struct seed_band band = seed_group_band(&group, "loss");
    ck_assert_int_eq(band.count, 2);
    ck_assert_double_eq(band.mean, 1.5);
    ck_assert_double_eq_tol(band.deviation, sqrt(0.5), 1e-15);
    ck_assert_double_eq(band.least, 1);
    ck_assert_double_eq(band.most, 2);
    for (int i = 0; i < 4; i++) {
        runs[i].state = RUN_UNFINISHED;
    }
    band = seed_group_band(&group, "valid.loss");
    ck_assert_int_eq(band.count, 3);
    ck_assert_double_eq(band.mean, 3);
    ck_assert_double_eq(band.deviation, sqrt(7));
    for (int i = 0; i < 4; i++) { /* the same seed in the first two */
        static const struct run_value seeds[] = {
            {"schedule.seed", "1"}, {"schedule.seed", "1"}, {"schedule.seed", "2"}, {"schedule.seed", "3"}};
        runs[i].values = (struct run_values){&seeds[i], 1};
    }
    ck_assert_int_eq(seed_group_seeds(&group), 3);
    band = seed_group_band(&group, "valid.loss");
    ck_assert_int_eq(band.count, 2);
    ck_assert_double_eq(band.mean, 3.5);
    ck_assert_int_eq(seed_group_band(&group, "test.loss").count, 0);
    ck_assert(isnan(seed_group_band(&group, "test.loss").mean));
}
END_TEST

/* ---- memory ---- */

static struct run_summary found[8];
static int32_t n_found;

static rondo_status add_run(void *arg, const char *path, int descriptor, const struct run_file_list *files,
                            struct errors *own) {
    const struct run_summary_settings settings = {1, scratch};
    (void)arg;
    RONDO_CHECK(n_found < 8, own, "there are two runs"); /* a macro of Check would allocate */
    return run_summary_read_listed(path, descriptor, files, &settings, &found[n_found++], arena, own);
}

static rondo_status read_all(const char *folder) {
    const struct run_search search = {add_run, NULL, NULL, scratch};
    struct errors notes = {0};
    struct seed_groups groups;
    n_found = 0;
    const rondo_status status = run_search(folder, &search, &notes, &errors);
    errors_free(&notes);
    RONDO_TRY(status);
    return seed_groups_make(found, n_found, 0, &groups, arena, &errors);
}

static int open_descriptors(void) {
    int count = 0;
    for (int i = 0; i < 100; i++) {
        count += fcntl(i, F_GETFD) >= 0;
    }
    return count;
}

static void setup_runs(void) {
    sandbox_open();
    tiny_write();
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e.yaml --quiet --out runs/a"});
    assert_status("train", &outcome, 0);
    sandbox_copy("runs/a", "runs/b");
    sandbox_write("runs/b/test.json", "{\"part\": \"test\", \"scores\": {\"loss\": 1}}");
}

/* A file of a run with some of its bytes missing, or one of them changed: the run has some state, and no error. */
static const char *const damaged[] = {"experiment.yaml", "environment.json", "metrics.jsonl",       "timings.jsonl",
                                      "reader.json",     "test.json",        "weights.safetensors", "cells/gru.yaml"};

START_TEST(any_damage_is_a_state_of_the_run) {
    enum { PLACES = 60 };
    const struct run_summary_settings settings = {1, scratch};
    char file[64];
    size_t size;
    snprintf(file, sizeof file, "runs/b/%s", damaged[_i]);
    char *text = sandbox_read(file, &size);
    const char *folder = arena_strdup(arena, sandbox_path("runs/b"));
    int states[RUN_OTHER_VERSION + 1] = {0};
    for (size_t k = 0; k < (size_t)2 * PLACES; k++) {
        const size_t at = k / 2 * size / PLACES;
        const char before = text[at];
        struct run_summary run;
        text[at] = (char)(before ^ (1 << k / 2 % 8));
        sandbox_write_bytes(file, text, k % 2 == 0 ? at : size);
        text[at] = before;
        const rondo_status status = run_summary_read(folder, &settings, &run, NULL, arena, &errors);
        ck_assert_msg(status == RONDO_OK && errors.count == 0, "byte %zu: %s", at,
                      errors.count > 0 ? errors_text(&errors, 0) : "");
        ck_assert((run.reason != NULL) == (run.state == RUN_DAMAGED || run.state == RUN_OTHER_VERSION));
        states[run.state]++;
    }
    ck_assert_int_eq(states[RUN_TRAINING], 0);
    sandbox_write_bytes(file, text, size);
}
END_TEST

/* Every allocation fails once: the error is a lack of memory, and never a run that is called damaged. */
START_TEST(a_lack_of_memory_is_no_damage) {
    rondo_status status = RONDO_NO_MEMORY;
    char folder[512];
    snprintf(folder, sizeof folder, "%s", sandbox_path("runs"));
    const int before = open_descriptors();
    long number = 1;
    for (; ALLOCATOR_COUNTS && status != RONDO_OK; number++) {
        arena_destroy(arena);
        arena_destroy(scratch);
        errors_free(&errors);
        arena = arena_create();
        scratch = arena_create();
        allocator_fail(number);
        status = read_all(folder);
        const long left = allocator_fail(0);
        ck_assert_msg(left > 0 ? status == RONDO_OK : status == RONDO_NO_MEMORY || status == RONDO_OK,
                      "call %ld: status %d: %s", number, (int)status, errors.count > 0 ? errors_text(&errors, 0) : "");
        ck_assert_int_eq(open_descriptors(), before);
        for (int32_t i = 0; status == RONDO_OK && i < n_found; i++) {
            ck_assert_msg(found[i].state == RUN_FINISHED && !isnan(run_summary_score(&found[i], "valid.loss")) &&
                              found[i].parameters > 0 && found[i].started > 0 && !isnan(found[i].seconds),
                          "call %ld: %s", number, found[i].reason == NULL ? "" : found[i].reason);
        }
        status = left > 0 ? status : RONDO_NO_MEMORY; /* to the end, also if a failure was of no consequence */
    }
    ck_assert(!ALLOCATOR_COUNTS || number > 20);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run_summary");
    TCase *parts = tcase_create("parts"), *folders = tcase_create("folders");
    tcase_add_unchecked_fixture(parts, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(parts, setup, teardown);
    tcase_add_loop_test(parts, a_log_is_read_line_by_line_from_its_end, 0, ROWS(logs));
    tcase_add_test(parts, a_line_without_end_is_refused);
    tcase_add_loop_test(parts, an_experiment_is_a_sorted_list_of_values, 0, ROWS(trees));
    tcase_add_loop_test(parts, numbers_in_names_are_in_the_order_of_numbers, 0, ROWS(names));
    tcase_add_loop_test(parts, seeds_are_groups_and_variants_vary, 0, ROWS(grouped));
    tcase_add_test(parts, a_band_is_that_of_the_finished_runs);
    suite_add_tcase(suite, parts);
    tcase_set_timeout(folders, 120);
    tcase_add_unchecked_fixture(folders, setup_runs, sandbox_close);
    tcase_add_checked_fixture(folders, setup, teardown);
    tcase_add_loop_test(folders, any_damage_is_a_state_of_the_run, 0, ROWS(damaged));
    tcase_add_test(folders, a_lack_of_memory_is_no_damage);
    suite_add_tcase(suite, folders);
    return run_suite(suite);
}
