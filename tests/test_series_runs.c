/* Runs on series, through the command: they train in both architectures, their scores stand beside those of forecasts without
 * a model, and what the experiment asks of the data in vain is refused with exit status 2. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"

/* Line 3 has the data, line 4 the model, line 5 the loss. */
static void write_experiment(const char *architecture, const char *data, const char *model, const char *loss) {
    char text[1000];
    snprintf(text, sizeof text,
             "rondo: 1\n"
             "architecture: \"%s\"\n"
             "data: {reader: series, train: days.csv, columns: {time: d, target: y%s\n"
             "model: {%slayers: [{cell: gru, hidden: 4}]}\n"
             "loss: {plugin: %s}\n"
             "metrics: [mae, mase]\n"
             "optimizer: {plugin: adam, lr: 0.05}\n"
             "schedule: {epochs: 2, batch: 4, seed: 1}\n",
             architecture, data, model, loss);
    sandbox_write("e.yaml", text);
}

/* January 2012 up to the day `last`: y = 10 * day of the month, and 1000 more on Mondays. What `past` says of the last day is
 * `note`; `future` ends the file with days whose y is not known. */
static void write_days_to(const char *name, int last, int note, int future) {
    char table[3000] = "d,y,h,past\n";
    for (int day = 1; day <= last + future; day++) {
        char y[16] = "";
        if (day <= last) {
            snprintf(y, sizeof y, "%d", 10 * day + (day % 7 == 2 ? 1000 : 0));
        }
        snprintf(table + strlen(table), sizeof table - strlen(table), "2012-01-%02d,%s,%d,%d\n", day, y, day % 7 == 2,
                 day < last ? day : note);
    }
    sandbox_write(name, table);
}

static void write_days(void) {
    write_days_to("days.csv", 31, 0, 0);
}

static struct outcome run(const char *arguments) {
    return sandbox_run((struct call){.arguments = arguments});
}

/* The test part is the last week, whose Monday is the 30th. The mean absolute error of
 *   naive            6 steps: twice about 1000 (to Monday and from it), else 10:     (1010 + 990 + 5 * 10) / 7
 *   seasonal naive   70 each day
 * and mase divides by the mean step of a season in training, which is 70. */
static const struct {
    const char *architecture, *data, *model, *loss;
    const char *parts; /* of what eval prints */
} runs[] = {
    {"N:1", "}, window: 3, season: 7, test: {from: 2012-01-25}}", "", "squared_error",
     "test: 7 examples, loss |\n  naive: rmse |, mae 292.8571, mase 4.1837\n|\n  seasonal naive: rmse 70.0000, mae "
     "70.0000, mase 1.0000\n|\n  drift: rmse "},
    {"N:1", "}, window: 3, season: 7, test: {from: 2012-01-25}}", "", "absolute_error",
     "mae 292.8571, mase 4.1837\n|mae 70.0000, mase 1.0000\n"},
    {"N:N", "}, window: 3, season: 7, test: {from: 2012-01-25}}", "", "squared_error",
     "mae 292.8571, mase 4.1837\n|mae 70.0000, mase 1.0000\n"},
    {"N:N", "}, window: 3, step: 3, season: 7, test: {from: 2012-01-25}}", "", "squared_error",
     "mae 292.8571, mase 4.1837\n|mae 70.0000, mase 1.0000\n"},
    {"N:N", "}, window: 3, season: 7, test: {from: 2012-01-25}}", "feedback: true, ", "squared_error",
     "mae 292.8571, mase 4.1837\n|mae 70.0000, mase 1.0000\n"},
    {"N:1", ", known: h, calendar: [weekday]}, window: 3, season: 7, horizon: 7, test: {from: 2012-01-25}}", "",
     "huber, delta: 1.0", "test: 1 examples, loss |\n  seasonal naive: rmse 70.0000, mae 70.0000, mase 1.0000\n"},
    {"N:1", "}, window: 3, season: 7, transform: log, scale_target: minmax, test: {from: 2012-01-25}}", "",
     "squared_error", "mae 292.8571, mase 4.1837\n|mae 70.0000, mase 1.0000\n"},
};

START_TEST(scores_stand_beside_those_of_naive_forecasts) {
    write_days();
    write_experiment(runs[_i].architecture, runs[_i].data, runs[_i].model, runs[_i].loss);
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status(runs[_i].data, &trained, 0);
    const struct outcome evaluated = run("eval run");
    assert_status(runs[_i].data, &evaluated, 0);
    assert_parts(runs[_i].data, evaluated.out, runs[_i].parts);
    sandbox_remove("run");
}
END_TEST

static const struct {
    const char *architecture, *data, *model, *loss;
    const char *parts; /* of the message */
} refused[] = {
    {"N:1", "}, window: 3, horizon: 8, test: {from: 2012-01-25}}", "", "squared_error",
     "e.yaml:3:|has no forecast whose targets, the next 8 rows ('data.horizon'), are all in it"},
    {"N:1", "}, window: 3, horizon: 8, test: {from: 2012-01-25}}", "", "squared_error",
     "are all in it: it has 7 rows in 1 series, 0 of them without a target"},
    {"N:1", ", calendar: [weekdays]}, window: 3}", "", "squared_error",
     "rondo: e.yaml:3:82: 'weekdays' is not a number"},
    {"N:1", "}, window: 30, horizon: 2}", "", "squared_error", "e.yaml:3:|has 31 rows, and 'data.window' 30"},
    {"N:1", "}, window: 3, season: 25, test: {from: 2012-01-25}}", "", "squared_error",
     "e.yaml:3:91: |'data.season' is 25, and the longest series of the training part has 24 rows, so none of them is a "
     "season after another; expected at most 23"},
    {"N:1", "}, window: 3, season: 31}", "", "squared_error", "longest series of the training part has 31 rows"},
    {"N:1", "}, window: 3, test: {from: '2012-01-25T00:00Z'}}", "", "squared_error",
     "e.yaml:3:|this time has a time zone, and those of the data have none"},
    {"N:1", "}, window: 3, test: {from: 2013-01-01}}", "", "squared_error",
     "e.yaml:3:|the rows are from 2012-01-01 to 2012-01-31, and none of them is in the test part"},
    {"N:1", "}, window: 3, test: {from: 2011-01-01}}", "", "squared_error", "none of them is in the training part"},
    {"N:1", "}, window: 3, test: {from: 2013}}", "", "squared_error", "none of them is in the test part"},
    {"N:1", "}, window: 3, valid: {from: 2012-01-25}, test: {from: 2012-01-20}}", "", "squared_error",
     "e.yaml:3:|the validation part begins at 2012-01-25|not before the test part"},
    {"N:1", "}, window: 3, valid: {share: 0.1}}", "", "squared_error",
     "e.yaml:3:|an order of time, which a random choice would break; expected one of {from: DATE} and {last: SHARE}"},
    {"N:1", "}, window: 3, valid: {from: 1.2.2012}}", "", "squared_error", "e.yaml:3:|'1.2.2012' is not a date"},
    {"N:N", "}, window: 3, horizon: 2}", "feedback: true, ", "squared_error",
     "e.yaml:4:|'model.feedback' would show the model what it is to forecast"},
    {"1:1", "}, window: 3}", "", "squared_error", "e.yaml:3:|expected the architecture \"N:1\", or \"N:N\""},
    {"N:1", "}, window: 3, transform: log}", "", "poisson", "e.yaml:5:|'data.transform' needs a loss"},
    {"N:1", "}, horizon: 3}", "", "squared_error", "e.yaml:3:|window"},
    {"N:1", ", known: [h, hh]}, window: 3}", "", "squared_error", "has no column 'hh'"},
};

START_TEST(what_the_data_cannot_give_is_refused) {
    write_days();
    write_experiment(refused[_i].architecture, refused[_i].data, refused[_i].model, refused[_i].loss);
    const struct outcome checked = run("check e.yaml");
    assert_status(refused[_i].parts, &checked, 2);
    assert_parts(refused[_i].parts, checked.err, refused[_i].parts);
}
END_TEST

/* A naive forecast has the metrics of numbers, and no intervals, whatever the form of the predictions of the loss. */
START_TEST(scores_of_intervals_stand_beside_those_of_naive_forecasts) {
    write_days();
    write_experiment("N:1", "}, window: 3, season: 7, test: {from: 2012-01-25}}", "",
                     "quantile, levels: [0.1, 0.5, 0.9]");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status("training", &trained, 0);
    const struct outcome scored = run("eval run --metric coverage --metric interval_score");
    assert_status("evaluation", &scored, 0);
    assert_parts("evaluation", scored.out,
                 "coverage |interval_score |\n  naive: mae 292.8571, mase 4.1837\n|  seasonal naive: mae 70.0000, mase "
                 "1.0000\n");
    sandbox_remove("run");
    /* Without metrics, what the loss measures has no value for such a forecast. */
    const struct outcome bare = run("train e.yaml --set metrics=[] --out run --quiet");
    assert_status("without metrics", &bare, 0);
    const struct outcome plain = run("eval run");
    assert_parts("without metrics", plain.out, "  naive: mae 292.8571\n  seasonal naive: mae 70.0000\n");
    const struct outcome json = run("eval run --json");
    assert_parts("without metrics", json.out, "\"seasonal_naive\": {|\"mae\": 70.0");
    sandbox_remove("run");
}
END_TEST

static const struct {
    const char *architecture, *data, *model;
} blind[] = {
    {"N:1", ", past: past, known: h, calendar: [weekday]}, window: 3, test: {from: 2012-01-31}}", ""},
    {"N:1", ", past: past}, window: 3, transform: log, test: {from: 2012-01-31}}", ""},
    {"N:N", ", past: past, known: h}, window: 3, test: {from: 2012-01-31}}", ""},
    {"N:N", ", past: past}, window: 3, test: {from: 2012-01-31}}", "feedback: true, "},
};

static double number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    ck_assert_msg(at != NULL, "'%s' is not in: %s", key, text);
    return strtod(at + strlen(key), NULL);
}

/* The only forecast of the test part is that of January 31. Its error is the same if the file ends the day before, but for the
 * columns that are known in advance: no other number of that day has reached the model. */
START_TEST(an_evaluation_forecasts_as_if_later_rows_did_not_exist) {
    write_days();
    write_experiment(blind[_i].architecture, blind[_i].data, blind[_i].model, "squared_error");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status(blind[_i].data, &trained, 0);
    const struct outcome evaluated = run("eval run --json");
    assert_status(blind[_i].data, &evaluated, 0);
    write_days_to("cut.csv", 30, 30, 1);
    const struct outcome predicted = run("predict run cut.csv --json");
    assert_status(blind[_i].data, &predicted, 0);
    const double forecast = number_after(predicted.out, "\"date\":\"2012-01-31\",\"value\":");
    const double error = number_after(evaluated.out, "\"mae\": ");
    ck_assert_double_eq_tol(error, forecast < 310 ? 310 - forecast : forecast - 310, 0.01);
    sandbox_remove("run");
}
END_TEST

/* After the last row of the file, or after the last one with a target. */
START_TEST(forecasts_have_the_dates_to_come) {
    write_days();
    write_experiment("N:1", ", known: h}, window: 3, horizon: 2}", "", "squared_error");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status("training", &trained, 0);
    const struct outcome missing = run("predict run"); /* the file of the training */
    assert_status("without the numbers that are known in advance", &missing, 2);
    assert_parts("without", missing.err,
                 "days.csv:32: column 'h' has no number for 2012-02-01, one of the 2 rows to come");
    sandbox_write("next.csv", "h,d,y\n0,2012-02-01,\n0,2012-02-02,\n");
    const struct outcome joined = run("predict run days.csv next.csv");
    assert_status("two files", &joined, 0);
    assert_parts("two files", joined.out, "2012-02-01\t|\n2012-02-02\t");
    sandbox_write("again.csv", "h,d,y\n0,2012-01-31,\n");
    const struct outcome again = run("predict run days.csv again.csv");
    assert_status("a row of another file", &again, 2);
    assert_parts("a row of another file", again.err,
                 "again.csv:2: 2012-01-31T00:00 is already in line 32 of |days.csv; expected one row");
    sandbox_write("to_come.csv",
                  "d,y,h\n2012-02-04,1,0\n2012-02-05,2,0\n2012-02-06,3,1\n2012-02-07,,0\n2012-02-08,,0\n");
    const struct outcome predicted = run("predict run to_come.csv");
    assert_status("prediction", &predicted, 0);
    assert_parts("prediction", predicted.out, "2012-02-07\t|\n2012-02-08\t");
    sandbox_remove("run");
}
END_TEST

/* ---- several series ---- */

#define THREE_DAYS(series, y) series ",2012-02-01," y "\n" series ",2012-02-02," y "\n" series ",2012-02-03," y "\n"

/* The training part has the series a and b, and one row of c. */
static const struct {
    const char *future; /* rows of a file to forecast from, with a window of 3 and the numbers of h that are known */
    int status;
    const char *out, *err; /* parts */
} skipping[] = {
    {THREE_DAYS("a,0", "1") "a,0,2012-02-04,\n" THREE_DAYS("b,0", "1") "b,0,2012-02-04,\n", 0,
     "a\t2012-02-04\t|\nb\t2012-02-04\t", ""},
    {"a,0,2012-02-02,1\na,0,2012-02-03,1\na,0,2012-02-04,\n" THREE_DAYS("b,0", "1") "b,0,2012-02-04,\n", 0,
     "b\t2012-02-04\t",
     "rondo: warning: no forecast of 1 of 2 series, for the following reason\nrondo: warning: next.csv:4: 2 rows of "
     "series "
     "'a' with a target, and a forecast reads the 3 rows before it (data.window)\n"},
    {THREE_DAYS("b,0", "1") THREE_DAYS("a,0", "1") "a,0,2012-02-04,\n", 0, "a\t2012-02-04\t",
     "warning: next.csv:4: column 'h' has no number for 2012-02-04 of series 'b'"},
    {THREE_DAYS("new,0", "1") THREE_DAYS("a,0", "1") "a,0,2012-02-04,\n", 0, "a\t2012-02-04\t",
     "warning: next.csv:4: series 'new' has no rows in the training data"},
    {"a,0,2012-02-03,1\na,0,2012-02-04,\nb,0,2012-02-04,\n", 2, "",
     "rondo: next.csv:3: 1 row of series 'a' with a target|\nrondo: next.csv:4: 0 rows of series 'b' with a target"},
};

START_TEST(a_series_without_a_forecast_does_not_stop_the_others) {
    char table[3000] = "s,h,d,y\nc,0,2012-01-01,5\n";
    for (int day = 1; day <= 31; day++) {
        snprintf(table + strlen(table), sizeof table - strlen(table), "a,0,2012-01-%02d,%d\nb,0,2012-01-%02d,%d\n", day,
                 day, day, day * day);
    }
    sandbox_write("days.csv", table);
    write_experiment("N:1", ", series: s, known: h}, window: 3, test: {from: 2012-01-25}}", "", "squared_error");
    const struct outcome checked = run("check e.yaml");
    assert_status("check", &checked, 0);
    assert_parts("check", checked.out, "training: forecasts of 2012-01-04 to 2012-01-24, of 2 of 3 series\n");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status("training", &trained, 0);
    assert_parts("training", trained.err,
                 "rondo: warning: 1 of 3 series have no forecast in the training part, for which data.window and "
                 "data.horizon take 4 rows in it");
    char text[1000];
    snprintf(text, sizeof text, "s,h,d,y\n%s", skipping[_i].future);
    sandbox_write("next.csv", text);
    const struct outcome predicted = run("predict run next.csv");
    assert_status(skipping[_i].err, &predicted, skipping[_i].status);
    assert_parts(skipping[_i].err, predicted.out, skipping[_i].out);
    assert_parts(skipping[_i].out, predicted.err, skipping[_i].err);
    sandbox_remove("run");
}
END_TEST

START_TEST(a_plot_names_its_series) {
    char table[3000] = "s,d,y\n";
    for (int day = 1; day <= 31; day++) {
        snprintf(table + strlen(table), sizeof table - strlen(table), "a,2012-01-%02d,%d\nb b,2012-01-%02d,%d\n", day,
                 day, day, day * day);
    }
    sandbox_write("days.csv", table);
    write_experiment("N:1", ", series: s}, window: 3, horizon: 2, test: {from: 2012-01-25}}", "", "squared_error");
    const struct outcome trained = run("train e.yaml --out run --quiet");
    assert_status("training", &trained, 0);
    const struct outcome plotted = run("predict run days.csv --plot --example 2");
    assert_parts("plot", plotted.out, "forecast: example 2 of days.csv, series 'b b'\n");
    sandbox_remove("run");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("series_runs");
    TCase *cases = tcase_create("series_runs");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, scores_stand_beside_those_of_naive_forecasts, 0, ROWS(runs));
    tcase_add_loop_test(cases, what_the_data_cannot_give_is_refused, 0, ROWS(refused));
    tcase_add_test(cases, scores_of_intervals_stand_beside_those_of_naive_forecasts);
    tcase_add_loop_test(cases, an_evaluation_forecasts_as_if_later_rows_did_not_exist, 0, ROWS(blind));
    tcase_add_test(cases, forecasts_have_the_dates_to_come);
    tcase_add_loop_test(cases, a_series_without_a_forecast_does_not_stop_the_others, 0, ROWS(skipping));
    tcase_add_test(cases, a_plot_names_its_series);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
