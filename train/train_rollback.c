/* train/train_rollback.c: a training goes back to a checkpoint after a value that is not finite. */
#include <string.h>

#include "train/run_record.h"
#include "train/train_parts.h"

rondo_status training_cut_logs(struct run_folder *run, const int64_t lengths[RUN_LOG_COUNT], struct errors *errors) {
    RONDO_TRY(run_folder_cut(run, RUN_METRICS, lengths[RUN_METRICS], errors));
    if (run_folder_is_finished(run)) { /* where lines are missing, that of an earlier end may be within the length */
        RONDO_TRY(run_folder_cut(run, RUN_METRICS, run_folder_length(run, RUN_METRICS) - 1, errors));
    }
    RONDO_TRY(run_folder_cut(run, RUN_TIMINGS, lengths[RUN_TIMINGS], errors));
    return run_folder_cut(run, RUN_SAMPLES, lengths[RUN_SAMPLES], errors);
}

int training_may_go_back(const struct experiment_training *training, rondo_status status, struct errors *errors) {
    const int64_t rollbacks = training->result->trainer.rollbacks;
    if (status != RONDO_NOT_FINITE || !training_rolls_back(training)) {
        return 0;
    }
    if (rollbacks >= training->task->experiment->schedule.options.nonfinite_limit) {
        errors_add(errors, status, "the training has gone back %lld times, and schedule.nonfinite_limit allows no more",
                   (long long)rollbacks);
        return 0;
    }
    return 1;
}

/* 1 if the archive records another origin than this training has. */
static int is_of_other_origin(struct archive *archive, const struct archive *identity) {
    int is_other = 0;
    for (int32_t i = 0; i < archive_count(identity); i++) {
        const struct archive_entry *entry = archive_entry(identity, i);
        struct errors missing = {0};
        const char *text =
            entry->kind == ARCHIVE_TEXT ? archive_take_text(archive, &missing, "%s", entry->name) : entry->data;
        is_other |= text == NULL || (entry->kind == ARCHIVE_TEXT && strcmp(text, entry->data) != 0);
        errors_free(&missing);
    }
    return is_other;
}

/* Writes the checkpoint that a rollback goes to again, if it is from before changes that were accepted: as the newest one, it would
 * be refused by a plain resume. Its state stays as it is. */
static rondo_status renew_origin(struct experiment_training *training, struct errors *errors) {
    const struct archive *back = training->back, *identity = training->identity;
    if (!is_of_other_origin(training->back, identity)) {
        return RONDO_OK;
    }
    struct archive *archive = checkpoint_writer_archive(training->writer, errors);
    if (archive == NULL) {
        return errors->status;
    }
    for (int32_t i = 0; i < archive_count(back); i++) {
        const struct archive_entry *from = archive_entry(back, i);
        if (!archive_has(identity, "%s", from->name) && strcmp(from->name, "trainer.epochs") != 0) {
            struct archive_entry *to = archive_add(archive, from->name, from->kind, from->ndim, from->shape);
            if (to != NULL && from->bytes > 0) {
                memcpy(to->data, from->data, from->bytes);
            }
        }
    }
    archive_put_integer(archive, training->task->experiment->schedule.options.epochs, "trainer.epochs");
    archive_put_all(archive, identity);
    RONDO_TRY(checkpoint_writer_begin(training->writer, training->fallback_step, errors));
    return checkpoint_writer_wait(training->writer, errors);
}

/* Later checkpoints must not remain, since they count other lines of the logs. */
rondo_status training_go_back(struct experiment_training *training, int64_t rollbacks, double lost_seconds,
                              const char *reason, struct errors *errors) {
    const struct task *task = training->task;
    const struct schedule_options *schedule = &task->experiment->schedule.options;
    const int64_t step = training->fallback_step == RUN_FOLDER_NO_CHECKPOINT ? 0 : training->fallback_step;
    double lr_factor = 1;
    int64_t lengths[RUN_LOG_COUNT];
    int64_t earlier = 0; /* rollbacks before that state; its logs have their lines */
    RONDO_TRY(checkpoint_writer_wait(training->writer, errors));
    if (training->fallback_step != RUN_FOLDER_NO_CHECKPOINT) {
        RONDO_TRY(run_folder_read_checkpoint_of(training->run, training->fallback_step, &training->back, errors));
        RONDO_TRY(archive_take_integer(training->back, &earlier, errors, "trainer.rollbacks"));
        RONDO_TRY(renew_origin(training, errors)); /* before the later ones are removed */
    } else {
        RONDO_TRY(model_initialise(network_model(task->network), (uint64_t)schedule->seed, &task->session->interrupt,
                                   errors));
    }
    run_folder_forget_checkpoints(training->run, training->fallback_step);
    RONDO_TRY(resume_take_lengths(training->back, lengths, errors));
    RONDO_TRY(training_cut_logs(training->run, lengths, errors));
    for (int64_t k = earlier + 1; k <= rollbacks; k++) {
        lr_factor = trainer_rollback_factor(schedule->rollback_factor, k);
        RONDO_TRY(run_record_rollback(training->run, k, step, lr_factor, k == rollbacks ? lost_seconds : 0, errors));
    }
    training->is_checkpoint_due = 0;
    training->resume = NULL; /* the training has begun, and the folder is as it should be */
    if (training->observer->rollback != NULL) {
        training->observer->rollback(training->observer->arg, rollbacks, step, lr_factor, reason);
    }
    return RONDO_OK;
}
