#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "train/stepper_parts.h"

/* ---- creation ---- */

static struct tape *open_tape(struct stepper *stepper) {
    const struct session *session = network_session(stepper->network);
    const struct tape_settings settings = {session->registry, &session->parallel, &stepper->errors};
    return tape_create(&settings);
}

static rondo_status open_stepper(struct stepper *stepper, const struct dataset *shape, struct errors *errors) {
    const char *why_not;
    if (!model_generates(network_model(stepper->network), &why_not)) {
        return errors_add(errors, RONDO_INVALID, "the model cannot generate: %s", why_not);
    }
    const struct stream *target = dataset_find(shape, "target");
    RONDO_CHECK(target != NULL && target->kind != STREAM_LIST, errors,
                "a model with feedback has targets at each step");
    stepper->plan = network_plan(stepper->network);
    stepper->n_inputs = batch_inputs(shape, stepper->plan, stepper->inputs);
    stepper->target_size = target->size;
    stepper->target_is_real = target->kind == STREAM_REAL;
    stepper->has_source = dataset_find(shape, "source") != NULL;
    stepper->encoder = open_tape(stepper);
    stepper->reader = open_tape(stepper);
    stepper->tape = open_tape(stepper);
    stepper->arena = arena_create();
    return stepper->encoder == NULL || stepper->reader == NULL || stepper->tape == NULL || stepper->arena == NULL
               ? errors_no_memory(errors)
               : RONDO_OK;
}

struct stepper *stepper_create(struct network *network, const struct dataset *shape, struct errors *errors) {
    struct stepper *stepper = memory_calloc(1, sizeof *stepper);
    if (stepper == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    stepper->network = network;
    if (open_stepper(stepper, shape, errors) != RONDO_OK) {
        stepper_destroy(stepper);
        return NULL;
    }
    return stepper;
}

void stepper_destroy(struct stepper *stepper) {
    if (stepper == NULL) {
        return;
    }
    tape_destroy(stepper->encoder);
    tape_destroy(stepper->reader);
    tape_destroy(stepper->tape);
    states_destroy(stepper->held);
    states_destroy(stepper->states);
    arena_destroy(stepper->arena);
    errors_free(&stepper->errors);
    free(stepper);
}

/* A tensor for one element of an input for each row. */
static rondo_status element_tensor(const struct stepper *stepper, const struct batch_input *input, int64_t rows,
                                   struct arena *arena, rondo_tensor *tensor, struct errors *errors) {
    *tensor = input->symbols > 0 ? tensor_1d(RONDO_I32, rows, NULL)
                                 : tensor_2d(stepper->plan->dtype, rows, input->size, NULL);
    RONDO_TRY(tensor_alloc(tensor, arena, errors));
    memset(tensor->data, 0, tensor_bytes(tensor));
    return RONDO_OK;
}

/* Makes room for rows. */
static rondo_status make_rows(struct stepper *stepper, int64_t most_rows, struct errors *errors) {
    const size_t count = (size_t)most_rows;
    struct model *model = network_model(stepper->network);
    tape_reset(stepper->tape);
    stepper->recorded = 0;
    if (most_rows <= stepper->most_rows) {
        return RONDO_OK;
    }
    arena_reset(stepper->arena);
    stepper->most_rows = 0;
    states_destroy(stepper->held);
    states_destroy(stepper->states);
    stepper->held = model_states_create(model, most_rows, errors);
    stepper->states = stepper->held == NULL ? NULL : model_states_create(model, most_rows, errors);
    if (stepper->states == NULL) {
        return errors->status;
    }
    stepper->row = arena_calloc(stepper->arena, count, sizeof *stepper->row);
    stepper->next = arena_calloc(stepper->arena, count, sizeof *stepper->next);
    stepper->lengths = arena_calloc(stepper->arena, count, sizeof *stepper->lengths);
    stepper->begin = arena_calloc(stepper->arena, count, sizeof *stepper->begin);
    stepper->length = arena_calloc(stepper->arena, count, sizeof *stepper->length);
    stepper->source = arena_calloc(stepper->arena, count, sizeof *stepper->source);
    stepper->starts = arena_calloc(stepper->arena, count, 1);
    if (arena_failed(stepper->arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < stepper->n_inputs; i++) {
        RONDO_TRY(
            element_tensor(stepper, &stepper->inputs[i], most_rows, stepper->arena, &stepper->step_inputs[i], errors));
    }
    stepper->most_rows = most_rows;
    return RONDO_OK;
}

/* ---- passes ---- */

/* The parameters as constants of a tape; NULL: out of memory. */
static rondo_value *bind_parameters(const struct stepper *stepper, struct tape *tape) {
    const struct model *model = network_model(stepper->network);
    const int32_t count = model_parameter_count(model);
    rondo_value *values = arena_calloc(tape_arena(tape), (size_t)count, sizeof *values);
    for (int32_t p = 0; values != NULL && p < count; p++) {
        values[p] = tape_constant(tape, &model_parameters(model)[p].value);
        tape_name(tape, values[p], model_parameters(model)[p].name);
    }
    return values;
}

static struct heads_call head_call(struct stepper *stepper, struct tape *tape) {
    return (struct heads_call){.tape = tape,
                               .parallel = &network_session(stepper->network)->parallel,
                               .errors = &stepper->errors,
                               .output_weight = {-1},
                               .output_bias = {-1}};
}

/* The predictions from the outputs of a pass. */
static rondo_status predict(struct stepper *stepper, struct tape *tape, rondo_value outputs) {
    struct heads_call call = head_call(stepper, tape);
    stepper->last = *tape_tensor(tape, outputs);
    RONDO_TRY(heads_predict(network_heads(stepper->network), &call, &stepper->last, &stepper->predictions));
    if (!tensor_is_finite(&stepper->predictions)) {
        const char *origin = tape_first_not_finite(tape);
        return errors_add(&stepper->errors, RONDO_NOT_FINITE, "the predictions are not finite; it began with %s",
                          origin == NULL ? "the loss head" : origin);
    }
    return RONDO_OK;
}

/* The memory on another tape than that of the encoder: `rows` says which row reads which sequence. */
static struct layer_memory memory_on(const struct stepper *stepper, struct tape *tape, const rondo_rows *rows) {
    return (struct layer_memory){tape_constant(tape, tape_tensor(stepper->encoder, stepper->encoded.values)), rows};
}

/* Runs the encoder over the sources of the rows, and the bridge. */
static rondo_status encode(struct stepper *stepper, const struct stepper_rows *rows) {
    struct tape *tape = stepper->encoder;
    struct batch_source packed;
    tape_reset(tape);
    RONDO_TRY(batch_pack_source(rows->dataset, rows->example, rows->count, stepper->plan->dtype, tape_arena(tape),
                                &packed, &stepper->errors));
    const struct model_source source = {&packed.time, &packed.input, packed.row};
    const struct model_call call = {.parameters = bind_parameters(stepper, tape), .source = &source};
    return call.parameters == NULL
               ? errors_no_memory(&stepper->errors)
               : model_encode(network_model(stepper->network), tape, &call, &stepper->encoded, stepper->held);
}

/* ---- the first pass ---- */

/* The rows in the order of a time axis. */
struct stepper_reading {
    const struct stepper_rows *rows;
    struct time_axis time;
    int64_t *order; /* [count] row of the axis -> row */
    struct arena *arena;
};

static int64_t steps_of(const struct stepper_rows *rows, int64_t row) {
    return rows->length[row] + !rows->continues; /* and the start symbol */
}

struct sorted_row {
    int64_t row, steps;
};

static int longest_first(const void *left, const void *right) {
    const struct sorted_row *a = left, *b = right;
    return a->steps != b->steps ? (a->steps < b->steps) - (a->steps > b->steps) : (a->row > b->row) - (a->row < b->row);
}

static rondo_status order_rows(struct stepper_reading *reading, struct errors *errors) {
    const int64_t count = reading->rows->count;
    struct sorted_row *sorted = arena_calloc(reading->arena, (size_t)count, sizeof *sorted);
    int64_t *lengths = arena_calloc(reading->arena, (size_t)count, sizeof *lengths);
    reading->order = arena_calloc(reading->arena, (size_t)count, sizeof *reading->order);
    if (arena_failed(reading->arena)) {
        return errors_no_memory(errors);
    }
    for (int64_t row = 0; row < count; row++) {
        sorted[row] = (struct sorted_row){row, steps_of(reading->rows, row)};
    }
    qsort(sorted, (size_t)count, sizeof *sorted, longest_first);
    for (int64_t i = 0; i < count; i++) {
        reading->order[i] = sorted[i].row;
        lengths[i] = sorted[i].steps;
    }
    return time_axis_make(&reading->time, lengths, count, reading->arena, errors);
}

/* What a row reads at a step as its own last output: item step - 1 of its history, or step if it continues. */
static void write_previous(const struct stepper *stepper, const struct stepper_rows *rows, int64_t row, int64_t step,
                           const rondo_tensor *tensor, int64_t to) {
    const int64_t item = step - !rows->continues;
    if (!stepper->target_is_real) {
        ((int32_t *)tensor->data)[to] =
            item < 0 ? (int32_t)stepper->target_size : ((const int32_t *)rows->history[row])[item];
        return;
    }
    for (int64_t k = 0; k < stepper->target_size; k++) {
        const double *numbers = rows->history[row];
        tensor_set(tensor, to * stepper->target_size + k, item < 0 ? 0 : numbers[item * stepper->target_size + k]);
    }
}

static int is_previous(const struct batch_input *input) {
    return strcmp(input->name, "previous") == 0;
}

/* Writes element `step` of a stream of an example. */
static void write_element(const struct dataset *dataset, const char *name, int64_t example, int64_t step,
                          const rondo_tensor *tensor, int64_t to) {
    const struct stream *stream = dataset_find(dataset, name);
    const int64_t last = stream->length[example] - 1; /* rows that have ended may go on beside others */
    batch_copy_element(stream, dataset_group(dataset, example), stream->begin[example] + (step < last ? step : last),
                       tensor, to);
}

/* The inputs of the first pass. */
static rondo_status pack_inputs(const struct stepper *stepper, const struct stepper_reading *reading,
                                rondo_tensor *inputs, struct errors *errors) {
    const struct time_axis *time = &reading->time;
    for (int32_t i = 0; i < stepper->n_inputs; i++) {
        const struct batch_input *input = &stepper->inputs[i];
        RONDO_TRY(element_tensor(stepper, input, input->every_step ? time->total : time->rows, reading->arena,
                                 &inputs[i], errors));
        for (int64_t step = 0; step < (input->every_step ? time->steps : 1); step++) {
            for (int64_t at = 0; at < time->alive[step]; at++) {
                const int64_t row = reading->order[at], to = time->begin[step] + at;
                if (is_previous(input)) {
                    write_previous(stepper, reading->rows, row, step, &inputs[i], to);
                } else if (input->every_step || !reading->rows->continues) {
                    write_element(stepper->dataset, input->name, stepper->row[row].example,
                                  stepper->row[row].read + step, &inputs[i], to);
                }
            }
        }
    }
    return RONDO_OK;
}

/* The last output of each row, in the order of the rows. */
static rondo_status find_last(const struct stepper_reading *reading, rondo_tensor *scored, struct errors *errors) {
    const struct time_axis *time = &reading->time;
    *scored = tensor_1d(RONDO_I32, time->rows, NULL);
    RONDO_TRY(tensor_alloc(scored, reading->arena, errors));
    for (int64_t at = 0; at < time->rows; at++) {
        ((int32_t *)scored->data)[reading->order[at]] = (int32_t)(time->begin[time->lengths[at] - 1] + at);
    }
    return RONDO_OK;
}

/* The sequences of the memory that the rows of the axis read, which last as long as the tape; NULL with an error. */
static const rondo_rows *order_memory(const struct stepper *stepper, const struct stepper_reading *reading,
                                      struct errors *errors) {
    rondo_rows *rows = arena_calloc(reading->arena, 1, sizeof *rows);
    int64_t *begin = arena_calloc(reading->arena, (size_t)reading->time.rows, sizeof *begin);
    int64_t *length = arena_calloc(reading->arena, (size_t)reading->time.rows, sizeof *length);
    if (arena_failed(reading->arena)) {
        errors_no_memory(errors);
        return NULL;
    }
    for (int64_t at = 0; at < reading->time.rows; at++) {
        const int64_t source = stepper->row[reading->order[at]].source;
        begin[at] = stepper->encoded.rows->begin[source];
        length[at] = stepper->encoded.rows->length[source];
    }
    *rows = (rondo_rows){.struct_size = sizeof *rows, .count = reading->time.rows, .begin = begin, .length = length};
    return rows;
}

/* Reads what the rows begin with, or go on with. */
static rondo_status read_rows(struct stepper *stepper, const struct stepper_rows *rows) {
    struct tape *tape = stepper->reader;
    struct errors *errors = &stepper->errors;
    tape_reset(tape);
    struct stepper_reading reading = {.rows = rows, .arena = tape_arena(tape)};
    rondo_tensor inputs[BATCH_MOST_INPUTS], scored;
    struct layer_memory memory = {.values = {-1}};
    RONDO_TRY(order_rows(&reading, errors));
    RONDO_TRY(pack_inputs(stepper, &reading, inputs, errors));
    RONDO_TRY(find_last(&reading, &scored, errors));
    if (stepper->has_source) {
        const rondo_rows *memory_rows = order_memory(stepper, &reading, errors);
        if (memory_rows == NULL) {
            return errors->status;
        }
        memory = memory_on(stepper, tape, memory_rows);
    }
    unsigned char *starts = arena_alloc(reading.arena, (size_t)rows->count);
    const rondo_value *parameters = bind_parameters(stepper, tape);
    if (starts == NULL || parameters == NULL) {
        return errors_no_memory(errors);
    }
    memset(starts, !rows->continues, (size_t)rows->count);
    const struct model_call call = {.time = &reading.time,
                                    .inputs = inputs,
                                    .parameters = parameters,
                                    .scored = &scored,
                                    .carried = stepper->held,
                                    .kept = stepper->held,
                                    .lane = reading.order,
                                    .starts = starts,
                                    .memory = stepper->has_source ? &memory : NULL,
                                    .stepwise = rows->stepwise};
    struct model_result result;
    RONDO_TRY(model_record(network_model(stepper->network), tape, &call, &result));
    for (int64_t row = 0; row < rows->count; row++) {
        stepper->row[row].read += steps_of(rows, row);
    }
    return predict(stepper, tape, result.outputs);
}

static rondo_status begin(struct stepper *stepper, const struct stepper_rows *rows) {
    stepper->dataset = rows->dataset;
    for (int64_t row = 0; row < rows->count; row++) {
        stepper->row[row] = (struct stepper_row){rows->example == NULL ? 0 : rows->example[row], 0, row};
    }
    RONDO_TRY(stepper->has_source ? encode(stepper, rows) : RONDO_OK);
    return read_rows(stepper, rows);
}

/* The states after the last step become those that the rows go on with. */
static rondo_status go_on(struct stepper *stepper, const struct stepper_rows *rows) {
    RONDO_CHECK(rows->count == stepper->rows, &stepper->errors, "the rows of the last pass go on");
    if (!stepper->is_after_begin) {
        states_take(stepper->held, NULL, stepper->rows, stepper->tape, stepper->final);
    }
    return read_rows(stepper, rows);
}

rondo_status stepper_begin(struct stepper *stepper, const struct stepper_rows *rows, int64_t most_rows,
                           struct errors *errors) {
    if (!rows->continues) {
        RONDO_TRY(make_rows(stepper, most_rows, errors));
    }
    const rondo_status status = rows->continues ? go_on(stepper, rows) : begin(stepper, rows);
    stepper->rows = rows->count;
    stepper->is_after_begin = 1;
    return stepper_errors(stepper, status, errors);
}

/* ---- steps ---- */

static rondo_status record_step(struct stepper *stepper, int64_t count) {
    struct tape *tape = stepper->tape;
    tape_reset(tape);
    stepper->has_mark = 0;
    stepper->recorded = 0;
    rondo_tensor inputs[BATCH_MOST_INPUTS];
    for (int32_t i = 0; i < stepper->n_inputs; i++) {
        inputs[i] = stepper->step_inputs[i];
        inputs[i].shape[0] = count;
    }
    for (int64_t row = 0; row < count; row++) {
        stepper->lengths[row] = 1;
        stepper->source[row] = stepper->row[row].source;
        if (stepper->has_source) {
            stepper->begin[row] = stepper->encoded.rows->begin[stepper->source[row]];
            stepper->length[row] = stepper->encoded.rows->length[stepper->source[row]];
        }
    }
    stepper->alive[0] = stepper->first[1] = count;
    stepper->time = (struct time_axis){count, 1, count, stepper->lengths, stepper->alive, stepper->first};
    stepper->memory_rows = (rondo_rows){
        .struct_size = sizeof(rondo_rows), .count = count, .begin = stepper->begin, .length = stepper->length};
    struct layer_memory memory = {.values = {-1}};
    if (stepper->has_source) {
        memory = memory_on(stepper, tape, &stepper->memory_rows);
    }
    const struct model_call call = {.time = &stepper->time,
                                    .inputs = inputs,
                                    .parameters = bind_parameters(stepper, tape),
                                    .carried = stepper->states,
                                    .starts = stepper->starts,
                                    .memory = stepper->has_source ? &memory : NULL,
                                    .reruns = 1};
    struct model_result result;
    if (call.parameters == NULL) {
        return errors_no_memory(&stepper->errors);
    }
    RONDO_TRY(model_record(network_model(stepper->network), tape, &call, &result));
    stepper->outputs = result.outputs;
    stepper->final = result.final;
    stepper->recorded = count;
    return RONDO_OK;
}

/* Moves the rows; returns 1 if the tape does not fit them. */
static int take_rows(struct stepper *stepper, const int64_t *origin, int64_t count) {
    int is_other = count != stepper->recorded;
    for (int64_t i = 0; i < count; i++) {
        stepper->next[i] = stepper->row[origin[i]];
        is_other |= stepper->next[i].source != stepper->source[i];
    }
    struct stepper_row *last = stepper->row;
    stepper->row = stepper->next;
    stepper->next = last;
    if (stepper->is_after_begin) {
        states_take_rows(stepper->states, stepper->held, origin, count);
    } else {
        states_take(stepper->states, origin, count, stepper->tape, stepper->final);
    }
    stepper->rows = count;
    stepper->is_after_begin = 0;
    return is_other;
}

static void write_inputs(struct stepper *stepper, const int32_t *ids, const double *numbers) {
    const int64_t size = stepper->target_size;
    for (int32_t i = 0; i < stepper->n_inputs; i++) {
        const struct batch_input *input = &stepper->inputs[i];
        const rondo_tensor *tensor = &stepper->step_inputs[i];
        if (is_previous(input) && !stepper->target_is_real) {
            memcpy(tensor->data, ids, sizeof *ids * (size_t)stepper->rows);
        }
        for (int64_t row = 0; row < stepper->rows && is_previous(input) && stepper->target_is_real; row++) {
            for (int64_t k = 0; k < size; k++) {
                tensor_set(tensor, row * size + k, numbers[row * size + k]);
            }
        }
        for (int64_t row = 0; row < stepper->rows && !is_previous(input) && input->every_step; row++) {
            const struct stepper_row *of = &stepper->row[row];
            write_element(stepper->dataset, input->name, of->example, of->read, tensor, row);
        }
    }
    for (int64_t row = 0; row < stepper->rows; row++) {
        stepper->row[row].read++;
    }
}

/* The first run after the recording may take memory that lasts as long as the tape, such as that of packed weights: predictions
 * of later runs are behind it, in the same place each time. */
static rondo_status advance(struct stepper *stepper, int is_other) {
    struct tape *tape = stepper->tape;
    if (is_other) {
        RONDO_TRY(record_step(stepper, stepper->rows));
        return predict(stepper, tape, stepper->outputs);
    }
    if (stepper->has_mark) {
        arena_release(tape_arena(tape), stepper->mark);
    }
    RONDO_TRY(tape_rerun(tape));
    stepper->mark = arena_mark(tape_arena(tape));
    stepper->has_mark = 1;
    return predict(stepper, tape, stepper->outputs);
}

rondo_status stepper_advance(struct stepper *stepper, const int64_t *origin, const int32_t *ids, const double *numbers,
                             int64_t count, struct errors *errors) {
    const int is_other = take_rows(stepper, origin, count);
    write_inputs(stepper, ids, numbers);
    return stepper_errors(stepper, advance(stepper, is_other), errors);
}

const rondo_tensor *stepper_predictions(const struct stepper *stepper) {
    return &stepper->predictions;
}

/* The draw of rows whose outputs are copied to the first ones. */
static rondo_status draw(struct stepper *stepper, struct tape *tape, const int64_t *row, int64_t count,
                         const uint32_t *words, double *numbers) {
    const struct heads *heads = network_heads(stepper->network);
    struct heads_call call = head_call(stepper, tape);
    rondo_tensor outputs = stepper->last, targets = tensor_2d(stepper->last.dtype, count, stepper->target_size, NULL);
    outputs.shape[0] = count;
    RONDO_TRY(tensor_alloc(&outputs, tape_arena(tape), &stepper->errors));
    RONDO_TRY(tensor_alloc(&targets, tape_arena(tape), &stepper->errors));
    const size_t bytes = (size_t)outputs.shape[1] * dtype_size(outputs.dtype);
    for (int64_t i = 0; i < count; i++) {
        memcpy((char *)outputs.data + (size_t)i * bytes, (const char *)stepper->last.data + (size_t)row[i] * bytes,
               bytes);
    }
    RONDO_TRY(heads_sample(heads, &call, &outputs, words, heads->sample_words, &targets));
    for (int64_t i = 0; i < rondo_count(&targets); i++) {
        numbers[i] = tensor_get(&targets, i);
    }
    return RONDO_OK;
}

rondo_status stepper_draw(struct stepper *stepper, const int64_t *row, int64_t count, const uint32_t *words,
                          double *numbers, struct errors *errors) {
    struct tape *tape = stepper->is_after_begin ? stepper->reader : stepper->tape;
    const struct arena_mark mark = arena_mark(tape_arena(tape));
    const rondo_status status = draw(stepper, tape, row, count, words, numbers);
    arena_release(tape_arena(tape), mark);
    return stepper_errors(stepper, status, errors);
}

int64_t stepper_steps_left(const struct stepper *stepper, int64_t row) {
    int64_t left = INT64_MAX;
    for (int32_t i = 0; i < stepper->n_inputs; i++) {
        const struct batch_input *input = &stepper->inputs[i];
        if (input->every_step && !is_previous(input)) {
            const struct stream *stream = dataset_find(stepper->dataset, input->name);
            const int64_t steps = stream->length[stepper->row[row].example] - stepper->row[row].read + 1;
            left = steps < left ? steps : left;
        }
    }
    return left;
}
