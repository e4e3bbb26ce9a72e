#include "train/schedule.h"

#include <math.h>

#include "core/descriptor.h"
#include "core/host.h"

struct schedule {
    struct arena *arena; /* of a call */
    struct schedule_settings settings;
    double state[SCHEDULE_MAX_STATE];
};

struct schedule *schedule_create(const struct schedule_settings *settings, struct errors *errors) {
    struct arena *arena = arena_create();
    struct schedule *schedule = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *schedule);
    if (schedule == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *schedule = (struct schedule){.arena = arena, .settings = *settings};
    return schedule;
}

void schedule_destroy(struct schedule *schedule) {
    if (schedule != NULL) {
        arena_destroy(schedule->arena);
    }
}

/* Position and length as the plug-in sees them: after the warm-up. */
static rondo_schedule_call call_of(struct schedule *schedule, int64_t done) {
    const struct schedule_settings *settings = &schedule->settings;
    const int64_t since_warmup = done - settings->warmup, left = settings->steps - settings->warmup;
    return (rondo_schedule_call){.struct_size = sizeof(rondo_schedule_call),
                                 .n_state = settings->plugin->n_state,
                                 .options = settings->options,
                                 .done = since_warmup > 0 ? since_warmup : 0,
                                 .steps = left > 1 ? left : 1,
                                 .steps_per_epoch = settings->steps_per_epoch,
                                 .lr = settings->lr,
                                 .state = schedule->state,
                                 .metric = NAN,
                                 .higher_is_better = settings->higher_is_better};
}

static struct host_call host_of(struct schedule *schedule, struct errors *errors) {
    const struct schedule_settings *settings = &schedule->settings;
    const char *subject =
        arena_printf(schedule->arena, "schedule '%s' of '%s'", settings->plugin->base.name, settings->origin);
    struct host_call host = host_call(schedule->arena, errors, NULL, subject);
    host.log = settings->log;
    host.origin = settings->origin;
    return host;
}

static rondo_status ask_plugin(struct schedule *schedule, int64_t done, double *factor, struct errors *errors) {
    const rondo_schedule *plugin = schedule->settings.plugin;
    struct host_call host = host_of(schedule, errors);
    const rondo_schedule_call call = call_of(schedule, done);
    *factor = NAN;
    RONDO_TRY(host_result(&host, plugin->factor(&host.base, &call, factor)));
    if (!isfinite(*factor) || *factor < 0) {
        return errors_add(errors, RONDO_NOT_FINITE, "%s: the factor for update %lld is %g, expected a number >= 0",
                          host.subject, (long long)done + 1, *factor);
    }
    return RONDO_OK;
}

rondo_status schedule_factor(struct schedule *schedule, int64_t done, double *factor, struct errors *errors) {
    const struct schedule_settings *settings = &schedule->settings;
    *factor = 1;
    if (settings->plugin != NULL) {
        const struct arena_mark mark = arena_mark(schedule->arena);
        const rondo_status status = ask_plugin(schedule, done, factor, errors);
        arena_release(schedule->arena, mark);
        RONDO_TRY(status);
    }
    if (done < settings->warmup) {
        const double share = (double)(done + 1) / (double)settings->warmup;
        *factor *= settings->warmup_from + (1 - settings->warmup_from) * share;
    }
    return RONDO_OK;
}

rondo_status schedule_observe(struct schedule *schedule, int64_t done, double metric, struct errors *errors) {
    const rondo_schedule *plugin = schedule->settings.plugin;
    if (plugin == NULL || plugin->observe == NULL || done <= schedule->settings.warmup) {
        return RONDO_OK; /* it begins after the warm-up */
    }
    const struct arena_mark mark = arena_mark(schedule->arena);
    struct host_call host = host_of(schedule, errors);
    rondo_schedule_call call = call_of(schedule, done);
    call.metric = metric;
    const rondo_status status = host_result(&host, plugin->observe(&host.base, &call));
    arena_release(schedule->arena, mark);
    return status;
}

static int32_t state_count(const struct schedule *schedule) {
    return schedule->settings.plugin == NULL ? 0 : schedule->settings.plugin->n_state;
}

void schedule_save(const struct schedule *schedule, struct archive *archive) {
    archive_put_reals(archive, schedule->state, state_count(schedule), "schedule.state");
}

rondo_status schedule_load(struct schedule *schedule, struct archive *archive, struct errors *errors) {
    return archive_take_reals(archive, schedule->state, state_count(schedule), errors, "schedule.state");
}

rondo_status schedule_find_change(struct schedule *schedule, int64_t steps, int64_t done, int64_t *update,
                                  struct errors *errors) {
    const int64_t own = schedule->settings.steps;
    rondo_status status = RONDO_OK;
    const int64_t most = 100000; /* factors change with the length of the run at most updates, not at a few only */
    const int64_t stride = done / most + 1;
    *update = -1;
    for (int64_t d = 0; d < done && *update < 0 && status == RONDO_OK; d += stride) {
        double factor = 1, other = 1;
        status = schedule_factor(schedule, d, &factor, errors);
        schedule->settings.steps = steps;
        status = status == RONDO_OK ? schedule_factor(schedule, d, &other, errors) : status;
        schedule->settings.steps = own;
        *update = factor == other ? -1 : d;
    }
    return status;
}
