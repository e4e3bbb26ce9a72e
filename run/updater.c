#include "run/updater.h"

#include <math.h>

#include "core/host.h"

enum {
    GRAIN = 16 * 1024, /* elements of a slice: worth a thread */
    MAX_SLOTS = 16
};

/* What one call of the optimizer's step works with, so that slices can run at the same time. */
struct slice {
    struct arena *arena;
    struct errors errors;
};

struct updater {
    struct arena *arena;
    const struct model *model;
    const rondo_optimizer *optimizer;
    const void *options;
    const struct parallel *parallel;
    int32_t n_slots;
    rondo_tensor *slots; /* [n_parameters][n_slots] */
    struct slice *slices;
    int64_t n_slices; /* of the largest parameter */
    int64_t steps;
};

static rondo_status add_slots(struct updater *updater, struct errors *errors) {
    const rondo_slot *slots = updater->optimizer->slots;
    while (slots != NULL && slots[updater->n_slots].name != NULL) {
        updater->n_slots++;
    }
    RONDO_CHECK(updater->n_slots <= MAX_SLOTS, errors, "an optimizer has at most 16 slots");
    const int32_t n_parameters = model_parameter_count(updater->model);
    updater->slots =
        arena_calloc(updater->arena, (size_t)n_parameters * (size_t)updater->n_slots + 1, sizeof *updater->slots);
    if (updater->slots == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < n_parameters; p++) {
        const rondo_tensor *value = &model_parameters(updater->model)[p].value;
        for (int32_t s = 0; s < updater->n_slots; s++) {
            rondo_tensor *slot = &updater->slots[p * updater->n_slots + s];
            *slot = slots[s].shape == RONDO_SLOT_SCALAR ? tensor_of(value->dtype, 0, NULL) : *value;
            RONDO_TRY(tensor_alloc(slot, updater->arena, errors));
        }
    }
    return RONDO_OK;
}

/* One slice at least; for an element-wise optimizer as many as the largest parameter has. */
static rondo_status add_slices(struct updater *updater, struct errors *errors) {
    updater->n_slices = 1;
    for (int32_t p = 0; p < model_parameter_count(updater->model); p++) {
        const int64_t slices = (rondo_count(&model_parameters(updater->model)[p].value) + GRAIN - 1) / GRAIN;
        updater->n_slices = slices > updater->n_slices ? slices : updater->n_slices;
    }
    updater->slices = arena_calloc(updater->arena, (size_t)updater->n_slices, sizeof *updater->slices);
    if (updater->slices == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < updater->n_slices; i++) {
        updater->slices[i].arena = arena_create();
        if (updater->slices[i].arena == NULL) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

struct updater *updater_create(const struct model *model, const rondo_optimizer *optimizer, const void *options,
                               const struct parallel *parallel, struct errors *errors) {
    struct arena *arena = arena_create();
    struct updater *updater = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *updater);
    if (updater == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *updater = (struct updater){
        .arena = arena, .model = model, .optimizer = optimizer, .options = options, .parallel = parallel};
    if (add_slots(updater, errors) != RONDO_OK || add_slices(updater, errors) != RONDO_OK) {
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
    const int32_t count = model_parameter_count(updater->model);
    double squares = 0;
    for (int32_t p = 0; p < count; p++) {
        const double own = sum_of_squares(&gradients[p]);
        if (!isfinite(own)) {
            return errors_add(errors, RONDO_NOT_FINITE, "the gradient of '%s' is not finite",
                              model_parameters(updater->model)[p].name);
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

/* The update of one parameter, whole or in slices. */
struct update {
    struct updater *updater;
    const rondo_tensor *gradient;
    int32_t parameter;
    int sliced;
    double lr_scale;
    struct rng_stream stream;
};

/* Elements begin .. end of a tensor, as one dimension. */
static rondo_tensor slice_of(const rondo_tensor *tensor, int64_t begin, int64_t end) {
    char *data = (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype);
    return tensor_1d(tensor->dtype, end - begin, data);
}

static void update_range(void *arg, int64_t begin, int64_t end) {
    const struct update *update = arg;
    struct updater *updater = update->updater;
    struct slice *slice = &updater->slices[update->sliced ? begin / GRAIN : 0];
    const struct parameter *parameter = &model_parameters(updater->model)[update->parameter];
    const rondo_tensor *whole = &updater->slots[update->parameter * updater->n_slots];
    rondo_tensor slots[MAX_SLOTS];
    for (int32_t s = 0; s < updater->n_slots; s++) {
        slots[s] = update->sliced ? slice_of(&whole[s], begin, end) : whole[s];
    }
    const rondo_optimizer_call call = {
        .struct_size = sizeof call,
        .n_slots = updater->n_slots,
        .options = updater->options,
        .parameter = parameter->name,
        .step = updater->steps,
        .lr_scale = update->lr_scale,
        .value = update->sliced ? slice_of(&parameter->value, begin, end) : parameter->value,
        .gradient = update->sliced ? slice_of(update->gradient, begin, end) : *update->gradient,
        .slots = slots};
    arena_reset(slice->arena);
    struct host_call host = host_call(slice->arena, &slice->errors, updater->parallel, updater->optimizer->base.name);
    host.where.file = parameter->name;
    host.stream = rng_substream(update->stream, (uint64_t)begin);
    host_result(&host, updater->optimizer->step(&host.base, &call));
}

rondo_status updater_step(struct updater *updater, const rondo_tensor *gradients, double lr_scale,
                          struct rng_stream stream, struct errors *errors) {
    updater->steps++;
    for (int32_t p = 0; p < model_parameter_count(updater->model); p++) {
        struct update update = {.updater = updater,
                                .gradient = &gradients[p],
                                .parameter = p,
                                .sliced = (updater->optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0,
                                .lr_scale = lr_scale,
                                .stream = rng_stream(stream.key, model_parameters(updater->model)[p].name)};
        const int64_t count = rondo_count(&gradients[p]);
        parallel_for(updater->parallel, count, update.sliced ? GRAIN : count, update_range, &update);
        for (int64_t i = 0; i < updater->n_slices; i++) {
            if (updater->slices[i].errors.count > 0) {
                const rondo_status status = updater->slices[i].errors.status;
                errors_move(errors, &updater->slices[i].errors);
                return status;
            }
        }
    }
    return RONDO_OK;
}
