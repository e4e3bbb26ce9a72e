#include "train/resume.h"

#include <string.h>

#include "train/run_identity.h"
#include "train/run_record.h"
#include "train/schedule.h"

static const struct archive_range any_epochs = {1, 1000000}; /* as of schedule.epochs */

/* What was trained cannot be taken away, with --accept-changes neither. */
static rondo_status check_epochs(const struct resume *resume, struct errors *errors) {
    const struct yaml_node *schedule = yaml_get(resume->task->experiment->root, "schedule");
    const int64_t epochs = resume->task->experiment->schedule.options.epochs;
    int64_t epoch = 0;
    RONDO_TRY(archive_take_count(resume->archive, &epoch, any_epochs, errors, "trainer.epoch"));
    return epochs >= epoch ? RONDO_OK
                           : errors_add_at(errors, RONDO_INVALID, yaml_get(schedule, "epochs")->where,
                                           "'schedule.epochs' is %lld, and the run is already in epoch %lld",
                                           (long long)epochs, (long long)epoch);
}

/* Adds a difference if the learning rate of the updates before the checkpoint depends on the length of the run. */
static rondo_status compare_epochs(const struct resume *resume, struct errors *differences, struct errors *errors) {
    const struct task *task = resume->task;
    const int64_t epochs = task->experiment->schedule.options.epochs;
    int64_t planned = 0, update = -1;
    RONDO_TRY(archive_take_count(resume->archive, &planned, any_epochs, errors, "trainer.epochs"));
    if (epochs == planned) {
        return RONDO_OK;
    }
    const struct schedule_settings settings = task_schedule(task);
    struct schedule *schedule = schedule_create(&settings, errors);
    if (schedule == NULL) {
        return errors->status;
    }
    rondo_status status = schedule_load(schedule, resume->archive, errors);
    if (status == RONDO_OK) {
        status = schedule_find_change(schedule, task->updates_per_epoch * planned, resume->step, &update, errors);
    }
    schedule_destroy(schedule);
    if (status == RONDO_OK && update >= 0) {
        errors_add(differences, RONDO_INVALID,
                   "schedule.epochs was %lld and is %lld: '%s' spreads the learning rate over the whole run, so update "
                   "%lld would have had another one",
                   (long long)planned, (long long)epochs, settings.plugin->base.name, (long long)update + 1);
    }
    return status;
}

rondo_status resume_take_lengths(struct archive *archive, int64_t lengths[RUN_LOG_COUNT], struct errors *errors) {
    const struct archive_range any = {0, ARCHIVE_MOST};
    lengths[RUN_METRICS] = lengths[RUN_TIMINGS] = 0;
    if (archive == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(archive_take_count(archive, &lengths[RUN_METRICS], any, errors, "files.metrics"));
    return archive_take_count(archive, &lengths[RUN_TIMINGS], any, errors, "files.timings");
}

/* Lines that are missing in metrics.jsonl are a difference, as they are a result; what was measured is not worth a refusal. */
static rondo_status compare_logs(const struct resume *resume, struct errors *differences, struct errors *notes,
                                 struct errors *errors) {
    int64_t lengths[RUN_LOG_COUNT];
    RONDO_TRY(resume_take_lengths(resume->archive, lengths, errors));
    run_folder_compare_log(resume->run, RUN_METRICS, lengths[RUN_METRICS], differences);
    run_folder_compare_log(resume->run, RUN_TIMINGS, lengths[RUN_TIMINGS], notes);
    return RONDO_OK;
}

/* Compares what the run was made from with what there is now. */
static rondo_status compare(struct resume *resume, const struct resume_settings *settings, struct errors *notes,
                            struct errors *errors) {
    struct errors differences = {0};
    rondo_status status = RONDO_OK;
    if (resume->archive != NULL) {
        status = check_epochs(resume, errors);
        status =
            status == RONDO_OK ? run_identity_compare(resume->task, resume->archive, &differences, errors) : status;
        /* With another schedule, its state does not fit. */
        const int goes_on = status == RONDO_OK && (differences.count == 0 || settings->accepts_changes);
        status = goes_on ? compare_epochs(resume, &differences, errors) : status;
        status = status == RONDO_OK ? compare_logs(resume, &differences, notes, errors) : status;
    } else {
        run_record_changes(settings->folder, resume->task, TASK_TRAIN | TASK_VALID, &differences);
    }
    resume->is_other = differences.count > 0;
    if (status == RONDO_OK && resume->is_other && !settings->accepts_changes) {
        status = errors_add(errors, RONDO_INVALID, "'%s' would not go on as it began:", settings->folder);
        errors_move(errors, &differences);
    }
    errors_move(notes, &differences);
    errors_free(&differences);
    return status;
}

/* A finished run always has one, unless it was removed, or the run is of a version that wrote none: to begin again would
 * replace its weights by those of a training that may not end. */
static rondo_status check_checkpoint(struct resume *resume, struct errors *errors) {
    int64_t step = 0;
    if (resume->archive != NULL) {
        const struct archive_range named = {resume->step, resume->step}; /* by the file: it may have been renamed */
        return archive_take_count(resume->archive, &step, named, errors, "trainer.steps");
    }
    resume->step = 0;
    return run_folder_is_finished(resume->run)
               ? errors_add(errors, RONDO_INVALID,
                            "the run '%s' has finished, and has no checkpoint from which it could go on",
                            run_folder_path(resume->run))
               : RONDO_OK;
}

rondo_status resume_open(struct resume *resume, const struct resume_settings *settings, struct session *session,
                         struct errors *notes, struct errors *errors) {
    *resume = (struct resume){.run = run_folder_open(settings->folder, errors)};
    if (resume->run == NULL) {
        return errors->status;
    }
    RONDO_TRY(run_folder_read_checkpoint(resume->run, &resume->archive, &resume->step, notes, errors));
    RONDO_TRY(check_checkpoint(resume, errors));
    resume->task = run_record_reopen(settings->folder, settings->assignments, session, errors);
    if (resume->task == NULL) {
        return errors->status;
    }
    RONDO_TRY(compare(resume, settings, notes, errors));
    resume->has_changed = resume->is_other || (settings->assignments != NULL && settings->assignments[0] != NULL);
    return RONDO_OK;
}

void resume_close(struct resume *resume) {
    run_folder_close(resume->run);
    archive_destroy(resume->archive);
    task_destroy(resume->task);
    *resume = (struct resume){0};
}
