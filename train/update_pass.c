#include "train/update_pass.h"

#include <string.h>

#include "core/host.h"

static const struct model_parameter *parameter_at(const struct updater *updater, int32_t index) {
    return &model_parameters(updater->settings.model)[index];
}

static int stage_wants_sampled(const struct updater *updater, int32_t stage, int32_t p, int64_t step) {
    const struct updater_stage *at = &updater->settings.stages[stage];
    return at->optimizer->wants_sampled != NULL && at->optimizer->wants_sampled(at->options[p], step);
}

int updater_wants_sampled(const struct updater *updater) {
    for (int32_t stage = 0; stage < updater->settings.n_stages; stage++) {
        for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
            if (!updater_is_frozen(updater, p) && stage_wants_sampled(updater, stage, p, updater->steps + 1)) {
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

/* Gradients whose element 0 belongs to element `origin` of the parameter. */
struct gradient_view {
    rondo_tensor gradient, sampled;
    int64_t origin;
};

/* Elements of a tensor as a tensor of one dimension. */
static rondo_tensor range_of(const rondo_tensor *tensor, int64_t begin, int64_t end) {
    if (rondo_count(tensor) == 0 || tensor->data == NULL) {
        return tensor_1d(tensor->dtype, 0, tensor->data);
    }
    char *data = (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype);
    return tensor_1d(tensor->dtype, end - begin, data);
}

/* Elements begin .. end of a slice, or the whole parameter. */
static rondo_status run_stage(const struct updater_pass *update, int32_t stage, struct update_slice *slice,
                              const struct gradient_view *view, int64_t begin, int64_t end) {
    struct updater *updater = update->updater;
    const struct updater_stage *at = &updater->settings.stages[stage];
    const int32_t p = slice->parameter, n_slots = updater->n_slots[stage];
    const struct model_parameter *parameter = parameter_at(updater, p);
    const rondo_tensor *whole = &updater->slots[stage][p * n_slots];
    const int64_t from = begin - view->origin, to = end - view->origin;
    rondo_tensor slots[UPDATER_MOST_SLOTS];
    for (int32_t s = 0; s < n_slots; s++) {
        slots[s] = update->sliced ? range_of(&whole[s], begin, end) : whole[s];
    }
    rondo_optimizer_call call = {
        .struct_size = sizeof call,
        .n_slots = n_slots,
        .options = at->options[p],
        .parameter = parameter->name,
        .step = updater->steps,
        .lr_scale = update->step->lr_scale,
        .value = update->sliced ? range_of(&parameter->value, begin, end) : parameter->value,
        .gradient = update->sliced ? range_of(&view->gradient, from, to) : view->gradient,
        .slots = slots,
        .rows = update->step->rows,
    };
    call.sampled_gradient = call.gradient;
    call.sampled_gradient.data = NULL;
    if (update->step->sampled != NULL && stage_wants_sampled(updater, stage, p, updater->steps)) {
        call.sampled_gradient = update->sliced ? range_of(&view->sampled, from, to) : view->sampled;
    }
    arena_reset(slice->arena);
    struct host_call host =
        host_call(slice->arena, &slice->errors, updater->settings.parallel, updater->subjects[stage][p]);
    host.log = at->log;
    host.origin = at->origin;
    const struct rng_stream stream = rng_stream(update->step->stream.key, parameter->name);
    host.stream = rng_substream(rng_substream(stream, (uint64_t)stage), (uint64_t)slice->begin);
    host.random_first = (uint64_t)(begin - slice->begin);
    RONDO_TRY(host_result(&host, at->optimizer->step(&host.base, &call)));
    const int is_gradient = at->optimizer->stage == RONDO_STAGE_GRADIENT;
    if (tensor_is_finite(is_gradient ? &call.gradient : &call.value)) {
        return RONDO_OK;
    }
    return errors_add(&slice->errors, RONDO_NOT_FINITE, "%s: the %s is not finite after update %lld", host.subject,
                      is_gradient ? "gradient" : "value", (long long)updater->steps);
}

/* The gradients that all stages of a slice use. Those by rows are expanded in memory from `scratch`, if a stage needs all
 * rows. */
static rondo_status open_view(const struct updater_pass *update, const struct update_slice *slice,
                              struct arena *scratch, struct gradient_view *view) {
    const struct updater_rows *rows = &update->updater->rows[slice->parameter];
    const struct gradient *gradient = &update->step->gradients[slice->parameter];
    const struct gradient *sampled = update->step->sampled == NULL ? NULL : &update->step->sampled[slice->parameter];
    *view = (struct gradient_view){gradient->values, gradient->values, 0};
    view->sampled.data = sampled == NULL ? NULL : sampled->values.data;
    if (!rows->expands) {
        return RONDO_OK;
    }
    if (rows->whole.data != NULL) {
        *view = (struct gradient_view){rows->whole, rows->whole_sampled, 0};
        return RONDO_OK;
    }
    const int64_t count = slice->end - slice->begin;
    const size_t bytes = (size_t)count * dtype_size(gradient->values.dtype);
    view->gradient = view->sampled = tensor_1d(gradient->values.dtype, count, NULL);
    view->origin = slice->begin;
    view->gradient.data = arena_alloc(scratch, bytes);
    view->sampled.data = sampled == NULL ? NULL : arena_alloc(scratch, bytes);
    if (arena_failed(scratch)) {
        return RONDO_NO_MEMORY;
    }
    gradient_expand(gradient, slice->begin, slice->end, view->gradient.data);
    if (sampled != NULL) {
        gradient_expand(sampled, slice->begin, slice->end, view->sampled.data);
    }
    return RONDO_OK;
}

/* The listed rows in a slice: consecutive ones together, which are adjacent in the gradient as well. */
static rondo_status run_rows(const struct updater_pass *update, int32_t stage, struct update_slice *slice,
                             const struct gradient_view *view) {
    const struct gradient *gradient = &update->step->gradients[slice->parameter];
    const int64_t size = gradient->values.shape[1];
    int64_t k = gradient_find(gradient, slice->begin / size);
    while (k < gradient->count && gradient->ids[k] * size < slice->end) {
        int64_t last = k;
        while (last + 1 < gradient->count && gradient->ids[last + 1] == gradient->ids[last] + 1) {
            last++;
        }
        const int64_t first = gradient->ids[k] * size, after = (gradient->ids[last] + 1) * size;
        struct gradient_view of_rows = *view;
        if (!update->updater->rows[slice->parameter].expands) {
            of_rows.origin = first - k * size;
        }
        RONDO_TRY(run_stage(update, stage, slice, &of_rows, first > slice->begin ? first : slice->begin,
                            after < slice->end ? after : slice->end));
        k = last + 1;
    }
    return RONDO_OK;
}

static rondo_status run_slice(const struct updater_pass *update, struct update_slice *slice, struct arena *scratch) {
    const struct updater_rows *rows = &update->updater->rows[slice->parameter];
    struct gradient_view view;
    if (open_view(update, slice, scratch, &view) != RONDO_OK) {
        return errors_no_memory(&slice->errors);
    }
    for (int32_t stage = update->first; stage < update->end; stage++) {
        RONDO_TRY(rows->listed[stage] ? run_rows(update, stage, slice, &view)
                                      : run_stage(update, stage, slice, &view, slice->begin, slice->end));
    }
    return RONDO_OK;
}

/* Slices number begin .. end of the work. Expanded gradients are freed again, so that all together never exist. */
static void update_slices(void *arg, int64_t begin, int64_t end) {
    const struct updater_pass *update = arg;
    for (int64_t i = begin; i < end; i++) {
        struct update_slice *slice = &update->updater->slices[update->updater->work[i]];
        const int expands = update->updater->rows[slice->parameter].expands;
        struct arena *scratch = expands ? arena_create() : NULL;
        run_slice(update, slice, scratch);
        arena_destroy(scratch);
    }
}

/* Adds the slices of a parameter that have listed rows. */
static int64_t add_listed_slices(const struct updater_pass *update, int32_t p, int64_t count) {
    const struct updater *updater = update->updater;
    const struct gradient *gradient = &update->step->gradients[p];
    const int64_t size = gradient->values.shape[1];
    int64_t next = updater->first_slice[p]; /* the first that is not listed */
    for (int64_t k = 0; k < gradient->count; k++) {
        const int64_t first = gradient->ids[k] * size;
        const int64_t begin = updater->first_slice[p] + first / UPDATE_GRAIN;
        const int64_t end = updater->first_slice[p] + (first + size - 1) / UPDATE_GRAIN + 1;
        for (next = next < begin ? begin : next; next < end; next++) {
            updater->work[count++] = next;
        }
    }
    return count;
}

/* Lists the slices of a pass; of whole parameters, the first slice of each. Returns their number. */
static int64_t list_work(const struct updater_pass *update) {
    const struct updater *updater = update->updater;
    int64_t count = 0;
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        int all = 0;
        for (int32_t stage = update->first; stage < update->end; stage++) {
            all |= !updater->rows[p].listed[stage];
        }
        if (!all) {
            count = add_listed_slices(update, p, count);
            continue;
        }
        for (int64_t i = updater->first_slice[p]; i < updater->first_slice[p + 1]; i++) {
            if (update->sliced || updater->slices[i].begin == 0) {
                updater->work[count++] = i;
            }
        }
    }
    return count;
}

/* Reports the first error in the order of the parameters; those of other slices are mostly the same. */
static rondo_status take_errors(struct updater *updater, int64_t n_work, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (int64_t i = 0; i < n_work; i++) {
        struct errors *own = &updater->slices[updater->work[i]].errors;
        if (own->count > 0 && status == RONDO_OK) {
            status = own->status;
            errors_move(errors, own);
        }
        errors_free(own);
    }
    return status;
}

/* Notes which rows change, and expands the gradients of parameters that have a stage for whole ones. */
static rondo_status prepare_rows(struct updater *updater, const struct updater_step *step, struct errors *errors) {
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        struct updater_rows *rows = &updater->rows[p];
        const int64_t count = rondo_count(&parameter_at(updater, p)->value);
        const struct gradient *gradient = &step->gradients[p],
                              *sampled = step->sampled == NULL ? NULL : &step->sampled[p];
        RONDO_CHECK(gradient->by_rows == parameter_at(updater, p)->by_rows, errors, "tables have gradients by rows");
        RONDO_CHECK(!gradient->by_rows || sampled == NULL ||
                        (sampled->count == gradient->count &&
                         memcmp(sampled->ids, gradient->ids, sizeof *gradient->ids * (size_t)gradient->count) == 0),
                    errors, "both gradients have the same rows");
        for (int64_t k = 0; rows->changed != NULL && k < gradient->count; k++) {
            rows->changed[gradient->ids[k] / 64] |= (uint64_t)1 << (gradient->ids[k] % 64);
        }
        if (rows->whole.data != NULL) {
            gradient_expand(gradient, 0, count, rows->whole.data);
        }
        if (rows->whole.data != NULL && sampled != NULL) {
            if (rows->whole_sampled.data == NULL) {
                RONDO_TRY(tensor_alloc(&rows->whole_sampled, updater->arena, errors));
            }
            gradient_expand(sampled, 0, count, rows->whole_sampled.data);
        }
    }
    return RONDO_OK;
}

rondo_status updater_step(struct updater *updater, const struct updater_step *step, struct errors *errors) {
    struct updater_pass update = {.updater = updater, .step = step};
    RONDO_TRY(prepare_rows(updater, step, errors));
    updater->steps++;
    while (update.end < updater->settings.n_stages) {
        update.first = update.end++;
        update.sliced = updater_is_elementwise(updater, update.first);
        while (update.sliced && update.end < updater->settings.n_stages &&
               updater_is_elementwise(updater, update.end)) {
            update.end++;
        }
        const int64_t n_work = list_work(&update);
        if (update.sliced) {
            parallel_for(updater->settings.parallel, n_work, 1, update_slices, &update);
        } else {
            update_slices(&update, 0, n_work); /* one after the other: each may use several threads */
        }
        RONDO_TRY(take_errors(updater, n_work, errors));
    }
    return RONDO_OK;
}
