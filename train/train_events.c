/* train/train_events.c: the event file of a training, for TensorBoard. */
#include <math.h>

#include "train/train_parts.h"

rondo_status training_begin_events(struct experiment_training *training, struct errors *errors) {
    int64_t last;
    if (!training->task->experiment->schedule.options.tensorboard) {
        return RONDO_OK;
    }
    RONDO_TRY(run_folder_last_interval(training->run, &last, errors));
    if (training->events != NULL) {
        return event_file_cut(training->events, last, errors);
    }
    training->events = event_file_open(training->run, last, errors);
    return training->events == NULL ? errors->status : RONDO_OK;
}

/* "valid/loss", for the first `count` metrics. */
static rondo_status add_scores(struct event_file *events, const char *part, const struct network *network,
                               const struct scores *scores, int32_t count, struct arena *arena) {
    for (int32_t m = 0; m < count; m++) {
        const char *tag = arena_printf(arena, "%s/%s", part, network_metric_name(network, m));
        if (tag == NULL) {
            return RONDO_NO_MEMORY;
        }
        event_file_scalar(events, tag, network_metric(network, scores, m));
    }
    return RONDO_OK;
}

/* `diagnostics`: of each parameter, at the last update; NULL: not measured. */
static rondo_status add_parameters(struct event_file *events, const struct model *model,
                                   const struct parameter_diagnostics *diagnostics, struct arena *arena) {
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        const char *values = arena_printf(arena, "parameters/%s", parameter->name);
        const char *ratio = arena_printf(arena, "update_ratio/%s", parameter->name);
        if (ratio == NULL) {
            return RONDO_NO_MEMORY;
        }
        event_file_histogram(events, values, &parameter->value);
        if (diagnostics != NULL && !isnan(diagnostics[p].ratio)) {
            event_file_scalar(events, ratio, diagnostics[p].ratio);
        }
    }
    return RONDO_OK;
}

static rondo_status add_interval(struct experiment_training *training, const struct trainer_progress *progress,
                                 struct arena *arena) {
    const struct network *network = training->task->network;
    const double lr = training->task->experiment->optimizer.lr;
    struct event_file *events = training->events;
    RONDO_TRY(add_scores(events, "train", network, progress->train, network_loss_count(network), arena));
    if (progress->valid != NULL) {
        RONDO_TRY(add_scores(events, "valid", network, progress->valid, network_metric_count(network), arena));
    }
    /* An optimizer without a learning rate of its own has only the factor. */
    event_file_scalar(events, "learning_rate", (isnan(lr) ? 1 : lr) * progress->lr_scale);
    event_file_scalar(events, "gradient_norm", progress->gradient_norm);
    return add_parameters(events, network_model(network), progress->diagnostics, arena);
}

rondo_status training_write_events(struct experiment_training *training, const struct trainer_progress *progress,
                                   struct errors *errors) {
    if (training->events == NULL) {
        return RONDO_OK;
    }
    struct arena *arena = arena_create();
    const rondo_status status = add_interval(training, progress, arena);
    arena_destroy(arena);
    return status == RONDO_OK ? event_file_write(training->events, progress->steps, errors) : errors_no_memory(errors);
}
