/* kit/check_schedule_bits.c: two runs of a schedule that must give the same factors, to the bit. */
#include <string.h>

#include "kit/at_once.h"
#include "kit/check_schedule.h"
#include "kit/first_call.h"
#include "kit/no_globals.h"
#include "kit/scheduled.h"

enum { STEPS = 70, EPOCH = 7, CUT = 31 /* in the middle of an epoch */, MOST_THREADS = 8 };

/* A run, and its factors. */
struct run {
    struct scheduled *scheduled;
    double factors[STEPS];
};

static int open_run(struct kit *kit, const rondo_descriptor *descriptor, struct run *run, char *reason, size_t size) {
    memset(run, 0, sizeof *run);
    run->scheduled = scheduled_create(kit, (const rondo_schedule *)descriptor, NULL, reason, size);
    if (run->scheduled == NULL) {
        return 0;
    }
    run->scheduled->call.steps = STEPS;
    run->scheduled->call.steps_per_epoch = EPOCH;
    return 1;
}

static enum verdict compare(const struct run *expected, const struct run *found, const char *what, char *reason,
                            size_t size) {
    for (int done = 0; done < STEPS; done++) {
        if (memcmp((const char *)&expected->factors[done], (const char *)&found->factors[done], sizeof(double)) != 0) {
            return kit_say(reason, size, VERDICT_FAIL, "%s: the factor of update %d is %.12g and %.12g", what, done + 1,
                           expected->factors[done], found->factors[done]);
        }
    }
    return VERDICT_PASS;
}

static void run_all(void *arg, int32_t k) {
    struct run *run = (struct run *)arg + k;
    scheduled_run(run->scheduled, 0, STEPS, run->factors);
}

/* ---- pure ---- */

/* Without observe between, factors asked for backwards, each twice, with another run in turns. */
static rondo_status ask_backwards(struct run *run, struct run *other) {
    for (int done = STEPS - 1; done >= 0; done--) {
        double factor;
        RONDO_TRY(scheduled_factor(other->scheduled, done / 3, &factor));
        RONDO_TRY(scheduled_factor(run->scheduled, done, &factor));
        RONDO_TRY(scheduled_factor(run->scheduled, done, &run->factors[done]));
    }
    return RONDO_OK;
}

static rondo_status ask_in_order(struct run *run) {
    for (int done = 0; done < STEPS; done++) {
        RONDO_TRY(scheduled_factor(run->scheduled, done, &run->factors[done]));
    }
    return RONDO_OK;
}

enum verdict schedule_pure(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct run forwards, again, backwards, other;
    struct run *const runs[] = {&forwards, &again, &backwards, &other};
    for (int k = 0; k < 4; k++) {
        if (!open_run(kit, descriptor, runs[k], reason, size)) {
            return VERDICT_FAIL;
        }
    }
    other.scheduled->call.steps = 3 * STEPS;
    if (ask_in_order(&forwards) != RONDO_OK) {
        return scheduled_failed(forwards.scheduled, reason, size);
    }
    if (ask_in_order(&again) != RONDO_OK) {
        return scheduled_failed(again.scheduled, reason, size);
    }
    if (compare(&forwards, &again, "two runs, one after the other (a static variable?)", reason, size) !=
        VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    if (ask_backwards(&backwards, &other) != RONDO_OK) {
        return scheduled_failed(backwards.scheduled->errors.count > 0 ? backwards.scheduled : other.scheduled, reason,
                                size);
    }
    return compare(&forwards, &backwards, "asked in order, and backwards with another run between (a static variable?)",
                   reason, size);
}

/* ---- threads ---- */

static void run_once(void *arg) {
    run_all(arg, 0);
}

enum verdict schedule_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    enum { ROUNDS = 20 };
    const struct parallel parallel = {kit->parallel.threads < MOST_THREADS ? kit->parallel.threads : MOST_THREADS};
    struct run serial[MOST_THREADS], crowd[MOST_THREADS], alone;
    if (!open_run(kit, descriptor, &alone, reason, size) ||
        keeps_no_globals(kit, descriptor, run_once, &alone, reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int32_t k = 0; k < parallel.threads; k++) {
            if (!open_run(kit, descriptor, &crowd[k], reason, size) ||
                (round == 0 && !open_run(kit, descriptor, &serial[k], reason, size))) {
                return VERDICT_FAIL;
            }
            crowd[k].scheduled->call.steps = serial[k].scheduled->call.steps = STEPS + 50 * k;
            if (round == 0) {
                run_all(serial, k);
            }
        }
        at_once(&parallel, run_all, crowd);
        for (int32_t k = 0; k < parallel.threads; k++) {
            if (crowd[k].scheduled->errors.count > 0) {
                return scheduled_failed(crowd[k].scheduled, reason, size);
            }
            if (compare(&serial[k], &crowd[k], "runs one after the other, and at the same time (a global?)", reason,
                        size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
            scheduled_close(crowd[k].scheduled);
        }
    }
    return VERDICT_PASS;
}

/* ---- resume ---- */

enum verdict schedule_resume(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    struct run straight, cut, other, resumed;
    struct run *const runs[] = {&straight, &cut, &other, &resumed};
    static const int ends[] = {STEPS, CUT, STEPS, STEPS};
    for (int k = 0; k < 4; k++) {
        if (!open_run(kit, descriptor, runs[k], reason, size)) {
            return VERDICT_FAIL;
        }
        if (runs[k] == &resumed) { /* the state is all that a checkpoint keeps of a schedule */
            memcpy(resumed.factors, cut.factors, CUT * sizeof(double));
            if (cut.scheduled->state_bytes > 0) {
                memcpy(resumed.scheduled->call.state, cut.scheduled->call.state, cut.scheduled->state_bytes);
            }
        }
        if (scheduled_run(runs[k]->scheduled, runs[k] == &resumed ? CUT : 0, ends[k], runs[k]->factors) != RONDO_OK) {
            return scheduled_failed(runs[k]->scheduled, reason, size);
        }
    }
    return compare(&straight, &resumed, "a run, and one that goes on from its saved state", reason, size);
}

/* ---- first_call ---- */

static size_t numbers_of(struct kit *kit, const rondo_descriptor *descriptor, const struct option_end *value,
                         double *numbers, size_t capacity) {
    char reason[200];
    struct scheduled *scheduled = scheduled_create(kit, (const rondo_schedule *)descriptor,
                                                   value == NULL ? NULL : value->text, reason, sizeof reason);
    if (scheduled == NULL || capacity < STEPS) {
        return 0;
    }
    scheduled->call.steps = STEPS;
    scheduled->call.steps_per_epoch = EPOCH;
    return scheduled_run(scheduled, 0, STEPS, numbers) == RONDO_OK ? STEPS : 0;
}

enum verdict schedule_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return first_call_is_forgotten(kit, descriptor, numbers_of, reason, size);
}
