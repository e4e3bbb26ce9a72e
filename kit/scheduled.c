#include "kit/scheduled.h"

#include <math.h>
#include <string.h>

enum { MOST_STATE = 64 }; /* see rondo_schedule.n_state */

static rondo_status ask_options(const rondo_schedule *schedule, const void *options, struct arena *arena,
                                struct errors *errors) {
    if (schedule->check == NULL) {
        return RONDO_OK;
    }
    struct host_call host = host_call(arena, errors, NULL, schedule->base.name);
    return host_result(&host, schedule->check(&host.base, options));
}

int scheduled_refuses(struct kit *kit, const rondo_schedule *schedule, const char *options) {
    const void *made = kit_options(kit, &schedule->base, options);
    if (made == NULL) {
        return 0;
    }
    struct errors errors = {0};
    const rondo_status status = ask_options(schedule, made, kit->arena, &errors);
    errors_free(&errors);
    return status == RONDO_INVALID;
}

static rondo_status fill(struct scheduled *scheduled, struct kit *kit, const char *options) {
    const rondo_schedule *schedule = scheduled->schedule;
    const rondo_descriptor *base = &schedule->base;
    const void *made = kit_options(kit, base, options);
    if (made == NULL && base->options != NULL) {
        errors_move(&scheduled->errors, kit->errors);
        return scheduled->errors.status;
    }
    if (schedule->n_state < 0 || schedule->n_state > MOST_STATE) {
        return errors_add(&scheduled->errors, RONDO_INVALID, "n_state is %d, expected 0 to %d", (int)schedule->n_state,
                          MOST_STATE);
    }
    scheduled->state_bytes = (size_t)schedule->n_state * sizeof(double);
    void *copy = guard_alloc(scheduled->guard, "the options", base->options_size);
    scheduled->call.state = guard_alloc(scheduled->guard, "the state", scheduled->state_bytes);
    scheduled->factor = guard_alloc(scheduled->guard, "the factor", sizeof *scheduled->factor);
    if (copy == NULL || scheduled->call.state == NULL || scheduled->factor == NULL) {
        return errors_no_memory(&scheduled->errors);
    }
    if (made != NULL) {
        memcpy(copy, made, base->options_size);
        scheduled->call.options = copy;
    }
    if (scheduled->state_bytes > 0) {
        memset(scheduled->call.state, 0, scheduled->state_bytes);
    }
    return ask_options(schedule, scheduled->call.options, kit->arena, &scheduled->errors);
}

struct scheduled *scheduled_create(struct kit *kit, const rondo_schedule *schedule, const char *options, char *reason,
                                   size_t size) {
    struct scheduled *scheduled = arena_calloc(kit->arena, 1, sizeof *scheduled);
    struct arena *arena = arena_create();
    struct guard *guard = guard_create();
    if (scheduled == NULL || arena == NULL || guard == NULL) {
        kit_say(reason, size, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    *scheduled = (struct scheduled){.schedule = schedule,
                                    .guard = guard,
                                    .arena = arena,
                                    .call = {.struct_size = sizeof scheduled->call,
                                             .n_state = schedule->n_state,
                                             .steps = 1,
                                             .steps_per_epoch = 1,
                                             .lr = 0.01}};
    if (fill(scheduled, kit, options) != RONDO_OK) {
        kit_say(reason, size, VERDICT_FAIL, "options '%s': %s", options == NULL ? "" : options,
                errors_text(&scheduled->errors, 0));
        return NULL;
    }
    return scheduled;
}

void scheduled_close(struct scheduled *scheduled) {
    arena_destroy(scheduled->arena);
    guard_destroy(scheduled->guard);
    errors_free(&scheduled->errors);
    scheduled->arena = NULL;
    scheduled->guard = NULL;
}

static struct host_call begin_call(struct scheduled *scheduled) {
    arena_reset(scheduled->arena);
    struct host_call host = host_call(scheduled->arena, &scheduled->errors, NULL, scheduled->schedule->base.name);
    host.allocations_left = scheduled->allocations_left;
    return host;
}

/* host_result, with what was dishonest remembered. */
static rondo_status end_call(struct scheduled *scheduled, struct host_call *host, rondo_status status) {
    if (status < 0 || status >= RONDO_STATUS_COUNT) {
        scheduled->unknown_status = scheduled->unknown_status == 0 ? status : scheduled->unknown_status;
    } else if (status == RONDO_OK) {
        scheduled->ignored |= host->failed != RONDO_OK;
    } else {
        scheduled->quiet |= host->failed == RONDO_OK && status != RONDO_NO_MEMORY;
    }
    return host_result(host, status);
}

rondo_status scheduled_factor(struct scheduled *scheduled, int64_t done, double *factor) {
    struct host_call host = begin_call(scheduled);
    *scheduled->factor = NAN;
    scheduled->call.done = done;
    rondo_schedule_call call = scheduled->call;
    call.metric = NAN; /* of observe alone */
    const rondo_status status =
        end_call(scheduled, &host, scheduled->schedule->factor(&host.base, &call, scheduled->factor));
    *factor = *scheduled->factor;
    return status;
}

rondo_status scheduled_observe(struct scheduled *scheduled, double metric) {
    if (scheduled->schedule->observe == NULL) {
        return RONDO_OK;
    }
    struct host_call host = begin_call(scheduled);
    rondo_schedule_call call = scheduled->call;
    call.metric = metric;
    return end_call(scheduled, &host, scheduled->schedule->observe(&host.base, &call));
}

double scheduled_metric(const struct scheduled *scheduled, int64_t epoch) {
    const double loss = epoch < 5 ? 2 - 0.2 * (double)epoch : 1 + 0.001 * (double)(epoch % 3);
    return scheduled->call.higher_is_better ? -loss : loss;
}

rondo_status scheduled_run(struct scheduled *scheduled, int64_t from, int64_t to, double *factors) {
    for (int64_t done = from; done < to; done++) {
        RONDO_TRY(scheduled_factor(scheduled, done, &factors[done]));
        if ((done + 1) % scheduled->call.steps_per_epoch == 0) {
            const int64_t epoch = done / scheduled->call.steps_per_epoch;
            scheduled->call.done = done + 1;
            RONDO_TRY(scheduled_observe(scheduled, scheduled_metric(scheduled, epoch)));
        }
    }
    return RONDO_OK;
}

enum verdict scheduled_failed(const struct scheduled *scheduled, char *reason, size_t size) {
    return kit_say(reason, size, VERDICT_FAIL, "at update %lld of %lld: %s", (long long)scheduled->call.done,
                   (long long)scheduled->call.steps, errors_text(&scheduled->errors, 0));
}
