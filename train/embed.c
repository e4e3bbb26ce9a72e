/* train/embed.c: the embedding API (rondo/rondo.h): training. */
#include <math.h>
#include <stdlib.h>

#include "config.h"
#include "core/memory.h"
#include "train/embed_errors.h"
#include "train/train.h"

const char *rondo_version(void) {
    return RONDO_VERSION;
}

/* ---- training ---- */

struct rondo_experiment {
    struct session *session;
    struct task *task;
    const char *folder; /* of the last run; NULL: none */
    /* While it trains. */
    rondo_progress progress; /* may be NULL */
    void *arg;
    int is_stopped; /* `progress` has ended the training */
};

static int is_stopped(void *arg) {
    const rondo_experiment *experiment = arg;
    return experiment->is_stopped;
}

static rondo_status open_experiment(rondo_experiment *experiment, const char *file, const char *const *assignments,
                                    int32_t threads, struct errors *errors) {
    if (file == NULL || threads < 0) {
        return errors_add(errors, RONDO_INVALID, file == NULL ? "the file is NULL" : "threads is negative");
    }
    const struct session_settings settings = {.threads = threads,
                                              .interrupt = {.is_requested = is_stopped, .arg = experiment}};
    experiment->session = session_create(&settings, errors);
    if (experiment->session != NULL) {
        experiment->task = task_open(file, assignments, experiment->session, TASK_TRAIN | TASK_VALID, errors);
    }
    return errors->status;
}

rondo_experiment *rondo_experiment_open(const char *file, const char *const *assignments, int32_t threads, char *error,
                                        size_t size) {
    struct errors errors = {0};
    rondo_experiment *experiment = memory_calloc(1, sizeof *experiment);
    const rondo_status status = experiment == NULL ? errors_no_memory(&errors)
                                                   : open_experiment(experiment, file, assignments, threads, &errors);
    embed_errors(&errors, error, size);
    if (status != RONDO_OK) {
        rondo_experiment_close(experiment);
        return NULL;
    }
    return experiment;
}

void rondo_experiment_close(rondo_experiment *experiment) {
    if (experiment != NULL) {
        task_destroy(experiment->task);
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
    tell_progress(arg, state, 0);
}

static void on_interval(void *arg, const struct trainer_progress *state) {
    tell_progress(arg, state, 1);
}

void rondo_experiment_set_log(rondo_experiment *experiment, rondo_log_function function, void *arg) {
    registry_set_log(experiment->session->registry, (struct log_receiver){function, arg});
}

rondo_status rondo_experiment_train(rondo_experiment *experiment, const char *folder, rondo_progress progress,
                                    void *arg, char *error, size_t size) {
    struct errors errors = {0};
    struct train_result result;
    const struct train_observer observer = {NULL, on_update, on_interval, experiment};
    experiment->progress = progress;
    experiment->arg = arg;
    experiment->is_stopped = 0;
    train_experiment(experiment->task, folder, &observer, &result, &errors);
    experiment->folder = result.folder;
    return embed_errors(&errors, error, size);
}

const char *rondo_experiment_folder(const rondo_experiment *experiment) {
    return experiment->folder;
}
