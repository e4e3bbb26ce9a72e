/* tests/test_metrics_keys.c: the metrics of an experiment: what is reported, by which name, and what is refused where. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static const char with_metrics[] =
    "metrics: [f1, {plugin: f1, average: micro}, confusion_matrix, \"bits_per_symbol\"]\n";

/* e.yaml lists no metrics, m.yaml does; `run` and `listed` are their runs. */
static void setup(void) {
    char text[512];
    sandbox_open();
    tiny_write();
    snprintf(text, sizeof text, "loss: {plugin: softmax_cross_entropy}\n%s", with_metrics);
    text[strlen(text) - 1] = '\0';
    tiny_edit("m.yaml", "loss:", text);
    const struct outcome plain = sandbox_run((struct call){.arguments = "train e.yaml --quiet --out run"});
    const struct outcome listed = sandbox_run((struct call){.arguments = "train m.yaml --out listed"});
    if (plain.status != 0 || listed.status != 0) {
        fprintf(stderr, "%s%s", plain.err, listed.err);
        exit(1);
    }
    sandbox_write("said.txt", listed.err);
    sandbox_write("printed.txt", listed.out);
}

static struct outcome rondo(const char *arguments) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    return outcome;
}

static json_t *parse(const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    ck_assert_msg(value != NULL, "no JSON: %s in '%.300s'", error.text, text);
    return value;
}

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "there is no number '%s'", key);
    return json_number_value(value);
}

/* ---- what is reported ---- */

START_TEST(validation_and_result_have_the_metrics_of_the_experiment) {
    const char *parts = "valid loss | accuracy | perplexity | f1 | f1:average=micro | bits_per_symbol ";
    assert_parts("progress", sandbox_read("said.txt", NULL), parts);
    assert_parts("result", sandbox_read("printed.txt", NULL), parts);
    ck_assert_ptr_null(strstr(sandbox_read("said.txt", NULL), "confusion_matrix")); /* it has only a table */
    char *lines = sandbox_read("listed/metrics.jsonl", NULL);
    *strchr(lines, '\n') = '\0';
    json_t *line = parse(lines);
    const json_t *valid = json_object_get(line, "valid");
    ck_assert_double_eq_tol(number_of(valid, "f1:average=micro"), number_of(valid, "accuracy"), 1e-8);
    ck_assert_double_ge(number_of(valid, "bits_per_symbol"), 0);
    ck_assert_uint_eq(json_object_size(json_object_get(line, "train")), 1);
    json_decref(line);
}
END_TEST

/* Metrics of the loss keep their names and order; without the key nothing else is printed. */
START_TEST(experiment_without_metrics_reports_those_of_the_loss) {
    json_t *scores = parse(rondo("eval run --json").out);
    static const char *const keys[] = {"data", "examples", "rows", "loss", "accuracy", "perplexity"};
    ck_assert_uint_eq(json_object_size(scores), ROWS(keys));
    for (int i = 0; i < ROWS(keys); i++) {
        ck_assert_ptr_nonnull(json_object_get(scores, keys[i]));
    }
    json_decref(scores);
}
END_TEST

/* A plug-in has the value of the loss's own metric, whose place it takes. */
START_TEST(plugin_agrees_with_the_metric_of_the_loss) {
    json_t *own = parse(rondo("eval run --on train --json").out);
    json_t *plugin = parse(rondo("eval run --on train --json --metric accuracy --metric perplexity").out);
    ck_assert_uint_eq(json_object_size(own), json_object_size(plugin));
    ck_assert_double_eq_tol(number_of(own, "accuracy"), number_of(plugin, "accuracy"), 1e-12);
    ck_assert_double_eq_tol(number_of(own, "perplexity"), number_of(plugin, "perplexity"), 1e-9);
    json_decref(own);
    json_decref(plugin);
}
END_TEST

/* Batches of 24 examples are two shards. */
START_TEST(threads_change_no_bit) {
    static const char *const threads[] = {"1", "2", "5"};
    const char *first = NULL;
    for (int i = 0; i < ROWS(threads); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments,
                 "eval listed --on train --json --metric balanced_accuracy --metric top_k:k=1 --threads %s",
                 threads[i]);
        const char *out = rondo(arguments).out;
        first = first == NULL ? out : first;
        ck_assert_str_eq(out, first);
    }
}
END_TEST

/* Counts of the test data: 8 texts, 4 of each label. The rows of the table add up to that. */
START_TEST(tables_are_printed_and_exact_as_json) {
    json_t *scores = parse(rondo("eval listed --json").out);
    const json_t *table = json_object_get(json_object_get(scores, "tables"), "confusion_matrix");
    const json_t *values = json_object_get(table, "values"), *rows = json_object_get(table, "rows");
    ck_assert_str_eq(json_string_value(json_array_get(rows, 0)), "great");
    ck_assert_str_eq(json_string_value(json_array_get(rows, 1)), "other");
    char expected[512] = "confusion_matrix (columns: predicted class)\n  true class  great  other\n";
    for (size_t row = 0; row < 2; row++) {
        const json_t *line = json_array_get(values, row);
        const int great = (int)json_integer_value(json_array_get(line, 0));
        const int other = (int)json_integer_value(json_array_get(line, 1));
        ck_assert(json_is_integer(json_array_get(line, 0)) && great + other == 4);
        const size_t length = strlen(expected);
        snprintf(expected + length, sizeof expected - length, "  %-10s  %5d  %5d\n", row == 0 ? "great" : "other",
                 great, other);
    }
    ck_assert_uint_eq(json_object_size(json_object_get(scores, "tables")), 3);
    json_decref(scores);
    const char *printed = rondo("eval listed").out;
    ck_assert_msg(strstr(printed, expected) != NULL, "'%s' is not in '%s'", expected, printed);
    assert_parts("f1", printed, "\nf1\n  class  precision  recall |\n  great |\nf1:average=micro\n");
}
END_TEST

/* --metric adds to the experiment's metrics; one that it has already is not reported twice. */
START_TEST(command_line_adds_metrics) {
    const char *printed = rondo("eval listed --metric f1 --metric f1:average=weighted --metric top_k:k=1").out;
    assert_parts("eval", printed, ", f1 |, f1:average=micro |, f1:average=weighted |, top_k:k=1 ");
    const char *second = strstr(strstr(printed, ", f1 ") + 1, ", f1 ");
    ck_assert_msg(second == NULL, "'f1' is reported twice: %s", printed);
}
END_TEST

/* ---- without some classes ---- */

/* Of the 8 texts of the test data, 4 are of each label: the log of the whole perplexity is the mean of those of the parts. */
START_TEST(metric_leaves_out_the_targets_of_some_classes) {
    json_t *scores =
        parse(rondo("eval listed --json --metric perplexity:without=great --metric perplexity:without=[other] --metric "
                    "accuracy:without=great --metric confusion_matrix:without=other")
                  .out);
    const double other = number_of(scores, "perplexity:without=great"),
                 great = number_of(scores, "perplexity:without=other");
    ck_assert_double_eq_tol(log(number_of(scores, "perplexity")), (log(other) + log(great)) / 2, 1e-9);
    ck_assert(fabs(other - great) > 1e-6);
    const json_t *tables = json_object_get(scores, "tables");
    const json_t *all = json_object_get(json_object_get(tables, "confusion_matrix"), "values");
    const json_t *part = json_object_get(json_object_get(tables, "confusion_matrix:without=other"), "values");
    ck_assert_double_eq_tol(number_of(scores, "accuracy:without=great"),
                            (double)json_integer_value(json_array_get(json_array_get(all, 1), 1)) / 4, 1e-12);
    for (size_t column = 0; column < 2; column++) {
        ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(part, 0), column)),
                         json_integer_value(json_array_get(json_array_get(all, 0), column)));
        ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(part, 1), column)), 0);
    }
    json_decref(scores);
}
END_TEST

/* In training and in its run, with options of the plug-in beside it. */
START_TEST(experiment_leaves_out_classes) {
    tiny_edit(
        "w.yaml", "loss:",
        "loss: {plugin: softmax_cross_entropy}\n"
        "metrics: [{plugin: f1, without: great, average: micro}, {plugin: accuracy, without: [other]}, accuracy]");
    const struct outcome trained =
        rondo("train w.yaml --quiet --out without --set schedule.early_stopping.patience=2 --set "
              "schedule.early_stopping.metric=valid.accuracy:without=other");
    const char *names = "f1:average=micro,without=great | accuracy:without=other | accuracy ";
    assert_parts("train", trained.out, names);
    assert_parts("eval", rondo("eval without").out, names);
}
END_TEST

/* ---- early stopping ---- */

/* Without a step nothing gets better after the first epoch. */
static const struct {
    const char *metric;
    int epochs;
} stopping[] = {
    {"valid.f1", 3}, {"valid.f1:average=micro", 3}, {"[valid.bits_per_symbol,valid.loss]", 3}, {"[valid.accuracy]", 3}};

START_TEST(early_stopping_observes_any_metric) {
    char arguments[256], parts[64];
    snprintf(arguments, sizeof arguments,
             "train m.yaml --quiet --set optimizer.lr=0 --set schedule.epochs=50 --set "
             "schedule.early_stopping.patience=2 --set schedule.early_stopping.metric=%s",
             stopping[_i].metric);
    snprintf(parts, sizeof parts, "best epoch 1 of %d (stopped early)", stopping[_i].epochs);
    assert_parts(arguments, rondo(arguments).out, parts);
}
END_TEST

/* The plug-in of an observed metric is not loaded for a prediction, which observes none. */
START_TEST(run_whose_early_stopping_observes_a_plugin_predicts) {
    rondo("train m.yaml --quiet --out observed --set schedule.epochs=1 --set schedule.early_stopping.patience=2 --set "
          "schedule.early_stopping.metric=[valid.f1,valid.bits_per_symbol]");
    const struct outcome predicted = sandbox_run((struct call){.arguments = "predict observed", .input = "tea\n"});
    assert_status("predict", &predicted, 0);
    ck_assert_str_ne(predicted.out, "");
    ck_assert_str_eq(predicted.err, "");
}
END_TEST

/* The loss goes on falling when the accuracy is already 1: with both, training goes on, and the first decides which
 * weights are kept. */
START_TEST(training_stops_when_none_of_several_gets_better) {
    const char *common = "train m.yaml --quiet --set schedule.epochs=40 --set schedule.early_stopping.patience=3 --set "
                         "schedule.early_stopping.metric=";
    char one[256], both[256];
    int best_of_one = 0, epochs_of_one = 0, best_of_both = 0, epochs_of_both = 0;
    snprintf(one, sizeof one, "%svalid.accuracy", common);
    snprintf(both, sizeof both, "%s[valid.accuracy,valid.loss]", common);
    ck_assert_int_eq(sscanf(strstr(rondo(one).out, "best epoch"), "best epoch %d of %d", &best_of_one, &epochs_of_one),
                     2);
    ck_assert_int_eq(
        sscanf(strstr(rondo(both).out, "best epoch"), "best epoch %d of %d", &best_of_both, &epochs_of_both), 2);
    ck_assert_int_eq(epochs_of_one, best_of_one + 3);
    ck_assert_int_gt(epochs_of_both, epochs_of_one);
    ck_assert_int_eq(best_of_both, best_of_one);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *line; /* of the experiment, as line 7 */
    const char *parts;
} mistakes[] = {
    {"metrics: f1", "e2.yaml:7:10: 'metrics' must be a list: [accuracy,"},
    {"metrics: [acuracy]", "e2.yaml:7:11: unknown metric 'acuracy' (did you mean 'accuracy'?)"},
    {"metrics: [{plugin: f1, averag: macro}]",
     "e2.yaml:7:24: unknown key 'averag' in metrics.0 (did you mean 'average'?)"},
    {"metrics: [f1, \"f1:average=makro\"]", "e2.yaml:7:15: 'average' is 'makro', expected one of macro, micro"},
    {"metrics: [\"f1:micro\"]", "e2.yaml:7:11: 'f1:micro' is not a metric, expected NAME or NAME:KEY=VALUE"},
    {"metrics: [f1, {plugin: f1, average: macro}]", "e2.yaml:7:24: the metric 'f1' is listed twice"},
    {"metrics: [{average: macro}]", "e2.yaml:7:11: 'metrics.0.plugin' is missing, expected the name of a metric"},
    {"metrics: [[f1]]", "e2.yaml:7:11: expected a metric: its name, or {plugin: NAME, and its options}"},
    /* a metric that does not fit the data, each at its place */
    {"metrics: [accuracy, mae, rmse]", "e2.yaml:7:21: metric 'mae' does not fit: targets are classes, expected "
                                       "numbers|e2.yaml:7:26: metric 'rmse' does not"},
    {"metrics: [label_error_rate]",
     "e2.yaml:7:11: metric 'label_error_rate' does not fit: targets are classes, expected "
     "lists of classes"},
    {"metrics: [{plugin: accuracy, without: graet}]",
     "e2.yaml:7:39: 'without' has the unknown label 'graet' (did you mean 'great'?), expected 'great', 'other'"},
    {"metrics: [{plugin: accuracy, without: [other, bad]}]", "e2.yaml:7:47: 'without' has the unknown label 'bad'"},
    {"metrics: [{plugin: accuracy, without: [other, great]}]",
     "e2.yaml:7:40: 'without' leaves out all 2 classes, expected at least one to be left"},
    {"metrics: [{plugin: accuracy, without: []}]", "e2.yaml:7:39: 'metrics.0.without' is empty"},
    {"metrics: [{plugin: accuracy, without: {other: 1}}]",
     "e2.yaml:7:39: 'metrics.0.without' must be the label of a class, or a list of labels"},
    {"metrics: [{plugin: accuracy, without: other}, \"accuracy:without=other\"]",
     "e2.yaml:7:47: the metric 'accuracy:without=other' is listed twice"},
    {"metrics: [{plugin: top_k, k: 2}]", "e2.yaml:7:30: top_k: 'k' is 2 of 2 classes, so every prediction would count"},
};

START_TEST(mistake_is_reported_at_its_place) {
    char line[512];
    snprintf(line, sizeof line, "loss: {plugin: softmax_cross_entropy}\n%s", mistakes[_i].line);
    tiny_edit("e2.yaml", "loss:", line);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e2.yaml --quiet --out refused"});
    assert_status(mistakes[_i].line, &outcome, 2);
    assert_parts(mistakes[_i].line, outcome.err, mistakes[_i].parts);
    ck_assert_ptr_null(strstr(outcome.err, "class_weights"));
    ck_assert(!sandbox_has("refused"));
}
END_TEST

static const struct {
    const char *arguments, *parts;
} refused[] = {
    {"eval run --metric mae", "--metric mae: metric 'mae' does not fit: targets are classes, expected numbers"},
    {"eval run --metric bleu", "--metric bleu: metric 'bleu' compares texts that the model generates with those of the "
                               "data, and this model does not generate"},
    {"eval run --metric bleu:without=great",
     "--metric bleu:without=great: 'without' leaves out targets, and metric 'bleu'"},
    {"eval run --metric f2", "--metric f2: unknown metric 'f2' (did you mean 'f1'?)"},
    {"eval run --metric f1:k=3", "--metric f1:k=3: unknown key 'k' in metrics.0"},
    {"train m.yaml --set schedule.early_stopping.metric=valid.f2",
     "there is no metric 'valid.f2' (did you mean 'valid.f1'?)"},
    {"train m.yaml --set schedule.early_stopping.metric=f1", "there is no metric 'f1' (did you mean 'valid.f1'?)"},
    {"train m.yaml --set schedule.early_stopping.metric=valid.zebra",
     "there is no metric 'valid.zebra', expected one of|valid.bits_per_symbol"},
    {"train m.yaml --set schedule.early_stopping.metric=valid.confusion_matrix",
     "the metric 'confusion_matrix' has only a table, expected one of: valid.loss, valid.accuracy"},
    {"train m.yaml --set schedule.early_stopping.metric=[]", "'schedule.early_stopping.metric' is empty"},
    {"train m.yaml --set schedule.early_stopping.metric={a:1}", "must be a metric such as valid.loss, or a list"},
};

START_TEST(command_is_refused) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = refused[_i].arguments});
    assert_status(refused[_i].arguments, &outcome, 2);
    assert_parts(refused[_i].arguments, outcome.err, refused[_i].parts);
}
END_TEST

/* Numbers: predictions of the same form fit, those of a loss without a median do not. */
START_TEST(metrics_of_numbers_fit_losses_that_predict_numbers) {
    tiny_edit(
        "n.yaml", "data:",
        "data: {reader: text, target: number, train: n.tsv, valid: n.tsv, test: n.tsv}\nmetrics: [mae, r2, smape]");
    sandbox_write("n.tsv", "tea\t0.5\nlovely soup\t1\nawful soup\t-1e-1\ncold soup\t2\n");
    const struct outcome trained = rondo("train n.yaml --quiet --out numbers --set loss.plugin=squared_error");
    assert_parts("train", trained.out, "valid loss | rmse | mae | r2 | smape ");
    tiny_edit("q.yaml", "loss:", "loss: {plugin: quantile, levels: [0.1, 0.3]}\nmetrics: [mae]");
    const struct outcome wrong = sandbox_run((struct call){
        .arguments = "train q.yaml --quiet --out refused --set data.target=number --set data.train=n.tsv --set "
                     "data.valid=n.tsv --set data.test=n.tsv"});
    assert_status("quantile", &wrong, 2);
    assert_parts(
        "quantile", wrong.err,
        "q.yaml:7:11: metric 'mae' does not fit the loss 'quantile', which predicts 2 numbers of its own for 1");
    const struct outcome without = sandbox_run((struct call){.arguments = "eval numbers --metric mae:without=0.5"});
    assert_status("without", &without, 2);
    assert_parts(
        "without", without.err,
        "--metric mae:without=0.5: 'without' has labels of classes, and targets are not classes; 'data.target: "
        "label' makes them classes");
    const struct outcome naive = sandbox_run((struct call){.arguments = "eval numbers --metric mase"});
    assert_status("mase", &naive, 2);
    assert_parts("mase", naive.err, "--metric mase: metric 'mase' compares with the naive forecast");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("metrics_keys");
    TCase *cases = tcase_create("metrics_keys");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, validation_and_result_have_the_metrics_of_the_experiment);
    tcase_add_test(cases, experiment_without_metrics_reports_those_of_the_loss);
    tcase_add_test(cases, plugin_agrees_with_the_metric_of_the_loss);
    tcase_add_test(cases, threads_change_no_bit);
    tcase_add_test(cases, tables_are_printed_and_exact_as_json);
    tcase_add_test(cases, command_line_adds_metrics);
    tcase_add_test(cases, metric_leaves_out_the_targets_of_some_classes);
    tcase_add_test(cases, experiment_leaves_out_classes);
    tcase_add_loop_test(cases, early_stopping_observes_any_metric, 0, ROWS(stopping));
    tcase_add_test(cases, run_whose_early_stopping_observes_a_plugin_predicts);
    tcase_add_test(cases, training_stops_when_none_of_several_gets_better);
    tcase_add_loop_test(cases, mistake_is_reported_at_its_place, 0, ROWS(mistakes));
    tcase_add_loop_test(cases, command_is_refused, 0, ROWS(refused));
    tcase_add_test(cases, metrics_of_numbers_fit_losses_that_predict_numbers);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
