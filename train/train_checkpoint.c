/* train/train_checkpoint.c: when the state of a training is saved. */
#include "train/train_parts.h"

int training_rolls_back(const struct experiment_training *training) {
    return training->task->experiment->schedule.options.on_nonfinite == NONFINITE_ROLLBACK;
}

/* 1 if a rollback may go to the state after update number `steps`. What follows a validation always counts, so that no file of
 * best weights is newer than that state. The last state does not count before its validation, which may be what fails. */
static int is_regular(const struct experiment_training *training, int64_t steps) {
    const struct task *task = training->task;
    const struct checkpoint_every *every = &task->experiment->schedule.checkpoint_every;
    const int64_t total = task->experiment->schedule.options.epochs * task->updates_per_epoch;
    return steps > 0 && (steps == training->validated_step ||
                         (steps < total && (duration_reaches((double)every->steps, steps) ||
                                            duration_reaches(every->epochs * (double)task->updates_per_epoch, steps))));
}

rondo_status training_begin_checkpoint(struct experiment_training *training, enum trainer_pause why, int64_t step,
                                       const struct training *state, struct errors *errors) {
    struct archive *archive = checkpoint_writer_archive(training->writer, errors);
    if (archive == NULL) {
        return errors->status;
    }
    /* Where a training was interrupted, a validation may still be due. */
    if (!training_rolls_back(training) || (why != TRAINER_INTERRUPTED && is_regular(training, step))) {
        training->fallback_step = step;
    }
    run_folder_protect(training->run, training->fallback_step);
    training->is_checkpoint_due = 0;
    training->checkpoint_clock = trainer_clock();
    RONDO_TRY(run_folder_check_logs(training->run, errors));
    if (training->events != NULL) { /* as the logs: no checkpoint knows more intervals than the disk has */
        RONDO_TRY(event_file_sync(training->events, errors));
    }
    archive_put_all(archive, training->identity);
    archive_put_integer(archive, run_folder_length(training->run, RUN_METRICS), "files.metrics");
    archive_put_integer(archive, run_folder_length(training->run, RUN_TIMINGS), "files.timings");
    archive_put_integer(archive, run_folder_length(training->run, RUN_SAMPLES), "files.samples");
    archive_put_real(archive, training->seconds_before + trainer_clock() - training->start, "trainer.seconds");
    archive_put_integer(archive, training->fallback_step, "rollback.step");
    trainer_save(state, archive);
    return checkpoint_writer_begin(training->writer, step, errors);
}

rondo_status training_pause(void *arg, enum trainer_pause why, const struct trainer_progress *progress,
                            const struct training *state, struct errors *errors) {
    struct experiment_training *training = arg;
    const struct checkpoint_every *every = &training->task->experiment->schedule.checkpoint_every;
    const double seconds = trainer_clock() - training->checkpoint_clock, minute = 60, least = 1;
    const int must_last = training_rolls_back(training) && is_regular(training, progress->steps);
    const int is_exact = why != TRAINER_UPDATE || must_last || duration_reaches((double)every->steps, progress->steps);
    training->is_checkpoint_due |=
        is_exact || (every->minutes > 0 && seconds >= minute * every->minutes) ||
        duration_reaches(every->epochs * (double)training->task->updates_per_epoch, progress->steps);
    if (!is_exact) {
        if (checkpoint_writer_is_busy(training->writer)) {
            return RONDO_OK;
        }
        RONDO_TRY(checkpoint_writer_wait(training->writer, errors)); /* of the last write, as soon as it is known */
        if (!training->is_checkpoint_due || seconds < least) {
            return RONDO_OK;
        }
    }
    struct profile *profile = training->task->session->profile;
    if (why == TRAINER_INTERRUPTED) {
        interrupt_begin_saving(&training->task->session->interrupt);
    }
    profile_begin(profile, PROFILE_FILES);
    rondo_status status = training_begin_checkpoint(training, why, progress->steps, state, errors);
    if (status == RONDO_OK && (why != TRAINER_UPDATE || must_last)) {
        status = checkpoint_writer_wait(training->writer, errors);
    }
    profile_end(profile, PROFILE_FILES);
    return status;
}
