/* tests/test_class_numbers.c: options with a number for each class, written by label, as `balanced` or as a list: the same
 * training, and a run that needs no counts. */
#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

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

int main(void) {
    Suite *suite = suite_create("class_numbers");
    TCase *cases = tcase_create("class_numbers");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, forms_train_the_same_bits, 0, ROWS(forms));
    tcase_add_test(cases, weights_change_the_training);
    tcase_add_test(cases, label_of_a_term_is_checked);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
