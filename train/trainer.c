#define _POSIX_C_SOURCE 200809L
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/memory.h"
#include "train/trainer_state.h"

double trainer_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double trainer_rollback_factor(double each, int64_t rollbacks) {
    double factor = 1;
    for (int64_t k = 0; k < rollbacks; k++) {
        factor *= each;
    }
    return factor;
}

static size_t parameter_bytes(const struct model *model) {
    size_t bytes = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        bytes += tensor_bytes(&model_parameters(model)[p].value);
    }
    return bytes;
}

/* Copies all parameters to the best ones. Of tables, only the rows that have changed since the last copy. */
static void copy_to_best(struct training *training) {
    const struct model *model = network_model(training->network);
    char *best = training->best;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        const size_t bytes = tensor_bytes(value);
        const uint64_t *changes = updater_changes(training->updater, p);
        if (changes == NULL) {
            memcpy(best, value->data, bytes);
        }
        const int64_t rows = changes == NULL ? 0 : value->shape[0];
        for (int64_t row = 0; row < rows; row++) {
            const size_t size = bytes / (size_t)rows, at = (size_t)row * size;
            if (changes[row / 64] == 0) {
                row |= 63; /* none of this word */
            } else if ((changes[row / 64] >> (row % 64) & 1) != 0) {
                memcpy(best + at, (const char *)value->data + at, size);
            }
        }
        best += bytes;
    }
    updater_forget_changes(training->updater);
}

static void copy_from_best(const struct training *training) {
    const struct model *model = network_model(training->network);
    const char *best = training->best;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        memcpy(value->data, best, tensor_bytes(value));
        best += tensor_bytes(value);
    }
}

/* Refuses gradients that are not finite, also those of drawn targets, which would spoil slots without notice, and clips. */
static rondo_status clip_gradients(struct training *training, const struct network_update *update,
                                   struct errors *errors) {
    const struct network *network = training->network;
    double unused;
    if (update->sampled) {
        RONDO_TRY(updater_clip(training->updater, network_sampled_gradients(network), 0, &unused, errors));
    }
    return updater_clip(training->updater, network_gradients(network), training->settings->clip_norm,
                        &training->progress.gradient_norm, errors);
}

/* The gradients of an update and their norm: all that is done before weights and slots change. After a failure, scores and
 * carried states are as before. */
static rondo_status compute_gradients(struct training *training, const struct network_update *update,
                                      struct errors *errors) {
    struct network *network = training->network;
    struct profile *profile = training->settings->profile;
    const struct scores scores_before = training->scores;
    rondo_status status = network_train(network, update, &training->scores, errors);
    if (status == RONDO_OK) {
        profile_begin(profile, PROFILE_UPDATE);
        status = clip_gradients(training, update, errors);
        profile_end(profile, PROFILE_UPDATE);
        if (status != RONDO_OK) {
            network_undo_train(network);
            trainer_explain_gradient(training, update, errors);
        }
    }
    if (status != RONDO_OK) {
        training->scores = scores_before;
    }
    return status;
}

/* Validation k, from 1, follows the first update that is at least number k * validate_every. Updates are counted as if every
 * epoch had been like this one, since a training may have been resumed with other data or another validate_every. `update`: of
 * the epoch, from 1. */
static int is_interval_end(const struct training *training, int64_t update) {
    const struct trainer_progress *progress = &training->progress;
    const double every = training->valid != NULL && training->settings->validate_every > 0
                             ? training->settings->validate_every
                             : (double)progress->updates;
    return duration_reaches(every, (progress->epoch - 1) * progress->updates + update);
}

static int is_last_update(const struct training *training, int64_t update) {
    return training->progress.epoch == training->progress.epochs && update == training->progress.updates;
}

/* Whether a validation follows the update, unless the training ends early. */
static int ends_interval(const struct training *training, int64_t update) {
    return is_interval_end(training, update) || is_last_update(training, update);
}

static rondo_status change_weights(struct training *training, const struct network_update *update, int64_t rows,
                                   struct errors *errors) {
    struct network *network = training->network;
    struct trainer_progress *progress = &training->progress;
    struct updater_step step = {.gradients = network_gradients(network),
                                .sampled = update->sampled ? network_sampled_gradients(network) : NULL,
                                .rows = rows,
                                .stream = rng_stream(update->stream.key, "optimizer")};
    RONDO_TRY(schedule_factor(training->schedule, progress->steps, &step.lr_scale, errors));
    step.lr_scale *= training->lr_factor;
    progress->lr_scale = step.lr_scale;
    struct diagnostics *diagnostics = ends_interval(training, progress->update + 1) ? training->diagnostics : NULL;
    profile_begin(training->settings->profile, PROFILE_UPDATE);
    if (diagnostics != NULL) {
        const double limit = training->settings->clip_norm, norm = progress->gradient_norm;
        diagnostics_begin(diagnostics, step.gradients, limit > 0 && norm > limit ? limit / norm : 1);
    }
    const rondo_status status = updater_step(training->updater, &step, errors);
    if (diagnostics != NULL) {
        diagnostics_end(diagnostics, progress->steps + 1);
    }
    profile_end(training->settings->profile, PROFILE_UPDATE);
    if (status == RONDO_NOT_FINITE && training->settings->on_nonfinite == NONFINITE_SKIP) {
        errors_add(
            errors, status,
            "this update has changed weights, so it cannot be skipped; schedule.on_nonfinite: rollback goes back to "
            "a checkpoint");
    }
    return status;
}

/* Updates the parameters once, or leaves the update out. The batches of the update begin with number `first` of the epoch. */
static rondo_status train_update(struct training *training, const struct epoch *epoch, int64_t first,
                                 struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    const int64_t done = progress->steps;
    const struct rng_stream stream = rng_substream(rng_stream(training->settings->seed, "step"), (uint64_t)done);
    const int64_t left = epoch->batches - first;
    const struct network_update update = {.dataset = training->train,
                                          .examples = epoch->examples,
                                          .begin = epoch->begin + first,
                                          .batches = left < training->accumulate ? left : training->accumulate,
                                          .stream = stream,
                                          .sampled = updater_wants_sampled(training->updater)};
    const struct scores scores_before = training->scores;
    struct errors own = {0};
    rondo_status status = compute_gradients(training, &update, &own);
    if (trainer_may_skip(training, status, &own)) {
        errors_free(&training->skipped);
        errors_move(&training->skipped, &own);
        progress->skip_reason = errors_text(&training->skipped, 0);
        progress->skipped++;
        progress->interval_skipped++;
        return RONDO_OK;
    }
    errors_move(errors, &own);
    if (status == RONDO_OK) {
        status = change_weights(training, &update, training->scores.rows - scores_before.rows, errors);
    }
    if (status != RONDO_OK) {
        trainer_report_update(training, &update, first, epoch->batches, status, errors);
        return status;
    }
    progress->skip_reason = NULL;
    progress->interval_examples += update.begin[update.batches] - update.begin[0];
    trainer_note_update(training, &scores_before);
    return RONDO_OK;
}

static int is_last(const struct training *training) {
    return is_last_update(training, training->progress.update);
}

/* How much better a value of the metric is than another one. Any number is better than an undefined value. */
static double gain_of(const struct training *training, int32_t metric, double value, double than) {
    if (isnan(than) && !isnan(value)) {
        return HUGE_VAL;
    }
    return network_higher_is_better(training->network, metric) ? value - than : than - value;
}

/* Notes which metrics have got better: for patience, and for those who keep weights by each. */
static void observe_more(struct training *training, const struct scores *valid) {
    const struct trainer_settings *settings = training->settings;
    struct trainer_progress *progress = &training->progress;
    progress->n_better = 0;
    for (int32_t i = 0; valid != NULL && i < settings->n_more_metrics; i++) {
        const int32_t metric = settings->more_metrics[i];
        const double value = network_metric(training->network, valid, metric);
        if (training->better_validation == 0 ||
            gain_of(training, metric, value, training->best_values[i]) > settings->min_delta) {
            training->best_values[i] = value;
            progress->better_metrics[progress->n_better++] = metric;
        }
    }
    if (progress->is_best || progress->n_better > 0) {
        training->better_validation = training->validations;
    }
}

/* Keeps the weights if they are the best so far; without validation data, they always are. */
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
        training->result->best_step = progress->steps;
        memset(&training->result->valid, 0, sizeof training->result->valid);
        if (valid != NULL) {
            training->result->valid = *valid;
        }
        copy_to_best(training);
    }
}

/* Validation and its consequences. The network has the weights to be evaluated (updater_swap_evaluated). */
static rondo_status judge_weights(struct training *training, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    struct scores valid = {0};
    if (training->valid != NULL) {
        profile_begin(training->settings->profile, PROFILE_VALIDATION);
        const rondo_status status =
            network_evaluate(training->network, training->valid, training->settings->batch, &valid, errors);
        profile_end(training->settings->profile, PROFILE_VALIDATION);
        if (status != RONDO_OK) {
            errors_add(errors, status, "training stopped at the validation of epoch %lld, after step %lld",
                       (long long)progress->epoch, (long long)progress->steps);
            trainer_report_recent(training, status, errors);
            return status;
        }
        RONDO_TRY(schedule_observe(training->schedule, progress->steps,
                                   network_metric(training->network, &valid, training->settings->metric), errors));
    }
    training->validations++;
    keep_best(training, training->valid == NULL ? NULL : &valid);
    observe_more(training, training->valid == NULL ? NULL : &valid);
    progress->valid = training->valid == NULL ? NULL : &valid;
    progress->diagnostics = diagnostics_of(training->diagnostics, progress->steps);
    training->result->epochs = progress->epoch;
    rondo_status status = RONDO_OK;
    if (training->observer->interval_end != NULL) {
        status = training->observer->interval_end(training->observer->arg, progress, errors);
    }
    progress->valid = NULL;
    progress->diagnostics = NULL;
    return status;
}

static rondo_status end_interval(struct training *training, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    RONDO_TRY(updater_swap_evaluated(training->updater, errors));
    const rondo_status judged = judge_weights(training, errors);
    const rondo_status swapped = updater_swap_evaluated(training->updater, errors);
    if (judged != RONDO_OK || swapped != RONDO_OK) {
        return judged != RONDO_OK ? judged : swapped;
    }
    training->validated_step = training->progress.steps;
    training->is_stopped = training->valid != NULL && settings->patience > 0 &&
                           training->validations - training->better_validation >= settings->patience;
    training->progress.interval_updates = 0;
    return RONDO_OK;
}

static rondo_status pause_training(struct training *training, enum trainer_pause why, struct errors *errors) {
    const struct trainer_observer *observer = training->observer;
    return observer->pause == NULL ? RONDO_OK
                                   : observer->pause(observer->arg, why, &training->progress, training, errors);
}

static rondo_status pause_update(struct training *training, struct errors *errors) {
    const int is_over = is_last(training) || training->is_stopped;
    return pause_training(training, is_over ? TRAINER_END : TRAINER_UPDATE, errors);
}

/* What follows an update. A validation that is due only because the training ends would not be in a longer one: that one
 * goes on from the state before it. */
static rondo_status end_update(struct training *training, struct errors *errors) {
    const int is_due = is_interval_end(training, training->progress.update);
    if (is_due) {
        RONDO_TRY(end_interval(training, errors));
    }
    RONDO_TRY(pause_update(training, errors));
    return is_last(training) && !is_due ? end_interval(training, errors) : RONDO_OK;
}

/* The validation that was due where the training was interrupted. As in end_update, the state is not saved after one that is due
 * only because the training ends. */
static rondo_status finish_update(struct training *training, struct errors *errors) {
    const int64_t steps = training->progress.steps;
    const int is_open = steps > 0 && steps != training->validated_step;
    const int is_due = is_open && is_interval_end(training, training->progress.update);
    if (is_due || (is_open && is_last(training))) {
        RONDO_TRY(end_interval(training, errors));
    }
    return is_due || training->is_extended ? pause_update(training, errors) : RONDO_OK;
}

static void begin_interval(struct training *training) {
    training->start = trainer_clock();
    training->scores = (struct scores){0};
    training->progress.interval_examples = training->progress.interval_skipped = 0;
}

static rondo_status run_update(struct training *training, const struct epoch *epoch, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    if (network_is_interrupted(training->network)) {
        return errors_add(errors, RONDO_INTERRUPTED, "interrupted in epoch %lld, after step %lld",
                          (long long)progress->epoch, (long long)progress->steps);
    }
    if (progress->interval_updates == 0) {
        begin_interval(training);
    }
    RONDO_TRY(train_update(training, epoch, progress->update * training->accumulate, errors));
    progress->update++;
    progress->interval_updates++;
    progress->steps++;
    progress->interval_seconds = trainer_clock() - training->start;
    if (training->observer->update_end != NULL) {
        RONDO_TRY(training->observer->update_end(training->observer->arg, progress, errors));
    }
    return end_update(training, errors);
}

/* The rest of an epoch. */
static rondo_status run_epoch(struct training *training, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    struct trainer_progress *progress = &training->progress;
    const struct rng_stream shuffle = rng_substream(rng_stream(settings->seed, "shuffle"), (uint64_t)progress->epoch);
    struct epoch epoch;
    rondo_status status =
        epoch_make(&epoch, training->train, network_plan(training->network), settings->batch, &shuffle, errors);
    progress->updates = (epoch.batches + training->accumulate - 1) / training->accumulate;
    progress->update = progress->update < progress->updates ? progress->update : progress->updates; /* of fewer data */
    status = status == RONDO_OK ? finish_update(training, errors) : status;
    while (status == RONDO_OK && progress->update < progress->updates && !training->is_stopped) {
        status = run_update(training, &epoch, errors);
    }
    epoch_free(&epoch);
    return status;
}

static rondo_status run_epochs(struct training *training, struct errors *errors) {
    struct trainer_progress *progress = &training->progress;
    training->result->stopped_early = training->is_stopped && !is_last(training); /* before it was resumed */
    while (progress->epoch <= progress->epochs && !training->is_stopped) {
        RONDO_TRY(run_epoch(training, errors));
        training->result->stopped_early = training->is_stopped && !is_last(training);
        progress->epoch++;
        progress->update = 0;
    }
    return RONDO_OK;
}

/* Allocates what belongs to the training, and takes its saved state. */
static rondo_status begin_training(struct training *training, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    training->best = memory_alloc(parameter_bytes(network_model(training->network)) + 1);
    if (training->best == NULL) {
        return errors_memory_for(errors, errors_no_memory(errors), (struct location){0}, "a copy of the best weights");
    }
    RONDO_TRY(model_allocate(network_model(training->network), errors)); /* a saved state brings their values */
    training->schedule = schedule_create(&settings->schedule, errors);
    training->updater = training->schedule == NULL ? NULL : updater_create(&settings->updater, errors);
    if (training->updater == NULL) {
        return errors->status;
    }
    if (settings->diagnostics) {
        training->diagnostics = diagnostics_create(network_model(training->network), settings->updater.frozen, errors);
        if (training->diagnostics == NULL) {
            return errors->status;
        }
    }
    if (settings->resume != NULL) {
        RONDO_TRY(trainer_load(training, settings->resume, errors));
        training->start = trainer_clock() - training->progress.interval_seconds;
    } else {
        network_forget_states(training->network);
    }
    struct trainer_progress *progress = &training->progress;
    if (progress->rollbacks < settings->rollbacks) {
        progress->rollbacks = settings->rollbacks;
    }
    training->lr_factor = trainer_rollback_factor(settings->rollback_factor, progress->rollbacks);
    const struct trainer_observer *observer = training->observer;
    return observer->begin == NULL ? RONDO_OK : observer->begin(observer->arg, progress, training, errors);
}

rondo_status trainer_run(struct network *network, const struct dataset *train, const struct dataset *valid,
                         const struct trainer_settings *settings, const struct trainer_observer *observer,
                         struct trainer_result *result, struct errors *errors) {
    *result = (struct trainer_result){0};
    struct training training = {.network = network,
                                .train = train,
                                .valid = valid,
                                .settings = settings,
                                .observer = observer,
                                .accumulate = settings->accumulate > 0 ? settings->accumulate : 1,
                                .validated_step = -1,
                                .result = result};
    training.progress.train = &training.scores;
    training.progress.epoch = 1;
    training.progress.epochs = settings->epochs;
    rondo_status status = begin_training(&training, errors);
    const int has_begun = status == RONDO_OK;
    status = has_begun ? run_epochs(&training, errors) : status;
    if (has_begun && status == RONDO_INTERRUPTED) {
        pause_training(&training, TRAINER_INTERRUPTED, errors);
    }
    if (has_begun && result->best_epoch > 0) {
        copy_from_best(&training);
    } else if (has_begun && status == RONDO_INTERRUPTED) {
        updater_swap_evaluated(training.updater, errors);
    }
    result->steps = training.progress.steps;
    result->skipped = training.progress.skipped;
    result->rollbacks = training.progress.rollbacks;
    errors_free(&training.skipped);
    updater_destroy(training.updater);
    diagnostics_destroy(training.diagnostics);
    schedule_destroy(training.schedule);
    free(training.best);
    return status;
}
