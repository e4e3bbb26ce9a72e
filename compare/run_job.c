#include "compare/run_job.h"

#include <jansson.h>
#include <string.h>

#include "compare/run_result.h"
#include "io/file.h"
#include "io/folder.h"
#include "store/run_folder.h"
#include "train/resume.h"
#include "train/run_record.h"
#include "train/task_trial.h"

/* ---- pauses ---- */

/* Requests an interrupt at the end of an epoch, in addition to the signals. */
struct run_pause {
    struct interrupt signals;
    const struct train_observer *observer; /* that of the caller */
    int64_t epoch;                         /* 0: no pause */
    int is_due;
};

static int is_requested(void *arg) {
    const struct run_pause *pause = arg;
    return pause->is_due || interrupt_is_requested(&pause->signals);
}

static void begin_saving(void *arg) {
    const struct run_pause *pause = arg;
    interrupt_begin_saving(&pause->signals);
}

static void on_begin(void *arg, const struct task *task, const char *folder) {
    const struct run_pause *pause = arg;
    if (pause->observer->begin != NULL) {
        pause->observer->begin(pause->observer->arg, task, folder);
    }
}

static void on_update(void *arg, const struct trainer_progress *progress) {
    const struct run_pause *pause = arg;
    if (pause->observer->update_end != NULL) {
        pause->observer->update_end(pause->observer->arg, progress);
    }
}

static void on_interval(void *arg, const struct trainer_progress *progress) {
    struct run_pause *pause = arg;
    const int is_last = progress->epoch == progress->epochs && progress->update == progress->updates;
    if (pause->observer->interval_end != NULL) {
        pause->observer->interval_end(pause->observer->arg, progress);
    }
    pause->is_due |=
        pause->epoch > 0 && !is_last && progress->update == progress->updates && progress->epoch >= pause->epoch;
}

/* ---- failures ---- */

const char *run_job_identity(const struct comparison_plan *plan, const struct run_job *job, struct arena *arena) {
    const struct planned_variant *variant = &plan->variants[job->variant];
    const char *text = arena_printf(arena, "%s %lld", variant->identity, (long long)job->seed);
    for (int32_t i = 0; i < job->n_more && text != NULL; i++) {
        const char *value = yaml_line(job->more[i].value, arena);
        text = value == NULL ? NULL : arena_printf(arena, "%s\n%s: %s", text, job->more[i].key, value);
    }
    return text == NULL ? NULL : arena_strdup(arena, fingerprint_of_bytes(text, strlen(text)).hash);
}

/* 1 if the same training would fail in the same way again. */
static int is_final(rondo_status status) {
    return status == RONDO_NOT_FINITE || status == RONDO_INVALID || status == RONDO_NOT_FOUND ||
           status == RONDO_INTERNAL;
}

/* The errors as one line: a text that ends with a colon is followed by its list. From `arena`; NULL: out of memory. */
static const char *reason_of(const struct errors *errors, struct arena *arena) {
    const char *reason = arena_strdup(arena, errors_text(errors, 0));
    for (int32_t i = 1; i < errors->count && i < ERRORS_MAX && reason != NULL; i++) {
        const size_t length = strlen(reason);
        if (i == 1 ? length == 0 || reason[length - 1] != ':' : 1) {
            break;
        }
        reason = arena_printf(arena, "%s %s", reason, errors_text(errors, i));
    }
    return reason;
}

/* Records the failure of a run, and frees `own`. `can_be_final` 0: it is tried again in any case. Where another process trains the run, as Slurm may start a task again before it
 * has lost the first, the failure is not that of the run. */
static rondo_status record_failure(const struct comparison_plan *plan, const struct run_job *job, rondo_status status,
                                   int can_be_final, struct errors *own, struct errors *errors) {
    if (status == RONDO_OK || status == RONDO_INTERRUPTED) {
        errors_free(own);
        return status;
    }
    if (run_folder_is_in_use(job->folder)) {
        errors_free(own);
        return errors_add(errors, RONDO_IO, "another process trains in '%s' now", job->folder);
    }
    struct arena *arena = arena_create();
    const char *reason = reason_of(own, arena);
    if (reason != NULL && status == RONDO_INVALID && !can_be_final && folder_is(job->folder)) {
        reason = arena_printf(arena, "%s; without the folder '%s' the run is trained again", reason, job->folder);
    }
    const char *identity = can_be_final && is_final(status) ? run_job_identity(plan, job, arena) : NULL;
    const rondo_status recorded =
        run_result_fail(job->folder, reason == NULL ? errors_text(own, 0) : reason, identity, errors);
    arena_destroy(arena);
    errors_free(own);
    return recorded == RONDO_OK ? status : recorded;
}

/* ---- training ---- */

static struct task *open_task(const struct comparison_plan *plan, const struct run_job *job, struct errors *errors) {
    return comparison_plan_task(plan, job->variant, job->more, job->n_more, job->seed, errors);
}

/* Makes the folders around that of the run. A run that fails early removes the folders that it has made, as far as they are
 * empty: these must not be among them, since other runs are in them, or are about to be. */
static rondo_status make_folders_around(const struct run_job *job, struct errors *errors) {
    struct arena *arena = arena_create();
    const char *around = path_folder(arena, job->folder);
    const rondo_status status = around == NULL ? errors_no_memory(errors) : folder_make(around, errors);
    arena_destroy(arena);
    return status;
}

static rondo_status begin(const struct comparison_plan *plan, const struct run_job *job,
                          const struct train_observer *observer, struct errors *errors) {
    struct train_result result;
    RONDO_TRY(make_folders_around(job, errors));
    struct task *task = open_task(plan, job, errors);
    const rondo_status status =
        task == NULL ? errors->status : train_experiment(task, job->folder, observer, &result, errors);
    task_destroy(task);
    return status;
}

/* *is_open: 1 if the training went on, so that a failure is its own; 0 if the run is damaged or was changed. */
static rondo_status go_on(const struct comparison_plan *plan, const struct run_job *job,
                          const struct train_observer *observer, int *is_open, struct errors *errors) {
    const struct resume_settings settings = {.folder = job->folder};
    struct resume resume;
    struct train_result result;
    struct errors notes = {0};
    rondo_status status = resume_open(&resume, &settings, plan->session, &notes, errors);
    *is_open = status == RONDO_OK;
    if (status == RONDO_OK) {
        status = train_resume(&resume, observer, &result, errors);
    }
    errors_free(&notes);
    resume_close(&resume);
    return status;
}

rondo_status run_job_train(const struct comparison_plan *plan, const struct run_job *job,
                           const struct train_observer *observer, struct errors *errors) {
    struct session *session = plan->session;
    struct run_pause pause = {.signals = session->interrupt, .observer = observer, .epoch = job->pause_epoch};
    const struct train_observer own_observer = {
        .begin = on_begin, .update_end = on_update, .interval_end = on_interval, .arg = &pause};
    struct errors own = {0};
    int can_be_final = 1;
    session->parallel.threads = job->threads;
    session->interrupt = (struct interrupt){.is_requested = is_requested, .begin_saving = begin_saving, .arg = &pause};
    run_result_forget_failure(job->folder);
    rondo_status status = run_folder_is_free(job->folder) ? begin(plan, job, &own_observer, &own)
                                                          : go_on(plan, job, &own_observer, &can_be_final, &own);
    session->interrupt = pause.signals;
    if (status == RONDO_INTERRUPTED && pause.is_due) {
        status = RONDO_OK;
    }
    return record_failure(plan, job, status, can_be_final, &own, errors);
}

/* ---- scoring ---- */

static rondo_status score(const struct comparison_plan *plan, const struct run_job *job, struct errors *errors) {
    static const char *const no_more[] = {NULL};
    const struct run_record_settings settings = {.folder = job->folder, .which = TASK_TEST, .metrics = no_more};
    struct scores scores = {0};
    struct task *task = run_record_open(&settings, plan->session, errors);
    rondo_status status = task == NULL ? errors->status : RONDO_OK;
    if (status == RONDO_OK && task->data.test == NULL) {
        status = errors_add(errors, RONDO_INVALID, "the run '%s' has no test data", job->folder);
    }
    if (status == RONDO_OK) {
        status = network_evaluate(task->network, task->data.test, task->experiment->schedule.batch, &scores, errors);
    }
    if (status == RONDO_OK) {
        json_t *object = json_object();
        const char *data = comparison_test_data(task->experiment, task->experiment->arena, errors);
        const int has_changed = data != NULL && strcmp(data, plan->variants[job->variant].test_data) != 0;
        status = data == NULL  ? errors->status
                 : has_changed ? errors_add(errors, RONDO_IO, "the test data have changed since the comparison began")
                 : object == NULL || run_record_scores(object, task->network, &scores) != 0
                     ? errors_no_memory(errors)
                     : run_result_write_scores(job->folder, "test", data, object, errors);
        json_decref(object);
    }
    task_destroy(task);
    return status;
}

rondo_status run_job_score(const struct comparison_plan *plan, const struct run_job *job, struct errors *errors) {
    struct errors own = {0};
    plan->session->parallel.threads = job->threads;
    return record_failure(plan, job, score(plan, job, &own), 0, &own, errors); /* the test data may be corrected */
}

/* ---- estimates ---- */

/* The first updates of a training, which ends once they took long enough. */
struct run_trial {
    struct interrupt signals;
    double start, seconds; /* of the updates after the first */
    int64_t updates;
    int is_due;
};

static int trial_is_over(void *arg) {
    const struct run_trial *trial = arg;
    return trial->is_due || interrupt_is_requested(&trial->signals);
}

static rondo_status on_trial_update(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    enum { LEAST = 3 };
    const double enough = 0.3; /* seconds */
    struct run_trial *trial = arg;
    (void)errors;
    if (progress->steps == 1) { /* the first has packed weights and got memory for the rest */
        trial->start = trainer_clock();
        return RONDO_OK;
    }
    trial->updates = progress->steps - 1;
    trial->seconds = trainer_clock() - trial->start;
    trial->is_due = trial->updates >= LEAST && trial->seconds >= enough;
    return RONDO_OK;
}

static rondo_status estimate(struct task *task, struct run_trial *trial, double *seconds, double *bytes,
                             struct errors *errors) {
    struct task_memory memory;
    RONDO_TRY(task_trial_memory(task, &memory, errors));
    *bytes = (double)task_memory_total(&memory);
    RONDO_TRY(model_initialise(network_model(task->network), (uint64_t)task->experiment->schedule.options.seed, NULL,
                               errors));
    struct trainer_settings settings = train_settings(task);
    const int64_t updates = task->updates_per_epoch * settings.epochs;
    const struct trainer_observer observer = {.update_end = on_trial_update, .arg = trial};
    struct trainer_result result;
    struct errors own = {0};
    settings.metric = 0;
    settings.n_more_metrics = 0;
    settings.patience = 0;
    const rondo_status status = trainer_run(task->network, task->data.train, NULL, &settings, &observer, &result, &own);
    if (status == RONDO_OK || trial->is_due) {
        errors_free(&own);
        *seconds = trial->updates == 0 ? trial->seconds : trial->seconds / (double)trial->updates * (double)updates;
        return RONDO_OK;
    }
    errors_move(errors, &own);
    return status;
}

rondo_status run_job_estimate(const struct comparison_plan *plan, const struct run_job *job, double *seconds,
                              double *bytes, struct errors *errors) {
    struct session *session = plan->session;
    struct run_trial trial = {.signals = session->interrupt};
    session->parallel.threads = job->threads;
    session->interrupt = (struct interrupt){.is_requested = trial_is_over, .arg = &trial};
    struct task *task = open_task(plan, job, errors);
    const rondo_status status = task == NULL ? errors->status : estimate(task, &trial, seconds, bytes, errors);
    task_destroy(task);
    session->interrupt = trial.signals;
    return status;
}
