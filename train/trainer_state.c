#include "train/trainer_state.h"

#include <string.h>

static const struct model_parameter *parameter_at(const struct training *training, int32_t p) {
    return &model_parameters(network_model(training->network))[p];
}

static int32_t parameter_count(const struct training *training) {
    return model_parameter_count(network_model(training->network));
}

static void save_scores(const struct scores *scores, const char *name, struct archive *archive) {
    archive_put_integer(archive, scores->rows, "trainer.%s.rows", name);
    archive_put_real(archive, scores->weight, "trainer.%s.weight", name);
    archive_put_reals(archive, scores->sums, HEADS_MOST_METRICS, "trainer.%s.sums", name);
    archive_put_reals(archive, scores->figures, METRICS_MOST, "trainer.%s.figures", name);
}

static rondo_status load_scores(struct scores *scores, const char *name, struct archive *archive,
                                struct errors *errors) {
    const struct archive_range any = {0, ARCHIVE_MOST};
    RONDO_TRY(archive_take_count(archive, &scores->rows, any, errors, "trainer.%s.rows", name));
    RONDO_TRY(archive_take_real(archive, &scores->weight, errors, "trainer.%s.weight", name));
    RONDO_TRY(archive_take_reals(archive, scores->sums, HEADS_MOST_METRICS, errors, "trainer.%s.sums", name));
    return archive_take_reals(archive, scores->figures, METRICS_MOST, errors, "trainer.%s.figures", name);
}

/* The best weights, unless they are those that are being trained. */
static void save_best(const struct training *training, struct archive *archive) {
    const char *best = training->best;
    int is_present = 1;
    for (int32_t p = 0; p < parameter_count(training) && is_present; p++) {
        const rondo_tensor *value = &parameter_at(training, p)->value;
        is_present = memcmp(best, value->data, tensor_bytes(value)) == 0;
        best += tensor_bytes(value);
    }
    archive_put_integer(archive, is_present, "trainer.best_is_present");
    best = training->best;
    for (int32_t p = 0; p < parameter_count(training) && !is_present; p++) {
        rondo_tensor value = parameter_at(training, p)->value;
        value.data = (void *)best; /* only read */
        archive_put_tensor(archive, &value, "best.%s", parameter_at(training, p)->name);
        best += tensor_bytes(&value);
    }
}

/* Follows model_load. */
static rondo_status load_best(struct training *training, struct archive *archive, struct errors *errors) {
    int64_t is_present = 0;
    RONDO_TRY(archive_take_integer(archive, &is_present, errors, "trainer.best_is_present"));
    char *best = training->best;
    for (int32_t p = 0; p < parameter_count(training); p++) {
        rondo_tensor value = parameter_at(training, p)->value;
        if (is_present) {
            memcpy(best, value.data, tensor_bytes(&value));
        } else {
            value.data = best;
            RONDO_TRY(archive_take_tensor(archive, &value, errors, "best.%s", parameter_at(training, p)->name));
        }
        best += tensor_bytes(&value);
    }
    return RONDO_OK;
}

/* The numbers of a training: one table for both directions. */
struct trainer_number {
    const char *name;
    int64_t *integer; /* one of them is NULL */
    double *real;
    /* Of an integer. The largest one may be a number that is listed before; NULL: ARCHIVE_MOST. */
    int64_t least;
    const int64_t *most;
};

enum { TRAINER_NUMBERS = 20 };

static void list_numbers(struct training *training, struct trainer_number numbers[TRAINER_NUMBERS]) {
    static const int64_t most_recent = TRAINER_RECENT, most_rollbacks = 1000000; /* as of schedule.nonfinite_limit */
    struct trainer_progress *progress = &training->progress;
    struct trainer_result *result = training->result;
    const int64_t *steps = &progress->steps;
    const struct trainer_number all[TRAINER_NUMBERS] = {
        {"epoch", &progress->epoch, NULL, 1, &progress->epochs},
        {"updates", &progress->updates, NULL, 0, NULL},
        {"update", &progress->update, NULL, 0, &progress->updates},
        {"steps", &progress->steps, NULL, 0, NULL},
        {"skipped", &progress->skipped, NULL, 0, steps},
        {"interval_skipped", &progress->interval_skipped, NULL, 0, steps},
        {"rollbacks", &progress->rollbacks, NULL, 0, &most_rollbacks},
        {"recent", &training->n_recent, NULL, 0, &most_recent},
        {"interval_updates", &progress->interval_updates, NULL, 0, steps},
        {"interval_examples", &progress->interval_examples, NULL, 0, NULL},
        {"interval_seconds", NULL, &progress->interval_seconds, 0, NULL},
        {"gradient_norm", NULL, &progress->gradient_norm, 0, NULL},
        {"lr_scale", NULL, &progress->lr_scale, 0, NULL},
        {"validations", &training->validations, NULL, 0, NULL},
        {"validated_step", &training->validated_step, NULL, -1, steps},
        {"better_validation", &training->better_validation, NULL, 0, &training->validations},
        {"best_value", NULL, &training->best_value, 0, NULL},
        {"validated_epoch", &result->epochs, NULL, 0, &progress->epoch},
        {"best_epoch", &result->best_epoch, NULL, 0, &progress->epoch},
        {"best_step", &result->best_step, NULL, 0, steps},
    };
    memcpy(numbers, all, sizeof all);
}

void trainer_save(const struct training *training, struct archive *archive) {
    struct training copy = *training; /* the table has pointers that may be written */
    struct trainer_result result = *training->result;
    struct trainer_number numbers[TRAINER_NUMBERS];
    copy.result = &result;
    list_numbers(&copy, numbers);
    for (int32_t k = 0; k < TRAINER_NUMBERS; k++) {
        if (numbers[k].integer != NULL) {
            archive_put_integer(archive, *numbers[k].integer, "trainer.%s", numbers[k].name);
        } else {
            archive_put_real(archive, *numbers[k].real, "trainer.%s", numbers[k].name);
        }
    }
    archive_put_integer(archive, training->settings->epochs, "trainer.epochs");
    archive_put_reals(archive, training->best_values, STOPPING_MOST, "trainer.best_values");
    archive_put_reals(archive, training->recent_norms, TRAINER_RECENT, "trainer.recent_norms");
    archive_put_reals(archive, training->recent_losses, TRAINER_RECENT, "trainer.recent_losses");
    save_scores(&training->scores, "train", archive);
    save_scores(&training->result->valid, "valid", archive);
    model_save(network_model(training->network), archive);
    network_save(training->network, archive);
    updater_save(training->updater, archive);
    schedule_save(training->schedule, archive);
    if (training->result->best_epoch > 0) {
        save_best(training, archive);
    }
    if (training->validated_step != training->progress.steps) {
        diagnostics_save(training->diagnostics, training->progress.steps, archive);
    }
}

rondo_status trainer_load(struct training *training, struct archive *archive, struct errors *errors) {
    const struct trainer_settings *settings = training->settings;
    struct trainer_number numbers[TRAINER_NUMBERS];
    int64_t planned = 0;
    list_numbers(training, numbers);
    for (int32_t k = 0; k < TRAINER_NUMBERS; k++) {
        if (numbers[k].integer != NULL) {
            const struct archive_range range = {numbers[k].least,
                                                numbers[k].most == NULL ? ARCHIVE_MOST : *numbers[k].most};
            RONDO_TRY(archive_take_count(archive, numbers[k].integer, range, errors, "trainer.%s", numbers[k].name));
        } else {
            RONDO_TRY(archive_take_real(archive, numbers[k].real, errors, "trainer.%s", numbers[k].name));
        }
    }
    RONDO_TRY(archive_take_integer(archive, &planned, errors, "trainer.epochs"));
    RONDO_TRY(archive_take_reals(archive, training->best_values, STOPPING_MOST, errors, "trainer.best_values"));
    RONDO_TRY(archive_take_reals(archive, training->recent_norms, TRAINER_RECENT, errors, "trainer.recent_norms"));
    RONDO_TRY(archive_take_reals(archive, training->recent_losses, TRAINER_RECENT, errors, "trainer.recent_losses"));
    RONDO_TRY(load_scores(&training->scores, "train", archive, errors));
    RONDO_TRY(load_scores(&training->result->valid, "valid", archive, errors));
    RONDO_TRY(model_load(network_model(training->network), archive, errors));
    RONDO_TRY(network_load(training->network, training->train, archive, errors));
    RONDO_TRY(updater_load(training->updater, archive, errors));
    RONDO_TRY(schedule_load(training->schedule, archive, errors));
    if (training->result->best_epoch > 0) {
        RONDO_TRY(load_best(training, archive, errors));
    }
    RONDO_TRY(diagnostics_load(training->diagnostics, network_model(training->network), archive, errors));
    training->is_extended = training->progress.epoch == planned && planned < settings->epochs &&
                            training->progress.update == training->progress.updates;
    training->is_stopped = training->valid != NULL && settings->patience > 0 && training->validations > 0 &&
                           training->validations - training->better_validation >= settings->patience;
    return RONDO_OK;
}
