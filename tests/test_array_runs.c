/* Runs on arrays and tables, through the command: all architectures train, evaluate and predict; what the data do not fit is
 * refused with exit status 2; predictions of numbers are in the units of the data. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_goldens.h"
#include "sandbox.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct arena *arena;
static struct array_goldens goldens;

static void setup(void) {
    arena = arena_create();
    array_goldens_open(&goldens, arena);
}

static void teardown(void) {
    arena_destroy(arena);
}

static void store(const char *name) {
    size_t length;
    const unsigned char *bytes = array_goldens_file(&goldens, name, arena, &length);
    sandbox_write_bytes(name, bytes, length);
}

/* Line 3 has the data, line 5 the loss. */
static void write_experiment(const char *architecture, const char *data, const char *model, const char *loss) {
    char text[1000];
    snprintf(text, sizeof text,
             "rondo: 1\n"
             "architecture: \"%s\"\n"
             "data: {%s}\n"
             "model: {%slayers: [{cell: gru, hidden: 4}]}\n"
             "loss: {plugin: %s}\n"
             "optimizer: {plugin: adam, lr: 0.05}\n"
             "schedule: {epochs: 2, batch: 2, seed: 1}\n",
             architecture, data, model, loss);
    sandbox_write("e.yaml", text);
}

static struct outcome run(const char *arguments) {
    return sandbox_run((struct call){.arguments = arguments});
}

static const struct {
    const char *architecture, *file, *data, *model, *loss;
    int predictions; /* lines */
} runs[] = {
    {"N:1", "padded.npz", "", "", "softmax_cross_entropy", 3},
    {"N:1", "packed_lengths.npz", "", "pool: mean, ", "softmax_cross_entropy", 3},
    {"N:N", "per_step.npz", "", "embedding: {size: 3}, ", "softmax_cross_entropy", 2},
    {"N:N", "packed.npz", "", "", "squared_error", 2},
    {"N:N", "packed.npz", ", window: 2, carry: true", "", "squared_error", 2},
    {"N:N", "lists.npz", "", "", "ctc", 2},
    {"1:N", "one_to_many.npz", "", "steps: 3, embedding: {size: 3}, ", "squared_error", 2},
    {"1:1", "one_to_one.npz", "", "steps: 2, ", "squared_error", 3},
    {"1:1", "single_numbers.npz", "", "", "softmax_cross_entropy", 3},
};

START_TEST(arrays_of_every_form_train_and_predict) {
    char data[200], arguments[200];
    store(runs[_i].file);
    snprintf(data, sizeof data, "reader: arrays, train: %s, test: %s%s", runs[_i].file, runs[_i].file, runs[_i].data);
    write_experiment(runs[_i].architecture, data, runs[_i].model, runs[_i].loss);
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status(runs[_i].file, &trained, 0);
    const struct outcome tape = run("train e.yaml --out tape --quiet --engine tape");
    assert_status(runs[_i].file, &tape, 0);
    const struct outcome evaluated = run("eval run --on test");
    assert_status(runs[_i].file, &evaluated, 0);
    snprintf(arguments, sizeof arguments, "predict run %s", runs[_i].file);
    const struct outcome predicted = run(arguments);
    assert_status(runs[_i].file, &predicted, 0);
    int lines = 0;
    for (const char *c = predicted.out; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    ck_assert_int_eq(lines, runs[_i].predictions);
    sandbox_remove("run");
    sandbox_remove("tape");
}
END_TEST

static const struct {
    const char *architecture, *file, *data, *model, *loss;
    const char *parts; /* of the message */
} misfits[] = {
    {"N:1", "good.npz", ", window: 2", "", "softmax_cross_entropy",
     "e.yaml:3:|'data.window' cuts sequences with an input and a target at each step, and example 1 of |has 3 and 1"},
    {"N:N", "packed.npz", ", window: 9", "", "squared_error",
     "e.yaml:3:|'data.window' is 9, and the longest sequence of |has 3 steps"},
    {"N:N", "good.npz", "", "", "softmax_cross_entropy",
     "e.yaml:3:|'target' has one element for each example, and the architecture gives an output at every step; "
     "expected [examples, steps]"},
    {"N:N", "good.npz", ", target_is: number", "", "squared_error", "expected [examples, steps, numbers], such as y["},
    {"N:1", "one_to_one.npz", "", "", "squared_error",
     "e.yaml:3:|'input' has one element for each example, and the architecture takes input at every step; expected "
     "[examples, steps, numbers], such as x[:, :, None]"},
    {"N:1", "packed.npz", "", "", "squared_error",
     "packed.npz: example 1 has 2 steps and 2 targets, expected one target"},
    {"1:1", "good.npz", "", "", "softmax_cross_entropy",
     "e.yaml:3:|'input' has numbers at each step, [examples, steps, numbers], and the architecture takes input only at "
     "the first step; expected [examples, numbers]"},
    {"1:1", "symbols.npz", "", "", "softmax_cross_entropy",
     "'input' has a symbol at each step, since its elements are integers, and |'data.input_is: number' reads each row"},
    {"N:N", "packed.npz", "", "", "ctc", "e.yaml:5:|ctc: targets are numbers, expected a list of classes"},
    {"N:1", "lists.npz", "", "", "ctc",
     "e.yaml:2:|targets that are lists need an output at every step; expected \"N:N\""},
    {"N:N", "list_long.npz", "", "", "ctc", "e.yaml:5:|example 1 of |has 2 steps, and a target that needs 3"},
    {"N:1", "good.npz", "", "", "squared_error",
     "e.yaml:5:|targets are classes, expected numbers; 'data.target_is: number' makes them numbers"},
    {"N:N", "packed.npz", "", "", "softmax_cross_entropy",
     "e.yaml:5:|targets are numbers, expected classes; 'data.target_is: class' makes them classes"},
    {"1:1", "one_to_one.npz", ", scale_target: standard", "", "poisson",
     "e.yaml:5:|'data.scale_target: standard' needs a loss whose targets may be in any unit"},
    {"N:1", "good.npz", "", "steps: 4, ", "softmax_cross_entropy",
     "e.yaml:4:|'model.steps' is not used: the architecture takes input at every step"},
    {"N:N", "per_step.npz", "", "embedding: {size: 3, word_dropout: 0.1}, ", "softmax_cross_entropy",
     "e.yaml:4:|'model.embedding.word_dropout' is not used: it replaces symbols by the unknown one, and reader "
     "'arrays' "
     "gives no unknown symbol"},
    {"N:1", "good.npz", "", "embedding: {input: {size: 3, lazy: true}}, ", "softmax_cross_entropy",
     "e.yaml:4:|'model.embedding.input.lazy' is not used: the inputs are numbers, which select no rows of a table"},
    {"N:1", "good.npz", ", scale_input: standart", "", "softmax_cross_entropy",
     "e.yaml:3:|'scale_input' is 'standart', expected one of none, standard, minmax (did you mean 'standard'?)"},
};

START_TEST(data_that_do_not_fit_the_experiment_are_refused) {
    char data[200];
    store(misfits[_i].file);
    snprintf(data, sizeof data, "reader: arrays, train: %s%s", misfits[_i].file, misfits[_i].data);
    write_experiment(misfits[_i].architecture, data, misfits[_i].model, misfits[_i].loss);
    const struct outcome refused = run("train e.yaml --out run --quiet");
    assert_status(misfits[_i].parts, &refused, 2);
    assert_parts(misfits[_i].parts, refused.err, misfits[_i].parts);
    ck_assert(!sandbox_has("run"));
}
END_TEST

/* The validation part is made of the same examples. */
START_TEST(a_mistake_of_the_training_file_is_reported_once) {
    store("packed.npz");
    write_experiment("N:1", "reader: arrays, train: packed.npz, valid: {last: 0.5}", "", "squared_error");
    const struct outcome refused = run("check e.yaml");
    assert_status("check", &refused, 2);
    const char *first = strstr(refused.err, "expected one target");
    ck_assert_msg(first != NULL && strstr(first + 1, "expected one target") == NULL, "%s", refused.err);
}
END_TEST

START_TEST(a_file_for_each_array_trains_and_predicts) {
    static const char *const files[] = {"x.npy", "y.npy", "lengths.npy"};
    for (int i = 0; i < ROWS(files); i++) {
        store(files[i]);
    }
    write_experiment("N:1", "reader: arrays, train: {input: x.npy, target: y.npy, lengths: lengths.npy}", "",
                     "softmax_cross_entropy");
    const struct outcome checked = run("check e.yaml");
    assert_status("check", &checked, 0);
    assert_parts(
        "check", checked.out,
        "input: 1 to 2 elements per example, of 2 numbers, scaled\n|target: 1 element per example, one of 2 classes");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status("training", &trained, 0);
    const struct outcome predicted = run("predict run x.npy");
    assert_status("prediction", &predicted, 0);
    sandbox_remove("run");
}
END_TEST

/* y = 1000 x + 5000: a loss of a few scaled units, and predictions that the data could have. */
START_TEST(predictions_are_in_the_units_of_the_data) {
    char table[2000] = "x,y\n";
    for (int i = 0; i < 40; i++) {
        snprintf(table + strlen(table), sizeof table - strlen(table), "%d,%d\n", i % 8, 1000 * (i % 8) + 5000);
    }
    sandbox_write("t.csv", table);
    sandbox_write("new.csv", "x\n0\n7\n");
    write_experiment("1:1", "reader: table, train: t.csv, valid: t.csv, target: number, columns: {target: y}", "",
                     "squared_error");
    const struct outcome trained = run("train e.yaml --out run --quiet --set schedule.epochs=60");
    assert_status("training", &trained, 0);
    const struct outcome predicted = run("predict run new.csv");
    assert_status("prediction", &predicted, 0);
    double first, second;
    ck_assert_int_eq(sscanf(predicted.out, "%lf\n%lf\n", &first, &second), 2);
    ck_assert_double_eq_tol(first, 5000, 500);
    ck_assert_double_eq_tol(second, 12000, 500);
    sandbox_remove("run");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("array_runs");
    TCase *cases = tcase_create("array_runs");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, arrays_of_every_form_train_and_predict, 0, ROWS(runs));
    tcase_add_loop_test(cases, data_that_do_not_fit_the_experiment_are_refused, 0, ROWS(misfits));
    tcase_add_test(cases, a_mistake_of_the_training_file_is_reported_once);
    tcase_add_test(cases, a_file_for_each_array_trains_and_predicts);
    tcase_add_test(cases, predictions_are_in_the_units_of_the_data);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
