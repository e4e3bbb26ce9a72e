/* tests/test_report.c: `rondo report`: what the page says of comparisons and runs, whole and damaged. tests/test_report_page.py
 * opens it in a browser.
 */
#include "report/report.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare/comparison.h"
#include "io/file_lock.h"
#include "io/json.h"
#include "io/utf8.h"
#include "tests/failing_allocator.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors, warnings;

static void open_test(void) {
    sandbox_open();
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    errors_free(&warnings);
    arena_destroy(arena);
    sandbox_close();
}

/* ---- runs and comparisons as files ---- */

static const char experiment[] = "rondo: 1\nname: n\nmodel:\n  layers:\n    - cell: cells/%s.yaml\n      hidden: 8\n"
                                 "optimizer:\n  plugin: adam\n  lr: 0.5\nschedule:\n  seed: %d\n  early_stopping:\n"
                                 "    metric: valid.accuracy\n";
static const char environment[] =
    "{\"rondo\": \"0.1.0\", \"system\": \"Linux\", \"seed\": 1, \"started\": \"2026-01-02T03:04:05Z\", "
    "\"data\": {\"train\": {\"file\": \"/d/train.tsv\", \"bytes\": 12, \"xxh3\": \"00ff\"}}, "
    "\"plugins\": [{\"name\": \"adam\", \"version\": \"1.0\", \"file\": \"adam.so\", \"bytes\": 1}]}";

/* A finished run of `lines` validations, each of 10 updates and 2 seconds, whose accuracy grows to `accuracy`. */
static void write_run(const char *folder, const char *cell, int seed, int lines, double accuracy) {
    char name[300], text[1000];
    char *metrics = sandbox_memory((size_t)lines * 300 + 1000), *timings = sandbox_memory((size_t)lines * 100 + 1000);
    size_t m = 0, t = 0;
    for (int i = 1; i <= lines; i++) {
        const double done = (double)i / lines;
        m += (size_t)sprintf(metrics + m,
                             "{\"epoch\":%d,\"step\":%d,\"gradient_norm\":%.9g,\"lr_scale\":%.9g,\"best\":true,"
                             "\"train\":{\"loss\":%.9g},"
                             "\"valid\":{\"loss\":%.9g,\"accuracy\":%.9g}}\n",
                             i, 10 * i, 3 - done, 1 - done / 2, 1 / done, 2 / done + seed, accuracy * done);
        t += (size_t)sprintf(timings + t, "{\"step\":%d,\"seconds\":2,\"memory_megabytes\":%d}\n", 10 * i, 20 + i % 3);
    }
    sprintf(metrics + m, "{\"finished\":true,\"epochs\":%d,\"best_epoch\":%d,\"steps\":%d}\n", lines, lines,
            10 * lines);
    sprintf(timings + t, "{\"step\":%d,\"seconds\":%d,\"memory_megabytes\":25}\n", 10 * lines, 2 * lines);
    snprintf(name, sizeof name, "%s/metrics.jsonl", folder);
    sandbox_write(name, metrics);
    snprintf(name, sizeof name, "%s/timings.jsonl", folder);
    sandbox_write(name, timings);
    snprintf(text, sizeof text, experiment, cell, seed);
    snprintf(name, sizeof name, "%s/experiment.yaml", folder);
    sandbox_write(name, text);
    snprintf(name, sizeof name, "%s/environment.json", folder);
    sandbox_write(name, environment);
    snprintf(text, sizeof text, "cell: %s\nsource: \"A & B\"\nsummary: s\nstate: [h]\nequations: |\n  h' = x < %s\n",
             cell, cell);
    snprintf(name, sizeof name, "%s/cells/%s.yaml", folder, cell);
    sandbox_write(name, text);
}

enum { SEEDS = 2 };
static struct compared_run compared[2][SEEDS];
static struct compared_variant compared_variants[2];
static const int64_t seeds[SEEDS] = {1, 2};

/* Two variants of two seeds, "c/runs/a/seed-1" …, all scored. */
static struct comparison make_comparison(const char *first, const char *second) {
    for (int v = 0; v < 2; v++) {
        for (int s = 0; s < SEEDS; s++) {
            char *folder = sandbox_memory(100);
            snprintf(folder, 100, "runs/%s/seed-%d", v == 0 ? "a" : "b", s + 1);
            compared[v][s] = (struct compared_run){.seed = s + 1,
                                                   .folder = folder,
                                                   .state = COMPARED_SCORED,
                                                   .score = 0.5 + 0.1 * v + 0.01 * s,
                                                   .valid = 0.75,
                                                   .best_epoch = 4,
                                                   .epochs = 5,
                                                   .seconds = 100 * v + 5,
                                                   .seconds_per_epoch = 1.25,
                                                   .peak_memory = 30,
                                                   .steps_to_target = INFINITY,
                                                   .seconds_to_target = INFINITY};
            write_run(arena_printf(arena, "c/%s", folder), v == 0 ? "gru" : "lstm", s + 1, 5, 0.8);
        }
        static const struct compared_setting tuned = {"optimizer.lr", "0.01", COMPARED_LARGEST};
        compared_variants[v] = (struct compared_variant){.name = v == 0 ? first : second,
                                                         .tuned = &tuned,
                                                         .n_tuned = v,
                                                         .folder = v == 0 ? "a" : "b",
                                                         .parameters = 12345,
                                                         .flops = 77,
                                                         .budget_ratio = NAN,
                                                         .runs = compared[v]};
    }
    return (struct comparison){.name = "cells",
                               .file = "/x/e.yaml",
                               .metric = "accuracy",
                               .higher_is_better = 1,
                               .part = "test",
                               .target = 0.9,
                               .seeds = seeds,
                               .n_seeds = SEEDS,
                               .variants = compared_variants,
                               .n_variants = 2};
}

static void write_comparison(const struct comparison *comparison) {
    json_t *value = comparison_json(comparison);
    char *text = json_write(value, 0);
    ck_assert_ptr_nonnull(text);
    sandbox_write("c/" COMPARISON_FILE, text);
    json_decref(value);
    free(text);
}

/* The page of these folders, separated by blanks. */
static char *page_of(const char *folders) {
    const char *sources[16];
    int32_t count = 0;
    for (const char *at = folders; *at != '\0'; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        sources[count++] = arena_strdup(arena, sandbox_path("%.*s", (int)length, at));
        at += length;
    }
    const struct report_settings settings = {sources, count, arena_strdup(arena, sandbox_path("page.html"))};
    struct report_result result;
    ck_assert_msg(report_write(&settings, &result, arena, &warnings, &errors) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    size_t size = 0;
    char *page = sandbox_read("page.html", &size);
    ck_assert_int_eq(result.bytes, (int64_t)size);
    ck_assert_msg(utf8_check(page, size, NULL), "the page is not UTF-8");
    return page;
}

/* The data of the page; lives until the end of the test. */
static json_t *data_of(const char *page) {
    const char *start = strstr(page, "id=\"data\">");
    ck_assert_ptr_nonnull(start);
    start += strlen("id=\"data\">");
    json_t *data = NULL;
    json_error_t reason;
    ck_assert_msg(json_parse(start, (size_t)(strstr(start, "</script>") - start), &data, &reason) == RONDO_OK,
                  "the data is not JSON");
    return data;
}

static json_t *item(const json_t *value, const char *path) {
    char copy[200];
    snprintf(copy, sizeof copy, "%s", path);
    json_t *at = (json_t *)value;
    for (char *word = strtok(copy, "/"); word != NULL; word = strtok(NULL, "/")) {
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word)) : json_object_get(at, word);
        ck_assert_msg(at != NULL, "there is no %s", path);
    }
    return at;
}

static double number(const json_t *value, const char *path) {
    return json_number_value(item(value, path));
}

/* ---- comparisons ---- */

START_TEST(a_comparison_has_its_scores_curves_and_cells) {
    const struct comparison comparison = make_comparison("small", "large");
    write_comparison(&comparison);
    const char *page = page_of("c");
    assert_parts(
        "tables", page,
        "<td>lr 0.01</td>|<td class=\"n\" data-v=\"0.505\">0.5050</td>|<td>\xe2\x80\x93</td>|2 variants were "
        "trained with 2 seeds each and compared by "
        "accuracy on the test part, where "
        "higher is better.|<li>large has the best mean: its lead over small, 0.1000, holds in 2 of 2 seeds.</li>|"
        "12\xe2\x80\xaf"
        "345|<td>cells/lstm.yaml</td>|h&#39; = x &#60; lstm|A &#38; B|rondo compare /x/e.yaml|never|1\xc2\xa0min "
        "45\xc2\xa0"
        "s|/d/train.tsv, 12 bytes, xxh3 00ff");
    json_t *data = data_of(page);
    ck_assert_int_eq(json_array_size(item(data, "variants")), 2);
    ck_assert_int_eq(json_array_size(item(data, "variants/1/runs")), SEEDS);
    ck_assert_double_eq_tol(number(data, "variants/1/runs/1/score"), 0.61, 1e-9);
    ck_assert_int_eq(json_array_size(item(data, "variants/0/step")), 5);
    ck_assert_double_eq(number(data, "variants/0/step/4"), 50);
    ck_assert_double_eq(number(data, "variants/0/runs/0/seconds/4"), 10);
    ck_assert_double_eq_tol(number(data, "variants/0/runs/0/curves/valid.accuracy/4"), 0.8, 1e-9);
    ck_assert_double_eq_tol(number(data, "variants/0/runs/0/curves/learning rate/4"), 0.25, 1e-9);
    ck_assert_double_eq_tol(number(data, "variants/0/runs/1/curves/valid.loss/4"), 4, 1e-9);
    ck_assert_int_eq(warnings.count, 0);
    json_decref(data);
}
END_TEST

/* Names that would leave their place in the page. */
static const struct {
    const char *name, *html;
} evil[] = {
    {"</script><script>alert(1)</script>", "&#60;/script&#62;&#60;script&#62;alert(1)&#60;/script&#62;"},
    {"<b onclick=\"x\">'&amp;", "&#60;b onclick=&#34;x&#34;&#62;&#39;&#38;amp;"},
    {"<!--", "&#60;!--"},
    {"line \xe2\x80\xa8 paragraph", "line \xe2\x80\xa8 paragraph"},
    {"@DATA@ @TITLE@", "@DATA@ @TITLE@"},
    {"bell \x07", "bell \xef\xbf\xbd"},
};

START_TEST(a_name_stays_text) {
    struct comparison comparison = make_comparison(evil[_i].name, "other");
    comparison.name = comparison.metric = evil[_i].name;
    write_comparison(&comparison);
    const char *page = page_of("c");
    assert_parts(evil[_i].name, page,
                 arena_printf(arena, "<h1>%s</h1>|<th scope=\"row\">%s</th>", evil[_i].html, evil[_i].html));
    ck_assert_ptr_null(strstr(page, "<script>alert"));
    ck_assert_ptr_null(strstr(page, "<b onclick"));
    json_t *data = data_of(page);
    ck_assert_str_eq(json_string_value(item(data, "variants/0/name")), evil[_i].name);
    ck_assert_str_eq(json_string_value(item(data, "metric")), evil[_i].name);
    const char *start = strstr(page, "id=\"data\">");
    const char *end = strstr(start, "</script>");
    ck_assert_ptr_null(
        memchr(start + 10, '<', (size_t)(end - start - 10))); /* nothing that a parser of HTML could read */
    json_decref(data);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_replaced) {
    write_run("a\xff", "gru", 1, 3, 0.5);
    const char *page = page_of("a\xff");
    assert_parts("folder", page, "a\xef\xbf\xbd");
}
END_TEST

/* ---- damage ---- */

static const struct {
    const char *file, *text; /* NULL: removed */
    const char *shown;
} damages[] = {
    {"metrics.jsonl", "{\"epoch\":1,\"step\":10,\"best\":true,\"train\":{\"loss\":1},\"valid\":{}}\n{\"epoch\":2,\"st",
     "metrics.jsonl is cut short"},
    {"metrics.jsonl", "nonsense\n", "metrics.jsonl has a line that is not an object"},
    {"metrics.jsonl", "{\"epoch\":1,\"step\":10}\n{\"epoch\":2,\"step\":10}\n", "the number of updates does not grow"},
    {"metrics.jsonl", NULL, "metrics.jsonl is missing"},
    {"metrics.jsonl", "", "unfinished"},
    {"timings.jsonl", NULL, "timings.jsonl is missing"},
    {"timings.jsonl", "[1]\n", "timings.jsonl has a line that is not an object"},
    {"experiment.yaml", "rondo: 2\n", "written by another version of Rondo"},
    {"experiment.yaml", "a: [", "experiment.yaml:2:1"},
    {"experiment.yaml", NULL, "experiment.yaml"},
    {"environment.json", "{", "environment.json is damaged: line 1"},
    {"environment.json", NULL, "environment.json"},
    {"cells/gru.yaml", "a: {", "cells/gru.yaml:2:1"},
    {"weights.safetensors", "short", "weights.safetensors"},
    {"inspect.json", "{\"format\": 2}", "inspect.json is damaged, or was written by another version"},
    {"inspect.json", "[", "inspect.json is damaged: line 1"},
};

START_TEST(a_damaged_run_is_shown_with_the_reason) {
    write_run("good", "gru", 1, 3, 0.5);
    write_run("bad", "gru", 2, 3, 0.5);
    const char *file = arena_printf(arena, "bad/%s", damages[_i].file);
    sandbox_write(file, damages[_i].text == NULL ? "" : damages[_i].text);
    if (damages[_i].text == NULL) {
        sandbox_remove(file);
    }
    const char *page = page_of("good bad");
    const char *problems = strstr(page, "id=\"problems\"");
    ck_assert_msg(problems != NULL, "%s: no problem is shown", damages[_i].shown);
    char *text = arena_strndup(arena, problems, (size_t)(strstr(problems, "</section>") - problems));
    assert_parts(damages[_i].file, text, damages[_i].shown);
    ck_assert_ptr_null(strstr(text, "/good"));
    json_t *data = data_of(page);
    ck_assert_double_eq_tol(number(data, "variants/0/runs/0/curves/valid.accuracy/2"), 0.5, 1e-9);
    json_decref(data);
}
END_TEST

START_TEST(the_states_of_runs_are_shown) {
    const struct comparison comparison = make_comparison("small", "large");
    compared[0][0].state = COMPARED_FAILED;
    compared[0][0].reason = "loss is <nan>";
    compared[0][1].state = COMPARED_MISSING;
    compared[1][0].state = COMPARED_FINISHED;
    compared[0][0].score = compared[0][1].score = compared[1][0].score = NAN;
    write_comparison(&comparison);
    sandbox_remove("c/runs/b/seed-2");
    const char *page = page_of("c");
    assert_parts(
        "states", page,
        "<strong>small, seed 1</strong>: failed: loss is &#60;nan&#62;</li>|<strong>small, seed 2</strong>: not begun|"
        "<strong>large, seed 1</strong>: trained, not scored|<strong>large, seed 2</strong>: finished; the folder is "
        "missing");
}
END_TEST

START_TEST(variants_that_have_not_begun_differ_in_their_settings) {
    static const struct compared_setting cells[] = {{.key = "model.layers.0.cell", .text = "gru"},
                                                    {.key = "model.layers.0.cell", .text = "<lstm>"}};
    const struct comparison comparison = make_comparison("small", "large");
    for (int v = 0; v < 2; v++) {
        compared_variants[v].settings = &cells[v];
        compared_variants[v].n_settings = 1;
        compared[v][0].state = compared[v][1].state = COMPARED_MISSING;
        compared[v][0].score = compared[v][1].score = NAN;
    }
    write_comparison(&comparison);
    sandbox_remove("c/runs");
    assert_parts("settings", page_of("c"),
                 "<code>model.layers.0.cell</code></th><td>gru</td><td>&#60;lstm&#62;</td>|No run has a score yet");
}
END_TEST

START_TEST(a_run_that_is_trained_now_is_shown_as_such) {
    write_run("one", "gru", 1, 4, 0.5);
    sandbox_write("one/metrics.jsonl",
                  "{\"epoch\":1,\"step\":10,\"best\":true,\"train\":{\"loss\":1},\"valid\":{\"accuracy\":0.5}}\n");
    const int trainer = open(sandbox_path("one/metrics.jsonl"), O_RDWR);
    ck_assert(trainer >= 0 && file_lock(trainer, FILE_LOCK_OWN));
    assert_parts("locked", page_of("one"), "seed 1</strong>: training now</li>");
    close(trainer);
    assert_parts("free", page_of("one"), "seed 1</strong>: unfinished</li>");
}
END_TEST

/* ---- runs ---- */

START_TEST(runs_that_differ_only_in_their_seed_are_a_variant) {
    write_run("one", "gru", 1, 4, 0.5);
    write_run("two", "lstm", 1, 4, 0.9);
    write_run("three", "gru", 7, 4, 0.6);
    const char *page = page_of("one two three");
    json_t *data = data_of(page);
    ck_assert_int_eq(json_array_size(item(data, "variants")), 2);
    ck_assert_str_eq(json_string_value(item(data, "variants/0/name")), "gru");
    ck_assert_str_eq(json_string_value(item(data, "variants/1/name")), "lstm");
    ck_assert_int_eq(json_array_size(item(data, "variants/0/runs")), 2);
    ck_assert_int_eq(json_array_size(item(data, "variants/1/runs")), 1);
    ck_assert_double_eq(number(data, "variants/0/runs/1/seed"), 7);
    ck_assert_double_eq_tol(number(data, "variants/0/runs/1/score"), 0.6, 1e-9);
    ck_assert(json_is_true(item(data, "higher_is_better")));
    assert_parts("differences", page,
                 "<code>model.layers.0.cell</code>|<td>cells/gru.yaml</td><td>cells/lstm.yaml</td>|accuracy on the "
                 "validation part");
    ck_assert_ptr_null(strstr(page, "id=\"problems\""));
    json_decref(data);
}
END_TEST

START_TEST(a_cell_of_other_equations_is_another_variant) {
    write_run("one", "gru", 1, 4, 0.5);
    write_run("two", "gru", 1, 4, 0.6);
    sandbox_write("two/cells/gru.yaml", "cell: gru\nequations: h' = x\n");
    sandbox_write(
        "two/environment.json",
        "{\"cells\": {\"model.layers.0\": {\"name\": \"gru\", \"file\": \"g.yaml\", \"bytes\": 1, \"xxh3\": \"01\"}}}");
    json_t *data = data_of(page_of("one two"));
    ck_assert_int_eq(json_array_size(item(data, "variants")), 2);
    ck_assert_str_eq(json_string_value(item(data, "variants/1/name")), "two");
    json_decref(data);
}
END_TEST

START_TEST(an_inspection_is_shown) {
    write_run("one", "gru", 1, 4, 0.5);
    sandbox_write(
        "one/inspect.json",
        "{\"format\": 1, \"data\": {\"part\": \"<test>\", \"examples\": 7}, \"loss\": 0.25, \"memory\": {\"curve\": "
        "{\"missing\": \"why\"}, \"reach\": 12345, \"most\": null}, \"layers\": [{\"name\": \"layers.0\", \"states\": "
        "[{\"name\": \"h\", \"width\": 8, \"curve\": {\"half_life\": 3.25, \"factor\": 0.5}, \"dead\": 2}], \"gates\": "
        "[{\"name\": \"z\", \"below\": 0.125}, {}, 3], \"matrices\": [{\"name\": \"U\", \"radius\": [0.5, 1.5]}]}], "
        "\"findings\": [\"a < b\", 3]}");
    const char *page = page_of("one");
    assert_parts(
        "inspection", page,
        "<h2>Gradients, gates and memory</h2>|&#60;test&#62;|a &#60; b|>3.2</td>|>12.5</td>|>1.500</td>|12\xe2\x80\xaf"
        "345");
    json_t *data = data_of(page);
    ck_assert_double_eq(number(data, "variants/0/inspection/layers/0/states/0/curve/factor"), 0.5);
    json_decref(data);
    ck_assert_int_eq(warnings.count, 0);
}
END_TEST

START_TEST(the_same_run_twice_is_shown_twice) {
    write_run("one", "gru", 3, 4, 0.5);
    write_run("two", "gru", 3, 4, 0.5);
    json_t *data = data_of(page_of("one two"));
    ck_assert_int_eq(json_array_size(item(data, "variants/0/runs")), 2);
    json_decref(data);
}
END_TEST

START_TEST(the_test_part_counts_if_all_runs_have_it) {
    write_run("one", "gru", 1, 4, 0.5);
    write_run("two", "gru", 2, 4, 0.6);
    sandbox_write("one/test.json", "{\"part\": \"test\", \"scores\": {\"loss\": 1, \"accuracy\": 0.25}}");
    json_t *data = data_of(page_of("one two"));
    ck_assert_str_eq(json_string_value(item(data, "part")), "valid");
    json_decref(data);
    sandbox_write("two/test.json", "{\"part\": \"test\", \"scores\": {\"accuracy\": 0.5}}");
    data = data_of(page_of("one two"));
    ck_assert_str_eq(json_string_value(item(data, "part")), "test");
    ck_assert_double_eq(number(data, "variants/0/runs/0/score"), 0.25);
    json_decref(data);
}
END_TEST

static const struct {
    const char *folders, *message;
    rondo_status status;
} refusals[] = {
    {"none", "is not a folder", RONDO_NOT_FOUND},
    {"empty", "is neither a run nor a comparison", RONDO_NOT_FOUND},
    {"run c", "is a comparison, and there are other folders", RONDO_INVALID},
    {"damaged", "is damaged", RONDO_INVALID},
};

START_TEST(what_is_no_run_is_refused) {
    write_run("run", "gru", 1, 2, 0.5);
    sandbox_write("empty/other.txt", "");
    sandbox_write("damaged/" COMPARISON_FILE, "{");
    const struct comparison comparison = make_comparison("small", "large");
    write_comparison(&comparison);
    const char *sources[2] = {NULL};
    int32_t count = 0;
    for (const char *at = refusals[_i].folders; *at != '\0'; at += strspn(at, " ")) {
        sources[count++] = arena_strdup(arena, sandbox_path("%.*s", (int)strcspn(at, " "), at));
        at += strcspn(at, " ");
    }
    struct report_result result;
    const struct report_settings settings = {sources, count, arena_strdup(arena, sandbox_path("page.html"))};
    ck_assert_int_eq(report_write(&settings, &result, arena, &warnings, &errors), refusals[_i].status);
    assert_parts(refusals[_i].folders, errors_text(&errors, 0), refusals[_i].message);
    ck_assert(!sandbox_has("page.html"));
}
END_TEST

/* ---- size ---- */

START_TEST(the_report_of_many_long_runs_is_small) {
    enum { VARIANTS = 20, RUNS = 5, LINES = 1000 };
    static struct compared_run runs[VARIANTS][RUNS];
    static struct compared_variant variants[VARIANTS];
    static const int64_t numbers[RUNS] = {1, 2, 3, 4, 5};
    struct comparison comparison = make_comparison("a", "b");
    write_run("c/run", "gru", 1, LINES, 0.123456789);
    for (int v = 0; v < VARIANTS; v++) {
        for (int s = 0; s < RUNS; s++) {
            runs[v][s] = compared[0][0];
            runs[v][s].seed = s + 1;
            runs[v][s].folder = "run"; /* all the same */
        }
        variants[v] = compared_variants[0];
        variants[v].name = variants[v].folder = arena_printf(arena, "v%d", v);
        variants[v].runs = runs[v];
    }
    comparison.variants = variants;
    comparison.n_variants = VARIANTS;
    comparison.seeds = numbers;
    comparison.n_seeds = RUNS;
    write_comparison(&comparison);
    const char *page = page_of("c");
    ck_assert_uint_lt(strlen(page), 3000000);
    json_t *data = data_of(page);
    ck_assert_int_eq(json_array_size(item(data, "variants/19/runs")), RUNS);
    ck_assert_int_ge(json_array_size(item(data, "variants/19/runs/4/curves/valid.accuracy/mean")), 100);
    json_decref(data);
}
END_TEST

/* ---- memory ---- */

static rondo_status report_of(const struct report_settings *settings, struct arena *own, struct errors *wrong) {
    struct errors ignored = {0};
    struct report_result result;
    const rondo_status status = report_write(settings, &result, own, &ignored, wrong);
    errors_free(&ignored);
    return status;
}

/* Every so many calls of the allocator, one fails: then there is no page, or the same one. */
START_TEST(memory_that_runs_out_leaves_nothing_out) {
    const struct comparison comparison = make_comparison("small", "large");
    write_comparison(&comparison);
    write_run("one", "gru", 1, 3, 0.5);
    write_run("two", "lstm", 1, 3, 0.5);
    sandbox_write("one/inspect.json", "{\"format\": 1, \"layers\": [{\"states\": [{}]}], \"findings\": [\"a\"]}");
    sandbox_write("c/runs/a/seed-1/inspect.json", "{\"format\": 1}");
    const char *sources[] = {arena_strdup(arena, sandbox_path("one")), arena_strdup(arena, sandbox_path("two")),
                             arena_strdup(arena, sandbox_path("c"))};
    const struct report_settings settings = {_i == 0 ? sources : sources + 2, _i == 0 ? 2 : 1,
                                             arena_strdup(arena, sandbox_path("page.html"))};
    ck_assert_int_eq(report_of(&settings, arena, &errors), RONDO_OK);
    const char *page = sandbox_read("page.html", NULL);
    long left = 0;
    for (long number = 1; ALLOCATOR_COUNTS && left == 0; number += 1 + number / 30) {
        struct errors wrong = {0};
        if (sandbox_has("page.html")) {
            sandbox_remove("page.html");
        }
        struct arena *own = arena_create();
        allocator_fail(number);
        const rondo_status status = report_of(&settings, own, &wrong);
        left = allocator_fail(0);
        ck_assert_msg(status == RONDO_OK || status == RONDO_NO_MEMORY, "call %ld: %s", number, errors_text(&wrong, 0));
        ck_assert_msg(status == RONDO_OK ? strcmp(sandbox_read("page.html", NULL), page) == 0
                                         : !sandbox_has("page.html"),
                      "call %ld: another page", number);
        errors_free(&wrong);
        arena_destroy(own);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("report");
    TCase *comparisons = add_case(suite, "comparisons", 30, open_test, close_test);
    tcase_add_test(comparisons, a_comparison_has_its_scores_curves_and_cells);
    tcase_add_loop_test(comparisons, a_name_stays_text, 0, ROWS(evil));
    tcase_add_test(comparisons, bytes_that_are_no_text_are_replaced);
    tcase_add_test(comparisons, the_states_of_runs_are_shown);
    tcase_add_test(comparisons, variants_that_have_not_begun_differ_in_their_settings);
    TCase *runs = add_case(suite, "runs", 30, open_test, close_test);
    tcase_add_test(runs, runs_that_differ_only_in_their_seed_are_a_variant);
    tcase_add_test(runs, a_cell_of_other_equations_is_another_variant);
    tcase_add_test(runs, a_run_that_is_trained_now_is_shown_as_such);
    tcase_add_test(runs, an_inspection_is_shown);
    tcase_add_test(runs, the_same_run_twice_is_shown_twice);
    tcase_add_test(runs, the_test_part_counts_if_all_runs_have_it);
    tcase_add_loop_test(runs, a_damaged_run_is_shown_with_the_reason, 0, ROWS(damages));
    tcase_add_loop_test(runs, what_is_no_run_is_refused, 0, ROWS(refusals));
    tcase_add_loop_test(runs, memory_that_runs_out_leaves_nothing_out, 0, 2);
    TCase *size = add_case(suite, "size", 60, open_test, close_test);
    tcase_add_test(size, the_report_of_many_long_runs_is_small);
    return run_suite(suite);
}
