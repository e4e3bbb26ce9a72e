#include "data/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/augment.h"

/* ---- lengths ---- */

int64_t example_steps(const struct dataset *dataset, int64_t example, const struct batch_plan *plan) {
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    if (input != NULL && plan->architecture.input_every_step) {
        return input->length[example];
    }
    const int is_aligned = target != NULL && target->kind != STREAM_LIST && plan->architecture.output_every_step;
    if (is_aligned && target->length[example] > 0) {
        return target->length[example];
    }
    return plan->steps > 0 ? plan->steps : !plan->architecture.output_every_step;
}

int64_t example_source_steps(const struct dataset *dataset, int64_t example) {
    const struct stream *source = dataset_find(dataset, "source");
    return source == NULL ? 0 : source->length[example];
}

/* The targets that an example should have, as the end of a message; NULL: it has them. */
static const char *expected_targets(const struct stream *target, int64_t example, int64_t steps,
                                    struct architecture architecture) {
    if (target->kind == STREAM_LIST) {
        return NULL; /* a list may have any length; the loss knows which lists fit the steps */
    }
    const int64_t targets = target->length[example];
    if (architecture.output_every_step) {
        return targets == steps ? NULL : "a target for each step, since the architecture gives an output at every step";
    }
    if (targets != 1) {
        return "one target, since the architecture gives one output";
    }
    return stream_has_target(target, target->begin[example]) ? NULL : "a target that is not missing";
}

rondo_status dataset_fits(const struct dataset *dataset, const struct batch_plan *plan, int with_targets,
                          const char *what, struct errors *errors) {
    const struct architecture architecture = plan->architecture;
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    const int has_source = dataset_find(dataset, "source") != NULL;
    RONDO_CHECK(!(with_targets || plan->feedback) || target != NULL, errors, "a reader gives targets");
    for (int64_t i = 0; i < dataset->count; i++) {
        const long long number = (long long)i + 1;
        const int64_t inputs = input == NULL ? 0 : input->length[i], steps = example_steps(dataset, i, plan);
        if (input != NULL && !architecture.input_every_step && inputs != 1) {
            return errors_add(errors, RONDO_INVALID,
                              "%s: example %lld has %lld inputs, expected one, since the architecture takes input only "
                              "at the first step",
                              what, number, (long long)inputs);
        }
        if (has_source && example_source_steps(dataset, i) == 0) {
            return errors_add(errors, RONDO_INVALID, "%s: example %lld has an empty source, expected at least one step",
                              what, number);
        }
        if (steps == 0) {
            return errors_add(
                errors, RONDO_INVALID,
                "%s: example %lld has no targets, and with the architecture %s their number is the number "
                "of steps; model.steps gives it for data without targets",
                what, number, architecture.input_every_step ? "N:N" : "1:N");
        }
        if (!with_targets && plan->feedback && target->length[i] < steps - 1) {
            return errors_add(errors, RONDO_INVALID,
                              "%s: example %lld has %lld of the %lld targets that a model with feedback reads", what,
                              number, (long long)target->length[i], (long long)steps - 1);
        }
        const char *expected = with_targets ? expected_targets(target, i, steps, architecture) : NULL;
        if (expected != NULL) {
            return errors_add(errors, RONDO_INVALID, "%s: example %lld has %lld step%s and %lld target%s, expected %s",
                              what, number, (long long)steps, steps == 1 ? "" : "s", (long long)target->length[i],
                              target->length[i] == 1 ? "" : "s", expected);
        }
    }
    return RONDO_OK;
}

rondo_status dataset_has_targets(const struct dataset *dataset, const char *what, struct errors *errors) {
    const struct stream *target = dataset_find(dataset, "target");
    for (int64_t i = 0; i < dataset->count && target->kind != STREAM_LIST; i++) {
        for (int64_t t = 0; t < target->length[i]; t++) {
            if (stream_has_target(target, target->begin[i] + t)) {
                return RONDO_OK;
            }
        }
    }
    return dataset->count == 0 || target->kind == STREAM_LIST
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: no step of any example has a target, expected at least one",
                            what);
}

/* ---- inputs ---- */

int32_t batch_inputs(const struct dataset *dataset, const struct batch_plan *plan,
                     struct batch_input inputs[BATCH_MOST_INPUTS]) {
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    int32_t count = 0;
    if (input != NULL) {
        const int is_real = input->kind == STREAM_REAL;
        inputs[count++] = (struct batch_input){.name = input->name,
                                               .symbols = is_real ? 0 : input->size,
                                               .size = is_real ? input->size : 0,
                                               .every_step = plan->architecture.input_every_step,
                                               .unknown = input->unknown};
    }
    const struct stream *known = dataset_find(dataset, "known");
    if (known != NULL) {
        inputs[count++] =
            (struct batch_input){.name = known->name, .size = known->size, .every_step = 1, .unknown = known->unknown};
    }
    if (plan->feedback) {
        const int is_real = target->kind == STREAM_REAL;
        inputs[count++] = (struct batch_input){.name = "previous",
                                               .symbols = is_real ? 0 : target->size + 1, /* and the start symbol */
                                               .size = is_real ? target->size : 0,
                                               .every_step = 1,
                                               .unknown = target->unknown};
    }
    return count;
}

int batch_source_input(const struct dataset *dataset, struct batch_input *input) {
    const struct stream *source = dataset_find(dataset, "source");
    if (source != NULL) {
        const int is_real = source->kind == STREAM_REAL;
        *input = (struct batch_input){.name = source->name,
                                      .symbols = is_real ? 0 : source->size,
                                      .size = is_real ? source->size : 0,
                                      .every_step = 1,
                                      .unknown = source->unknown};
    }
    return source != NULL;
}

/* ---- packing ---- */

/* An example while examples are sorted. */
struct sorted {
    int64_t example, steps, position; /* position before sorting, which decides between equal lengths */
};

static int longest_first(const void *left, const void *right) {
    const struct sorted *a = left, *b = right;
    if (a->steps != b->steps) {
        return a->steps > b->steps ? -1 : 1;
    }
    return (a->position > b->position) - (a->position < b->position);
}

/* The arguments of batch_pack. */
struct packing {
    const struct dataset *dataset;
    const struct batch_plan *plan;
    struct arena *arena;
    struct batch *batch;
    struct errors *errors;
};

/* Fills the rows and the time axis of the batch. */
static rondo_status pack_rows(const struct packing *packing, const struct sorted *sorted, int64_t rows) {
    const struct dataset *dataset = packing->dataset;
    int64_t *example = arena_calloc(packing->arena, (size_t)rows, sizeof *example);
    int64_t *lengths = arena_calloc(packing->arena, (size_t)rows, sizeof *lengths);
    int64_t *lane = arena_calloc(packing->arena, (size_t)rows, sizeof *lane);
    unsigned char *starts = arena_calloc(packing->arena, (size_t)rows, 1);
    if (arena_failed(packing->arena)) {
        return errors_no_memory(packing->errors);
    }
    for (int64_t row = 0; row < rows; row++) {
        example[row] = sorted[row].example;
        lengths[row] = sorted[row].steps;
        if (dataset->lane != NULL) {
            lane[row] = dataset->lane[example[row]];
            starts[row] = !dataset->continues[example[row]];
        }
    }
    packing->batch->example = example;
    packing->batch->lane = dataset->lane == NULL ? NULL : lane;
    packing->batch->starts = dataset->lane == NULL ? NULL : starts;
    return time_axis_make(&packing->batch->time, lengths, rows, packing->arena, packing->errors);
}

/* Copies the numbers of one element as they are stored. */
static void copy_numbers(const struct stream *stream, int64_t element, float *numbers) {
    const int64_t from = element * stream->stride;
    if (stream->store == STORE_F32) {
        memcpy(numbers, (const float *)stream->data + from, (size_t)stream->size * sizeof *numbers);
        return;
    }
    const unsigned char *bytes = (const unsigned char *)stream->data + from;
    for (int64_t k = 0; k < stream->size; k++) {
        numbers[k] = bytes[k];
    }
}

/* stream_to_model of the numbers of one element without a transform, with nothing to look up in the loop. */
static void scale_numbers(const float *shift, const float *scale, int has_missing, int64_t size, float *numbers) {
    for (int64_t k = 0; k < size; k++) {
        const float number = (float)(((double)numbers[k] - (double)shift[k]) / (double)scale[k]);
        numbers[k] = has_missing && isnan(numbers[k]) ? 0 : number;
    }
}

void batch_copy_element(const struct stream *stream, int32_t group, int64_t from, const rondo_tensor *tensor,
                        int64_t to) {
    if (stream->kind != STREAM_REAL) {
        ((int32_t *)tensor->data)[to] = stream_id(stream, from);
        return;
    }
    const int is_scaled = stream->scale != NULL;
    if (tensor->dtype == RONDO_F32 && stream->transform == NULL && (is_scaled || !stream->has_missing)) {
        float *seen = (float *)tensor->data + to * stream->size;
        copy_numbers(stream, from, seen);
        if (is_scaled) {
            scale_numbers(stream->shift + group * stream->size, stream->scale + group * stream->size,
                          stream->has_missing, stream->size, seen);
        }
        return;
    }
    for (int64_t k = 0; k < stream->size; k++) {
        const double stored = (double)stream_number(stream, from, k);
        tensor_set(tensor, to * stream->size + k, stream_to_model(stream, group, k, stored));
    }
}

/* A tensor for `n` elements of a stream. */
static rondo_status element_tensor(const struct packing *packing, const struct stream *stream, int64_t n,
                                   rondo_tensor *tensor) {
    *tensor = stream->kind == STREAM_REAL ? tensor_2d(packing->plan->dtype, n, stream->size, NULL)
                                          : tensor_1d(RONDO_I32, n, NULL);
    return tensor_alloc(tensor, packing->arena, packing->errors);
}

/* Packs the elements of the first `steps` steps of an axis whose rows are these examples. */
static rondo_status pack_steps(const struct packing *packing, const struct stream *stream, const struct time_axis *time,
                               const int64_t *examples, int64_t steps, rondo_tensor *tensor) {
    RONDO_TRY(element_tensor(packing, stream, time->begin[steps], tensor));
    for (int64_t step = 0; step < steps; step++) {
        for (int64_t row = 0; row < time->alive[step]; row++) {
            batch_copy_element(stream, dataset_group(packing->dataset, examples[row]),
                               stream->begin[examples[row]] + step, tensor, time->begin[step] + row);
        }
    }
    return RONDO_OK;
}

/* Packs the elements of every step, or only those of the first. */
static rondo_status pack_stream(const struct packing *packing, const struct stream *stream, int every_step,
                                rondo_tensor *tensor) {
    const struct batch *batch = packing->batch;
    return pack_steps(packing, stream, &batch->time, batch->example, every_step ? batch->time.steps : 1, tensor);
}

/* The same with random changes. Part t of the grid of an example is its element t. */
static rondo_status pack_changed(const struct packing *packing, const struct stream *stream, int every_step,
                                 rondo_tensor *tensor) {
    const struct batch *batch = packing->batch;
    const struct time_axis *time = &batch->time;
    const int64_t channels = stream->augment->channels, cells = stream->size / channels; /* of an element */
    struct augment_change *changes = arena_calloc(packing->arena, (size_t)time->rows, sizeof *changes);
    if (changes == NULL) {
        return errors_no_memory(packing->errors);
    }
    for (int64_t row = 0; row < time->rows; row++) {
        changes[row] = augment_draw(stream->augment, *packing->plan->update, batch->example[row]);
    }
    RONDO_TRY(element_tensor(packing, stream, every_step ? time->total : time->rows, tensor));
    for (int64_t step = 0; step < (every_step ? time->steps : 1); step++) {
        for (int64_t row = 0; row < time->alive[step]; row++) {
            const int64_t example = batch->example[row], first = stream->begin[example];
            const int64_t to = (time->begin[step] + row) * stream->size;
            const int32_t group = dataset_group(packing->dataset, example);
            for (int64_t k = 0; k < stream->size; k++) {
                const int64_t cell = augment_cell(stream->augment, &changes[row], step * cells + k / channels);
                const double stored = (double)stream_number(stream, first, cell * channels + k % channels);
                tensor_set(tensor, to + k, stream_to_model(stream, group, k, stored));
            }
        }
    }
    return RONDO_OK;
}

/* previous[t] of an example from element `from`, which is target t - 1; from -1: there is none. */
static void copy_previous(const struct stream *target, int32_t group, int64_t from, const rondo_tensor *tensor,
                          int64_t to) {
    const int has_target = from >= 0 && stream_has_target(target, from);
    if (target->kind != STREAM_REAL) {
        ((int32_t *)tensor->data)[to] = has_target ? stream_id(target, from) : (int32_t)target->size;
    } else if (has_target) {
        batch_copy_element(target, group, from, tensor, to);
    } else {
        for (int64_t k = 0; k < target->size; k++) {
            tensor_set(tensor, to * target->size + k, 0);
        }
    }
}

static rondo_status pack_previous(const struct packing *packing, const struct stream *target, rondo_tensor *tensor) {
    const struct dataset *dataset = packing->dataset;
    const struct batch *batch = packing->batch;
    const struct time_axis *time = &batch->time;
    RONDO_TRY(element_tensor(packing, target, time->total, tensor));
    for (int64_t step = 0; step < time->steps; step++) {
        for (int64_t row = 0; row < time->alive[step]; row++) {
            const int64_t example = batch->example[row], from = target->begin[example] + step - 1;
            const int is_inside = step > 0 || (dataset->continues != NULL && dataset->continues[example]);
            /* In prediction there may be fewer targets than steps. */
            const int is_known = step - 1 < target->length[example];
            copy_previous(target, dataset_group(dataset, example), is_inside && is_known ? from : -1, tensor,
                          time->begin[step] + row);
        }
    }
    return RONDO_OK;
}

static rondo_status pack_inputs(const struct packing *packing) {
    const struct stream *input = dataset_find(packing->dataset, "input");
    const struct stream *known = dataset_find(packing->dataset, "known");
    struct batch *batch = packing->batch;
    batch->n_inputs = 0;
    if (input != NULL) {
        const int every_step = packing->plan->architecture.input_every_step;
        const int is_changed = input->augment != NULL && packing->plan->update != NULL;
        RONDO_TRY(
            (is_changed ? pack_changed : pack_stream)(packing, input, every_step, &batch->inputs[batch->n_inputs]));
        batch->n_inputs++;
    }
    if (known != NULL) {
        RONDO_TRY(pack_stream(packing, known, 1, &batch->inputs[batch->n_inputs++]));
    }
    if (packing->plan->feedback) {
        const struct stream *target = dataset_find(packing->dataset, "target");
        RONDO_TRY(pack_previous(packing, target, &batch->inputs[batch->n_inputs++]));
    }
    return RONDO_OK;
}

/* Packs the stream "source" on its own axis, whose rows are sorted like those of the batch: by length, ties by row. */
static rondo_status pack_source(const struct packing *packing) {
    const struct stream *stream = dataset_find(packing->dataset, "source");
    struct batch *batch = packing->batch;
    struct batch_source *source = &batch->source;
    const int64_t rows = batch->time.rows;
    if (stream == NULL) {
        return RONDO_OK;
    }
    struct sorted *sorted = arena_calloc(packing->arena, (size_t)rows, sizeof *sorted);
    int64_t *lengths = arena_calloc(packing->arena, (size_t)rows, sizeof *lengths);
    int64_t *examples = arena_calloc(packing->arena, (size_t)rows, sizeof *examples);
    int64_t *row_of = arena_calloc(packing->arena, (size_t)rows, sizeof *row_of);
    if (arena_failed(packing->arena)) {
        return errors_no_memory(packing->errors);
    }
    for (int64_t row = 0; row < rows; row++) {
        const int64_t example = batch->example[row];
        RONDO_CHECK(stream->length[example] > 0, packing->errors, "no source is empty (dataset_fits)");
        sorted[row] = (struct sorted){example, stream->length[example], row};
    }
    qsort(sorted, (size_t)rows, sizeof *sorted, longest_first);
    for (int64_t row = 0; row < rows; row++) {
        lengths[row] = sorted[row].steps;
        examples[row] = sorted[row].example;
        row_of[sorted[row].position] = row;
    }
    source->row = row_of;
    RONDO_TRY(time_axis_make(&source->time, lengths, rows, packing->arena, packing->errors));
    return pack_steps(packing, stream, &source->time, examples, source->time.steps, &source->input);
}

rondo_status batch_pack_source(const struct dataset *dataset, const int64_t *examples, int64_t count, int32_t dtype,
                               struct arena *arena, struct batch_source *source, struct errors *errors) {
    const struct batch_plan plan = {.dtype = dtype};
    struct batch batch = {.time = {.rows = count}, .example = examples};
    const struct packing packing = {dataset, &plan, arena, &batch, errors};
    RONDO_TRY(pack_source(&packing));
    *source = batch.source;
    return RONDO_OK;
}

/* ---- targets ---- */

static rondo_status pack_lists(const struct packing *packing, const struct stream *target) {
    struct batch *batch = packing->batch;
    const int64_t rows = batch->time.rows;
    int64_t *begin = arena_calloc(packing->arena, (size_t)rows + 1, sizeof *begin);
    if (begin == NULL) {
        return errors_no_memory(packing->errors);
    }
    for (int64_t row = 0; row < rows; row++) {
        begin[row + 1] = begin[row] + target->length[batch->example[row]];
    }
    batch->target_begin = begin;
    RONDO_TRY(element_tensor(packing, target, begin[rows], &batch->targets));
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < target->length[batch->example[row]]; i++) {
            batch_copy_element(target, 0, target->begin[batch->example[row]] + i, &batch->targets, begin[row] + i);
        }
    }
    return RONDO_OK;
}

/* Where the target of an output comes from. */
struct target_place {
    int32_t output; /* packed position, or row */
    int64_t row;
    int64_t from; /* element of the stream */
};

/* Lists the outputs that have a target. Returns their number. */
static int64_t find_targets(const struct packing *packing, const struct stream *target, struct target_place *places) {
    const struct batch *batch = packing->batch;
    const struct time_axis *time = &batch->time;
    const int every_step = packing->plan->architecture.output_every_step;
    const int64_t *context = packing->dataset->context;
    int64_t count = 0;
    for (int64_t step = 0; step < (every_step ? time->steps : 1); step++) {
        for (int64_t row = 0; row < time->alive[step]; row++) {
            const int64_t example = batch->example[row], from = target->begin[example] + step;
            const int is_scored = context == NULL || step >= context[example];
            if (is_scored && stream_has_target(target, from)) {
                places[count++] = (struct target_place){(int32_t)(time->begin[step] + row), row, from};
            }
        }
    }
    return count;
}

/* The factors of the losses: for each scored output, or each list (places NULL), the weight of its example. */
static rondo_status pack_weight(const struct packing *packing, const struct target_place *places, int64_t count) {
    const struct stream *weight = dataset_find(packing->dataset, "weight");
    struct batch *batch = packing->batch;
    batch->weight = tensor_1d(packing->plan->dtype, count, NULL);
    if (weight == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(tensor_alloc(&batch->weight, packing->arena, packing->errors));
    for (int64_t i = 0; i < count; i++) {
        const int64_t example = batch->example[places == NULL ? i : places[i].row];
        const int has_weight = weight->length[example] > 0;
        tensor_set(&batch->weight, i, has_weight ? (double)stream_number(weight, weight->begin[example], 0) : 1);
    }
    return RONDO_OK;
}

/* No output of the batch has a target: scores the first, with the weight 0. */
static rondo_status score_nothing(const struct packing *packing, const struct stream *target) {
    struct batch *batch = packing->batch;
    batch->n_scored = 1;
    batch->is_empty = 1;
    batch->scored = tensor_1d(RONDO_I32, 1, NULL);
    batch->weight = tensor_1d(packing->plan->dtype, 1, NULL);
    RONDO_TRY(tensor_alloc(&batch->scored, packing->arena, packing->errors));
    RONDO_TRY(tensor_alloc(&batch->weight, packing->arena, packing->errors));
    RONDO_TRY(element_tensor(packing, target, 1, &batch->targets));
    tensor_set(&batch->scored, 0, 0);
    tensor_set(&batch->weight, 0, 0);
    for (int64_t i = 0; i < rondo_count(&batch->targets); i++) {
        tensor_set(&batch->targets, i, 0);
    }
    return RONDO_OK;
}

static rondo_status pack_scored(const struct packing *packing, const struct stream *target, int64_t outputs) {
    struct batch *batch = packing->batch;
    struct target_place *places = arena_calloc(packing->arena, (size_t)outputs, sizeof *places);
    if (places == NULL) {
        return errors_no_memory(packing->errors);
    }
    const int64_t count = find_targets(packing, target, places);
    if (count == 0) {
        return score_nothing(packing, target);
    }
    batch->n_scored = count;
    int64_t *examples = arena_calloc(packing->arena, (size_t)count, sizeof *examples);
    int64_t *elements = arena_calloc(packing->arena, (size_t)count, sizeof *elements);
    if (examples == NULL || elements == NULL) {
        return errors_no_memory(packing->errors);
    }
    batch->scored_example = examples;
    batch->scored_element = elements;
    RONDO_TRY(element_tensor(packing, target, count, &batch->targets));
    for (int64_t i = 0; i < count; i++) {
        examples[i] = batch->example[places[i].row];
        elements[i] = places[i].from;
        batch_copy_element(target, dataset_group(packing->dataset, examples[i]), places[i].from, &batch->targets, i);
    }
    if (count < outputs) {
        batch->scored = tensor_1d(RONDO_I32, count, NULL);
        RONDO_TRY(tensor_alloc(&batch->scored, packing->arena, packing->errors));
        for (int64_t i = 0; i < count; i++) {
            ((int32_t *)batch->scored.data)[i] = places[i].output;
        }
    }
    return pack_weight(packing, places, count);
}

static rondo_status pack_targets(const struct packing *packing) {
    const struct stream *target = dataset_find(packing->dataset, "target");
    struct batch *batch = packing->batch;
    const int every_step = packing->plan->architecture.output_every_step;
    const int64_t outputs = every_step ? batch->time.total : batch->time.rows;
    RONDO_CHECK(target != NULL, packing->errors, "the dataset has targets");
    RONDO_CHECK(outputs <= INT32_MAX, packing->errors, "the outputs of a shard have 32-bit positions");
    batch->n_scored = outputs;
    if (target->kind == STREAM_LIST) {
        RONDO_TRY(pack_lists(packing, target));
        return pack_weight(packing, NULL, batch->time.rows);
    }
    for (int64_t row = 0; row < batch->time.rows; row++) {
        RONDO_CHECK(target->length[batch->example[row]] == (every_step ? batch->time.lengths[row] : 1), packing->errors,
                    "the targets of an example fit the architecture (dataset_fits)");
    }
    return pack_scored(packing, target, outputs);
}

rondo_status batch_pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                        const struct batch_plan *plan, int with_targets, struct arena *arena, struct batch *batch,
                        struct errors *errors) {
    const struct packing packing = {dataset, plan, arena, batch, errors};
    *batch = (struct batch){0};
    RONDO_CHECK(count >= 1, errors, "a batch has at least one example");
    RONDO_CHECK(plan->dtype == RONDO_F32 || plan->dtype == RONDO_F64, errors, "numbers are f32 or f64");
    struct sorted *sorted = arena_calloc(arena, (size_t)count, sizeof *sorted);
    if (sorted == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        RONDO_CHECK(examples[i] >= 0 && examples[i] < dataset->count, errors, "the examples are those of the dataset");
        sorted[i] = (struct sorted){examples[i], example_steps(dataset, examples[i], plan), i};
        RONDO_CHECK(sorted[i].steps > 0, errors, "the number of steps of an example is known (dataset_fits)");
    }
    qsort(sorted, (size_t)count, sizeof *sorted, longest_first);
    RONDO_TRY(pack_rows(&packing, sorted, count));
    RONDO_TRY(pack_inputs(&packing));
    RONDO_TRY(pack_source(&packing));
    if (!with_targets) {
        batch->n_scored = plan->architecture.output_every_step ? batch->time.total : batch->time.rows;
        return RONDO_OK;
    }
    return pack_targets(&packing);
}
