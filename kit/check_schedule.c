/* kit/check_schedule.c: the checks of schedules. */
#include <math.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/schedule_fixture.h"
#include "kit/shared.h"

static const struct schedule_run short_run = {70, 7, 0.01};
enum { STEPS = 70 };

/* ---- finite ---- */

/* The runs that are tried: one update, ten short epochs, three long epochs; with a learning rate and without one. */
static const struct schedule_run runs[] = {{1, 1, 0.01}, {70, 7, 0.01}, {3000, 1000, 0.01}, {70, 7, NAN}, {5, 1, 1e-6}};

/* All factors up to twice the length of the run. */
static enum verdict stay_finite(struct trial *trial, struct schedule_run run) {
    struct schedule_fixture *fixture = schedule_fixture_create(trial, run);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t done = 0; done <= 2 * run.steps; done++) {
        double factor;
        const rondo_status status = schedule_fixture_factor(fixture, done, &factor);
        if (schedule_may_refuse(fixture, status)) {
            return VERDICT_PASS;
        }
        if (status != RONDO_OK) {
            return schedule_fixture_failed(trial, fixture);
        }
        if (schedule_judge_factor(trial, fixture, factor) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_finite(struct trial *trial) {
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (stay_finite(trial, runs[i]) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* ---- pure ---- */

static enum verdict compare_factors(const struct trial *trial, const double *expected, const double *found,
                                    const char *what) {
    for (int done = 0; done < STEPS; done++) {
        if (memcmp((const char *)&expected[done], (const char *)&found[done], sizeof *found) != 0) {
            return trial_say(trial, VERDICT_FAIL, "%s: the factor of update %d is %.12g and %.12g", what, done + 1,
                             expected[done], found[done]);
        }
    }
    return VERDICT_PASS;
}

static rondo_status ask_in_order(struct schedule_fixture *fixture, double *factors) {
    for (int done = 0; done < STEPS; done++) {
        RONDO_TRY(schedule_fixture_factor(fixture, done, &factors[done]));
    }
    return RONDO_OK;
}

/* Computes the factors from the last to the first, each twice, without calls of observe, and alternating with another
 * run. */
static rondo_status ask_backwards(struct schedule_fixture *fixture, struct schedule_fixture *other, double *factors) {
    for (int done = STEPS - 1; done >= 0; done--) {
        double factor;
        RONDO_TRY(schedule_fixture_factor(other, done / 3, &factor));
        RONDO_TRY(schedule_fixture_factor(fixture, done, &factor));
        RONDO_TRY(schedule_fixture_factor(fixture, done, &factors[done]));
    }
    return RONDO_OK;
}

static enum verdict check_pure(struct trial *trial) {
    enum { FORWARDS, AGAIN, BACKWARDS, OTHER, FIXTURES };
    struct schedule_fixture *fixtures[FIXTURES];
    double factors[OTHER][STEPS];
    for (int k = 0; k < FIXTURES; k++) {
        fixtures[k] =
            schedule_fixture_create(trial, k == OTHER ? (struct schedule_run){3 * STEPS, 7, 0.01} : short_run);
        if (fixtures[k] == NULL) {
            return VERDICT_FAIL;
        }
    }
    for (int k = FORWARDS; k <= AGAIN; k++) {
        if (ask_in_order(fixtures[k], factors[k]) != RONDO_OK) {
            return schedule_fixture_failed(trial, fixtures[k]);
        }
    }
    if (compare_factors(trial, factors[FORWARDS], factors[AGAIN],
                        "two runs, one after the other (a static variable?)") != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    if (ask_backwards(fixtures[BACKWARDS], fixtures[OTHER], factors[BACKWARDS]) != RONDO_OK) {
        const int failed = fixtures[BACKWARDS]->subject.errors.count > 0 ? BACKWARDS : OTHER;
        return schedule_fixture_failed(trial, fixtures[failed]);
    }
    return compare_factors(trial, factors[FORWARDS], factors[BACKWARDS],
                           "computed in order, and backwards with another run in between (a static variable?)");
}

/* ---- observe ---- */

/* Metrics of epoch 0, 1, …: falling, rising, not-a-number, and infinite in some epochs. */
static double metric_of(int course, int64_t epoch) {
    switch (course) {
    case 0:
        return 3 - 0.1 * (double)epoch;
    case 1:
        return 0.1 * (double)epoch;
    case 2:
        return NAN;
    default:
        return epoch % 3 == 0 ? INFINITY : epoch % 3 == 1 ? -INFINITY : 1;
    }
}
enum { COURSES = 4, EPOCHS = 200 };

static enum verdict follow(const struct trial *trial, struct schedule_fixture *fixture, int course) {
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        double factor;
        const int64_t done = (epoch + 1) * fixture->call.steps_per_epoch;
        if (schedule_fixture_factor(fixture, done, &factor) != RONDO_OK ||
            schedule_fixture_observe(fixture, metric_of(course, epoch)) != RONDO_OK) {
            return schedule_fixture_failed(trial, fixture);
        }
        if (schedule_judge_factor(trial, fixture, factor) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return subject_judge_guard(trial, &fixture->subject);
}

/* If the metric gets better after every epoch, the factor must not become lower. The numbers are worse than 0, the
 * initial value of the state, so that a schedule that takes 0 for the best metric so far fails. */
static enum verdict follow_progress(struct trial *trial, int32_t higher) {
    struct schedule_run run = short_run;
    run.steps = EPOCHS * run.steps_per_epoch;
    struct schedule_fixture *with = schedule_fixture_create(trial, run);
    struct schedule_fixture *without = schedule_fixture_create(trial, run);
    if (with == NULL || without == NULL) {
        return VERDICT_FAIL;
    }
    with->call.higher_is_better = without->call.higher_is_better = higher;
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        const double better = 100 - 0.1 * (double)epoch;
        const int64_t done = (epoch + 1) * run.steps_per_epoch;
        double factor, expected;
        with->call.done = done;
        if (schedule_fixture_observe(with, higher ? -better : better) != RONDO_OK ||
            schedule_fixture_factor(with, done, &factor) != RONDO_OK ||
            schedule_fixture_factor(without, done, &expected) != RONDO_OK) {
            return schedule_fixture_failed(trial, with->subject.errors.count > 0 ? with : without);
        }
        if (factor < expected * (1 - 1e-9)) {
            return trial_say(trial, VERDICT_WARNING,
                             "the metric gets better after each epoch (from %g on, %s is better), and the factor after "
                             "epoch %lld is %.6g, without a metric %.6g (call->higher_is_better? a best that begins at "
                             "0?)",
                             higher ? -100.0 : 100.0, higher ? "higher" : "lower", (long long)epoch + 1, factor,
                             expected);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_observe(struct trial *trial) {
    if (((const rondo_schedule *)trial->descriptor)->observe == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the schedule does not use a metric");
    }
    for (int course = 0; course < COURSES; course++) {
        for (int32_t higher = 0; higher < 2; higher++) {
            struct schedule_run run = short_run;
            run.steps = EPOCHS * run.steps_per_epoch;
            struct schedule_fixture *fixture = schedule_fixture_create(trial, run);
            if (fixture == NULL) {
                return VERDICT_FAIL;
            }
            fixture->call.higher_is_better = higher;
            if (follow(trial, fixture, course) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    const enum verdict verdict = follow_progress(trial, 0);
    return verdict == VERDICT_PASS ? follow_progress(trial, 1) : verdict;
}

const struct kit_check kit_schedule_checks[] = {
    {"status", "every call returns a known status, and gives a reason if it fails", shared_status},
    {"stays_inside", "`factor` writes only the factor, and `observe` only the state", shared_stays_inside},
    {"finite", "the factor is finite and 0 or more, up to the end of a run and after it", check_finite},
    {"pure", "the factor depends only on the call, not on previous calls", check_pure},
    {"observe", "the factor stays finite with any metric, and a better metric does not lower it", check_observe},
    {"resume", "a run that continues from the saved state gets the same factors as an uninterrupted one",
     shared_resume},
    {"threads", "runs on several threads do not affect each other", shared_threads},
    {"no_memory", "if the host refuses an allocation, the call returns RONDO_NO_MEMORY", shared_no_memory},
    {"leaks", "calls free all memory that they allocate", shared_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", shared_options_ends},
    {"first_call", "results do not depend on the options of the first call", shared_first_call},
    {NULL, NULL, NULL},
};
