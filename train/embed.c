/* train/embed.c: the embedding API (rondo/rondo.h): training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/log.h"
#include "core/memory.h"
#include "train/embed_errors.h"
#include "train/resume.h"
#include "train/train.h"

const char *rondo_version(void) {
    return RONDO_VERSION;
}

/* ---- training ---- */

struct rondo_experiment {
    struct session *session;
    struct task *task;
    int is_resumed;
    struct resume resume; /* is_resumed: the opened run, which owns the task */
    const char *warnings; /* of the opening, one per line; from the arena of the task */
    const char *folder;   /* of the last run; NULL: none */
    /* While it trains. */
    rondo_progress progress; /* may be NULL */
    void *arg;
    int is_stopped; /* `progress` has ended the training */
};

static int is_stopped(void *arg) {
    const rondo_experiment *experiment = arg;
    return experiment->is_stopped;
}

/* `path`: of the experiment or the run. */
static rondo_status open_session(rondo_experiment *experiment, const char *path, int32_t threads,
                                 struct errors *errors) {
    if (path == NULL || threads < 0) {
        return errors_add(errors, RONDO_INVALID,
                          path != NULL             ? "threads is negative"
                          : experiment->is_resumed ? "the folder is NULL"
                                                   : "the file is NULL");
    }
    const struct session_settings settings = {.threads = threads,
                                              .interrupt = {.is_requested = is_stopped, .arg = experiment}};
    experiment->session = session_create(&settings, errors);
    return experiment->session == NULL ? errors->status : RONDO_OK;
}

/* Adds the warnings of the task to those of the opening, and keeps their texts. */
static rondo_status keep_warnings(rondo_experiment *experiment, struct errors *warnings, struct errors *errors) {
    task_data_warn(&experiment->task->data, warnings);
    const int32_t count = warnings->count < ERRORS_MAX ? warnings->count : ERRORS_MAX;
    size_t size = 1;
    for (int32_t i = 0; i < count; i++) {
        size += strlen(errors_text(warnings, i)) + 1;
    }
    char *texts = arena_alloc(experiment->task->experiment->arena, size);
    if (texts == NULL) {
        return errors_no_memory(errors);
    }
    embed_errors(warnings, texts, size);
    experiment->warnings = texts;
    return RONDO_OK;
}

static rondo_status open_experiment(rondo_experiment *experiment, const char *file, const char *const *assignments,
                                    int32_t threads, struct errors *errors) {
    struct errors warnings = {0};
    RONDO_TRY(open_session(experiment, file, threads, errors));
    experiment->task = task_open(file, assignments, experiment->session, TASK_TRAIN | TASK_VALID, errors);
    return experiment->task == NULL ? errors->status : keep_warnings(experiment, &warnings, errors);
}

static rondo_status resume_experiment(rondo_experiment *experiment, const struct resume_settings *settings,
                                      int32_t threads, struct errors *errors) {
    struct errors warnings = {0};
    experiment->is_resumed = 1;
    RONDO_TRY(open_session(experiment, settings->folder, threads, errors));
    rondo_status status = resume_open(&experiment->resume, settings, experiment->session, &warnings, errors);
    experiment->task = experiment->resume.task;
    status = status == RONDO_OK ? keep_warnings(experiment, &warnings, errors) : status;
    errors_free(&warnings);
    return status;
}

/* The end of an opening: the experiment, or NULL if it failed with `status`. */
static rondo_experiment *opened(rondo_experiment *experiment, rondo_status status, struct errors *errors, char *error,
                                size_t size) {
    embed_errors(errors, error, size);
    if (status != RONDO_OK) {
        rondo_experiment_close(experiment);
        return NULL;
    }
    return experiment;
}

rondo_experiment *rondo_experiment_open(const char *file, const char *const *assignments, int32_t threads, char *error,
                                        size_t size) {
    struct errors errors = {0};
    rondo_experiment *experiment = memory_calloc(1, sizeof *experiment);
    const rondo_status status = experiment == NULL ? errors_no_memory(&errors)
                                                   : open_experiment(experiment, file, assignments, threads, &errors);
    return opened(experiment, status, &errors, error, size);
}

rondo_experiment *rondo_experiment_resume(const char *folder, const char *const *assignments, int32_t accept_changes,
                                          int32_t threads, char *error, size_t size) {
    struct errors errors = {0};
    const struct resume_settings settings = {
        .folder = folder, .assignments = assignments, .accepts_changes = accept_changes != 0};
    rondo_experiment *experiment = memory_calloc(1, sizeof *experiment);
    const rondo_status status =
        experiment == NULL ? errors_no_memory(&errors) : resume_experiment(experiment, &settings, threads, &errors);
    return opened(experiment, status, &errors, error, size);
}

const char *rondo_experiment_warnings(const rondo_experiment *experiment) {
    return experiment->warnings;
}

void rondo_experiment_close(rondo_experiment *experiment) {
    if (experiment != NULL) {
        if (experiment->is_resumed) {
            resume_close(&experiment->resume);
        } else {
            task_destroy(experiment->task);
        }
        session_destroy(experiment->session);
        free(experiment);
    }
}

static void tell_progress(rondo_experiment *experiment, const struct trainer_progress *state, int validated) {
    if (experiment->progress == NULL || experiment->is_stopped) {
        return;
    }
    const struct network *network = experiment->task->network;
    const rondo_training training = {
        .struct_size = sizeof training,
        .epoch_ended = validated && state->update == state->updates,
        .epoch = state->epoch,
        .epochs = state->epochs,
        .update = state->update,
        .updates = state->updates,
        .total_updates = state->steps,
        .seconds = state->interval_seconds,
        .loss = network_metric(network, state->train, 0),
        .valid_loss = validated && state->valid != NULL ? network_metric(network, state->valid, 0) : (double)NAN,
        .is_best = validated && state->is_best,
        .validated = validated};
    experiment->is_stopped = experiment->progress(experiment->arg, &training) != 0;
}

static void on_update(void *arg, const struct trainer_progress *state) {
    const rondo_experiment *experiment = arg;
    if (state->skip_reason != NULL) {
        log_line(registry_log(experiment->session->registry), LOG_LEVEL_INFO, NULL, "step %lld is skipped: %s",
                 (long long)state->steps, state->skip_reason);
    }
    tell_progress(arg, state, 0);
}

static void on_rollback(void *arg, int64_t rollbacks, int64_t step, double lr_factor, const char *reason) {
    const rondo_experiment *experiment = arg;
    log_line(registry_log(experiment->session->registry), LOG_LEVEL_INFO, NULL,
             "the training goes back to step %lld, rollback %lld, learning rate times %g: %s", (long long)step,
             (long long)rollbacks, lr_factor, reason);
}

static void on_interval(void *arg, const struct trainer_progress *state) {
    tell_progress(arg, state, 1);
}

void rondo_experiment_set_log(rondo_experiment *experiment, rondo_log_function function, void *arg) {
    registry_set_log(experiment->session->registry, (struct log_receiver){function, arg});
}

static rondo_status train(rondo_experiment *experiment, const char *folder, struct errors *errors) {
    const struct train_observer observer = {
        .update_end = on_update, .interval_end = on_interval, .rollback = on_rollback, .arg = experiment};
    struct train_result result;
    if (experiment->is_resumed && folder != NULL) {
        return errors_add(errors, RONDO_INVALID,
                          "the training of a resumed run goes on in its own folder: expected NULL, not '%s'", folder);
    }
    if (experiment->is_resumed && experiment->resume.run == NULL) {
        return errors_add(errors, RONDO_INVALID,
                          "a resumed run is trained once; rondo_experiment_resume opens it again");
    }
    const rondo_status status = experiment->is_resumed
                                    ? train_resume(&experiment->resume, &observer, &result, errors)
                                    : train_experiment(experiment->task, folder, &observer, &result, errors);
    experiment->folder = result.folder;
    return status;
}

rondo_status rondo_experiment_train(rondo_experiment *experiment, const char *folder, rondo_progress progress,
                                    void *arg, char *error, size_t size) {
    struct errors errors = {0};
    experiment->progress = progress;
    experiment->arg = arg;
    experiment->is_stopped = 0;
    train(experiment, folder, &errors);
    return embed_errors(&errors, error, size);
}

const char *rondo_experiment_folder(const rondo_experiment *experiment) {
    return experiment->folder;
}
