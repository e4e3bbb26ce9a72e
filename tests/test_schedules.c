/* tests/test_schedules.c: compares the schedules that Rondo ships with PyTorch, with their equations, and with numbers
 * computed by hand.
 *
 * golden/make_schedules.py writes the numbers of PyTorch, or of the equation if PyTorch has no such schedule.
 */
#include <math.h>
#include <string.h>

#include "plugin_fixture.h"
#include "tests/suite.h"

#define MOST_STATE 64

/* A schedule with its options and its state. */
struct scheduled {
    const rondo_schedule *schedule;
    rondo_schedule_call call;
    double state[MOST_STATE];
};

static const rondo_schedule *find(const char *name) {
    return (const rondo_schedule *)fixture_find(RONDO_KIND_SCHEDULE, name);
}

static rondo_status check(const rondo_schedule *schedule, const void *options) {
    struct host_call host = fixture_host(schedule->base.name);
    return schedule->check == NULL ? RONDO_OK : host_result(&host, schedule->check(&host.base, options));
}

static struct scheduled scheduled(const char *name, const char *options, int64_t steps, int64_t steps_per_epoch) {
    const rondo_schedule *schedule = find(name);
    struct scheduled scheduled = {.schedule = schedule,
                                  .call = {.struct_size = sizeof scheduled.call,
                                           .n_state = schedule->n_state,
                                           .options = fixture_options(&schedule->base, options),
                                           .steps = steps,
                                           .steps_per_epoch = steps_per_epoch,
                                           .lr = NAN,
                                           .metric = NAN}};
    ck_assert_msg(scheduled.call.options != NULL && check(schedule, scheduled.call.options) == RONDO_OK, "%s %s: %s",
                  name, options, fixture_first_error());
    ck_assert_int_le(schedule->n_state, MOST_STATE);
    return scheduled;
}

/* The factor after `done` updates. It must not change the state. */
static double factor(struct scheduled *scheduled, int64_t done) {
    double before[MOST_STATE];
    memcpy(before, scheduled->state, sizeof before);
    scheduled->call.done = done;
    scheduled->call.state = scheduled->state;
    struct host_call host = fixture_host(scheduled->schedule->base.name);
    double found = NAN;
    ck_assert_int_eq(host_result(&host, scheduled->schedule->factor(&host.base, &scheduled->call, &found)), RONDO_OK);
    ck_assert_mem_eq(before, scheduled->state, sizeof before);
    return found;
}

static void observe(struct scheduled *scheduled, int64_t done, double metric, int32_t higher_is_better) {
    scheduled->call.done = done;
    scheduled->call.state = scheduled->state;
    scheduled->call.metric = metric;
    scheduled->call.higher_is_better = higher_is_better;
    struct host_call host = fixture_host(scheduled->schedule->base.name);
    ck_assert_int_eq(host_result(&host, scheduled->schedule->observe(&host.base, &scheduled->call)), RONDO_OK);
}

/* ---- against PyTorch ---- */

enum { GOLDEN_CASES = 53, STEPS = 60 };

/* The factors of a run. metrics: first 1 if higher is better, then the metric of each epoch; NULL: none are
 * observed. */
static void follow(struct scheduled *scheduled, const double *metrics, const double *expected, const char *title) {
    for (int64_t done = 0; done < STEPS; done++) {
        const int64_t epoch = done / scheduled->call.steps_per_epoch;
        if (metrics != NULL && done > 0 && done % scheduled->call.steps_per_epoch == 0) {
            observe(scheduled, done, metrics[epoch], metrics[0] == 1);
        }
        fixture_near(factor(scheduled, done), expected[done], 1e-9, title, done);
    }
}

START_TEST(factors_are_those_of_pytorch) {
    struct golden golden = golden_open("schedules.txt");
    int cases = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden), cases++) {
        ck_assert_str_eq(word, "case");
        char title[256], name[64];
        ck_assert_int_lt(snprintf(title, sizeof title, "%s", golden.rest), sizeof title);
        const size_t length = strcspn(title, " ");
        ck_assert_int_lt(snprintf(name, sizeof name, "%.*s", (int)length, title), sizeof name);
        const double *run = golden_numbers(&golden, "run", 2);
        ck_assert_int_eq((int)run[0], STEPS);
        struct scheduled found = scheduled(name, title + length + 1, STEPS, (int64_t)run[1]);
        const double *metrics =
            found.schedule->observe == NULL ? NULL : golden_numbers(&golden, "metrics", 1 + STEPS / (int64_t)run[1]);
        follow(&found, metrics, golden_numbers(&golden, "factors", STEPS), title);
    }
    ck_assert_int_eq(cases, GOLDEN_CASES);
    golden_close(&golden);
}
END_TEST

/* ---- by hand ---- */

/* The factor after `done` of 100 updates, 10 in an epoch. */
static const struct {
    const char *name, *options;
    int64_t done;
    double factor;
} by_hand[] = {
    {"constant", "factor=0", 7, 0},
    {"step", "every=2 factor=0.5 unit=epochs", 19, 1},
    {"step", "every=2 factor=0.5 unit=epochs", 20, 0.5},
    {"step", "every=2 factor=0.5 unit=epochs", 99, 0.0625},
    {"step", "every=2.5 factor=0.5 unit=epochs", 24, 1},
    {"step", "every=2.5 factor=0.5 unit=epochs", 25, 0.5},
    /* 0.3 / 0.1 is a little less than 3 in binary */
    {"step", "every=0.1 factor=0.5 unit=epochs", 3, 0.125},
    {"step", "every=0.1 factor=0.5 unit=epochs", 9, 1.0 / 512},
    {"step", "every=7 factor=0 unit=steps", 6, 1},
    {"step", "every=7 factor=0 unit=steps", 7, 0},
    {"multi_step", "milestones=1.1 unit=epochs factor=0.5", 10, 1},
    {"multi_step", "milestones=1.1 unit=epochs factor=0.5", 11, 0.5},
    {"multi_step", "milestones=[0,1.7] unit=epochs factor=0.5", 16, 0.5},
    {"multi_step", "milestones=[0,1.7] unit=epochs factor=0.5", 17, 0.25},
    {"exponential", "factor=0.25 unit=epochs", 5, 0.5},
    {"exponential", "factor=0.25 length=2 unit=epochs", 10, 0.5},
    {"exponential", "factor=0 unit=steps", 0, 1},
    {"polynomial", "-", 0, 1},
    {"polynomial", "-", 99, 0.01},
    {"polynomial", "-", 100, 0},
    {"polynomial", "power=2 floor=0.5", 50, 0.625},
    {"polynomial", "power=2 length=2.5 unit=epochs", 24, 0.0016},
    {"polynomial", "power=2 length=2.5 unit=epochs", 25, 0},
    /* the convention of T_max: the last update is one before the floor */
    {"cosine", "-", 0, 1},
    {"cosine", "-", 50, 0.5},
    {"cosine", "-", 99, 0.00024671981713420017}, /* (1 - cos(pi / 100)) / 2 */
    {"cosine", "-", 100, 0},
    {"cosine", "-", 150, 0},
    {"cosine", "floor=0.5", 100, 0.5},
    {"cosine", "length=20 unit=steps", 10, 0.5},
    {"cosine", "restarts=4", 30, 0.5},
    {"cosine", "restarts=4", 80, 1},
    {"cosine", "restarts=4", 100, 0},
    /* falls of 1 / 7, 2 / 7 and 4 / 7 of the run: (1 + sin(0.0075 pi)) / 2 */
    {"cosine", "restarts=2 multiplier=2", 71, 0.51177988242},
    /* three times 0.1 is a little more than 0.3 in binary */
    {"cosine", "restarts=9 length=0.1 unit=epochs", 3, 1},
    {"cosine", "restarts=9 length=0.7 unit=epochs", 63, 1},
    {"cosine", "restarts=9 length=0.2 unit=epochs", 19, 0.5},
    {"cosine", "restarts=9 length=0.2 unit=epochs", 20, 0},
    {"one_cycle", "-", 0, 0.04},
    {"one_cycle", "-", 29, 1},
    {"one_cycle", "-", 99, 4e-6},
    {"one_cycle", "-", 500, 4e-6},
    {"one_cycle", "three_phases=true initial_division=4", 14, 0.60469790928}, /* 0.25 + 0.375 (1 - sin(pi / 58)) */
    {"one_cycle", "three_phases=true initial_division=4", 58, 0.25},
    {"one_cycle", "rise=0.11 shape=linear initial_division=2", 5, 0.75},
    {"one_cycle", "rise=0.5 length=2 unit=steps", 0, 1}, /* a rise of one update: the peak */
    {"one_cycle", "length=1 unit=steps", 0, 4e-6},
    {"inverse_sqrt", "warmup=4 unit=steps", 0, 0.25},
    {"inverse_sqrt", "warmup=4 unit=steps", 3, 1},
    {"inverse_sqrt", "warmup=4 unit=steps", 15, 0.5},
    {"inverse_sqrt", "warmup=0.4 unit=epochs", 15, 0.5},
    {"inverse_sqrt", "warmup=0 unit=steps", 0, 1},
    {"inverse_sqrt", "warmup=0 unit=epochs", 3, 0.5},
    {"piecewise", "at=5 factors=0.25 unit=steps", 0, 0.25},
    {"piecewise", "at=5 factors=0.25 unit=steps", 90, 0.25},
    {"piecewise", "at=[0,1.1] factors=[1,0.5] unit=epochs", 10, 1},
    {"piecewise", "at=[0,1.1] factors=[1,0.5] unit=epochs", 11, 0.5},
    {"piecewise", "at=[1,3] factors=[1,3] interpolate=linear unit=epochs", 9, 1},
    {"piecewise", "at=[1,3] factors=[1,3] interpolate=linear unit=epochs", 15, 1.5},
    {"piecewise", "at=[1,3] factors=[1,3] interpolate=linear unit=epochs", 31, 3},
    {"plateau", "-", 99, 1},
};

START_TEST(factors_at_the_corners_are_those_of_the_equations) {
    struct scheduled found = scheduled(by_hand[_i].name, by_hand[_i].options, 100, 10);
    fixture_near(factor(&found, by_hand[_i].done), by_hand[_i].factor, 1e-8, by_hand[_i].options, by_hand[_i].done);
}
END_TEST

/* ---- properties ---- */

/* Every schedule, with options that reach each of its branches. */
static const struct {
    const char *name, *options;
    double most; /* the upper bound of all factors */
} all[] = {
    {"constant", "factor=1000", 1000},
    {"step", "every=1e-6 unit=epochs", 1},
    {"step", "every=3 factor=0 unit=steps", 1},
    {"multi_step", "milestones=[0,1,2.5,1e12] factor=0.001 unit=epochs", 1},
    {"exponential", "factor=0 unit=epochs", 1},
    {"exponential", "factor=0.5 length=1e-6 unit=steps", 1},
    {"polynomial", "power=0.001", 1},
    {"polynomial", "power=1000 floor=1", 1},
    {"polynomial", "length=1e-6 unit=epochs", 1},
    {"cosine", "-", 1},
    {"cosine", "length=1e-6 unit=epochs restarts=1000", 1},
    {"cosine", "restarts=20 multiplier=2.5 floor=0.5", 1},
    {"cosine", "restarts=4 multiplier=100 length=1e12 unit=steps", 1},
    {"one_cycle", "-", 1},
    {"one_cycle", "length=1e-6 unit=epochs", 1},
    {"one_cycle", "rise=0 three_phases=true shape=linear", 1},
    {"one_cycle", "rise=0.5 three_phases=true", 1},
    {"one_cycle", "rise=1 initial_division=1 final_division=1", 1},
    {"inverse_sqrt", "warmup=0 unit=epochs", 1},
    {"inverse_sqrt", "warmup=1e12 unit=steps", 1},
    {"piecewise", "at=[0,1e-6,1e12] factors=[0,1e6,0] interpolate=linear unit=epochs", 1e6},
    {"plateau", "factor=0", 1},
};

/* A run may be longer than its schedule, if it is resumed with more epochs. */
START_TEST(factors_are_finite_at_any_time) {
    static const int64_t lengths[] = {1, 2, 7, 60, 1000000}, per_epoch[] = {1, 7, 60};
    static const int64_t times[] = {0, 1, 2, 6, 7, 59, 60, 61, 1000, 999999, INT64_C(1) << 53, INT64_MAX};
    for (int i = 0; i < ROWS(lengths) * ROWS(per_epoch); i++) {
        struct scheduled found =
            scheduled(all[_i].name, all[_i].options, lengths[i % ROWS(lengths)], per_epoch[i / ROWS(lengths)]);
        for (int k = 0; k < ROWS(times); k++) {
            const double value = factor(&found, times[k]);
            ck_assert_msg(value >= 0 && value <= all[_i].most, "%s %s: factor %g after %lld updates", all[_i].name,
                          all[_i].options, value, (long long)times[k]);
        }
    }
}
END_TEST

/* The whole run, the same length in updates, and in epochs. */
static const struct {
    const char *name, *run, *steps, *epochs;
} same[] = {
    {"polynomial", "power=2", "power=2 length=70 unit=steps", "power=2 length=10 unit=epochs"},
    {"cosine", "-", "length=70 unit=steps", "length=10 unit=epochs"},
    {"cosine", "restarts=2 multiplier=2", "restarts=2 multiplier=2 length=10 unit=steps",
     "restarts=2 multiplier=2 length=1.4285714285714286 unit=epochs"},
    {"one_cycle", "-", "length=70 unit=steps", "length=10 unit=epochs"},
};

START_TEST(units_agree) {
    struct scheduled run = scheduled(same[_i].name, same[_i].run, 70, 7);
    struct scheduled steps = scheduled(same[_i].name, same[_i].steps, 1234, 7);
    struct scheduled epochs = scheduled(same[_i].name, same[_i].epochs, 1234, 7);
    for (int64_t done = 0; done < 80; done++) {
        const double expected = factor(&run, done);
        fixture_near(factor(&steps, done), expected, 1e-12, "factor by updates", done);
        fixture_near(factor(&epochs, done), expected, 1e-12, "factor by epochs", done);
    }
}
END_TEST

/* A schedule of epochs is smooth inside of them, whatever the number of updates: a third of the data is a third. */
START_TEST(epochs_do_not_depend_on_the_batch) {
    static const struct {
        const char *name, *options;
    } rows[] = {{"exponential", "factor=0.5 unit=epochs"},
                {"polynomial", "length=4 unit=epochs"},
                {"cosine", "length=2 restarts=1 unit=epochs"},
                {"piecewise", "at=[1,3] factors=[1,0] interpolate=linear unit=epochs"}};
    for (int i = 0; i < ROWS(rows); i++) {
        struct scheduled coarse = scheduled(rows[i].name, rows[i].options, 15, 3);
        struct scheduled fine = scheduled(rows[i].name, rows[i].options, 1500, 300);
        for (int64_t done = 0; done < 15; done++) {
            fixture_near(factor(&fine, 100 * done), factor(&coarse, done), 1e-12, rows[i].options, done);
        }
    }
}
END_TEST

/* Only a schedule that observes metrics needs validation data and state. */
START_TEST(plateau_alone_observes) {
    const rondo_schedule *schedule = find(all[_i].name);
    const int is_plateau = strcmp(all[_i].name, "plateau") == 0;
    ck_assert_int_eq(schedule->observe != NULL, is_plateau);
    ck_assert_int_eq(schedule->n_state > 0, is_plateau);
}
END_TEST

/* ---- plateau ---- */

/* Drops after the metrics, with patience 0 and factor 0.5. */
static const struct {
    const char *options;
    int32_t higher_is_better;
    double metrics[5];
    int drops;
} observed[] = {
    {"-", 0, {5, 4, 3, 2, 1}, 0},
    {"-", 0, {1, 1, 1, 1, 1}, 4},
    {"-", 1, {1, 2, 3, 4, 5}, 0},
    {"-", 1, {5, 4, 3, 2, 1}, 4},
    {"-", 0, {NAN, NAN, NAN, NAN, NAN}, 5},
    {"-", 0, {3, NAN, 2, NAN, 1}, 2},
    {"-", 1, {INFINITY, 1, 2, 3, 4}, 1},
    {"-", 0, {-INFINITY, 4, 3, 2, 1}, 1},
    {"-", 1, {1, INFINITY, 2, 3, 4}, 1},
    {"-", 0, {0, 0, 0, 0, 0}, 4},
    {"threshold=0", 0, {0, -1, -2, -3, -4}, 0},
    /* metrics below 0: an equal metric is not better, one that is better by the share is */
    {"threshold=0.1", 0, {-10, -10, -10.5, -11.5, -12}, 3},
    {"threshold=0.1", 1, {-10, -10, -9.5, -8.5, -8}, 3},
    {"threshold=0.1", 1, {10, 10, 10.5, 11.5, 12}, 3},
    {"threshold=1 threshold_mode=absolute", 0, {5, 4, 3.5, 2.25, 1.5}, 2},
    {"threshold=5 threshold_mode=absolute", 1, {0, 5, 5.5, 6, 10.75}, 2},
    {"cooldown=1", 0, {1, 2, 2, 2, 2}, 2},
    {"cooldown=2", 0, {1, 2, 2, 2, 2}, 2},
    {"cooldown=3", 0, {1, 2, 2, 2, 2}, 1},
};

START_TEST(drops_come_when_the_metric_stands) {
    char options[128];
    snprintf(options, sizeof options, "patience=0 factor=0.5 %s",
             strcmp(observed[_i].options, "-") == 0 ? "" : observed[_i].options);
    struct scheduled found = scheduled("plateau", options, 50, 10);
    for (int epoch = 0; epoch < 5; epoch++) {
        observe(&found, 10 * (epoch + 1), observed[_i].metrics[epoch], observed[_i].higher_is_better);
    }
    ck_assert_double_eq(factor(&found, 50), pow(0.5, observed[_i].drops));
}
END_TEST

/* A checkpoint contains the state. A resumed run knows nothing else of the previous epochs. */
START_TEST(state_is_all_that_plateau_remembers) {
    struct scheduled whole = scheduled("plateau", "patience=1 factor=0.5 cooldown=2", 200, 10);
    struct scheduled resumed = whole;
    for (int epoch = 1; epoch <= 20; epoch++) {
        struct scheduled fresh = scheduled("plateau", "patience=1 factor=0.5 cooldown=2", 200, 10);
        memcpy(fresh.state, resumed.state, sizeof fresh.state);
        resumed = fresh;
        const double metric = cos(epoch);
        observe(&whole, 10 * epoch, metric, 0);
        observe(&resumed, 10 * epoch, metric, 0);
        ck_assert_double_eq(factor(&resumed, 10 * epoch), factor(&whole, 10 * epoch));
    }
    ck_assert_double_lt(factor(&whole, 200), 0.1);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *name, *options, *part;
} out_of_range[] = {
    {"constant", "factor=-1", "'factor' is -1, expected a number in [0, 1000]"},
    {"step", "every=3", "'unit'"},
    {"step", "unit=steps", "'every'"},
    {"step", "every=0 unit=steps", "'every' is 0"},
    {"step", "every=3 unit=run", "'unit' is 'run', expected one of steps, epochs"},
    {"step", "every=3 factor=1.5 unit=steps", "'factor' is 1.5"},
    {"multi_step", "milestones=[1,2]", "'unit'"},
    {"multi_step", "milestones=[1,-2] unit=steps", "'milestones'"},
    {"exponential", "factor=0.9", "'unit'"},
    {"exponential", "unit=steps", "'factor'"},
    {"inverse_sqrt", "warmup=100", "'unit'"},
    {"inverse_sqrt", "unit=steps", "'warmup'"},
    {"piecewise", "at=[0] factors=[1]", "'unit'"},
    {"piecewise", "unit=steps factors=[1]", "'at'"},
    {"polynomial", "power=0", "'power' is 0"},
    {"cosine", "floor=1.5", "'floor' is 1.5, expected a number in [0, 1]"},
    {"cosine", "unit=weeks", "expected one of steps, epochs, run"},
    {"cosine", "multiplier=0.5 restarts=1", "'multiplier' is 0.5"},
    {"one_cycle", "initial_division=0.5", "'initial_division' is 0.5"},
    {"one_cycle", "shape=cos", "expected one of cosine, linear"},
    {"plateau", "factor=1", "'factor' is 1"},
    {"plateau", "patience=-1", "'patience' is -1"},
    {"plateau", "unit=epochs", "unknown option 'unit' of plateau"},
};

START_TEST(options_out_of_range_are_refused) {
    ck_assert_ptr_null(fixture_options(&find(out_of_range[_i].name)->base, out_of_range[_i].options));
    fixture_error(out_of_range[_i].part);
}
END_TEST

static const struct {
    const char *name, *options, *part;
} unfit[] = {
    {"cosine", "length=5", "'unit' is run and 'length' is 5, expected unit steps or epochs with a length"},
    {"cosine", "unit=epochs", "'unit' is epochs and 'length' is 0, expected a length above 0"},
    {"cosine", "unit=steps restarts=2", "'unit' is steps and 'length' is 0, expected a length above 0"},
    {"cosine", "multiplier=2", "'multiplier' is 2, which needs 'restarts' above 0"},
    {"cosine", "multiplier=2 restarts=1000", "'restarts' is 1000 and 'multiplier' is 2: all falls together"},
    {"cosine", "multiplier=100 restarts=1000", "inf times as long as the first, expected at most 1e+09"},
    {"polynomial", "length=5 unit=run", "'unit' is run and 'length' is 5"},
    {"polynomial", "unit=steps", "'unit' is steps and 'length' is 0"},
    {"one_cycle", "length=0.5", "'unit' is run and 'length' is 0.5"},
    {"one_cycle", "unit=epochs", "'unit' is epochs and 'length' is 0"},
    {"one_cycle", "rise=0.6 three_phases=true", "'rise' is 0.6 and 'three_phases' is true"},
    {"multi_step", "milestones=[] unit=steps", "'milestones' is empty, expected one or more"},
    {"multi_step", "milestones=[3,3] unit=steps", "'milestones' has 3 after 3, expected ascending numbers"},
    {"multi_step", "milestones=[1,5,2.5] unit=epochs", "'milestones' has 2.5 after 5, expected ascending numbers"},
    {"piecewise", "at=[0,1] factors=[1] unit=steps", "'at' has 2 numbers and 'factors' has 1"},
    {"piecewise", "at=[] factors=[] unit=steps", "'at' has 0 numbers and 'factors' has 0"},
    {"piecewise", "at=[1,0] factors=[1,1] unit=steps", "'at' has 0 after 1, expected ascending numbers"},
    {"plateau", "threshold=1", "'threshold' is 1 with 'threshold_mode' relative, expected a share below 1"},
};

START_TEST(options_that_do_not_go_together_are_refused) {
    const rondo_schedule *schedule = find(unfit[_i].name);
    const void *options = fixture_options(&schedule->base, unfit[_i].options);
    ck_assert_msg(options != NULL, "%s", fixture_first_error());
    ck_assert_int_eq(check(schedule, options), RONDO_INVALID);
    fixture_error(unfit[_i].part);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("schedules");
    TCase *tcase = tcase_create("schedules");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_test(tcase, factors_are_those_of_pytorch);
    tcase_add_loop_test(tcase, factors_at_the_corners_are_those_of_the_equations, 0, ROWS(by_hand));
    tcase_add_loop_test(tcase, factors_are_finite_at_any_time, 0, ROWS(all));
    tcase_add_loop_test(tcase, units_agree, 0, ROWS(same));
    tcase_add_test(tcase, epochs_do_not_depend_on_the_batch);
    tcase_add_loop_test(tcase, plateau_alone_observes, 0, ROWS(all));
    tcase_add_loop_test(tcase, drops_come_when_the_metric_stands, 0, ROWS(observed));
    tcase_add_test(tcase, state_is_all_that_plateau_remembers);
    tcase_add_loop_test(tcase, options_out_of_range_are_refused, 0, ROWS(out_of_range));
    tcase_add_loop_test(tcase, options_that_do_not_go_together_are_refused, 0, ROWS(unfit));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
