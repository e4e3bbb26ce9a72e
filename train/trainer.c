#define _POSIX_C_SOURCE 200809L
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct training {
    struct network *network;
    const struct dataset *train, *valid;
    const struct trainer_settings *settings;
    const struct trainer_observer *observer;
    struct updater *updater;
    struct schedule *schedule;
    char *best;                        /* bytes of all parameters after the best epoch, one after the other */
    double best_value;                 /* of the metric */
    double best_values[STOPPING_MOST]; /* of more metrics */
    int64_t better_epoch;              /* the last one in which any of the metrics got better */
    struct scores scores;              /* of the epoch, on the training data */
    struct trainer_progress progress;
    struct trainer_result *result;
};

double trainer_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static size_t parameter_bytes(const struct model *model) {
    size_t bytes = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        bytes += tensor_bytes(&model_parameters(model)[p].value);
    }
    return bytes;
}

/* Copies all parameters to `bytes`, or, if `back`, from `bytes`. */
static void copy_parameters(const struct model *model, char *bytes, int back) {
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        const size_t size = tensor_bytes(value);
        memcpy(back ? value->data : bytes, back ? bytes : value->data, size);
        bytes += size;
    }
}

/* Computes the gradients of a batch and updates the parameters. */
static rondo_status train_batch(struct training *training, const int64_t *examples, int64_t size,
                                struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    struct network *network = training->network;
    const int64_t done = updater_steps(training->updater), rows_before = training->scores.rows;
    const struct rng_stream stream = rng_substream(rng_stream(training->settings->seed, "step"), (uint64_t)done);
    RONDO_TRY(network_train_batch(network, training->train, examples, size, stream, &training->scores, errors));
    struct updater_step step = {.gradients = network_gradients(network),
                                .rows = training->scores.rows - rows_before,
                                .stream = rng_stream(stream.key, "optimizer")};
    if (updater_wants_sampled(training->updater)) {
        RONDO_TRY(network_sample_batch(network, training->train, examples, size, stream, errors));
        step.sampled = network_sampled_gradients(network);
    }
    profile_begin(training->settings->profile, PROFILE_UPDATE);
    RONDO_TRY(updater_clip(training->updater, step.gradients, training->settings->clip_norm, &progress->gradient_norm,
                           errors));
    RONDO_TRY(schedule_factor(training->schedule, done, &step.lr_scale, errors));
    progress->lr_scale = step.lr_scale;
    RONDO_TRY(updater_step(training->updater, &step, errors));
    profile_end(training->settings->profile, PROFILE_UPDATE);
    return RONDO_OK;
}

static rondo_status train_batches(struct training *training, const struct epoch *epoch, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    const double start = trainer_clock();
    training->scores = (struct scores){0};
    progress->train = &training->scores;
    progress->examples = 0;
    for (progress->batch = 0; progress->batch < epoch->batches;) {
        if (network_is_interrupted(training->network)) {
            return errors_add(errors, RONDO_INTERRUPTED, "interrupted in epoch %lld, after step %lld",
                              (long long)progress->epoch, (long long)progress->steps);
        }
        const int64_t first = epoch->begin[progress->batch], size = epoch->begin[progress->batch + 1] - first;
        const rondo_status status = train_batch(training, epoch->examples + first, size, errors);
        if (status != RONDO_OK) {
            errors_add(errors, status, "training stopped in epoch %lld, at step %lld", (long long)progress->epoch,
                       (long long)progress->steps + 1);
            return status;
        }
        progress->batch++;
        progress->examples += size;
        progress->steps = updater_steps(training->updater);
        progress->seconds = trainer_clock() - start;
        if (training->observer->batch_end != NULL) {
            RONDO_TRY(training->observer->batch_end(training->observer->arg, progress, errors));
        }
    }
    return RONDO_OK;
}

static rondo_status train_epoch(struct training *training, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    const struct rng_stream shuffle =
        rng_substream(rng_stream(settings->seed, "shuffle"), (uint64_t)training->progress.epoch);
    struct epoch epoch;
    rondo_status status =
        epoch_make(&epoch, training->train, network_plan(training->network), settings->batch, &shuffle, errors);
    training->progress.batches = epoch.batches;
    if (status == RONDO_OK) {
        status = train_batches(training, &epoch, errors);
    }
    epoch_free(&epoch);
    return status;
}

/* How much better a value of the metric is than another one. Any number is better than an undefined value. */
static double gain_of(const struct training *training, int32_t metric, double value, double than) {
    if (isnan(than) && !isnan(value)) {
        return HUGE_VAL;
    }
    return network_higher_is_better(training->network, metric) ? value - than : than - value;
}

/* Notes whether any metric has got better, for patience. */
static void observe_more(struct training *training, const struct scores *valid) {
    const struct trainer_settings *settings = training->settings;
    int is_better = training->progress.is_best;
    for (int32_t i = 0; valid != NULL && i < settings->n_more_metrics; i++) {
        const int32_t metric = settings->more_metrics[i];
        const double value = network_metric(training->network, valid, metric);
        if (training->better_epoch == 0 ||
            gain_of(training, metric, value, training->best_values[i]) > settings->min_delta) {
            training->best_values[i] = value;
            is_better = 1;
        }
    }
    training->better_epoch = is_better ? training->progress.epoch : training->better_epoch;
}

/* Keeps the weights if they are the best so far; without validation data, each epoch is the best. */
static void keep_best(struct training *training, const struct scores *valid) {
    const struct trainer_settings *settings = training->settings;
    struct trainer_progress *progress = &training->progress;
    progress->is_best = 1;
    if (valid != NULL) {
        const double value = network_metric(training->network, valid, settings->metric);
        progress->is_best = training->result->best_epoch == 0 ||
                            gain_of(training, settings->metric, value, training->best_value) > settings->min_delta;
        training->best_value = progress->is_best ? value : training->best_value;
    }
    if (progress->is_best) {
        training->result->best_epoch = progress->epoch;
        memset(&training->result->valid, 0, sizeof training->result->valid);
        if (valid != NULL) {
            training->result->valid = *valid;
        }
        copy_parameters(network_model(training->network), training->best, 0);
    }
}

/* Validation and its consequences. The network has the weights to be evaluated (updater_swap_evaluated). */
static rondo_status judge_epoch(struct training *training, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    struct scores valid = {0};
    if (training->valid != NULL) {
        profile_begin(training->settings->profile, PROFILE_VALIDATION);
        const rondo_status status =
            network_evaluate(training->network, training->valid, training->settings->evaluation_batch, &valid, errors);
        profile_end(training->settings->profile, PROFILE_VALIDATION);
        if (status != RONDO_OK) {
            return errors_add(errors, status, "training stopped at the validation of epoch %lld, after step %lld",
                              (long long)progress->epoch, (long long)progress->steps);
        }
        RONDO_TRY(schedule_observe(training->schedule, progress->steps,
                                   network_metric(training->network, &valid, training->settings->metric), errors));
    }
    keep_best(training, training->valid == NULL ? NULL : &valid);
    observe_more(training, training->valid == NULL ? NULL : &valid);
    progress->valid = training->valid == NULL ? NULL : &valid;
    training->result->epochs = progress->epoch;
    rondo_status status = RONDO_OK;
    if (training->observer->epoch_end != NULL) {
        status = training->observer->epoch_end(training->observer->arg, progress, errors);
    }
    progress->valid = NULL;
    return status;
}

static rondo_status end_epoch(struct training *training, struct errors *errors) {
    updater_swap_evaluated(training->updater);
    const rondo_status status = judge_epoch(training, errors);
    updater_swap_evaluated(training->updater);
    return status;
}

static int should_stop(const struct training *training) {
    const struct trainer_settings *settings = training->settings;
    return training->valid != NULL && settings->patience > 0 &&
           training->progress.epoch - training->better_epoch >= settings->patience;
}

static rondo_status run_epochs(struct training *training, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    for (progress->epoch = 1; progress->epoch <= progress->epochs; progress->epoch++) {
        RONDO_TRY(train_epoch(training, errors));
        RONDO_TRY(end_epoch(training, errors));
        if (should_stop(training)) {
            training->result->stopped_early = progress->epoch < progress->epochs;
            break;
        }
    }
    return RONDO_OK;
}

rondo_status trainer_run(struct network *network, const struct dataset *train, const struct dataset *valid,
                         const struct trainer_settings *settings, const struct trainer_observer *observer,
                         struct trainer_result *result, struct errors *errors) {
    const struct model *model = network_model(network);
    *result = (struct trainer_result){0};
    struct training training = {.network = network,
                                .train = train,
                                .valid = valid,
                                .settings = settings,
                                .observer = observer,
                                .result = result};
    training.progress.epochs = settings->epochs;
    training.best = malloc(parameter_bytes(model) + 1);
    rondo_status status = training.best == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK) {
        training.schedule = schedule_create(&settings->schedule, errors);
        training.updater = training.schedule == NULL ? NULL : updater_create(&settings->updater, errors);
        status = training.updater == NULL ? errors->status : run_epochs(&training, errors);
    }
    if (training.best != NULL && result->best_epoch > 0) {
        copy_parameters(model, training.best, 1);
    } else if (status == RONDO_INTERRUPTED) {
        updater_swap_evaluated(training.updater);
    }
    result->steps = training.progress.steps;
    updater_destroy(training.updater);
    schedule_destroy(training.schedule);
    free(training.best);
    return status;
}
