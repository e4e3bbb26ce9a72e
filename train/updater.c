#include "train/updater.h"

#include <math.h>
#include <string.h>

#include "core/host.h"

/* Elements of a slice: enough work for a thread, and few enough that its arrays stay in the second-level cache, where the
 * updated values are then checked for being finite. */
enum { GRAIN = 32 * 1024 };

/* Elements begin .. end of a parameter, with the arguments for the functions of a stage: slices can run at the same
 * time. */
struct slice {
    int32_t parameter;
    int64_t begin, end;
    struct arena *arena;
    struct errors errors;
};

struct updater {
    struct arena *arena;
    struct updater_settings settings;
    int32_t n_slots[UPDATER_MOST_STAGES];
    rondo_tensor *slots[UPDATER_MOST_STAGES];   /* [n_parameters][n_slots] */
    const char **subjects[UPDATER_MOST_STAGES]; /* [n_parameters]: names for messages */
    int32_t evaluated_stage, evaluated_slot;    /* -1: none */
    struct slice *slices;                       /* slices of all parameters that are not frozen, in order */
    int64_t n_slices;
    int64_t steps;
};

static int32_t parameter_count(const struct updater *updater) {
    return model_parameter_count(updater->settings.model);
}

static const struct model_parameter *parameter_at(const struct updater *updater, int32_t index) {
    return &model_parameters(updater->settings.model)[index];
}

static int is_frozen(const struct updater *updater, int32_t parameter) {
    return updater->settings.frozen != NULL && updater->settings.frozen[parameter];
}

static int is_elementwise(const struct updater *updater, int32_t stage) {
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
    const int is_empty = rondo_count(shape) == 0;
    if (shape->ndim < 0 || shape->ndim > RONDO_MAX_DIMS || dtype_size(shape->dtype) == 0 ||
        (is_elementwise(updater, stage) && !is_empty && !tensor_same_shape(shape, &parameter))) {
        return errors_add(errors, RONDO_INTERNAL, "%s: slot '%s' gets a shape that it cannot have",
                          updater->subjects[stage][p], at->optimizer->slots[slot].name);
    }
    shape->data = NULL;
    return RONDO_OK;
}

static rondo_status add_slot(struct updater *updater, int32_t stage, int32_t slot, int32_t p, struct errors *errors) {
    const rondo_slot *declared = &updater->settings.stages[stage].optimizer->slots[slot];
    const rondo_tensor *value = &parameter_at(updater, p)->value;
    rondo_tensor *tensor = &updater->slots[stage][p * updater->n_slots[stage] + slot];
    *tensor = *value;
    if (declared->shape == RONDO_SLOT_SCALAR) {
        *tensor = tensor_of(value->dtype, 0, NULL);
    } else if (declared->shape == RONDO_SLOT_CHOSEN) {
        RONDO_TRY(choose_slot(updater, stage, slot, p, tensor, errors));
    }
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

static rondo_status add_slots(struct updater *updater, int32_t stage, struct errors *errors) {
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
    updater->slots[stage] =
        arena_calloc(updater->arena, n_parameters * (size_t)count + 1, sizeof *updater->slots[stage]);
    updater->subjects[stage] = arena_calloc(updater->arena, n_parameters + 1, sizeof *updater->subjects[stage]);
    if (updater->slots[stage] == NULL || updater->subjects[stage] == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        updater->subjects[stage][p] =
            arena_printf(updater->arena, "optimizer '%s' of '%s', parameter '%s'", at->optimizer->base.name, at->origin,
                         parameter_at(updater, p)->name);
        if (updater->subjects[stage][p] == NULL) {
            return errors_no_memory(errors);
        }
        for (int32_t s = 0; s < count && !is_frozen(updater, p); s++) {
            RONDO_TRY(add_slot(updater, stage, s, p, errors));
        }
    }
    return RONDO_OK;
}

static int64_t slices_of(const struct updater *updater, int32_t p) {
    const int64_t count = rondo_count(&parameter_at(updater, p)->value);
    return is_frozen(updater, p) ? 0 : count == 0 ? 1 : (count + GRAIN - 1) / GRAIN;
}

static rondo_status add_slices(struct updater *updater, struct errors *errors) {
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        updater->n_slices += slices_of(updater, p);
    }
    updater->slices = arena_calloc(updater->arena, (size_t)updater->n_slices + 1, sizeof *updater->slices);
    if (updater->slices == NULL) {
        return errors_no_memory(errors);
    }
    struct slice *slice = updater->slices;
    for (int32_t p = 0; p < parameter_count(updater); p++) {
        const int64_t count = rondo_count(&parameter_at(updater, p)->value);
        for (int64_t i = 0; i < slices_of(updater, p); i++, slice++) {
            const int64_t end = (i + 1) * GRAIN < count ? (i + 1) * GRAIN : count;
            *slice = (struct slice){.parameter = p, .begin = i * GRAIN, .end = end, .arena = arena_create()};
            if (slice->arena == NULL) {
                return errors_no_memory(errors);
            }
        }
    }
    return RONDO_OK;
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
    for (int32_t stage = 0; stage < settings->n_stages && status == RONDO_OK; stage++) {
        status = add_slots(updater, stage, errors);
    }
    if (status != RONDO_OK) {
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

rondo_status updater_clip(struct updater *updater, const rondo_tensor *gradients, double limit, double *norm,
                          struct errors *errors) {
    const int32_t count = parameter_count(updater);
    double squares = 0;
    for (int32_t p = 0; p < count; p++) {
        const double own = sum_of_squares(&gradients[p]);
        if (!isfinite(own)) {
            return errors_add(errors, RONDO_NOT_FINITE, "the gradient of '%s' is not finite",
                              parameter_at(updater, p)->name);
        }
        squares += own;
    }
    *norm = sqrt(squares);
    if (limit <= 0 || *norm <= limit) {
        return RONDO_OK;
    }
    const double scale = limit / *norm;
    for (int32_t p = 0; p < count; p++) {
        tensor_scale(&gradients[p], 0, rondo_count(&gradients[p]), scale);
    }
    return RONDO_OK;
}

/* ---- updates ---- */

static int stage_wants_sampled(const struct updater *updater, int32_t stage, int32_t p, int64_t step) {
    const struct updater_stage *at = &updater->settings.stages[stage];
    return at->optimizer->wants_sampled != NULL && at->optimizer->wants_sampled(at->options[p], step);
}

int updater_wants_sampled(const struct updater *updater) {
    for (int32_t stage = 0; stage < updater->settings.n_stages; stage++) {
        for (int32_t p = 0; p < parameter_count(updater); p++) {
            if (!is_frozen(updater, p) && stage_wants_sampled(updater, stage, p, updater->steps + 1)) {
                return 1;
            }
        }
    }
    return 0;
}

/* Stages first .. end, of whole parameters or of slices. */
struct updater_pass {
    struct updater *updater;
    const struct updater_step *step;
    int32_t first, end;
    int sliced;
};

/* Elements of a tensor as a tensor of one dimension. */
static rondo_tensor slice_of(const rondo_tensor *tensor, const struct slice *slice) {
    if (rondo_count(tensor) == 0) {
        return tensor_1d(tensor->dtype, 0, tensor->data);
    }
    char *data = (char *)tensor->data + (size_t)slice->begin * dtype_size(tensor->dtype);
    return tensor_1d(tensor->dtype, slice->end - slice->begin, data);
}

static rondo_tensor part_of(const struct updater_pass *update, const rondo_tensor *tensor, const struct slice *slice) {
    return update->sliced ? slice_of(tensor, slice) : *tensor;
}

static rondo_status run_stage(const struct updater_pass *update, int32_t stage, struct slice *slice) {
    struct updater *updater = update->updater;
    const struct updater_stage *at = &updater->settings.stages[stage];
    const int32_t p = slice->parameter, n_slots = updater->n_slots[stage];
    const struct model_parameter *parameter = parameter_at(updater, p);
    const rondo_tensor *whole = &updater->slots[stage][p * n_slots];
    rondo_tensor slots[UPDATER_MOST_SLOTS];
    for (int32_t s = 0; s < n_slots; s++) {
        slots[s] = part_of(update, &whole[s], slice);
    }
    rondo_optimizer_call call = {
        .struct_size = sizeof call,
        .n_slots = n_slots,
        .options = at->options[p],
        .parameter = parameter->name,
        .step = updater->steps,
        .lr_scale = update->step->lr_scale,
        .value = part_of(update, &parameter->value, slice),
        .gradient = part_of(update, &update->step->gradients[p], slice),
        .slots = slots,
        .rows = update->step->rows,
    };
    call.sampled_gradient = call.gradient;
    call.sampled_gradient.data = NULL;
    if (update->step->sampled != NULL && stage_wants_sampled(updater, stage, p, updater->steps)) {
        call.sampled_gradient = part_of(update, &update->step->sampled[p], slice);
    }
    arena_reset(slice->arena);
    struct host_call host =
        host_call(slice->arena, &slice->errors, updater->settings.parallel, updater->subjects[stage][p]);
    host.log = at->log;
    host.origin = at->origin;
    const struct rng_stream stream = rng_stream(update->step->stream.key, parameter->name);
    host.stream = rng_substream(rng_substream(stream, (uint64_t)stage), (uint64_t)slice->begin);
    RONDO_TRY(host_result(&host, at->optimizer->step(&host.base, &call)));
    const int is_gradient = at->optimizer->stage == RONDO_STAGE_GRADIENT;
    if (tensor_is_finite(is_gradient ? &call.gradient : &call.value)) {
        return RONDO_OK;
    }
    return errors_add(&slice->errors, RONDO_NOT_FINITE, "%s: the %s is not finite after update %lld", host.subject,
                      is_gradient ? "gradient" : "value", (long long)updater->steps);
}

static void update_slices(void *arg, int64_t begin, int64_t end) {
    const struct updater_pass *update = arg;
    for (int64_t i = begin; i < end; i++) {
        struct slice *slice = &update->updater->slices[i];
        rondo_status status = RONDO_OK;
        for (int32_t stage = update->first; stage < update->end && status == RONDO_OK; stage++) {
            status = run_stage(update, stage, slice);
        }
    }
}

/* Reports the first error in the order of the parameters; those of other slices are mostly the same. */
static rondo_status take_errors(struct updater *updater, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (int64_t i = 0; i < updater->n_slices; i++) {
        struct errors *own = &updater->slices[i].errors;
        if (own->count > 0 && status == RONDO_OK) {
            status = own->status;
            errors_move(errors, own);
        }
        errors_free(own);
    }
    return status;
}

rondo_status updater_step(struct updater *updater, const struct updater_step *step, struct errors *errors) {
    struct updater_pass update = {.updater = updater, .step = step};
    updater->steps++;
    while (update.end < updater->settings.n_stages) {
        update.first = update.end++;
        update.sliced = is_elementwise(updater, update.first);
        while (update.sliced && update.end < updater->settings.n_stages && is_elementwise(updater, update.end)) {
            update.end++;
        }
        if (update.sliced) {
            parallel_for(updater->settings.parallel, updater->n_slices, 1, update_slices, &update);
        }
        for (int64_t i = 0; !update.sliced && i < updater->n_slices; i++) {
            if (updater->slices[i].begin == 0) { /* once per parameter, with the arguments of its first slice */
                update_slices(&update, i, i + 1);
            }
        }
        RONDO_TRY(take_errors(updater, errors));
    }
    return RONDO_OK;
}

static void exchange(char *a, char *b, size_t bytes) {
    char held[4096];
    for (size_t at = 0; at < bytes; at += sizeof held) {
        const size_t part = bytes - at < sizeof held ? bytes - at : sizeof held;
        memcpy(held, a + at, part);
        memcpy(a + at, b + at, part);
        memcpy(b + at, held, part);
    }
}

void updater_swap_evaluated(struct updater *updater) {
    const int32_t stage = updater->evaluated_stage;
    for (int32_t p = 0; stage >= 0 && updater->steps > 0 && p < parameter_count(updater); p++) {
        if (!is_frozen(updater, p)) {
            const rondo_tensor *value = &parameter_at(updater, p)->value;
            const int32_t at = p * updater->n_slots[stage] + updater->evaluated_slot;
            exchange(value->data, updater->slots[stage][at].data, tensor_bytes(value));
        }
    }
}
