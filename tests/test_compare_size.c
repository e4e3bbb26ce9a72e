/* tests/test_compare_size.c: `equal` of a comparison: the widths that `rondo compare` chooses, and trains with. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/widths.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
    sandbox_write("wide.yaml",
                  "extends: e.yaml\nmodel: {layers: [{cell: gru, hidden: 32}, {cell: lstm, hidden: 16, count: 2}]}\n");
    sandbox_write("pairs.tsv", "eins\tone\nzwei\ttwo\ndrei\tthree\nvier\tfour\nzehn\tten\nelf\televen\n");
    sandbox_write("encoder.yaml",
                  "rondo: 1\n"
                  "name: e\n"
                  "architecture: \"N:N\"\n"
                  "data: {reader: pairs, train: pairs.tsv, valid: pairs.tsv, test: pairs.tsv, tokens: characters}\n"
                  "model:\n"
                  "  feedback: true\n"
                  "  embedding: {size: 8}\n"
                  "  encoder: [{cell: gru, hidden: 24, direction: both}]\n"
                  "  layers: [{cell: gru_bahdanau, hidden: 32}]\n"
                  "loss: {plugin: softmax_cross_entropy}\n"
                  "optimizer: {plugin: adam, lr: 0.01}\n"
                  "schedule: {epochs: 1, batch: 4, seed: 1}\n");
}

/* Compares variants of the experiment `base`. */
static struct outcome compare(const char *base, const char *section, const char *arguments) {
    char text[1024], line[256];
    snprintf(text, sizeof text, "extends: %s\nname: c\ncompare:\n  seeds: 1\n%s", base, section);
    sandbox_write("c.yaml", text);
    snprintf(line, sizeof line, "compare c.yaml %s", arguments);
    return sandbox_run((struct call){.arguments = line});
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "there is no number '%s'", key);
    return json_number_value(value);
}

static const struct {
    const char *base, *section;
    const char *widths; /* keys whose widths are chosen, in order; those of the last variant */
    double budget;      /* 0: the size of the first variant, with the widths that are given */
    int by_flops;
} rows[] = {
    {"wide.yaml", "  model.layers.0.cell: [gru, lstm, mgu, rnn_tanh]\n  equal: parameters\n", "model.layers.0.hidden ",
     0, 0},
    {"wide.yaml", "  model.layers.0.cell: [gru, lstm, mgu, rnn_tanh]\n  equal: flops\n", "model.layers.0.hidden ", 0,
     1},
    {"wide.yaml", "  model.layers.1.cell: [gru, min_gru]\n  equal: parameters\n  budget: 20000\n",
     "model.layers.1.hidden ", 20000, 0},
    {"wide.yaml",
     "  variants: [{name: a, model.layers.0.cell: mgu, model.layers.1.cell: mgu}, {name: b, optimizer.lr: 0.1}]\n"
     "  equal: parameters\n  budget: 30000\n",
     "model.layers.0.hidden model.layers.1.hidden ", 30000, 0},
    {"wide.yaml",
     "  model.layers: [[{cell: gru}], [{cell: lstm, direction: both}, {cell: mgu, count: 2}]]\n  equal: flops\n  "
     "budget: "
     "40000\n",
     "model.layers.0.hidden model.layers.1.hidden ", 40000, 1},
    {"wide.yaml", "  model.layers.0.dropout: [0, 0.5]\n  equal: parameters\n", "model.layers.0.hidden ", 0, 0},
    {"encoder.yaml", "  model.encoder.0.cell: [gru, lstm, mgu]\n  equal: parameters\n", "model.encoder.0.hidden ", 0,
     0},
    {"encoder.yaml", "  model.encoder.0.cell: [gru, lstm, mgu]\n  equal: flops\n", "model.encoder.0.hidden ", 0, 1},
    {"encoder.yaml", "  model.layers.0.cell: [gru_bahdanau, gru, lstm_luong]\n  equal: parameters\n",
     "model.layers.0.hidden ", 0, 0},
    {"encoder.yaml",
     "  variants: [{name: a, model.encoder.0.direction: forward}, {name: b, model.layers.0.cell: gru}]\n"
     "  equal: parameters\n  budget: 25000\n",
     "model.encoder.0.hidden model.layers.0.hidden ", 25000, 0},
    {"encoder.yaml",
     "  model.layers: [[{cell: gru}], [{cell: gru}, {block: attention, over: memory}]]\n  equal: parameters\n",
     "model.layers.0.hidden ", 0, 0},
};

START_TEST(variants_are_equally_large) {
    const struct outcome outcome = compare(rows[_i].base, rows[_i].section, "--dry-run --json");
    assert_status(rows[_i].section, &outcome, 0);
    json_t *root = json_loads(outcome.out, 0, NULL), *variants = json_object_get(root, "variants");
    ck_assert_int_ge(json_array_size(variants), 2);
    const double budget = number(root, "budget");
    size_t v;
    const json_t *variant;
    char keys[256] = "";
    json_array_foreach(variants, v, variant) {
        const double size = number(variant, rows[_i].by_flops ? "flops_per_step" : "parameters");
        const double ratio = number(variant, "budget_ratio");
        ck_assert_double_eq_tol(ratio, size / budget, 1e-6);
        ck_assert_double_le(fabs(ratio - 1), WIDTHS_MOST_OFF);
        if (v == 0 && rows[_i].budget == 0) {
            ck_assert_double_eq(ratio, 1); /* with the widths that are given */
        }
        keys[0] = '\0';
        const char *key;
        json_t *width;
        json_object_foreach(json_object_get(variant, "widths"), key, width) {
            const size_t length = strlen(keys);
            snprintf(keys + length, sizeof keys - length, "%s ", key);
        }
    }
    ck_assert_str_eq(keys, rows[_i].widths);
    if (rows[_i].budget > 0) {
        ck_assert_double_eq(budget, rows[_i].budget);
    }
    json_decref(root);
}
END_TEST

static const struct {
    const char *section, *error;
} mistakes[] = {
    {"  model.layers.0.cell: [gru, lstm]\n  equal: parameters\n  budget: 100\n",
     "c.yaml:6:10: variant 'gru' comes no nearer to 100 parameters than|c.yaml:6:10: variant 'lstm' comes no nearer"},
    /* what is wrong with the first variant is reported with what is wrong with others */
    {"  model.layers.0.cell: [gru, nothing]\n  equal: flops\n", "c.yaml:5:30: there is no cell 'nothing'"},
    {"  model.layers.0.cell: [nothing, nowhere]\n  equal: flops\n",
     "c.yaml:5:25: there is no cell 'nothing'|c.yaml:5:34: there is no cell 'nowhere'"},
    {"  model.layers.0.residual: [false, true]\n  equal: parameters\n", "which is 4 wide"},
};

START_TEST(budgets_and_models_that_do_not_fit_are_errors) {
    const struct outcome outcome = compare("wide.yaml", mistakes[_i].section, "--dry-run");
    assert_status(mistakes[_i].section, &outcome, 2);
    assert_parts("errors", outcome.err, mistakes[_i].error);
}
END_TEST

/* The chosen widths are those of the runs, and a comparison that goes on chooses the same. */
START_TEST(runs_have_the_chosen_widths) {
    const char *section = "  model.layers.0.cell: [gru, mgu]\n  equal: parameters\n";
    const struct outcome first = compare("wide.yaml", section, "--out sized");
    assert_status("first", &first, 0);
    json_t *root = json_loads(sandbox_read("sized/comparison.json", NULL), 0, NULL);
    const json_t *variant = json_array_get(json_object_get(root, "variants"), 1);
    const json_t *width = json_object_get(json_object_get(variant, "widths"), "model.layers.0.hidden");
    char line[64];
    const char *text = json_string_value(width);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_ne(text, "32");
    snprintf(line, sizeof line, "hidden: %s\n", text);
    assert_parts("run", sandbox_read("sized/runs/mgu/seed-1/experiment.yaml", NULL), line);
    json_decref(root);
    const struct outcome again = compare("wide.yaml", section, "--out sized");
    assert_status("again", &again, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare_size");
    TCase *cases = tcase_create("compare_size");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, open_sandbox, sandbox_close);
    tcase_add_loop_test(cases, variants_are_equally_large, 0, ROWS(rows));
    tcase_add_loop_test(cases, budgets_and_models_that_do_not_fit_are_errors, 0, ROWS(mistakes));
    tcase_add_test(cases, runs_have_the_chosen_widths);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
