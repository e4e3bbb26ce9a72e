/* kit/check_schedule.c: the checks of schedules, and those of the factors that they give. */
#include "kit/check_schedule.h"

#include <math.h>
#include <string.h>

#include "kit/heap.h"
#include "kit/kept.h"
#include "kit/option_ends.h"
#include "kit/scheduled.h"

/* Runs: of one update, of ten short epochs, of three long ones; with a learning rate and without one. */
static const struct {
    int64_t steps, steps_per_epoch;
    double lr;
} runs[] = {{1, 1, 0.01}, {70, 7, 0.01}, {3000, 1000, 0.01}, {70, 7, NAN}, {5, 1, 1e-6}};
enum { RUNS = sizeof runs / sizeof runs[0] };

static struct scheduled *create(struct kit *kit, const rondo_descriptor *descriptor, const char *options, int run,
                                char *reason, size_t size) {
    struct scheduled *scheduled = scheduled_create(kit, (const rondo_schedule *)descriptor, options, reason, size);
    if (scheduled != NULL) {
        scheduled->call.steps = runs[run].steps;
        scheduled->call.steps_per_epoch = runs[run].steps_per_epoch;
        scheduled->call.lr = runs[run].lr;
    }
    return scheduled;
}

static enum verdict judge_factor(const struct scheduled *scheduled, double factor, const char *options, char *reason,
                                 size_t size) {
    if (isfinite(factor) && factor >= 0) {
        return VERDICT_PASS;
    }
    return kit_say(reason, size, VERDICT_FAIL,
                   "%s%sthe factor of update %lld in a run of %lld (%lld an epoch) is %g, expected a finite number "
                   "from 0 on",
                   options == NULL ? "" : options, options == NULL ? "" : ": ", (long long)scheduled->call.done + 1,
                   (long long)scheduled->call.steps, (long long)scheduled->call.steps_per_epoch, factor);
}

/* A schedule may need a learning rate, and then says so where there is none. */
static int may_refuse(const struct scheduled *scheduled, rondo_status status) {
    return status == RONDO_INVALID && !scheduled->quiet && isnan(scheduled->call.lr);
}

/* ---- status ---- */

static enum verdict check_status(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (int run = 0; run < RUNS; run++) {
        struct scheduled *scheduled = create(kit, descriptor, NULL, run, reason, size);
        if (scheduled == NULL) {
            return VERDICT_FAIL;
        }
        double factor;
        rondo_status status = scheduled_factor(scheduled, 0, &factor);
        if (status == RONDO_OK) {
            status = scheduled_observe(scheduled, 1);
        }
        if (scheduled->unknown_status != 0) {
            return kit_say(reason, size, VERDICT_FAIL, "a call returned %d, expected one of rondo_status_code",
                           (int)scheduled->unknown_status);
        }
        if (scheduled->quiet) {
            return kit_say(reason, size, VERDICT_FAIL,
                           "a call failed and did not say why, expected  return ctx->host->fail(ctx, code, \"why\")");
        }
        if (scheduled->ignored) {
            return kit_say(reason, size, VERDICT_FAIL, "a call returned RONDO_OK after it had called fail: %s",
                           errors_text(&scheduled->errors, 0));
        }
        if (status != RONDO_OK && !may_refuse(scheduled, status)) {
            return scheduled_failed(scheduled, reason, size);
        }
    }
    return VERDICT_PASS;
}

/* ---- stays_inside ---- */

static enum verdict soiled(const struct scheduled *scheduled, const char *what, char *reason, size_t size) {
    const char *overrun = guard_overrun(scheduled->guard);
    return overrun == NULL ? VERDICT_PASS : kit_say(reason, size, VERDICT_FAIL, "%s wrote beside %s", what, overrun);
}

/* factor only reads the state; what it leaves as it is must not be written with the bits that it has either. */
static enum verdict check_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct scheduled *scheduled = create(kit, descriptor, NULL, 1, reason, size);
    if (scheduled == NULL) {
        return VERDICT_FAIL;
    }
    double factors[70];
    struct kept options = {0}, state = {0};
    kept_add(&options, "the options", scheduled->call.options, descriptor->options_size, kit->arena);
    if (scheduled_run(scheduled, 0, 35, factors) != RONDO_OK) {
        return scheduled_failed(scheduled, reason, size);
    }
    if (soiled(scheduled, "factor or observe", reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    kept_add(&state, "the state", scheduled->call.state, scheduled->state_bytes, kit->arena);
    for (int64_t done = 35; done < 70; done++) {
        if (scheduled_factor(scheduled, done, &factors[done]) != RONDO_OK) {
            return scheduled_failed(scheduled, reason, size);
        }
    }
    const char *changed = kept_changed(&state) != NULL ? kept_changed(&state) : kept_changed(&options);
    if (changed != NULL) {
        return kit_say(reason, size, VERDICT_FAIL, "factor wrote %s, which is read only (see observe)", changed);
    }
    guard_protect(scheduled->guard, scheduled->call.state);
    if (scheduled->call.options != NULL) {
        guard_protect(scheduled->guard, scheduled->call.options);
    }
    return scheduled_factor(scheduled, 3, &factors[3]) == RONDO_OK ? VERDICT_PASS
                                                                   : scheduled_failed(scheduled, reason, size);
}

/* ---- finite, observe ---- */

/* All factors up to twice the length of the run. */
static enum verdict stay_finite(struct kit *kit, const rondo_descriptor *descriptor, int run, char *reason,
                                size_t size) {
    struct scheduled *scheduled = create(kit, descriptor, NULL, run, reason, size);
    if (scheduled == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t done = 0; done <= 2 * scheduled->call.steps; done++) {
        double factor;
        const rondo_status status = scheduled_factor(scheduled, done, &factor);
        if (may_refuse(scheduled, status)) {
            return VERDICT_PASS;
        }
        if (status != RONDO_OK) {
            return scheduled_failed(scheduled, reason, size);
        }
        if (judge_factor(scheduled, factor, NULL, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_finite(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (int run = 0; run < RUNS; run++) {
        if (stay_finite(kit, descriptor, run, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* Metrics of epoch 0, 1, …: one that falls, one that rises, one that is no number, one that is infinite at times. */
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

static enum verdict follow(struct scheduled *scheduled, int course, char *reason, size_t size) {
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        double factor;
        const int64_t done = (epoch + 1) * scheduled->call.steps_per_epoch;
        if (scheduled_factor(scheduled, done, &factor) != RONDO_OK ||
            scheduled_observe(scheduled, metric_of(course, epoch)) != RONDO_OK) {
            return scheduled_failed(scheduled, reason, size);
        }
        if (judge_factor(scheduled, factor, NULL, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* A metric that gets better after every epoch, in numbers that are never better than the zeros that the state begins
 * with, is no reason to lower a factor. */
static enum verdict follow_progress(struct kit *kit, const rondo_descriptor *descriptor, int32_t higher, char *reason,
                                    size_t size) {
    struct scheduled *told = create(kit, descriptor, NULL, 1, reason, size);
    struct scheduled *untold = create(kit, descriptor, NULL, 1, reason, size);
    if (told == NULL || untold == NULL) {
        return VERDICT_FAIL;
    }
    told->call.higher_is_better = untold->call.higher_is_better = higher;
    told->call.steps = untold->call.steps = EPOCHS * told->call.steps_per_epoch;
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        const double better = 100 - 0.1 * (double)epoch;
        const int64_t done = (epoch + 1) * told->call.steps_per_epoch;
        double factor, expected;
        told->call.done = done;
        if (scheduled_observe(told, higher ? -better : better) != RONDO_OK ||
            scheduled_factor(told, done, &factor) != RONDO_OK ||
            scheduled_factor(untold, done, &expected) != RONDO_OK) {
            return scheduled_failed(told->errors.count > 0 ? told : untold, reason, size);
        }
        if (factor < expected * (1 - 1e-9)) {
            return kit_say(
                reason, size, VERDICT_WARNING,
                "the metric gets better after each epoch (from %g on, %s is better), and the factor behind "
                "epoch %lld is %.6g, without a metric %.6g (call->higher_is_better? a best that begins at 0?)",
                higher ? -100.0 : 100.0, higher ? "higher" : "lower", (long long)epoch + 1, factor, expected);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_observe(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    if (((const rondo_schedule *)descriptor)->observe == NULL) {
        return kit_say(reason, size, VERDICT_SKIPPED, "it does not look at a metric");
    }
    for (int course = 0; course < COURSES; course++) {
        for (int32_t higher = 0; higher < 2; higher++) {
            struct scheduled *scheduled = create(kit, descriptor, NULL, 1, reason, size);
            if (scheduled == NULL) {
                return VERDICT_FAIL;
            }
            scheduled->call.steps = EPOCHS * scheduled->call.steps_per_epoch;
            scheduled->call.higher_is_better = higher;
            if (follow(scheduled, course, reason, size) != VERDICT_PASS ||
                soiled(scheduled, "observe", reason, size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    const enum verdict verdict = follow_progress(kit, descriptor, 0, reason, size);
    return verdict == VERDICT_PASS ? follow_progress(kit, descriptor, 1, reason, size) : verdict;
}

/* ---- no_memory, leaks ---- */

enum { MOST_ALLOCATIONS = 1000 };

static enum verdict check_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (int64_t served = 0; served < MOST_ALLOCATIONS; served++) {
        struct scheduled *scheduled = create(kit, descriptor, NULL, 1, reason, size);
        if (scheduled == NULL) {
            return VERDICT_FAIL;
        }
        int64_t left = served;
        double factors[70];
        scheduled->allocations_left = &left;
        const rondo_status status = scheduled_run(scheduled, 0, 70, factors);
        if (status == RONDO_OK) {
            return VERDICT_PASS;
        }
        if (status != RONDO_NO_MEMORY) {
            return kit_say(reason, size, VERDICT_FAIL, "when memory was short, a call ended in '%s', expected '%s'",
                           status_text(status), status_text(RONDO_NO_MEMORY));
        }
        scheduled_close(scheduled);
    }
    return kit_say(reason, size, VERDICT_WARNING, "takes more than %d allocations for 70 updates", MOST_ALLOCATIONS);
}

static void one_run(void *arg) {
    double factors[70];
    scheduled_run(arg, 0, 70, factors);
}

static enum verdict check_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct scheduled *scheduled = create(kit, descriptor, NULL, 1, reason, size);
    double factors[70];
    if (scheduled == NULL) {
        return VERDICT_FAIL;
    }
    if (scheduled_run(scheduled, 0, 70, factors) != RONDO_OK) {
        return scheduled_failed(scheduled, reason, size);
    }
    const double leak = heap_leak(one_run, scheduled, 50);
    if (leak < 0) {
        return kit_say(reason, size, VERDICT_SKIPPED, HEAP_IS_UNKNOWN);
    }
    return leak < 1 ? VERDICT_PASS
                    : kit_say(reason, size, VERDICT_FAIL,
                              "70 updates leave %.0f bytes behind on the heap, expected none (take memory from "
                              "host->alloc)",
                              leak);
}

/* ---- options_ends ---- */

/* Numbers too large for a factor are allowed where an option is a scale; they are never negative. */
static enum verdict work_at(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *end, int run,
                            char *reason, size_t size) {
    struct scheduled *scheduled = create(kit, descriptor, end->text, run, reason, size);
    if (scheduled == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t done = 0; done <= scheduled->call.steps; done++) {
        double factor;
        if (scheduled_factor(scheduled, done, &factor) != RONDO_OK ||
            scheduled_observe(scheduled, scheduled_metric(scheduled, done)) != RONDO_OK) {
            return scheduled_failed(scheduled, reason, size);
        }
        const int diverges = !isfinite(factor) && option_end_may_diverge(end);
        if (!diverges && judge_factor(scheduled, factor, end->text, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_options_ends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct option_end end;
    for (int32_t i = 0; option_end(descriptor->options, i, &end); i++) {
        if (scheduled_refuses(kit, (const rondo_schedule *)descriptor, end.text)) {
            continue;
        }
        for (int run = 0; run < 3; run++) {
            if (work_at(kit, descriptor, &end, run, reason, size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

const struct kit_check kit_schedule_checks[] = {
    {"status", "every call returns a known status, and says why where it fails", check_status},
    {"stays_inside", "factor writes the factor alone, observe the state alone", check_stays_inside},
    {"finite", "the factor is finite and from 0 on, to the end of a run and beyond", check_finite},
    {"pure", "the factor depends on the call alone, whatever was asked before", schedule_pure},
    {"observe", "metrics of any kind leave a finite factor, and better ones do not lower it", check_observe},
    {"resume", "a run that goes on from the saved state gets the factors of one that was never cut", schedule_resume},
    {"threads", "runs that are asked at the same time do not disturb each other", schedule_threads},
    {"no_memory", "an allocation that the host refuses ends in RONDO_NO_MEMORY", check_no_memory},
    {"leaks", "calls leave nothing behind on the heap", check_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", check_options_ends},
    {"first_call", "nothing is kept of the options of the first call", schedule_first_call},
    {NULL, NULL, NULL},
};
