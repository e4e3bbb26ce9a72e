/* data/readers/series.c and data/origins.h: what the rows of a series become, which forecasts are made of them, and what is
 * refused where. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch.h"
#include "data/dates.h"
#include "data/origins.h"
#include "data/scaling.h"
#include "reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static void make(const char *options, const char *columns) {
    reader_fixture_columns(&fixture, columns);
    reader_fixture_make(&fixture, "series", options);
}

static const char *store(const char *name, const char *text) {
    reader_fixture_write(&fixture, name, text, strlen(text));
    return name;
}

static const char *show(const struct dataset *dataset, const char *stream) {
    const char *text = "";
    for (int64_t i = 0; dataset_find(dataset, stream) != NULL && i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s; ", text, reader_fixture_show(&fixture, dataset, stream, i, 0));
    }
    return dataset_find(dataset, stream) == NULL ? "none" : text;
}

#define DAYS "d,y,t,h\n2012-01-01,1,10,0\n2012-01-02,2,20,1\n2012-01-03,3,30,0\n2012-01-04,4,40,0\n2012-01-05,5,50,1\n"
#define TWO  "s,d,y\nb,2012-01-01,1\na,2012-01-01,10\nb,2012-01-02,2\na,2012-01-02,20\na,2012-01-03,30\n"

/* Whole series: the rows, and with the target of a row those of the next ones. */
static const struct {
    const char *options, *columns, *text;
    const char *input, *target, *known;
} whole[] = {
    {"window=2", "time=d target=y", DAYS, "1 2 3 4 5; ", "1 2 3 4 5; ", "none"},
    {"window=2", "time=d target=y past=t known=h", DAYS, "1,10,0 2,20,1 3,30,0 4,40,0 5,50,1; ", "1 2 3 4 5; ",
     "0 1 0 0 1; "},
    {"window=2 horizon=2", "time=d target=y known=h", DAYS, "1,0 2,1 3,0 4,0 5,1; ", "1,2 2,3 3,4 4,5 -; ",
     "0,1 1,0 0,0 0,1 1,nan; "},
    {"window=2", "time=d target=y calendar=weekend", DAYS, "1,1 2,0 3,0 4,0 5,0; ", "1 2 3 4 5; ", "1 0 0 0 0; "},
    {"window=2", "time=d target=y,t", DAYS, "1,10 2,20 3,30 4,40 5,50; ", "1,10 2,20 3,30 4,40 5,50; ", "none"},
    {"window=2", "time=0 target=1", DAYS, "1 2 3 4 5; ", "1 2 3 4 5; ", "none"},
    /* Series in the order of their first rows. */
    {"window=1", "time=d target=y series=s", TWO, "1 2; 10 20 30; ", "1 2; 10 20 30; ", "none"},
    /* Missing numbers have an indicator, after the other numbers. */
    {"window=1", "time=d target=y past=t", "d,y,t\n2012-01-01,1,5\n2012-01-02,,6\n2012-01-03,3,\n",
     "1,5,0,0 nan,6,1,0 3,nan,0,1; ", "1 - 3; ", "none"},
    {"window=1 missing_text=NA", "time=d target=y past=t", "d,y,t\n2012-01-01,1,NA\n2012-01-02,2,6\n",
     "1,nan,1 2,6,0; ", "1 2; ", "none"},
    {"window=1 gaps=missing", "time=d target=y calendar=weekend", "d,y\n2012-01-01,1\n2012-01-02,2\n2012-01-04,4\n",
     "1,1,0 2,0,0 nan,0,1 4,0,0; ", "1 2 - 4; ", "1 0 0 0; "},
    {"window=1 gaps=ignore", "time=d target=y", "d,y\n2012-01-01,1\n2012-01-02,2\n2012-01-04,4\n", "1 2 4; ", "1 2 4; ",
     "none"},
    /* Weekdays: Friday to Monday is one step, and Monday to Wednesday two. */
    {"window=1", "time=d target=y",
     "d,y\n2024-01-05,1\n2024-01-08,2\n2024-01-09,3\n2024-01-10,4\n2024-01-11,5\n2024-01-12,6\n2024-01-15,7\n",
     "1 2 3 4 5 6 7; ", "1 2 3 4 5 6 7; ", "none"},
    {"window=1 gaps=missing", "time=d target=y",
     "d,y\n2024-01-05,1\n2024-01-08,2\n2024-01-10,4\n2024-01-11,5\n2024-01-12,6\n2024-01-15,7\n",
     "1,0 2,0 nan,1 4,0 5,0 6,0 7,0; ", "1 2 - 4 5 6 7; ", "none"},
    /* Months, ends of months, quarters, years. */
    {"window=1", "time=d target=y", "d,y\n2012-01-01,1\n2012-02-01,2\n2012-03-01,3\n", "1 2 3; ", "1 2 3; ", "none"},
    {"window=1", "time=d target=y", "d,y\n2012-01-31,1\n2012-02-29,2\n2012-03-31,3\n", "1 2 3; ", "1 2 3; ", "none"},
    {"window=1", "time=d target=y", "d,y\n2012-01-31,1\n2012-04-30,2\n2012-07-31,3\n", "1 2 3; ", "1 2 3; ", "none"},
    /* The 30th, or the last day of February. */
    {"window=1", "time=d target=y", "d,y\n2019-01-30,1\n2019-02-28,2\n2019-03-30,3\n", "1 2 3; ", "1 2 3; ", "none"},
    {"window=1", "time=d target=y", "d,y\n2020-02-29,1\n2020-03-30,2\n2020-04-30,3\n", "1 2 3; ", "1 2 3; ", "none"},
    {"window=1 gaps=missing", "time=d target=y", "d,y\n2019-01-29,1\n2019-02-28,2\n2019-04-29,4\n2019-05-29,5\n",
     "1,0 2,0 nan,1 4,0 5,0; ", "1 2 - 4 5; ", "none"},
    {"window=1", "time=d target=y", "d,y\n2012,1\n", NULL, NULL, NULL}, /* not a date */
    {"window=1 time_format=%Y", "time=d target=y", "d,y\n2011,1\n2012,2\n2013,3\n", "1 2 3; ", "1 2 3; ", "none"},
    {"window=1 time_format=seconds", "time=d target=y", "d,y\n1,1\n2,2\n", "1 2; ", "1 2; ", "none"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01T00:00+01:00,1\n2012-01-01T00:15+01:00,2\n", "1 2; ", "1 2; ",
     "none"},
};

START_TEST(a_row_has_what_is_known_at_its_time) {
    make(whole[_i].options, whole[_i].columns);
    store("a.csv", whole[_i].text);
    const rondo_status status = reader_fixture_learn(&fixture, "a.csv", 0, 0);
    if (whole[_i].input == NULL) {
        ck_assert_int_eq(status, RONDO_INVALID);
        return;
    }
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
        struct dataset *dataset = reader_fixture_read(&fixture, "a.csv", PART_TRAIN, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset, "input"), whole[_i].input);
        ck_assert_str_eq(show(dataset, "target"), whole[_i].target);
        ck_assert_str_eq(show(dataset, "known"), whole[_i].known);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

/* ---- forecasts ---- */

/* Days 1 to 8, whose target is the number of the day. */
#define EIGHT                                                                                                          \
    "d,y\n2012-01-01,1\n2012-01-02,2\n2012-01-03,3\n2012-01-04,4\n2012-01-05,5\n2012-01-06,6\n2012-01-07,7\n2012-01-"  \
    "08,8\n"
#define HOLE                                                                                                           \
    "d,y\n2012-01-01,1\n2012-01-02,2\n2012-01-03,3\n2012-01-04,4\n2012-01-05,5\n2012-01-06,\n2012-01-07,7\n2012-01-"   \
    "08,8\n"
#define ALL      INT64_MIN, INT64_MAX
#define DAY(day) ((INT64_C(15339) + (day)) * DATE_DAY) /* 2012-01-00 is day 15339 since 1970 */

static const struct {
    const char *options, *text;
    struct origins origins;
    int64_t left_out;
    const char *input, *target; /* the windows, with the first scored step in the target after a "|" */
} cut[] = {
    /* N:1 */
    {"window=3", EIGHT, {ORIGINS_TRAIN, 0, ALL}, 0, "1 2 3; 2 3 4; 3 4 5; 4 5 6; 5 6 7; ", "4; 5; 6; 7; 8; "},
    {"window=3 horizon=3", EIGHT, {ORIGINS_TRAIN, 0, ALL}, 0, "1 2 3; 2 3 4; 3 4 5; ", "4,5,6; 5,6,7; 6,7,8; "},
    /* Training ends with the last forecast, an evaluation begins with the first. */
    {"window=3 step=2", EIGHT, {ORIGINS_TRAIN, 0, ALL}, 0, "1 2 3; 3 4 5; 5 6 7; ", "4; 6; 8; "},
    {"window=3 step=3", EIGHT, {ORIGINS_TRAIN, 0, ALL}, 0, "2 3 4; 5 6 7; ", "5; 8; "},
    {"window=3 step=3", EIGHT, {ORIGINS_SCORE, 0, ALL}, 0, "1 2 3; 4 5 6; ", "4; 7; "},
    /* The targets are in the part, all of them; the window may begin before it. */
    {"window=3 horizon=2", EIGHT, {ORIGINS_TRAIN, 0, INT64_MIN, DAY(7)}, 0, "1 2 3; 2 3 4; ", "4,5; 5,6; "},
    {"window=3 horizon=2", EIGHT, {ORIGINS_SCORE, 0, DAY(6), DAY(8)}, 0, "3 4 5; ", "6,7; "},
    {"window=3 horizon=2", EIGHT, {ORIGINS_SCORE, 0, DAY(7), INT64_MAX}, 0, "4 5 6; ", "7,8; "},
    {"window=3 horizon=2", EIGHT, {ORIGINS_SCORE, 0, DAY(8), INT64_MAX}, 0, "", ""},
    /* A target that is missing is no forecast. */
    {"window=2", HOLE, {ORIGINS_TRAIN, 0, ALL}, 1, "1 2; 2 3; 3 4; 5 nan; nan 7; ", "3; 4; 5; 7; 8; "},
    {"window=2 horizon=2", HOLE, {ORIGINS_SCORE, 0, ALL}, 2, "1 2; 2 3; 5 nan; ", "3,4; 4,5; 7,8; "},
    /* N:N */
    {"window=3",
     EIGHT,
     {ORIGINS_TRAIN, 1, ALL},
     0,
     "1 2 3; 2 3 4; 3 4 5; 4 5 6; 5 6 7; ",
     "|2 3 4; |3 4 5; |4 5 6; |5 6 7; |6 7 8; "},
    {"window=3 step=3", EIGHT, {ORIGINS_TRAIN, 1, ALL}, 0, "2 3 4; 5 6 7; ", "|3 4 5; |6 7 8; "},
    /* In an evaluation each forecast is scored once. */
    {"window=3", EIGHT, {ORIGINS_SCORE, 1, DAY(6), INT64_MAX}, 0, "3 4 5; 4 5 6; 5 6 7; ", "4 5 |6; 5 6 |7; 6 7 |8; "},
    {"window=3 step=2", EIGHT, {ORIGINS_SCORE, 1, DAY(6), INT64_MAX}, 0, "4 5 6; 5 6 7; ", "5 |6 7; 6 7 |8; "},
    {"window=3 step=9", EIGHT, {ORIGINS_SCORE, 1, DAY(5), INT64_MAX}, 0, "4 5 6; 5 6 7; ", "|5 6 7; 6 7 |8; "},
    {"window=3",
     HOLE,
     {ORIGINS_SCORE, 1, DAY(5), INT64_MAX},
     1,
     "2 3 4; 4 5 nan; 5 nan 7; ",
     "3 4 |5; 5 - |7; - 7 |8; "},
};

/* The targets of an example, with a bar before the first that is scored. */
static const char *show_scored(const struct dataset *dataset, int64_t example, int by_step) {
    const char *shown = reader_fixture_show(&fixture, dataset, "target", example, 0), *rest = shown;
    for (int64_t t = 0; t < dataset->context[example]; t++) {
        rest = strchr(rest, ' ') + 1;
    }
    return by_step ? arena_printf(fixture.arena, "%.*s|%s", (int)(rest - shown), shown, rest) : shown;
}

START_TEST(forecasts_are_windows_whose_targets_are_in_the_part) {
    make(cut[_i].options, "time=d target=y");
    ck_assert_int_eq(reader_fixture_learn(&fixture, store("a.csv", "d,y\n2012-01-01,1\n2012-01-02,1\n"), 0, 0),
                     RONDO_OK);
    struct dataset *series = reader_fixture_read(&fixture, store("b.csv", cut[_i].text), PART_TRAIN, 1);
    struct dataset *windows = origins_cut(series, &cut[_i].origins, &fixture.errors);
    const char *targets = "";
    for (int64_t i = 0; i < windows->count; i++) {
        targets = arena_printf(fixture.arena, "%s%s; ", targets, show_scored(windows, i, cut[_i].origins.every_step));
    }
    ck_assert_str_eq(show(windows, "input"), cut[_i].input);
    ck_assert_str_eq(targets, cut[_i].target);
    ck_assert_int_eq(windows->left_out, cut[_i].left_out);
    dataset_destroy(series); /* the windows own what they show */
    ck_assert_str_eq(show(windows, "input"), cut[_i].input);
    dataset_destroy(windows);
}
END_TEST

/* Known numbers of a step are those of the rows of its target. */
START_TEST(known_numbers_are_those_of_the_steps_to_come) {
    make("window=2 horizon=2", "time=d target=y known=h");
    ck_assert_int_eq(reader_fixture_learn(&fixture, store("a.csv", DAYS), 0, 0), RONDO_OK);
    struct dataset *series = reader_fixture_read(&fixture, "a.csv", PART_TRAIN, 1);
    struct dataset *windows = origins_cut(series, &(struct origins){ORIGINS_TRAIN, 0, ALL}, &fixture.errors);
    ck_assert_str_eq(show(windows, "input"), "1,0 2,1; 2,1 3,0; ");
    ck_assert_str_eq(show(windows, "known"), "1,0 0,0; 0,0 0,1; ");
    ck_assert_str_eq(show(windows, "target"), "3,4; 4,5; ");
    dataset_destroy(windows);
    dataset_destroy(series);
}
END_TEST

/* ---- parts ---- */

/* Noon of day 1, 2, 3 and 4, in the zone of the data; the test part begins at the given time of day 3. */
static const struct {
    int32_t zone, data_zone; /* minutes */
    int hour;                /* of day 3, in `zone` */
    int begin;               /* hour of day 3 in the zone of the data; -1: refused */
} zones[] = {
    {DATE_NO_ZONE, DATE_NO_ZONE, 12, 12},
    {DATE_NO_ZONE, 120, 12, 12},
    {0, 0, 12, 12},
    {300, 0, 12, 7},
    {0, 120, 10, 12},
    {-300, 60, 5, 11},
    {0, DATE_NO_ZONE, 12, -1},
};

START_TEST(a_part_begins_at_its_time_in_the_zone_of_the_data) {
    const int64_t hour = 3600 * DATE_SECOND;
    const int64_t time[] = {DAY(1) + 12 * hour, DAY(2) + 12 * hour, DAY(3) + 12 * hour, DAY(4) + 12 * hour};
    const struct parts parts = {.test = {.rule = PART_FROM,
                                         .value = (double)(DAY(3) + zones[_i].hour * hour) / (double)DATE_SECOND,
                                         .zone = zones[_i].zone,
                                         .where = {"e.yaml", 3, 1}}};
    struct part_times times = {0};
    const rondo_status status =
        part_times_of(&parts, time, ROWS(time), zones[_i].data_zone, (struct location){0}, &times, &fixture.errors);
    ck_assert_int_eq(status, zones[_i].begin < 0 ? RONDO_INVALID : RONDO_OK);
    if (status == RONDO_OK) {
        ck_assert_int_eq(times.test, DAY(3) + zones[_i].begin * hour);
    } else {
        ck_assert_str_eq(errors_text(&fixture.errors, 0),
                         "e.yaml:3:1: this time has a time zone, and those of the data have none; expected a time "
                         "without one, as the data show it");
    }
}
END_TEST

/* ---- scaling ---- */

/* Each series has its own scale, and the model sees both alike; what it predicts is in the units of the series. */
START_TEST(each_series_has_a_scale_of_its_own) {
    make("window=1 season=1", "time=d target=y series=s");
    ck_assert_int_eq(reader_fixture_learn(&fixture,
                                          store("a.csv", "s,d,y\n"
                                                         "a,2012-01-01,1\na,2012-01-02,3\na,2012-01-03,5\n"
                                                         "b,2012-01-01,100\nb,2012-01-02,300\nb,2012-01-03,500\n"
                                                         "constant,2012-01-01,7\nconstant,2012-01-02,7\n"
                                                         "short,2012-01-01,7\n"),
                                          0, 0),
                     RONDO_OK);
    struct dataset *series = reader_fixture_read(&fixture, "a.csv", PART_TRAIN, 1);
    struct scaling scaling;
    const struct scaling_options options = {SCALING_STANDARD, SCALING_MINMAX};
    ck_assert_int_eq(scaling_learn(&scaling, series, options, 1, fixture.arena, &fixture.errors), RONDO_OK);
    scaling_bind(&scaling, series);
    const struct stream *input = dataset_find(series, "input"), *target = dataset_find(series, "target");
    for (int32_t group = 0; group < 2; group++) {
        const double unit = group == 0 ? 1 : 100;
        for (int64_t row = 0; row < 3; row++) {
            const int64_t at = input->begin[group] + row;
            const double seen = stream_to_model(target, group, 0, (double)stream_number(target, at, 0));
            ck_assert_double_eq_tol(seen, (double)row - 1, 1e-6);
            ck_assert_double_eq_tol(stream_to_units(target, group, 0, seen), unit * (1 + 2 * (double)row), 1e-4);
            ck_assert_double_eq_tol(stream_to_model(input, group, 0, (double)stream_number(input, at, 0)),
                                    ((double)row - 1) * 1.22474487, 1e-6);
        }
        ck_assert_double_eq_tol((double)target->naive[group], 2 * unit, 1e-6);
    }
    /* No metric may divide by the error of a naive forecast that makes none, also after the run was stored. */
    json_t *object = json_object();
    ck_assert_int_eq(scaling_save(&scaling, object, &fixture.errors), RONDO_OK);
    ck_assert_int_eq(scaling_load(&scaling, object, "reader.json", fixture.arena, &fixture.errors), RONDO_OK);
    json_decref(object);
    scaling_bind(&scaling, series);
    ck_assert_double_eq_tol((double)target->naive[1], 200, 1e-4);
    ck_assert(isnan(target->naive[2]) && isnan(target->naive[3]));
    ck_assert(scaling_has_naive(&scaling));
    scaling.streams[1].naive[0] = scaling.streams[1].naive[1] = NAN;
    ck_assert(!scaling_has_naive(&scaling));
    dataset_destroy(series);
}
END_TEST

/* A missing number is 0 to the model, which is the mean; its indicator is 1. */
START_TEST(a_missing_number_is_the_mean_to_the_model) {
    make("window=3 horizon=1", "time=d target=y");
    ck_assert_int_eq(reader_fixture_learn(&fixture, store("a.csv", HOLE), 0, 0), RONDO_OK);
    struct dataset *series = reader_fixture_read(&fixture, "a.csv", PART_TRAIN, 1);
    struct scaling scaling;
    const struct scaling_options options = {SCALING_STANDARD, SCALING_STANDARD};
    ck_assert_int_eq(scaling_learn(&scaling, series, options, 1, fixture.arena, &fixture.errors), RONDO_OK);
    scaling_bind(&scaling, series);
    ck_assert_float_eq_tol(scaling.streams[0].shift[0], 30.0F / 7, 1e-6);
    struct dataset *windows =
        origins_cut(series, &(struct origins){ORIGINS_SCORE, 0, DAY(8), INT64_MAX}, &fixture.errors);
    ck_assert_int_eq(windows->count, 1);
    const struct batch_plan plan = {.architecture = {1, 0}, .dtype = RONDO_F32};
    struct batch batch;
    ck_assert_int_eq(batch_pack(windows, (int64_t[]){0}, 1, &plan, 1, fixture.arena, &batch, &fixture.errors),
                     RONDO_OK);
    const float *input = batch.inputs[0].data; /* days 5, 6 and 7: number and indicator */
    ck_assert_float_eq(input[2], 0);
    ck_assert_float_eq(input[3], 1);
    ck_assert_float_eq(input[1], 0);
    ck_assert_float_eq(input[5], 0);
    ck_assert(input[4] > 0);
    dataset_destroy(windows);
    dataset_destroy(series);
}
END_TEST

/* ---- leaks ---- */

/* What the model reads for the forecasts up to day 5 has the same bits whatever the file says of later days, except in a
 * column that is declared as known in advance; and the target of a day is not among the inputs of its forecast. */
static const struct {
    const char *columns, *changed; /* the last rows, from day 6 on */
    int reaches;                   /* the change reaches the forecasts before */
} leaks[] = {
    {"time=d target=y past=t known=h", "2012-01-06,66,0,0\n2012-01-07,77,0,0\n", 0},
    {"time=d target=y past=t known=h", "2012-01-06,6,666,0\n2012-01-07,7,777,0\n", 0},
    {"time=d target=y past=t known=h", "2012-01-06,6,0,1\n2012-01-07,7,0,1\n", 1},
    {"time=d target=y past=t,h", "2012-01-06,6,0,1\n2012-01-07,7,0,1\n", 0},
};

/* All inputs of the forecasts from day 5 on to later days, packed. */
static const char *inputs_before(const char *file, int every_step) {
    struct dataset *series = reader_fixture_read(&fixture, file, PART_TRAIN, 1);
    const struct origins origins = {ORIGINS_SCORE, every_step, INT64_MIN, DAY(7)};
    struct dataset *windows = origins_cut(series, &origins, &fixture.errors);
    const struct batch_plan plan = {.architecture = {1, every_step}, .dtype = RONDO_F32};
    const char *text = "";
    for (int64_t i = 0; i < windows->count; i++) {
        struct batch batch;
        ck_assert_int_eq(batch_pack(windows, &i, 1, &plan, 1, fixture.arena, &batch, &fixture.errors), RONDO_OK);
        for (int32_t n = 0; n < batch.n_inputs; n++) {
            for (int64_t k = 0; k < rondo_count(&batch.inputs[n]); k++) {
                text = arena_printf(fixture.arena, "%s %a", text, tensor_get(&batch.inputs[n], k));
            }
        }
    }
    dataset_destroy(windows);
    dataset_destroy(series);
    return text;
}

START_TEST(a_later_row_reaches_the_model_only_if_it_is_known_in_advance) {
    static const char start[] = "d,y,t,h\n2012-01-01,1,10,0\n2012-01-02,2,20,1\n2012-01-03,3,30,0\n2012-01-04,4,40,0\n"
                                "2012-01-05,5,50,1\n";
    make("window=2 horizon=2", leaks[_i / 2].columns);
    store("a.csv", arena_printf(fixture.arena, "%s2012-01-06,6,0,0\n2012-01-07,7,0,0\n", start));
    store("b.csv", arena_printf(fixture.arena, "%s%s", start, leaks[_i / 2].changed));
    ck_assert_int_eq(reader_fixture_learn(&fixture, "a.csv", 0, 0), RONDO_OK);
    const char *before = inputs_before("a.csv", _i % 2), *after = inputs_before("b.csv", _i % 2);
    ck_assert_int_eq(strcmp(before, after) != 0, leaks[_i / 2].reaches);
}
END_TEST

/* ---- prediction ---- */

static const struct {
    const char *options, *columns, *training, *text;
    const char *input, *known, *line, *json;
} predicted[] = {
    {"window=2 horizon=2", "time=d target=y", DAYS, DAYS, "4 5; ", "none", "2012-01-06 | 7 | 2012-01-07 | 8",
     "{\"origin\":\"2012-01-05\",\"dates\":[\"2012-01-06\",\"2012-01-07\"],\"values\":[7.0,8.0]}"},
    /* Rows without a target are days to come; what a past column says of them is not read. */
    {"window=2 horizon=2", "time=d target=y past=t known=h", DAYS,
     "h,y,t,d\n0,4,40,2012-01-04\n1,5,50,2012-01-05\n1,,99,2012-01-06\n0,,,2012-01-07\n", "4,40,0 5,50,1; ",
     "1,1 1,0; ", "2012-01-06 | 7 | 2012-01-07 | 8",
     "{\"origin\":\"2012-01-05\",\"dates\":[\"2012-01-06\",\"2012-01-07\"],\"values\":[7.0,8.0]}"},
    {"window=1 horizon=1", "time=d target=y series=s", TWO, TWO, "2; 30; ", "none", "b | 2012-01-03 | 7",
     "{\"series\":\"b\",\"origin\":\"2012-01-02\",\"date\":\"2012-01-03\",\"value\":7.0}"},
    {"window=1 horizon=2", "time=d target=y", "d,y\n2012-01-31,1\n2012-02-29,2\n", "d,y\n2012-04-30,1\n", "1; ", "none",
     "2012-05-31 | 7 | 2012-06-30 | 8",
     "{\"origin\":\"2012-04-30\",\"dates\":[\"2012-05-31\",\"2012-06-30\"],\"values\":[7.0,8.0]}"},
    {"window=1 horizon=2", "time=d target=y",
     "d,y\n2024-01-05,1\n2024-01-08,2\n2024-01-09,3\n2024-01-10,4\n2024-01-11,5\n2024-01-12,6\n2024-01-15,7\n",
     "d,y\n2024-01-18,1\n", "1; ", "none", "2024-01-19 | 7 | 2024-01-22 | 8",
     "{\"origin\":\"2024-01-18\",\"dates\":[\"2024-01-19\",\"2024-01-22\"],\"values\":[7.0,8.0]}"},
    {"window=1 horizon=1 time_format=seconds", "time=d target=y", "d,y\n10,1\n20,2\n", "d,y\n10,1\n20,2\n", "2; ",
     "none", "30 | 7", "{\"origin\":\"20\",\"date\":\"30\",\"value\":7.0}"},
    {"window=1 horizon=1", "time=d target=y", "d,y\n2012-01-01T10:00Z,1\n2012-01-01T11:00Z,2\n",
     "d,y\n2012-01-01T23:00Z,1\n", "1; ", "none", "2012-01-02T00:00Z | 7",
     "{\"origin\":\"2012-01-01T23:00Z\",\"date\":\"2012-01-02T00:00Z\",\"value\":7.0}"},
    {"window=1 horizon=1", "time=d target=y,t", DAYS, DAYS, "5,50; ", "none", "2012-01-06 | 7 | 8",
     "{\"origin\":\"2012-01-05\",\"columns\":[\"y\",\"t\"],\"date\":\"2012-01-06\",\"values\":[7.0,8.0]}"},
    {"window=1 horizon=2", "time=d target=y,t", DAYS, DAYS, "5,50; ", "none",
     "2012-01-06 | 7 | 8 | 2012-01-07 | 9 | 10",
     "{\"origin\":\"2012-01-05\",\"columns\":[\"y\",\"t\"],\"dates\":[\"2012-01-06\",\"2012-01-07\"],\"steps\":[[7.0,"
     "8.0],[9.0,10.0]]}"},
};

START_TEST(a_forecast_follows_the_last_row_with_a_target) {
    make(predicted[_i].options, predicted[_i].columns);
    ck_assert_msg(reader_fixture_learn(&fixture, store("a.csv", predicted[_i].training), 0, 0) == RONDO_OK, "%s",
                  errors_text(&fixture.errors, 0));
    reader_fixture_reload(&fixture);
    struct dataset *series = reader_fixture_read(&fixture, store("b.csv", predicted[_i].text), PART_TEST, 0);
    ck_assert_msg(series != NULL, "%s", errors_text(&fixture.errors, 0));
    struct dataset *windows = origins_cut(series, &(struct origins){ORIGINS_LAST, 0, ALL}, &fixture.errors);
    ck_assert_str_eq(show(windows, "input"), predicted[_i].input);
    ck_assert_str_eq(show(windows, "known"), predicted[_i].known);
    const int64_t size = dataset_find(windows, "target")->size;
    const struct reader_fixture_rendered rendered =
        reader_fixture_render(&fixture, windows, 0, (const float[]){7, 8, 9, 10}, 1, size);
    ck_assert_str_eq(rendered.line, predicted[_i].line);
    ck_assert_str_eq(rendered.json, predicted[_i].json);
    dataset_destroy(windows);
    dataset_destroy(series);
}
END_TEST

START_TEST(a_forecast_has_the_ends_of_its_intervals) {
    make("window=1 horizon=2", "time=d target=y");
    ck_assert_int_eq(reader_fixture_learn(&fixture, store("a.csv", DAYS), 0, 0), RONDO_OK);
    struct dataset *series = reader_fixture_read(&fixture, "a.csv", PART_TEST, 0);
    struct dataset *windows = origins_cut(series, &(struct origins){ORIGINS_LAST, 0, ALL}, &fixture.errors);
    const struct reader_prediction prediction = {.dataset = windows,
                                                 .values = (const float[]){7, 8},
                                                 .steps = 1,
                                                 .size = 2,
                                                 .lower = (const float[]){6, 5},
                                                 .upper = (const float[]){9, 11},
                                                 .numbers = 2,
                                                 .interval = 0.5};
    const struct reader_fixture_rendered rendered = reader_fixture_render_prediction(&fixture, &prediction);
    ck_assert_str_eq(rendered.line, "2012-01-06 | 7 | 6 | 9 | 2012-01-07 | 8 | 5 | 11");
    ck_assert_str_eq(rendered.json,
                     "{\"origin\":\"2012-01-05\",\"dates\":[\"2012-01-06\",\"2012-01-07\"],\"values\":[7.0,"
                     "8.0],\"interval\":0.5,\"lower\":[6.0,5.0],\"upper\":[9.0,11.0]}");
    dataset_destroy(windows);
    dataset_destroy(series);
}
END_TEST

/* ---- mistakes ---- */

#define GOOD "d,y,t\n2012-01-01,1,1\n2012-01-02,2,2\n"

static const struct {
    const char *options, *columns, *training;
    const char *other; /* NULL: the training file is at fault */
    int with_targets;
    const char *expected; /* % is the path of the file at fault */
} bad[] = {
    {"window=1", "time=d target=y", "d,y\n2012-01-01,1\n2012-01-02,2\n2012-01-05,3\n", NULL, 1,
     "%:4: 2012-01-05 follows 2012-01-02, and the rows are 1 day apart: 2 rows are missing; gaps: missing makes them "
     "rows of "
     "unknown numbers, and gaps: ignore takes the rows as they are"},
    {"window=1", "time=d target=y series=s", "s,d,y\na,2012-01-01,1\na,2012-01-02,2\nb,2012-01-02,2\nb,2012-01-04,3\n",
     NULL, 1,
     "%:5: 2012-01-04 of series 'b' follows 2012-01-02, and the rows are 1 day apart: 1 row is missing; gaps: missing "
     "makes "
     "it one of unknown numbers, and gaps: ignore takes the rows as they are"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01T00:00,1\n2012-01-01T01:00,2\n2012-01-01T02:30,3\n", NULL, 1,
     "%:4: 2012-01-01T02:30 follows 2012-01-01T01:00, and the rows are 1 hour apart; expected a row every 1 hour, or "
     "gaps: "
     "ignore"},
    {"window=1", "time=d target=y",
     "d,y\n2012-01-01T00:00:10,1\n2012-01-01T01:00:05,2\n2012-01-01T02:00:20,3\n2012-01-01T03:00:17,3\n", NULL, 1,
     "%:4: the times are irregular: 2012-01-01T02:00:20 follows 2012-01-01T01:00:05, and the least time between two "
     "rows is "
     "3595 seconds; expected times at equal distances, such as rounded ones, or gaps: ignore, which takes each row as "
     "a "
     "step"},
    /* Clocks that change on a Sunday. */
    {"window=1", "time=d target=y", "d,y\n2024-03-31T00:00,1\n2024-03-31T01:00,2\n2024-03-31T03:00,3\n", NULL, 1,
     "%:4: 2024-03-31T03:00 follows 2024-03-31T01:00, and the rows are 1 hour apart: 1 row is missing; gaps: missing "
     "makes "
     "it one of unknown numbers, and gaps: ignore takes the rows as they are; if the beginning of summer time skips "
     "this "
     "hour, convert the times to UTC"},
    {"window=1", "time=d target=y series=s", "s,d,y\na,2024-10-27T02:00,1\na,2024-10-27T02:00,2\n", NULL, 1,
     "%:3: 2024-10-27T02:00 of series 'a' is already in line 2; expected one row for each time, and a name for each "
     "series; if the end of summer time repeats this hour, convert the times to UTC"},
    {"window=1", "time=d target=y", "d,y\n2012-01-02,1\n2012-01-01,2\n", NULL, 1,
     "%:3: 2012-01-01T00:00 comes after 2012-01-02T00:00 in line 2; expected rows in the order of time"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01,1\n2012-01-01,2\n", NULL, 1,
     "%:3: 2012-01-01T00:00 is already in line 2; expected one row for each time, or a column with the names of the "
     "series "
     "(data.columns.series)"},
    {"window=1", "time=d target=y series=s", "s,d,y\na,2012-01-01,1\nb,2012-01-01,2\na,2012-01-01,2\n", NULL, 1,
     "%:4: 2012-01-01T00:00 of series 'a' is already in line 2; expected one row for each time, and a name for each "
     "series"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01,nan\n2012-01-02,2\n", NULL, 1,
     "%:2: 'nan' in column 'y' is not a finite number"},
    {"window=1 separator=semicolon", "time=d target=y", "d;y\n2012-01-01;1,5\n2012-01-02;2\n", NULL, 1,
     "%:2: '1,5' in column 'y' is not a finite number; expected a decimal point, and no other sign between digits"},
    {"window=1", "time=d target=y", "d,y\n01.02.2012,1\n02.02.2012,2\n", NULL, 1,
     "%:2: '01.02.2012' in column 'd' is not a date such as 2012-06-01 or 2012-06-01T14:30; it has the "
     "data.time_format "
     "%d.%m.%Y"},
    {"window=1", "time=d target=y", "d,y\n1328054400,1\n", NULL, 1,
     "%:2: '1328054400' in column 'd' is not a date such as 2012-06-01 or 2012-06-01T14:30; it has the "
     "data.time_format seconds"},
    {"window=1 time_format=%d.%m.%Y", "time=d target=y", "d,y\n2012-01-01,1\n", NULL, 1,
     "%:2: '2012-01-01' in column 'd' is not a date of the form of data.time_format, '%d.%m.%Y'"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01T00:00Z,1\n2012-01-01T01:00,2\n", NULL, 1,
     "%:3: '2012-01-01T01:00' has no time zone, unlike the time of line 2; expected the same zone, or none, in all "
     "rows"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01T00:00+01:00,1\n2012-01-01T01:00+02:00,2\n", NULL, 1,
     "%:3: '2012-01-01T01:00+02:00' has another time zone, unlike the time of line 2; expected the same zone, or none, "
     "in all "
     "rows"},
    {"window=1", "time=d target=y", "d;y\n2012-01-01;1\n", NULL, 1,
     "experiment.yaml:4:9: '%' has no column 'd'; it has 'd;y'; for columns between semicolons, "
     "data.separator: semicolon"},
    {"window=1", "time=d target=z", GOOD, NULL, 1, "experiment.yaml:4:9: '%' has no column 'z'; it has 'd', 'y', 't'"},
    {"window=1", "time=d target=y", "d,y\n2012-01-01,1\n", NULL, 1,
     "%:2: no series has two rows, so the time from one row to the next is not known"},
    {"window=1", "time=d target=y series=s", "s,d,y\n,2012-01-01,1\n", NULL, 1,
     "%:2: column 's' is empty, expected the name of the series"},
    {"window=1", "time=d target=y series=s", "s,d,y\na,2012-01-01,1\na,2012-01-02,2\na ,2012-01-03,2\n", NULL, 1,
     "%:4: series 'a ' differs from 'a' of line 2 only in blanks, and would be another series"},
    {"window=1 transform=log", "time=d target=y", "d,y\n2012-01-01,0\n2012-01-02,1\n", NULL, 1,
     "%:2: '0' in column 'y' has no logarithm; transform: log1p takes numbers from 0, and none any"},
    /* Of other files. */
    {"window=1", "time=d target=y", GOOD, "d,y\n2012-01-01T00:00Z,1\n", 1,
     "%:2: times of this file have another zone, unlike those of the training data"},
    {"window=1", "time=d target=y", GOOD, "d,y\n2012-01-01,1\n2012-02-01,2\n", 1,
     "%:3: 2012-02-01 follows 2012-01-01, and the rows are 1 day apart: 30 rows are missing; gaps: missing makes them "
     "rows of "
     "unknown numbers, and gaps: ignore takes the rows as they are"},
    {"window=1", "time=d target=y series=s", TWO, "s,d,y\nB,2012-01-01,1\n", 1,
     "%:2: series 'B' has no rows in the training data, from which its scale is learned (did you mean 'b'?)"},
    {"window=3", "time=d target=y", GOOD, GOOD, 0,
     "%:3: 2 rows with a target, and a forecast reads the 3 rows before it (data.window)"},
    {"window=1 horizon=2", "time=d target=y known=t", GOOD, "d,y,t\n2012-01-01,1,1\n2012-01-02,,2\n", 0,
     "%:3: column 't' has no number for 2012-01-03, one of the 2 rows to come, although it is known in advance; "
     "expected rows "
     "for them, with an empty target"},
};

START_TEST(bad_rows_are_refused_where_they_are) {
    make(bad[_i].options, bad[_i].columns);
    store("train.csv", bad[_i].training);
    const rondo_status status = reader_fixture_learn(&fixture, "train.csv", 0, 0);
    const char *fault = bad[_i].other == NULL ? "train.csv" : store("other.csv", bad[_i].other);
    ck_assert_msg((bad[_i].other == NULL) == (status == RONDO_INVALID), "%s", errors_text(&fixture.errors, 0));
    if (bad[_i].other != NULL) {
        ck_assert_ptr_null(reader_fixture_read(&fixture, fault, PART_TEST, bad[_i].with_targets));
    }
    if (bad[_i].expected != NULL) {
        ck_assert_int_eq(fixture.errors.count, 1);
        ck_assert_str_eq(errors_text(&fixture.errors, 0), reader_fixture_expect(&fixture, bad[_i].expected, fault));
    }
}
END_TEST

static const struct {
    const char *options, *columns, *expected;
} refused[] = {
    {"window=1", "time=d target=y past=y", "experiment.yaml:4:9: column 'y' is already in data.columns.target"},
    {"window=1", "time=d target=y,y", "experiment.yaml:4:9: column 'y' is already in data.columns.target"},
    {"window=1", "time=d target=y calendar=weekdays",
     "experiment.yaml:4:9: 'weekdays' is not a number that follows from a date (did you mean 'weekday'?); expected "
     "hour, "
     "weekday, day, month, weekend, day_cycle, week_cycle, year_cycle"},
    {"window=1 time_format=%d.%Q", "time=d target=y",
     "'time_format' is '%d.%Q', whose '%Q' is not known; expected seconds, milliseconds, or a pattern such as %d.%m.%Y "
     "with "
     "%Y %y %m %d %e %H %I %p %M %S %f %j %b %a %z"},
};

START_TEST(options_that_mean_nothing_are_refused) {
    reader_fixture_columns(&fixture, refused[_i].columns);
    ck_assert_str_eq(reader_fixture_check(&fixture, "series", refused[_i].options), refused[_i].expected);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("series");
    TCase *cases = add_case(suite, "series", 60, setup, teardown);
    tcase_add_loop_test(cases, a_row_has_what_is_known_at_its_time, 0, ROWS(whole));
    tcase_add_loop_test(cases, forecasts_are_windows_whose_targets_are_in_the_part, 0, ROWS(cut));
    tcase_add_test(cases, known_numbers_are_those_of_the_steps_to_come);
    tcase_add_loop_test(cases, a_part_begins_at_its_time_in_the_zone_of_the_data, 0, ROWS(zones));
    tcase_add_test(cases, each_series_has_a_scale_of_its_own);
    tcase_add_test(cases, a_missing_number_is_the_mean_to_the_model);
    tcase_add_loop_test(cases, a_later_row_reaches_the_model_only_if_it_is_known_in_advance, 0, 2 * ROWS(leaks));
    tcase_add_loop_test(cases, a_forecast_follows_the_last_row_with_a_target, 0, ROWS(predicted));
    tcase_add_test(cases, a_forecast_has_the_ends_of_its_intervals);
    tcase_add_loop_test(cases, bad_rows_are_refused_where_they_are, 0, ROWS(bad));
    tcase_add_loop_test(cases, options_that_mean_nothing_are_refused, 0, ROWS(refused));
    return run_suite(suite);
}
