#include "train/updater.h"

#include <math.h>
#include <string.h>

#include "core/host.h"
#include "train/update_pass.h"

static int32_t parameter_count(const struct updater *updater) {
    return model_parameter_count(updater->settings.model);
}

static const struct model_parameter *parameter_at(const struct updater *updater, int32_t index) {
    return &model_parameters(updater->settings.model)[index];
}

int updater_is_frozen(const struct updater *updater, int32_t parameter) {
    return updater->settings.frozen != NULL && updater->settings.frozen[parameter];
}

int updater_is_elementwise(const struct updater *updater, int32_t stage) {
    return (updater->settings.stages[stage].optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
}

/* ---- slots ---- */

/* The shape of a slot, which the plug-in chooses. */
static rondo_status choose_slot(struct updater *updater, int32_t stage, int32_t slot, int32_t p, rondo_tensor *shape,
                                struct errors *errors) {
    const struct updater_stage *at = &updater->settings.stages[stage];
    rondo_tensor parameter = parameter_at(updater, p)->value;
    parameter.data = NULL;
    *shape = tensor_1d(parameter.dtype, 0, NULL);
    struct host_call host = host_call(updater->arena, errors, updater->settings.parallel, updater->subjects[stage][p]);
    host.log = at->log;
    host.origin = at->origin;
    RONDO_TRY(host_result(&host, at->optimizer->choose_slot(&host.base, at->options[p], slot, &parameter, shape)));
    int is_possible = shape->ndim >= 0 && shape->ndim <= RONDO_MAX_DIMS && dtype_size(shape->dtype) != 0;
    for (int32_t d = 0; is_possible && d < shape->ndim; d++) {
        is_possible = shape->shape[d] >= 0;
    }
    if (!is_possible ||
        (updater_is_elementwise(updater, stage) && rondo_count(shape) != 0 && !tensor_same_shape(shape, &parameter))) {
        return errors_add(errors, RONDO_INTERNAL, "%s: slot '%s' gets a shape that it cannot have",
                          updater->subjects[stage][p], at->optimizer->slots[slot].name);
    }
    shape->data = NULL;
    return RONDO_OK;
}

/* The slot without memory. */
static rondo_status describe_slot(struct updater *updater, int32_t stage, int32_t slot, int32_t p, rondo_tensor *tensor,
                                  struct errors *errors) {
    const int32_t shape = updater->settings.stages[stage].optimizer->slots[slot].shape;
    const rondo_tensor *value = &parameter_at(updater, p)->value;
    *tensor = shape == RONDO_SLOT_SCALAR ? tensor_of(value->dtype, 0, NULL) : *value;
    tensor->data = NULL;
    return shape == RONDO_SLOT_CHOSEN ? choose_slot(updater, stage, slot, p, tensor, errors) : RONDO_OK;
}

static rondo_status add_slot(struct updater *updater, int32_t stage, int32_t slot, int32_t p, struct errors *errors) {
    const rondo_slot *declared = &updater->settings.stages[stage].optimizer->slots[slot];
    const rondo_tensor *value = &parameter_at(updater, p)->value;
    rondo_tensor *tensor = &updater->slots[stage][p * updater->n_slots[stage] + slot];
    RONDO_TRY(describe_slot(updater, stage, slot, p, tensor, errors));
    RONDO_TRY(tensor_alloc(tensor, updater->arena, errors));
    if (declared->role != RONDO_SLOT_STATE) {
        memcpy(tensor->data, value->data, tensor_bytes(value));
    }
    if (declared->role == RONDO_SLOT_EVALUATED) {
        updater->evaluated_stage = stage;
        updater->evaluated_slot = slot;
    }
    return RONDO_OK;
}

/* Counts the slots of a stage, and makes the names of its parameters for messages. */
static rondo_status open_slots(struct updater *updater, int32_t stage, struct errors *errors) {
    const struct updater_stage *at = &updater->settings.stages[stage];
    const rondo_slot *slots = at->optimizer->slots;
    int32_t count = 0;
    while (slots != NULL && slots[count].name != NULL) {
        count++;
    }
    if (count > UPDATER_MOST_SLOTS) {
        return errors_add(errors, RONDO_INVALID, "optimizer '%s' of '%s' has %d slots, expected %d at most",
                          at->optimizer->base.name, at->origin, count, UPDATER_MOST_SLOTS);
    }
    const size_t n_parameters = (size_t)parameter_count(updater);
    updater->n_slots[stage] = count;
    updater->subjects[stage] = arena_calloc(updater->arena, n_parameters + 1, sizeof *updater->subjects[stage]);
    for (int32_t p = 0; updater->subjects[stage] != NULL && p < parameter_count(updater); p++) {
        updater->subjects[stage][p] =
            arena_printf(updater->arena, "optimizer '%s' of '%s', parameter '%s'", at->optimizer->base.name, at->origin,
                         parameter_at(updater, p)->name);
    }
    return arena_failed(updater->arena) ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status add_slots(struct updater *updater, int32_t stage, struct errors *errors) {
    RONDO_TRY(open_slots(updater, stage, errors));
    const int32_t count = updater->n_slots[stage];
    updater->slots[stage] = arena_calloc(updater->arena, (size_t)parameter_count(updater) * (size_t)count + 1,
                                         sizeof *updater->slots[stage]);
    if (updater->slots[stage] == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        for (int32_t s = 0; s < count && !updater_is_frozen(updater, p); s++) {
            RONDO_TRY(add_slot(updater, stage, s, p, errors));
        }
    }
    return RONDO_OK;
}

rondo_status updater_slot_bytes(const struct updater_settings *settings, uint64_t *bytes, struct errors *errors) {
    struct updater updater = {.arena = arena_create(), .settings = *settings};
    rondo_status status = updater.arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    *bytes = 0;
    for (int32_t stage = 0; stage < settings->n_stages && status == RONDO_OK; stage++) {
        status = open_slots(&updater, stage, errors);
        for (int32_t p = 0; p < parameter_count(&updater); p++) {
            for (int32_t s = 0; s < updater.n_slots[stage] && !updater_is_frozen(&updater, p); s++) {
                rondo_tensor slot = {0};
                status = status == RONDO_OK ? describe_slot(&updater, stage, s, p, &slot, errors) : status;
                *bytes += status == RONDO_OK ? tensor_bytes(&slot) : 0;
            }
        }
    }
    arena_destroy(updater.arena);
    return status;
}

static int64_t slices_of(const struct updater *updater, int32_t p) {
    const int64_t count = rondo_count(&parameter_at(updater, p)->value);
    return updater_is_frozen(updater, p) ? 0 : count == 0 ? 1 : (count + UPDATE_GRAIN - 1) / UPDATE_GRAIN;
}

static rondo_status add_slices(struct updater *updater, struct errors *errors) {
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        updater->n_slices += slices_of(updater, p);
    }
    const size_t n_slices = (size_t)updater->n_slices, n_parameters = (size_t)parameter_count(updater);
    updater->slices = arena_calloc(updater->arena, n_slices + 1, sizeof *updater->slices);
    updater->work = arena_calloc(updater->arena, n_slices + 1, sizeof *updater->work);
    updater->first_slice = arena_calloc(updater->arena, n_parameters + 1, sizeof *updater->first_slice);
    if (arena_failed(updater->arena)) {
        updater->slices = NULL;
        return errors_no_memory(errors);
    }
    struct update_slice *slice = updater->slices;
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        const int64_t count = rondo_count(&parameter_at(updater, p)->value);
        updater->first_slice[p + 1] = updater->first_slice[p] + slices_of(updater, p);
        for (int64_t i = 0; i < slices_of(updater, p); i++, slice++) {
            const int64_t end = (i + 1) * UPDATE_GRAIN < count ? (i + 1) * UPDATE_GRAIN : count;
            *slice =
                (struct update_slice){.parameter = p, .begin = i * UPDATE_GRAIN, .end = end, .arena = arena_create()};
            if (slice->arena == NULL) {
                return errors_no_memory(errors);
            }
        }
    }
    return RONDO_OK;
}

/* ---- rows ---- */

/* 1 if the stage leaves rows without a gradient alone, or may. Lazily, the optimizer and wrappers before it see only the
 * rows that occurred. A wrapper after it, such as an average, sees all rows unless it changes none of the others: an
 * average that follows only at the updates in which its row occurs would not be the average of the weights. */
static int may_skip_rows(const struct updater *updater, int32_t stage, int32_t p) {
    const struct updater_stage *at = &updater->settings.stages[stage];
    if (!updater_is_elementwise(updater, stage)) {
        return 0;
    }
    return (parameter_at(updater, p)->is_lazy && at->optimizer->stage != RONDO_STAGE_VALUE) ||
           (at->optimizer->skips_zeros != NULL && at->optimizer->skips_zeros(at->options[p]));
}

/* 1 if the stage has nothing to do for rows without a gradient. A gradient that was rewritten may have all rows. */
static int skips_rows(const struct updater *updater, int32_t stage, int32_t p) {
    int skips = parameter_at(updater, p)->by_rows;
    for (int32_t before = 0; before <= stage && skips; before++) {
        const int rewrites = updater->settings.stages[before].optimizer->stage == RONDO_STAGE_GRADIENT;
        skips = (before < stage && !rewrites) || may_skip_rows(updater, before, p);
    }
    return skips;
}

static int can_catch_up(const struct updater *updater, int32_t stage) {
    const rondo_optimizer *optimizer = updater->settings.stages[stage].optimizer;
    return optimizer->stage == RONDO_STAGE_VALUE && optimizer->catch_up != NULL &&
           updater_is_elementwise(updater, stage);
}

/* 1 if the stage can do the updates of rows without a gradient later: no stage changes their value. */
static int catches_up(const struct updater *updater, int32_t stage, int32_t p) {
    int catches = can_catch_up(updater, stage) && parameter_at(updater, p)->by_rows;
    for (int32_t other = 0; other < updater->settings.n_stages; other++) {
        catches = catches && (skips_rows(updater, other, p) || can_catch_up(updater, other));
    }
    return catches;
}

int updater_lists_rows(const struct updater_settings *settings, int32_t stage, int32_t p) {
    const struct updater updater = {.settings = *settings};
    return skips_rows(&updater, stage, p) || catches_up(&updater, stage, p);
}

int updater_needs_whole_gradient(const struct updater_settings *settings, int32_t p) {
    const struct updater updater = {.settings = *settings};
    int needs = 0;
    for (int32_t stage = 0; stage < settings->n_stages; stage++) {
        needs |= !updater_is_elementwise(&updater, stage);
    }
    return needs && parameter_at(&updater, p)->by_rows && !updater_is_frozen(&updater, p);
}

static rondo_status add_rows(struct updater *updater, struct errors *errors) {
    const int32_t count = parameter_count(updater), n_stages = updater->settings.n_stages;
    updater->rows = arena_calloc(updater->arena, (size_t)count + 1, sizeof *updater->rows);
    for (int32_t p = 0; updater->rows != NULL && p < count; p++) {
        const struct model_parameter *parameter = parameter_at(updater, p);
        struct updater_rows *rows = &updater->rows[p];
        int any_catches_up = 0;
        for (int32_t stage = 0; stage < n_stages && parameter->by_rows && !updater_is_frozen(updater, p); stage++) {
            rows->extent[stage] = !updater_lists_rows(&updater->settings, stage, p) ? EXTENT_ALL
                                  : skips_rows(updater, stage, p)                   ? EXTENT_LISTED
                                                                                    : EXTENT_CATCH_UP;
            rows->expands |= rows->extent[stage] == EXTENT_ALL;
            any_catches_up |= rows->extent[stage] == EXTENT_CATCH_UP;
        }
        if (updater_needs_whole_gradient(&updater->settings, p)) {
            rows->whole = rows->whole_sampled = parameter->value;
            RONDO_TRY(tensor_alloc(&rows->whole, updater->arena, errors));
            rows->whole_sampled.data = NULL; /* allocated by the first update that needs it */
        }
        if (any_catches_up) {
            rows->reached = arena_calloc(updater->arena, (size_t)parameter->value.shape[0], sizeof *rows->reached);
        } else if (parameter->by_rows && !rows->expands) {
            rows->is_new = 1;
            rows->changed =
                arena_calloc(updater->arena, (size_t)(parameter->value.shape[0] / 64 + 1), sizeof(uint64_t));
        }
    }
    return arena_failed(updater->arena) ? errors_no_memory(errors) : RONDO_OK;
}

const uint64_t *updater_changes(const struct updater *updater, int32_t parameter) {
    const struct updater_rows *rows = &updater->rows[parameter];
    return rows->is_new ? NULL : rows->changed;
}

void updater_forget_changes(struct updater *updater) {
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        struct updater_rows *rows = &updater->rows[p];
        if (rows->changed != NULL) {
            memset(rows->changed, 0, sizeof(uint64_t) * (size_t)(parameter_at(updater, p)->value.shape[0] / 64 + 1));
            rows->is_new = 0;
        }
    }
}

struct updater *updater_create(const struct updater_settings *settings, struct errors *errors) {
    struct arena *arena = arena_create();
    struct updater *updater = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *updater);
    if (updater == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *updater = (struct updater){.arena = arena, .settings = *settings, .evaluated_stage = -1, .evaluated_slot = -1};
    rondo_status status = add_slices(updater, errors);
    status = status == RONDO_OK ? add_rows(updater, errors) : status;
    for (int32_t stage = 0; stage < settings->n_stages && status == RONDO_OK; stage++) {
        status = add_slots(updater, stage, errors);
    }
    if (errors_memory_for(errors, status, (struct location){0}, "the state of the optimizer") != RONDO_OK) {
        updater_destroy(updater);
        return NULL;
    }
    return updater;
}

void updater_destroy(struct updater *updater) {
    if (updater == NULL) {
        return;
    }
    for (int64_t i = 0; updater->slices != NULL && i < updater->n_slices; i++) {
        arena_destroy(updater->slices[i].arena);
        errors_free(&updater->slices[i].errors);
    }
    arena_destroy(updater->arena);
}

uint64_t updater_resident(const struct updater *updater) {
    uint64_t bytes = arena_resident(updater->arena);
    for (int64_t i = 0; i < updater->n_slices; i++) {
        bytes += arena_resident(updater->slices[i].arena);
    }
    return bytes;
}

int64_t updater_steps(const struct updater *updater) {
    return updater->steps;
}

/* ---- clipping ---- */

static double sum_of_squares(const rondo_tensor *tensor) {
    double sum = 0;
    const int64_t count = rondo_count(tensor);
    if (tensor->dtype == RONDO_F32) {
        const float *data = tensor->data;
        for (int64_t i = 0; i < count; i++) {
            sum += (double)data[i] * (double)data[i];
        }
        return sum;
    }
    const double *data = tensor->data;
    for (int64_t i = 0; i < count; i++) {
        sum += data[i] * data[i];
    }
    return sum;
}

/* Rows that are not listed are zero: they add nothing, so the norm has the bits of that of the whole gradient. */
rondo_status updater_clip(struct updater *updater, const struct gradient *gradients, double limit, double *norm,
                          struct errors *errors) {
    const int32_t count = parameter_count(updater);
    double squares = 0;
    for (int32_t p = 0; p < count; p++) {
        const double own = sum_of_squares(&gradients[p].values);
        squares += own;
        if (!isfinite(squares)) {
            return errors_add(errors, RONDO_NOT_FINITE, "the gradient of '%s' is not finite",
                              parameter_at(updater, p)->name);
        }
    }
    *norm = sqrt(squares);
    if (limit <= 0 || *norm <= limit) {
        return RONDO_OK;
    }
    const double scale = limit / *norm;
    for (int32_t p = 0; p < count; p++) {
        tensor_scale(&gradients[p].values, 0, rondo_count(&gradients[p].values), scale);
    }
    return RONDO_OK;
}
