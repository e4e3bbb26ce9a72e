#include "train/train.h"

#include "train/run_record.h"
#include "train/task_memory.h"

/* State of a training. */
struct experiment_training {
    struct task *task;
    struct run_folder *run;
    const struct train_observer *observer;
    struct train_result *result;
};

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
        .profile = task->session->profile};
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
    const struct experiment_training *training = arg;
    profile_begin(training->task->session->profile, PROFILE_FILES);
    RONDO_TRY(run_record_interval(training->run, training->task->network, progress, errors));
    profile_end(training->task->session->profile, PROFILE_FILES);
    if (training->observer->interval_end != NULL) {
        training->observer->interval_end(training->observer->arg, progress);
    }
    return RONDO_OK;
}

/* After a training that failed or was interrupted: reports which weights the folder has, if any. */
static void report_weights(struct experiment_training *training, rondo_status status, struct errors *errors) {
    const struct trainer_result *trainer = &training->result->trainer;
    struct run_folder *run = training->run;
    const int64_t per_epoch = training->task->updates_per_epoch;
    if (status == RONDO_INTERRUPTED && run_folder_weights(run) == RUN_FOLDER_NO_WEIGHTS && trainer->steps > 0) {
        run_record_weights(run, training->task->network, trainer->steps, trainer->steps / per_epoch, errors);
    }
    const int64_t step = run_folder_weights(run);
    struct errors moved = {0};
    if (step == RUN_FOLDER_NO_WEIGHTS || run_folder_check(run, &moved) != RONDO_OK) {
        errors_free(&moved); /* this is why the training failed, so it has been reported */
        training->result->folder = NULL;
    } else if (step % per_epoch != 0) {
        errors_add(errors, status, "the weights after step %lld, in epoch %lld, are in '%s'", (long long)step,
                   (long long)(step / per_epoch) + 1, run_folder_path(run));
    } else {
        errors_add(errors, status, "the weights of epoch %lld are in '%s'", (long long)(step / per_epoch),
                   run_folder_path(run));
    }
}

static rondo_status run_training(struct experiment_training *training, struct errors *errors) {
    struct task *task = training->task;
    const struct trainer_settings settings = train_settings(task);
    const struct trainer_observer observer = {.update_end = on_update, .interval_end = on_interval, .arg = training};
    struct trainer_result *result = &training->result->trainer;
    const double start = trainer_clock();
    if (training->observer->begin != NULL) {
        training->observer->begin(training->observer->arg, task, training->result->folder);
    }
    RONDO_TRY(trainer_run(task->network, task->data.train, task->data.valid, &settings, &observer, result, errors));
    return run_record_finish(training->run, result, trainer_clock() - start, errors);
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

rondo_status train_experiment(struct task *task, const char *folder, const struct train_observer *observer,
                              struct train_result *result, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    struct experiment_training training = {.task = task, .observer = observer, .result = result};
    *result = (struct train_result){0};
    if (task->data.train->count == 0) {
        return errors_add(errors, RONDO_INVALID, "there is no example to train on");
    }
    if (has_no_weight(task->data.train)) {
        return errors_add_at(errors, RONDO_INVALID, experiment->data.train.where,
                             "all training examples have the weight 0, so there is no loss to train on");
    }
    RONDO_TRY(task_check_memory(task, errors));
    RONDO_TRY(model_initialise(network_model(task->network), (uint64_t)experiment->schedule.options.seed,
                               &task->session->interrupt, errors));
    training.run = run_record_create(folder, task, errors);
    if (training.run == NULL) {
        return errors->status;
    }
    result->folder = arena_strdup(experiment->arena, run_folder_path(training.run));
    rondo_status status = result->folder == NULL ? errors_no_memory(errors) : run_training(&training, errors);
    if (status != RONDO_OK) {
        report_weights(&training, status, errors);
    }
    run_folder_close(training.run);
    return status;
}
