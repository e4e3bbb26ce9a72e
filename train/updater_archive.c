/* train/updater_archive.c: the state of an updater in a checkpoint. */
#include "train/update_pass.h"

static const char *slot_name(const struct updater *updater, int32_t stage, int32_t slot) {
    return updater->settings.stages[stage].optimizer->slots[slot].name;
}

static const struct model_parameter *parameter_at(const struct updater *updater, int32_t p) {
    return &model_parameters(updater->settings.model)[p];
}

void updater_save(const struct updater *updater, struct archive *archive) {
    archive_put_integer(archive, updater->steps, "optimizer.steps");
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        const char *name = parameter_at(updater, p)->name;
        for (int32_t stage = 0; stage < updater->settings.n_stages && !updater_is_frozen(updater, p); stage++) {
            const int32_t count = updater->n_slots[stage];
            for (int32_t slot = 0; slot < count; slot++) {
                archive_put_tensor(archive, &updater->slots[stage][p * count + slot], "optimizer.%d.%s.%s", stage,
                                   slot_name(updater, stage, slot), name);
            }
        }
        if (updater->rows[p].reached != NULL) {
            archive_put_integers(archive, updater->rows[p].reached, parameter_at(updater, p)->value.shape[0],
                                 "optimizer.reached.%s", name);
        }
    }
}

/* The rows that changed before the checkpoint are not in it: all rows count as changed (updater_changes). */
rondo_status updater_load(struct updater *updater, struct archive *archive, struct errors *errors) {
    const struct archive_range any = {0, ARCHIVE_MOST};
    RONDO_TRY(archive_take_count(archive, &updater->steps, any, errors, "optimizer.steps"));
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        const char *name = parameter_at(updater, p)->name;
        for (int32_t stage = 0; stage < updater->settings.n_stages && !updater_is_frozen(updater, p); stage++) {
            const int32_t count = updater->n_slots[stage];
            for (int32_t slot = 0; slot < count; slot++) {
                RONDO_TRY(archive_take_tensor(archive, &updater->slots[stage][p * count + slot], errors,
                                              "optimizer.%d.%s.%s", stage, slot_name(updater, stage, slot), name));
            }
        }
        if (updater->rows[p].reached != NULL) {
            const struct archive_range done = {0, updater->steps};
            RONDO_TRY(archive_take_counts(archive, updater->rows[p].reached, parameter_at(updater, p)->value.shape[0],
                                          done, errors, "optimizer.reached.%s", name));
        }
    }
    return RONDO_OK;
}
