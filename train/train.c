#include "train/train.h"

#include "train/run_identity.h"
#include "train/run_record.h"
#include "train/task_memory.h"
#include "train/train_parts.h"

struct trainer_settings train_settings(const struct task *task) {
    const struct experiment *experiment = task->experiment;
    const struct schedule_options *schedule = &experiment->schedule.options;
    return (struct trainer_settings){
        .epochs = schedule->epochs,
        .batch = experiment->schedule.batch,
        .accumulate = schedule->accumulate,
        .validate_every = duration_updates(&experiment->schedule.validate.every, task->updates_per_epoch),
        .clip_norm = schedule->clip_norm,
        .seed = (uint64_t)schedule->seed,
        .updater = task->updater,
        .schedule = task_schedule(task),
        .metric = task->metric,
        .more_metrics = task->more_metrics,
        .n_more_metrics = task->n_more_metrics,
        .patience = experiment->schedule.stopping.patience,
        .min_delta = experiment->schedule.stopping.min_delta,
        .on_nonfinite = (enum nonfinite_mode)schedule->on_nonfinite,
        .nonfinite_limit = schedule->nonfinite_limit,
        .rollback_factor = schedule->rollback_factor,
        .diagnostics = schedule->diagnostics,
        .profile = task->session->profile};
}

/* Takes the folder of a run back to its checkpoint, once all of that has turned out to fit. */
static rondo_status return_to_checkpoint(struct run_folder *run, const struct resume *resume, struct errors *errors) {
    int64_t lengths[RUN_LOG_COUNT];
    RONDO_TRY(resume_take_lengths(resume->archive, lengths, errors));
    if (resume->archive != NULL && !resume->is_other) {
        RONDO_TRY(archive_check_taken(resume->archive, errors));
    }
    RONDO_TRY(run_folder_make_logs(run, errors));
    RONDO_TRY(training_cut_logs(run, lengths, errors));
    if (resume->archive != NULL) { /* before anything is written: the disk may be full of them */
        run_folder_limit_checkpoints(run, resume->step, (int32_t)resume->task->experiment->schedule.checkpoint.keep);
    }
    return RONDO_OK;
}

static rondo_status on_update(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    const struct experiment_training *training = arg;
    (void)errors;
    if (training->observer->update_end != NULL) {
        training->observer->update_end(training->observer->arg, progress);
    }
    return RONDO_OK;
}

static rondo_status on_interval(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct experiment_training *training = arg;
    training->validated_step = progress->steps;
    profile_begin(training->task->session->profile, PROFILE_FILES);
    RONDO_TRY(training_write_events(training, progress, errors));
    RONDO_TRY(training_write_samples(training, progress, errors));
    RONDO_TRY(run_record_interval(training->run, training->task->network, progress, errors));
    profile_end(training->task->session->profile, PROFILE_FILES);
    if (training->observer->interval_end != NULL) {
        training->observer->interval_end(training->observer->arg, progress);
    }
    training_report_samples(training);
    return RONDO_OK;
}

/* ---- the begin of a training ---- */

static void report_begin(const struct experiment_training *training) {
    if (training->observer->begin != NULL) {
        training->observer->begin(training->observer->arg, training->task, training->result->folder);
    }
}

/* Records accepted changes. A run whose newest checkpoint is of another origin than its files is refused by a plain resume, so
 * both change before the first update: first the checkpoint, which takes long and may not fit on the disk. A process that is
 * killed while it is written has changed nothing; between it and the last file, the same command goes on. */
static rondo_status record_changes(struct experiment_training *training, const struct trainer_progress *progress,
                                   const struct training *state, int is_other, struct errors *errors) {
    if (is_other) {
        RONDO_TRY(training_begin_checkpoint(training, TRAINER_INTERRUPTED, progress->steps, state, errors));
        RONDO_TRY(checkpoint_writer_wait(training->writer, errors));
    }
    return training->resume == NULL || !training->resume->has_changed
               ? RONDO_OK
               : run_record_rewrite(training->run, training->task, errors);
}

static rondo_status on_begin(void *arg, const struct trainer_progress *progress, const struct training *state,
                             struct errors *errors) {
    struct experiment_training *training = arg;
    struct resume *resume = training->resume;
    int is_other = 0;
    archive_destroy(training->back);
    training->back = NULL;
    if (resume != NULL) {
        RONDO_TRY(return_to_checkpoint(training->run, resume, errors));
        if (resume->archive != NULL) {
            report_begin(training); /* not before all of the checkpoint has turned out to fit */
        }
        is_other = resume->is_other && resume->archive != NULL;
        archive_destroy(resume->archive); /* as large as all that is trained */
        resume->archive = NULL;
    }
    RONDO_TRY(training_begin_events(training, errors));
    RONDO_TRY(training_begin_samples(training, errors));
    const rondo_status status = record_changes(training, progress, state, is_other, errors);
    if (status != RONDO_OK) {
        training->is_half_changed = 1;
        return errors_add(errors, status, "the changes are not completely in '%s' yet: the same command goes on",
                          run_folder_path(training->run));
    }
    training->has_begun = 1;
    return RONDO_OK;
}

/* ---- the end of a training ---- */

/* "after step 120, in epoch 3," or "of epoch 3" */
static const char *place_of(const struct experiment_training *training, int64_t step) {
    const int64_t per_epoch = training->task->updates_per_epoch;
    struct arena *arena = training->task->experiment->arena;
    const char *text = step % per_epoch == 0 ? arena_printf(arena, "of epoch %lld", (long long)(step / per_epoch))
                                             : arena_printf(arena, "after step %lld, in epoch %lld,", (long long)step,
                                                            (long long)(step / per_epoch) + 1);
    return text == NULL ? "(no memory for the place)" : text;
}

/* On a full disk, the next resume would fail in the same way. */
static void report_full_disk(const struct experiment_training *training, struct errors *errors) {
    const int64_t keep = training->task->experiment->schedule.checkpoint.keep;
    int64_t checkpoint, free;
    if (!run_folder_is_full(training->run, &checkpoint, &free)) {
        return;
    }
    const char *fewer = keep > 1 ? "; --set schedule.checkpoint.keep=1 keeps fewer" : "";
    errors_add(
        errors, RONDO_IO,
        "a checkpoint has %.3f MB, and the disk has %.3f MB left; it needs room for %lld checkpoints, one more than "
        "schedule.checkpoint.keep%s",
        (double)checkpoint / 1e6, (double)free / 1e6, (long long)keep + 1, fewer);
}

/* After a training that failed before it had a checkpoint. */
static void report_no_checkpoint(const struct experiment_training *training, rondo_status status,
                                 struct errors *errors) {
    const int is_kept = run_folder_is_kept(training->run);
    errors_add(errors, status, "no checkpoint was written, so there is nothing to go on from%s%s%s",
               is_kept ? "" : ": the folder '", is_kept ? "" : run_folder_path(training->run),
               is_kept ? "" : "' is removed again");
}

/* After a training that failed or was interrupted: reports what the folder has. */
static void report_folder(struct experiment_training *training, rondo_status status, struct errors *errors) {
    const struct trainer_result *trainer = &training->result->trainer;
    struct run_folder *run = training->run;
    const int64_t per_epoch = training->task->updates_per_epoch;
    if (training->writer != NULL) {
        checkpoint_writer_wait(training->writer, errors);
    }
    if (status == RONDO_INTERRUPTED) {
        run_folder_keep(run);
    }
    if (status == RONDO_INTERRUPTED && run_folder_weights(run) == RUN_FOLDER_NO_WEIGHTS && trainer->steps > 0) {
        const int64_t step = trainer->best_epoch > 0 ? trainer->best_step : trainer->steps;
        run_record_weights(run, training->task->network, step, step / per_epoch, errors);
    }
    const int64_t weights = run_folder_weights(run), checkpoint = run_folder_checkpoint(run);
    const int has_any = weights != RUN_FOLDER_NO_WEIGHTS || checkpoint != RUN_FOLDER_NO_CHECKPOINT;
    struct errors moved = {0};
    if (run_folder_check(run, &moved) != RONDO_OK) {
        errors_free(&moved); /* this is why the training failed, so it has been reported */
        training->result->folder = NULL;
        return;
    }
    if (status == RONDO_IO) {
        report_full_disk(training, errors);
    }
    const int has_nothing = checkpoint == RUN_FOLDER_NO_CHECKPOINT && status != RONDO_INTERRUPTED;
    const int is_refused = (!training->has_begun && status == RONDO_INVALID) || training->is_half_changed; /* again */
    training->result->can_resume =
        (checkpoint != RUN_FOLDER_NO_CHECKPOINT && !is_refused) || status == RONDO_INTERRUPTED;
    if (weights != RUN_FOLDER_NO_WEIGHTS) {
        errors_add(errors, status, "the weights %s are in '%s'", place_of(training, weights), run_folder_path(run));
    }
    if (checkpoint != RUN_FOLDER_NO_CHECKPOINT) {
        errors_add(errors, status, "the checkpoint %s is in '%s'", place_of(training, checkpoint),
                   run_folder_path(run));
    }
    if (has_nothing && training->has_begun) {
        report_no_checkpoint(training, status, errors);
    }
    if (!has_any && status != RONDO_INTERRUPTED) {
        training->result->folder = NULL;
    }
}

/* Trains to the end, or until a failure after which the training does not go back. */
static rondo_status train_with_rollbacks(struct experiment_training *training, struct errors *errors) {
    const struct task *task = training->task;
    struct trainer_settings settings = train_settings(task);
    const struct trainer_observer observer = {on_begin, on_update, on_interval, training_pause, training};
    struct trainer_result *result = &training->result->trainer;
    rondo_status status = RONDO_OK;
    settings.resume = training->resume == NULL ? NULL : training->resume->archive;
    for (;;) {
        const double start = trainer_clock();
        struct errors own = {0};
        status = trainer_run(task->network, task->data.train, task->data.valid, &settings, &observer, result, &own);
        if (!training_may_go_back(training, status, &own)) {
            if (status == RONDO_INVALID && !training->has_begun && training->resume != NULL &&
                training->resume->is_other) {
                errors_add(errors, status,
                           "'%s' cannot go on with these changes: a resume cannot change a wrapper, the schedule or "
                           "the layers if the state that they have in the checkpoint does not fit",
                           training->result->folder);
            }
            errors_move(errors, &own);
            return status;
        }
        settings.rollbacks = result->rollbacks + 1;
        status = training_go_back(training, settings.rollbacks, trainer_clock() - start, errors_text(&own, 0), errors);
        errors_free(&own);
        if (status != RONDO_OK) {
            return status;
        }
        settings.resume = training->back;
    }
}

static rondo_status run_trainer(struct experiment_training *training, struct errors *errors) {
    struct task *task = training->task;
    const struct trainer_result *result = &training->result->trainer;
    RONDO_TRY(train_with_rollbacks(training, errors));
    RONDO_TRY(checkpoint_writer_wait(training->writer, errors));
    if (result->best_epoch > 0 && run_folder_weights(training->run) != result->best_step) {
        /* They were found before the training was resumed. What the file has had since then may be of a later update that
         * is no longer part of this training. */
        RONDO_TRY(run_record_weights(training->run, task->network, result->best_step,
                                     result->best_step / task->updates_per_epoch, errors));
    }
    const double seconds = training->seconds_before + trainer_clock() - training->start;
    return run_record_finish(training->run, result, seconds, errors);
}

static rondo_status run_training(struct experiment_training *training, struct errors *errors) {
    struct task *task = training->task;
    training->start = training->checkpoint_clock = trainer_clock();
    training->identity = archive_create();
    if (training->identity == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(run_identity_save(task, training->identity, errors));
    training->writer =
        checkpoint_writer_create(training->run, (int32_t)task->experiment->schedule.checkpoint.keep, errors);
    if (training->writer == NULL) {
        return errors->status;
    }
    if (training->resume == NULL || training->resume->archive == NULL) {
        report_begin(training);
        RONDO_TRY(model_initialise(network_model(task->network), (uint64_t)task->experiment->schedule.options.seed,
                                   &task->session->interrupt, errors));
    }
    return run_trainer(training, errors);
}

/* What takes less memory of a training. */
static const char *memory_hint(const struct task *task) {
    const struct reader_class *reader = task->data.reader->class;
    return task->data.train->lane != NULL || task->experiment->data.settings.window > 0
               ? "a smaller schedule.batch or data.window takes less"
           : reader_has_option(reader, "max_words")
               ? "a smaller schedule.batch takes less, and so does a smaller data.max_words"
               : "a smaller schedule.batch takes less";
}

/* Trains in the folder of the run, and closes it. */
static rondo_status train_in(struct experiment_training *training, struct errors *errors) {
    struct train_result *result = training->result;
    result->folder = arena_strdup(training->task->experiment->arena, run_folder_path(training->run));
    rondo_status status = result->folder == NULL ? errors_no_memory(errors) : run_training(training, errors);
    if (status != RONDO_OK) {
        report_folder(training, status, errors);
    }
    checkpoint_writer_destroy(training->writer);
    archive_destroy(training->identity);
    archive_destroy(training->back);
    event_file_close(training->events);
    training_end_samples(training);
    run_folder_close(training->run);
    return errors_memory_hint(errors, status, memory_hint(training->task));
}

/* 1 if every example has the weight 0, so that there is no loss. */
static int has_no_weight(const struct dataset *dataset) {
    const struct stream *weight = dataset_find(dataset, "weight");
    for (int64_t i = 0; weight != NULL && i < dataset->count; i++) {
        if (weight->length[i] == 0 || stream_number(weight, weight->begin[i], 0) != 0) {
            return 0;
        }
    }
    return weight != NULL;
}

static rondo_status check_training(const struct task *task, struct errors *errors) {
    if (task->data.train->count == 0) {
        return errors_add(errors, RONDO_INVALID, "there is no example to train on");
    }
    if (has_no_weight(task->data.train)) {
        return errors_add_at(errors, RONDO_INVALID, task->experiment->data.train.where,
                             "all training examples have the weight 0, so there is no loss to train on");
    }
    return task_check_memory(task, errors);
}

rondo_status train_experiment(struct task *task, const char *folder, const struct train_observer *observer,
                              struct train_result *result, struct errors *errors) {
    struct experiment_training training = {.task = task,
                                           .observer = observer,
                                           .result = result,
                                           .fallback_step = RUN_FOLDER_NO_CHECKPOINT,
                                           .validated_step = -1};
    *result = (struct train_result){0};
    RONDO_TRY(check_training(task, errors));
    training.run = run_record_create(folder, task, errors);
    return training.run == NULL ? errors->status : train_in(&training, errors);
}

rondo_status train_resume(struct resume *resume, const struct train_observer *observer, struct train_result *result,
                          struct errors *errors) {
    struct experiment_training training = {.task = resume->task,
                                           .run = resume->run,
                                           .observer = observer,
                                           .result = result,
                                           .resume = resume,
                                           .fallback_step = RUN_FOLDER_NO_CHECKPOINT,
                                           .validated_step = -1};
    *result = (struct train_result){0};
    RONDO_TRY(check_training(resume->task, errors));
    if (resume->archive != NULL) {
        RONDO_TRY(archive_take_real(resume->archive, &training.seconds_before, errors, "trainer.seconds"));
        const struct archive_range past = {-1, resume->step}; /* -1: none, for both */
        RONDO_TRY(archive_take_count(resume->archive, &training.fallback_step, past, errors, "rollback.step"));
        RONDO_TRY(
            archive_take_count(resume->archive, &training.validated_step, past, errors, "trainer.validated_step"));
        run_folder_protect(resume->run, training.fallback_step);
    }
    resume->run = NULL; /* train_in closes it */
    return train_in(&training, errors);
}
