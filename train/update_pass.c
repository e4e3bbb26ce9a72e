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

/* A call of a plug-in. */
struct stage_call {
    rondo_optimizer_call call;
    struct host_call host;
    rondo_tensor slots[UPDATER_MOST_SLOTS];
};

/* A call for elements begin .. end of a slice, or for the whole parameter; without gradients. */
static void open_call(const struct updater_pass *update, int32_t stage, struct update_slice *slice, int64_t begin,
                      int64_t end, struct stage_call *opened) {
    struct updater *updater = update->updater;
    const struct updater_stage *at = &updater->settings.stages[stage];
    const int32_t p = slice->parameter, n_slots = updater->n_slots[stage];
    const struct model_parameter *parameter = parameter_at(updater, p);
    const rondo_tensor *whole = &updater->slots[stage][p * n_slots];
    for (int32_t s = 0; s < n_slots; s++) {
        opened->slots[s] = update->sliced ? range_of(&whole[s], begin, end) : whole[s];
    }
    opened->call = (rondo_optimizer_call){
        .struct_size = sizeof opened->call,
        .n_slots = n_slots,
        .options = at->options[p],
        .parameter = parameter->name,
        .step = updater->steps,
        .lr_scale = update->step->lr_scale,
        .value = update->sliced ? range_of(&parameter->value, begin, end) : parameter->value,
        .slots = opened->slots,
        .rows = update->step->rows,
    };
    opened->call.gradient = opened->call.sampled_gradient = opened->call.value;
    opened->call.gradient.data = opened->call.sampled_gradient.data = NULL;
    arena_reset(slice->arena);
    opened->host = host_call(slice->arena, &slice->errors, updater->settings.parallel, updater->subjects[stage][p]);
    opened->host.log = at->log;
    opened->host.origin = at->origin;
    const struct rng_stream stream = rng_stream(update->step->stream.key, parameter->name);
    opened->host.stream = rng_substream(rng_substream(stream, (uint64_t)stage), (uint64_t)slice->begin);
    opened->host.random_first = (uint64_t)(begin - slice->begin);
}

/* Elements begin .. end of a slice, or the whole parameter. */
static rondo_status run_stage(const struct updater_pass *update, int32_t stage, struct update_slice *slice,
                              const struct gradient_view *view, int64_t begin, int64_t end) {
    struct updater *updater = update->updater;
    const struct updater_stage *at = &updater->settings.stages[stage];
    const int64_t from = begin - view->origin, to = end - view->origin;
    struct stage_call opened;
    open_call(update, stage, slice, begin, end, &opened);
    rondo_optimizer_call *call = &opened.call;
    call->gradient = update->sliced ? range_of(&view->gradient, from, to) : view->gradient;
    if (update->step->sampled != NULL && stage_wants_sampled(updater, stage, slice->parameter, updater->steps)) {
        call->sampled_gradient = update->sliced ? range_of(&view->sampled, from, to) : view->sampled;
    }
    RONDO_TRY(host_result(&opened.host, at->optimizer->step(&opened.host.base, call)));
    const int is_gradient = at->optimizer->stage == RONDO_STAGE_GRADIENT;
    if (tensor_is_finite(is_gradient ? &call->gradient : &call->value)) {
        return RONDO_OK;
    }
    return errors_add(&slice->errors, RONDO_NOT_FINITE, "%s: the %s is not finite after update %lld",
                      opened.host.subject, is_gradient ? "gradient" : "value", (long long)updater->steps);
}

/* Does the updates up to number `last` that stages have not done for rows first .. end, as far as these are in the slice.
 * Rows that have reached the same update are done together. */
static rondo_status catch_up(const struct updater_pass *update, struct update_slice *slice, int64_t first, int64_t end,
                             int64_t last) {
    const struct updater *updater = update->updater;
    const struct updater_rows *rows = &updater->rows[slice->parameter];
    const int64_t size = parameter_at(updater, slice->parameter)->value.shape[1];
    for (int64_t next = first; first < end; first = next) {
        while (next < end && rows->reached[next] == rows->reached[first]) {
            next++;
        }
        const int64_t from = first * size, to = next * size;
        for (int32_t stage = 0; rows->reached[first] < last && stage < updater->settings.n_stages; stage++) {
            if (rows->extent[stage] == EXTENT_CATCH_UP) {
                struct stage_call opened;
                open_call(update, stage, slice, from > slice->begin ? from : slice->begin,
                          to < slice->end ? to : slice->end, &opened);
                opened.call.step = last;
                opened.call.lr_scale = 1;
                const rondo_optimizer *optimizer = updater->settings.stages[stage].optimizer;
                RONDO_TRY(host_result(&opened.host,
                                      optimizer->catch_up(&opened.host.base, &opened.call, rows->reached[first] + 1)));
            }
        }
    }
    return RONDO_OK;
}

/* 1 if all rows of a slice are listed: then they are next to each other in the gradient, which is that of the slice as it is. */
static int view_listed(const struct gradient *gradient, const struct update_slice *slice, struct gradient_view *view) {
    const int64_t size = gradient->values.shape[1], first = slice->begin / size, last = (slice->end - 1) / size;
    const int64_t k = gradient_find(gradient, first), end = k + last - first;
    *view = (struct gradient_view){.gradient = gradient->values, .origin = (first - k) * size};
    return slice->end > slice->begin && end < gradient->count && gradient->ids[end] == last;
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
    if (sampled == NULL && view_listed(gradient, slice, view)) {
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

/* Listed rows number k .. end in a slice, with consecutive ids: they are adjacent in the gradient as well. */
struct row_run {
    int64_t k, end;
};

/* Goes to the next run, from an empty one before it, up to the end of the slice. 0: there is none. */
static int next_run(const struct gradient *gradient, const struct update_slice *slice, struct row_run *run) {
    const int64_t size = gradient->values.shape[1], last = (slice->end - 1) / size; /* last row in the slice */
    run->k = run->end;
    if (run->k >= gradient->count || gradient->ids[run->k] > last) {
        return 0;
    }
    do {
        run->end++;
    } while (run->end < gradient->count && gradient->ids[run->end] <= last &&
             gradient->ids[run->end] == gradient->ids[run->end - 1] + 1);
    return 1;
}

/* The listed rows in a slice. */
static rondo_status run_rows(const struct updater_pass *update, int32_t stage, struct update_slice *slice,
                             const struct gradient_view *view) {
    const struct gradient *gradient = &update->step->gradients[slice->parameter];
    const int64_t size = gradient->values.shape[1];
    struct row_run run = {.end = gradient_find(gradient, slice->begin / size)};
    while (next_run(gradient, slice, &run)) {
        const int64_t first = gradient->ids[run.k] * size, after = (gradient->ids[run.end - 1] + 1) * size;
        struct gradient_view of_rows = *view;
        if (!update->updater->rows[slice->parameter].expands) {
            of_rows.origin = first - run.k * size;
        }
        RONDO_TRY(run_stage(update, stage, slice, &of_rows, first > slice->begin ? first : slice->begin,
                            after < slice->end ? after : slice->end));
    }
    return RONDO_OK;
}

/* Does the updates before this one that stages have not done for the listed rows in a slice. */
static rondo_status catch_up_rows(const struct updater_pass *update, struct update_slice *slice) {
    const struct gradient *gradient = &update->step->gradients[slice->parameter];
    struct row_run run = {.end = gradient_find(gradient, slice->begin / gradient->values.shape[1])};
    while (next_run(gradient, slice, &run)) {
        RONDO_TRY(
            catch_up(update, slice, gradient->ids[run.k], gradient->ids[run.end - 1] + 1, update->updater->steps - 1));
    }
    return RONDO_OK;
}

static rondo_status run_slice(const struct updater_pass *update, struct update_slice *slice, struct arena *scratch) {
    const struct updater_rows *rows = &update->updater->rows[slice->parameter];
    struct gradient_view view;
    if (open_view(update, slice, scratch, &view) != RONDO_OK) {
        return errors_no_memory(&slice->errors);
    }
    RONDO_TRY(rows->reached == NULL ? RONDO_OK : catch_up_rows(update, slice));
    for (int32_t stage = update->first; stage < update->end; stage++) {
        RONDO_TRY(rows->extent[stage] == EXTENT_ALL ? run_stage(update, stage, slice, &view, slice->begin, slice->end)
                                                    : run_rows(update, stage, slice, &view));
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
    int64_t next = 0; /* the first slice that is not listed; rows that end before it have been seen */
    for (int64_t k = 0; k < gradient->count; k = gradient_find(gradient, next * UPDATE_GRAIN / size)) {
        const int64_t first = gradient->ids[k] * size;
        const int64_t begin = first / UPDATE_GRAIN, end = (first + size - 1) / UPDATE_GRAIN + 1;
        for (next = next < begin ? begin : next; next < end; next++) {
            updater->work[count++] = updater->first_slice[p] + next;
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
            all |= updater->rows[p].extent[stage] == EXTENT_ALL;
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

/* Notes that the listed rows have got this update. */
static void note_reached(struct updater *updater, const struct updater_step *step) {
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        int64_t *reached = updater->rows[p].reached;
        const struct gradient *gradient = &step->gradients[p];
        for (int64_t k = 0; reached != NULL && k < gradient->count; k++) {
            reached[gradient->ids[k]] = updater->steps;
        }
    }
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
    note_reached(updater, step);
    return RONDO_OK;
}

/* All rows of slices number begin .. end. */
static void catch_up_slices(void *arg, int64_t begin, int64_t end) {
    const struct updater_pass *update = arg;
    for (int64_t i = begin; i < end; i++) {
        struct update_slice *slice = &update->updater->slices[update->updater->work[i]];
        const rondo_tensor *value = &parameter_at(update->updater, slice->parameter)->value;
        catch_up(update, slice, slice->begin / value->shape[1], (slice->end - 1) / value->shape[1] + 1,
                 update->updater->steps);
    }
}

/* Does the updates that stages have not done for rows that did not occur. */
static rondo_status catch_up_all(struct updater *updater, struct errors *errors) {
    const struct updater_step none = {.rows = 1, .lr_scale = 1};
    struct updater_pass update = {.updater = updater, .step = &none, .sliced = 1};
    int64_t n_work = 0;
    for (int64_t i = 0; i < updater->n_slices; i++) {
        if (updater->rows[updater->slices[i].parameter].reached != NULL) {
            updater->work[n_work++] = i;
        }
    }
    parallel_for(updater->settings.parallel, n_work, 1, catch_up_slices, &update);
    RONDO_TRY(take_errors(updater, n_work, errors));
    for (int32_t p = 0; p < model_parameter_count(updater->settings.model); p++) {
        int64_t *reached = updater->rows[p].reached;
        for (int64_t row = 0; reached != NULL && row < parameter_at(updater, p)->value.shape[0]; row++) {
            reached[row] = updater->steps;
        }
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

rondo_status updater_swap_evaluated(struct updater *updater, struct errors *errors) {
    const int32_t stage = updater->evaluated_stage;
    RONDO_TRY(catch_up_all(updater, errors));
    for (int32_t p = 0; stage >= 0 && updater->steps > 0 && p < model_parameter_count(updater->settings.model); p++) {
        if (!updater_is_frozen(updater, p)) {
            const rondo_tensor *value = &parameter_at(updater, p)->value;
            const int32_t at = p * updater->n_slots[stage] + updater->evaluated_slot;
            exchange(value->data, updater->slots[stage][at].data, tensor_bytes(value));
        }
    }
    return RONDO_OK;
}
