/* tests/test_class_numbers.c: options with a number for each class, written by label, as `balanced` or as a list: the same
 * training, and a run that needs no counts. */
#include <stdio.h>
#include <string.h>

#include "core/options.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"
#include "train/class_numbers.h"

/* 6 rows of "great" and 18 of "other". */
static void setup(void) {
    char text[2048] = "";
    sandbox_open();
    tiny_write();
    for (int i = 0; i < 24; i++) {
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s soup\t%s\n", i % 4 == 0 ? "lovely" : "cold",
                 i % 4 == 0 ? "great" : "other");
    }
    sandbox_write("skewed.tsv", text);
}

static struct outcome rondo(const char *arguments) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    return outcome;
}

/* Trains with these weights of classes; returns the bytes of the trained weights. */
static const char *train(const char *loss, const char *weights, const char *run, size_t *size) {
    char arguments[512];
    snprintf(
        arguments, sizeof arguments,
        "train e.yaml --quiet --out %s --set data.train=skewed.tsv --set loss.plugin=%s --set loss.class_weights=%s",
        run, loss, weights);
    rondo(arguments);
    return sandbox_read(sandbox_path("%s/weights.safetensors", run), size);
}

static const struct {
    const char *loss, *given, *list, *resolved;
} forms[] = {
    {"softmax_cross_entropy", "{\"great\":3}", "[3,1]", "class_weights:\n    - 3\n    - 1\n"},
    {"softmax_cross_entropy", "{\"other\":0.5,\"great\":4}", "[4,0.5]", "class_weights:\n    - 4\n    - 0.5\n"},
    /* 24 / (2 * 6) and 24 / (2 * 18) */
    {"softmax_cross_entropy", "balanced", "[2,0.6666666666666666]",
     "class_weights:\n    - 2\n    - 0.6666666666666666\n"},
};

START_TEST(forms_train_the_same_bits) {
    char given[32], list[32];
    size_t sizes[2];
    snprintf(given, sizeof given, "given-%d", _i);
    snprintf(list, sizeof list, "list-%d", _i);
    const char *one = train(forms[_i].loss, forms[_i].given, given, &sizes[0]);
    const char *other = train(forms[_i].loss, forms[_i].list, list, &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(one, other, sizes[0]);
    /* The run has the numbers, so that its training data are not needed. */
    const char *experiment = sandbox_read(sandbox_path("%s/experiment.yaml", given), NULL);
    ck_assert_msg(strstr(experiment, forms[_i].resolved) != NULL, "'%s' is not in '%s'", forms[_i].resolved,
                  experiment);
    char arguments[64];
    snprintf(arguments, sizeof arguments, "eval %s", given);
    const char *loss = rondo(arguments).out;
    snprintf(arguments, sizeof arguments, "eval %s", list);
    ck_assert_str_eq(loss, rondo(arguments).out);
}
END_TEST

/* Weights of classes change the training, so that the test above compares something. */
START_TEST(weights_change_the_training) {
    size_t sizes[2];
    const char *plain = train("softmax_cross_entropy", "[]", "plain", &sizes[0]);
    const char *weighted = train("softmax_cross_entropy", "{\"great\":3}", "weighted", &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert(memcmp(plain, weighted, sizes[0]) != 0);
}
END_TEST

/* The terms of a sum as well, at the place of the mistake. */
START_TEST(label_of_a_term_is_checked) {
    tiny_edit("sum.yaml", "loss:",
              "loss: {sum: [{plugin: softmax_cross_entropy, class_weights: {great: 2, bad: 1}}, {plugin: hinge}]}");
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train sum.yaml --quiet --out refused"});
    assert_status("sum", &outcome, 2);
    assert_parts("sum", outcome.err,
                 "sum.yaml:6:72: 'class_weights' has the unknown label 'bad', expected 'great', 'other'");
}
END_TEST

/* ---- without a file ---- */

struct weighted {
    rondo_reals weights;
};
static const rondo_option table[] = {
    RONDO_OPTION_CLASS_REALS(struct weighted, weights, "[]", 0, 10, "factors of the classes"), RONDO_OPTION_END};

/* Class 2 has no label, and no row. */
static const char *name_of(const void *arg, int64_t k) {
    static const char *const names[] = {"red", "blue", NULL};
    (void)arg;
    return names[k];
}

static const int64_t *rows_of(const void *arg, int64_t count) {
    static const int64_t rows[] = {2, 6, 0};
    (void)arg;
    ck_assert_int_eq(count, ROWS(rows));
    return rows;
}

static const struct {
    const char *text; /* of the section */
    int64_t classes;  /* 0: targets are numbers */
    int knows_rows;
    double expected[3]; /* without an error */
    const char *error;  /* NULL: none */
} resolved[] = {
    {"weights: {blue: 3}", 3, 0, {1, 3, 1}, NULL},
    {"weights: {\"2\": 4, red: 0}", 3, 0, {0, 1, 4}, NULL}, /* a class without a label has its number as one */
    {"weights: balanced", 3, 1, {8.0 / (3 * 2), 8.0 / (3 * 6), 8.0 / 3}, NULL},
    {"weights: [1, 2, 3]", 3, 0, {1, 2, 3}, NULL},
    {"weights: {green: 3}", 3, 0, {0}, "'weights' has the unknown label 'green', expected 'red', 'blue', '2'"},
    {"weights: balanced", 3, 0, {0}, "'weights' is balanced, which needs the training data"},
    {"weights: [1, 2]", 3, 0, {0}, "'weights' has 2 numbers, expected one for each of 3 classes"},
    {"weights: balanced", 0, 0, {0}, "'weights' has numbers for classes, and targets are not classes"},
};

START_TEST(numbers_follow_from_the_labels_and_counts) {
    struct arena *arena = arena_create();
    struct errors errors = {0};
    struct yaml_node *section = yaml_parse("f", resolved[_i].text, strlen(resolved[_i].text), arena, &errors);
    struct weighted *options = options_create(table, sizeof *options, arena, &errors);
    ck_assert(section != NULL && options != NULL);
    if (strchr(resolved[_i].text, '[') != NULL) {
        ck_assert_int_eq(option_set(table, options, strchr(resolved[_i].text, '['), arena, section->where, &errors),
                         RONDO_OK);
    }
    const struct class_facts facts = {resolved[_i].classes, name_of, NULL, resolved[_i].knows_rows ? rows_of : NULL,
                                      NULL};
    const rondo_status status = class_numbers_resolve(&facts, section, table, options, arena, &errors);
    if (resolved[_i].error != NULL) {
        ck_assert_int_eq(status, RONDO_INVALID);
        assert_parts(resolved[_i].text, errors_text(&errors, 0), resolved[_i].error);
    } else {
        ck_assert_int_eq(status, RONDO_OK);
        ck_assert_int_eq(options->weights.count, 3);
        for (int k = 0; k < 3; k++) {
            ck_assert_double_eq(options->weights.values[k], resolved[_i].expected[k]);
        }
        ck_assert_int_eq(yaml_get(section, "weights")->kind, YAML_SEQUENCE);
    }
    errors_free(&errors);
    arena_destroy(arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("class_numbers");
    TCase *cases = tcase_create("class_numbers");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, forms_train_the_same_bits, 0, ROWS(forms));
    tcase_add_test(cases, weights_change_the_training);
    tcase_add_test(cases, label_of_a_term_is_checked);
    tcase_add_loop_test(cases, numbers_follow_from_the_labels_and_counts, 0, ROWS(resolved));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
