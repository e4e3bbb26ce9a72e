/* train/embed.c: the embedding API (rondo/rondo.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "io/utf8.h"
#include "rondo/rondo.h"
#include "train/run_record.h"
#include "train/train.h"

enum { BATCH = 64 };

const char *rondo_version(void) {
    return RONDO_VERSION;
}

/* Writes all errors to `error`, one per line; the list is empty afterwards. Returns the first status. */
static rondo_status give_errors(struct errors *errors, char *error, size_t size) {
    const rondo_status status = errors->status;
    size_t used = 0;
    if (size > 0) {
        error[0] = '\0';
    }
    for (int32_t i = 0; i < errors->count && i < ERRORS_MAX && used < size; i++) {
        const int length = snprintf(error + used, size - used, "%s%s", i == 0 ? "" : "\n", errors_text(errors, i));
        used += length < 0 ? size : (size_t)length;
    }
    errors_free(errors);
    return status;
}

/* ---- prediction ---- */

struct rondo_run {
    struct session *session;
    struct task *task;
};

rondo_run *rondo_run_open(const char *folder, int32_t threads, char *error, size_t size) {
    struct errors errors = {0};
    rondo_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        errors_no_memory(&errors);
    } else if (folder == NULL || threads < 0) {
        errors_add(&errors, RONDO_INVALID, folder == NULL ? "the folder is NULL" : "threads is negative");
    } else {
        const struct session_settings settings = {.threads = threads};
        run->session = session_create(&settings, &errors);
        run->task = run->session == NULL ? NULL : run_record_open(folder, NULL, NULL, run->session, 0, &errors);
    }
    if (give_errors(&errors, error, size) != RONDO_OK) {
        rondo_run_close(run);
        return NULL;
    }
    return run;
}

void rondo_run_close(rondo_run *run) {
    if (run != NULL) {
        task_destroy(run->task);
        session_destroy(run->session);
        free(run);
    }
}

_Static_assert((int)RONDO_LOG_DEBUG == (int)LOG_LEVEL_DEBUG && (int)RONDO_LOG_INFO == (int)LOG_LEVEL_INFO,
               "the levels of rondo.h are those of core/log.h");

void rondo_run_set_log(rondo_run *run, rondo_log_function function, void *arg) {
    registry_set_log(run->session->registry, (struct log_receiver){function, arg});
}

int64_t rondo_run_outputs(const rondo_run *run) {
    return network_prediction_size(run->task->network);
}

const char *rondo_run_label(const rondo_run *run, int64_t index) {
    const struct vocabulary *labels = network_predicts_classes(run->task->network) ? run->task->reader.labels : NULL;
    return labels == NULL || index < 0 || index >= vocabulary_size(labels) ? NULL
                                                                           : vocabulary_word(labels, (int32_t)index);
}

static rondo_status predict(rondo_run *run, struct dataset *dataset, const char *const *texts, int64_t count,
                            float *predictions, struct errors *errors) {
    if (count < 0 || (count > 0 && (texts == NULL || predictions == NULL))) {
        return errors_add(errors, RONDO_INVALID, count < 0 ? "count is negative" : "texts or predictions is NULL");
    }
    for (int64_t i = 0; i < count; i++) {
        size_t bad;
        if (texts[i] == NULL) {
            return errors_add(errors, RONDO_INVALID, "text %lld is NULL", (long long)i);
        }
        if (!utf8_check(texts[i], strlen(texts[i]), &bad)) {
            return errors_add(errors, RONDO_INVALID, "text %lld is no UTF-8 at byte %zu", (long long)i, bad);
        }
        RONDO_TRY(text_reader_add(&run->task->reader, texts[i], dataset, errors));
    }
    RONDO_TRY(dataset_fits(dataset, network_architecture(run->task->network), 0, "texts", errors));
    return network_predict(run->task->network, dataset, BATCH, predictions, errors);
}

rondo_status rondo_run_predict(rondo_run *run, const char *const *texts, int64_t count, float *predictions, char *error,
                               size_t size) {
    struct errors errors = {0};
    struct dataset *dataset = text_reader_dataset(&run->task->reader);
    if (dataset == NULL) {
        errors_no_memory(&errors);
    } else {
        predict(run, dataset, texts, count, predictions, &errors);
    }
    dataset_destroy(dataset);
    return give_errors(&errors, error, size);
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
    const struct session_settings settings = {.threads = threads, .interrupt = {is_stopped, experiment}};
    experiment->session = session_create(&settings, errors);
    if (experiment->session != NULL) {
        experiment->task = task_open(file, assignments, experiment->session, TASK_TRAIN | TASK_VALID, errors);
    }
    return errors->status;
}

rondo_experiment *rondo_experiment_open(const char *file, const char *const *assignments, int32_t threads, char *error,
                                        size_t size) {
    struct errors errors = {0};
    rondo_experiment *experiment = calloc(1, sizeof *experiment);
    const rondo_status status = experiment == NULL ? errors_no_memory(&errors)
                                                   : open_experiment(experiment, file, assignments, threads, &errors);
    give_errors(&errors, error, size);
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

static void tell_progress(rondo_experiment *experiment, const struct trainer_progress *state, int epoch_ended) {
    if (experiment->progress == NULL || experiment->is_stopped) {
        return;
    }
    const struct network *network = experiment->task->network;
    const rondo_training training = {
        .struct_size = sizeof training,
        .epoch_ended = epoch_ended,
        .epoch = state->epoch,
        .epochs = state->epochs,
        .update = state->batch,
        .updates = state->batches,
        .total_updates = state->steps,
        .seconds = state->seconds,
        .loss = network_metric(network, state->train, 0),
        .valid_loss = epoch_ended && state->valid != NULL ? network_metric(network, state->valid, 0) : (double)NAN,
        .is_best = epoch_ended && state->is_best};
    experiment->is_stopped = experiment->progress(experiment->arg, &training) != 0;
}

static void on_batch(void *arg, const struct trainer_progress *state) {
    tell_progress(arg, state, 0);
}

static void on_epoch(void *arg, const struct trainer_progress *state) {
    tell_progress(arg, state, 1);
}

void rondo_experiment_set_log(rondo_experiment *experiment, rondo_log_function function, void *arg) {
    registry_set_log(experiment->session->registry, (struct log_receiver){function, arg});
}

rondo_status rondo_experiment_train(rondo_experiment *experiment, const char *folder, rondo_progress progress,
                                    void *arg, char *error, size_t size) {
    struct errors errors = {0};
    struct train_result result;
    const struct train_observer observer = {NULL, on_batch, on_epoch, experiment};
    experiment->progress = progress;
    experiment->arg = arg;
    experiment->is_stopped = 0;
    train_experiment(experiment->task, folder, &observer, &result, &errors);
    experiment->folder = result.folder;
    return give_errors(&errors, error, size);
}

const char *rondo_experiment_folder(const rondo_experiment *experiment) {
    return experiment->folder;
}
