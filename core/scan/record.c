/* A recurrence on a tape: its inputs, the forward half, and the backward half as a function of the tape. */
#include "core/scan/record.h"

#include <string.h>

/* Computes on the tape, once for all steps, what the loop gets from outside: the fixed tensors, then the values over the
 * memory. */
static rondo_status record_outside(const struct scan *scan, struct tape *tape, const rondo_value *parameters,
                                   rondo_value memory, rondo_value *values) {
    const struct program *program = scan->program;
    const struct scan_graph *graph = scan->plans[PLAN_VALUES]->graph;
    struct arena *arena = tape_arena(tape);
    const int32_t n_inputs = program_input_count(program), first = graph->first_parameter;
    const int32_t n_wanted = graph->n_fixed + graph->n_ragged;
    rondo_value *inputs = arena_alloc(arena, sizeof *inputs * (size_t)(n_inputs + 1));
    rondo_value *all = arena_alloc(arena, sizeof *all * (size_t)(program_count(program) + 1));
    rondo_value *wanted = arena_alloc(arena, sizeof *wanted * (size_t)(n_wanted + 1));
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int32_t i = 0; i < n_inputs; i++) {
        inputs[i] = i >= first ? parameters[i - first] : memory; /* x and states are not read */
    }
    for (int32_t k = 0; k < n_wanted; k++) {
        wanted[k] = k < graph->n_fixed ? graph->fixed[k] : graph->ragged[k - graph->n_fixed];
    }
    RONDO_TRY(program_outside(program, tape, &(struct program_inputs){.values = inputs}, wanted, n_wanted, all));
    for (int32_t k = 0; k < n_wanted; k++) {
        values[k] = all[wanted[k].id];
    }
    return RONDO_OK;
}

/* The inputs of the tape's function are x, the fixed tensors, the ragged values, and the initial states from this number on. */
static int32_t first_initial(const struct scan_graph *graph) {
    return 1 + graph->n_fixed + graph->n_ragged;
}

/* The states before the first step: those that are given, else zeros. */
static rondo_status find_initial(struct scan_run *run, struct tape *tape, const rondo_value *initial) {
    const struct scan_graph *graph = run->given.graph;
    run->given.initial = arena_calloc(tape_arena(tape), (size_t)graph->n_states + 1, sizeof *run->given.initial);
    for (int32_t s = 0; run->given.initial != NULL && s < graph->n_states; s++) {
        const rondo_tensor *given = initial == NULL ? NULL : tape_tensor(tape, initial[s]);
        rondo_tensor shape = graph->shapes[s];
        shape.shape[0] = run->given.time->rows;
        if (given == NULL) {
            RONDO_TRY(tensor_alloc(&shape, tape_arena(tape), tape_errors(tape)));
            run->given.initial[s] = shape.data;
        } else if (!tensor_same_shape(given, &shape)) {
            return errors_add(tape_errors(tape), RONDO_INVALID, "initial state %d has shape %s, expected %s", (int)s,
                              tensor_shape_text(given).text, tensor_shape_text(&shape).text);
        } else {
            run->given.initial[s] = given->data;
        }
    }
    return run->given.initial == NULL ? errors_no_memory(tape_errors(tape)) : RONDO_OK;
}

/* Memory for what each row adds to the gradients of fixed inputs of sequence calls (given.grad_by_row). */
static rondo_status make_gradients_by_row(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct scan_graph *graph = run->given.graph;
    const int64_t rows = run->given.time->rows;
    run->given.grad_by_row = arena_calloc(arena, (size_t)graph->n_fixed + 1, sizeof *run->given.grad_by_row);
    for (int32_t id = 0; !arena_failed(arena) && id < graph->count; id++) {
        const struct scan_node *node = &graph->nodes[id];
        if (node->kind != NODE_FIXED_CALL || !node_is_sequence_gradient(node) ||
            run->given.grad_fixed[node->which].data == NULL || run->given.grad_by_row[node->which] != NULL) {
            continue;
        }
        const int64_t width = rondo_count(&run->given.fixed[node->which]);
        char *by_row = run_alloc_rows(arena, run, rows, width);
        if (by_row != NULL) {
            memset(by_row, 0, (size_t)(rows * width) * run->given.size);
        }
        run->given.grad_by_row[node->which] = by_row;
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* Adds them up, in the order of the rows. */
static rondo_status add_gradients_by_row(const struct scan_run *run, struct arena *arena, struct errors *errors) {
    for (int32_t k = 0; k < run->given.graph->n_fixed; k++) {
        if (run->given.grad_by_row[k] != NULL) {
            const int64_t width = rondo_count(&run->given.fixed[k]);
            void *work = run_alloc_rows(arena, run, 1, width);
            if (work == NULL) {
                return errors_no_memory(errors);
            }
            sum_columns(run->given.dtype, run->given.time->rows, width, run->given.grad_by_row[k],
                        run->given.grad_fixed[k].data, work);
        }
    }
    return RONDO_OK;
}

static rondo_status scan_backward(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                                  const rondo_tensor *grad_inputs) {
    struct scan_recorded *recorded = data;
    struct scan_run *run = &recorded->run;
    const struct scan_graph *graph = run->given.graph;
    struct arena *arena = tape_arena(tape);
    run->given.grad_x = grad_inputs[0].data;
    run->given.grad_fixed = grad_inputs + 1;
    run->given.grad_ragged = grad_inputs + 1 + graph->n_fixed;
    RONDO_TRY(make_gradients_by_row(run, arena, tape_errors(tape)));
    run->given.grad_output = grad_outputs[0].data;
    if (run->given.grad_output == NULL) {
        const int64_t width = graph->nodes[graph->output].width;
        char *zeros = run_alloc_rows(arena, run, run->given.time->total, width);
        if (zeros == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
        memset(zeros, 0, (size_t)(run->given.time->total * width) * run->given.size);
        run->given.grad_output = zeros;
    }
    const rondo_tensor *grad_final = recorded->has_final ? grad_outputs + 1 : NULL;
    if (recorded->n_windows > 1) {
        RONDO_TRY(scan_windows_backward(recorded, tape, grad_final));
    } else {
        RONDO_TRY(scan_start_carries(run, tape, grad_final, NULL, 0));
        RONDO_TRY(run_half(run, 1, arena, tape_errors(tape)));
    }
    RONDO_TRY(add_gradients_by_row(run, arena, tape_errors(tape)));
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        const rondo_tensor *gradient = &grad_inputs[first_initial(graph) + i];
        const int32_t s = recorded->initial_state[i];
        if (gradient->data == NULL) {
            continue;
        }
        RONDO_CHECK(run->memory.carries[s][0] != NULL, tape_errors(tape), "a state that wants a gradient has one");
        const void *both[2] = {gradient->data, run->memory.carries[s][0]};
        sum_arrays(run->given.dtype, rondo_count(gradient), both, 2, gradient->data);
    }
    return RONDO_OK;
}

/* The forward half again, after a recording in evaluation, which is never in windows. */
static rondo_status scan_forward(void *data, struct tape *tape) {
    struct scan_recorded *recorded = data;
    struct scan_run *run = &recorded->run;
    int fixed_change = 0;
    for (int32_t k = 0; k < run->given.graph->n_fixed; k++) {
        fixed_change |= tape_changes(tape, recorded->inputs[1 + k]);
    }
    run->given.run = tape_run(tape);
    RONDO_TRY(run_again(run, fixed_change, tape_arena(tape), tape_errors(tape)));
    for (int32_t s = 0; recorded->has_final && s < recorded->scan->n_states; s++) {
        scan_copy_final(run, s, recorded->results[1 + s].data);
    }
    return RONDO_OK;
}

/* Which of the plans serves these inputs. */
static int choose_plan(const struct scan_recorded *recorded, const struct tape *tape, const rondo_value *inputs,
                       int32_t n_inputs) {
    const struct scan_graph *graph = recorded->scan->plans[PLAN_VALUES]->graph;
    int needs = 0, kind = PLAN_GRADIENTS;
    for (int32_t k = 0; k < n_inputs; k++) {
        needs |= tape_needs_gradient(tape, inputs[k]);
    }
    kind += tape_needs_gradient(tape, inputs[0]) ? AND_X : 0;
    for (int32_t i = 0, constant = 0; i < recorded->n_initial && !constant; i++) {
        constant =
            graph->constant[recorded->initial_state[i]] && tape_needs_gradient(tape, inputs[first_initial(graph) + i]);
        kind += constant ? AND_CONSTANT : 0;
    }
    return needs ? kind : PLAN_VALUES;
}

/* Checks the memory of a step that reads one. */
static rondo_status check_memory(const struct scan *scan, struct tape *tape, const struct time_axis *time,
                                 rondo_value memory, const rondo_rows *memory_rows) {
    const struct program_node *node =
        program_node(scan->program, program_input_value(scan->program, 1 + scan->n_states));
    if (node == NULL || node->domain != DOMAIN_MEMORY) {
        return RONDO_OK;
    }
    const rondo_tensor *given = tape_tensor(tape, memory);
    RONDO_CHECK(given != NULL && memory_rows != NULL && memory_rows->count == time->rows, tape_errors(tape),
                "a step that reads memory gets a sequence of it for each row");
    rondo_tensor expected = node->value;
    expected.shape[0] = given->shape[0];
    if (!tensor_same_shape(given, &expected)) {
        return errors_add(tape_errors(tape), RONDO_INVALID, "the memory has shape %s, expected %s",
                          tensor_shape_text(given).text, tensor_shape_text(&node->value).text);
    }
    for (int64_t row = 0; row < time->rows; row++) {
        RONDO_CHECK(memory_rows->begin[row] >= 0 && memory_rows->length[row] >= 0 &&
                        memory_rows->begin[row] + memory_rows->length[row] <= given->shape[0],
                    tape_errors(tape), "the sequences are elements of the memory");
    }
    return RONDO_OK;
}

/* 1 if two rows may read the same elements: sequences are compared only with the one before. */
static int is_shared(const rondo_rows *memory) {
    for (int64_t row = 1; row < memory->count; row++) {
        if (memory->begin[row] < memory->begin[row - 1] + memory->length[row - 1]) {
            return 1;
        }
    }
    return 0;
}

/* Checks x, and lists the inputs of the tape's function: x, the fixed tensors, the ragged values, the initial states that are
 * given. */
static rondo_status list_inputs(struct scan_recorded *recorded, struct tape *tape, const struct time_axis *time,
                                rondo_value x, const rondo_value *initial, const rondo_value *parameters,
                                rondo_value memory, rondo_value *inputs, int32_t *n_inputs) {
    const struct scan *scan = recorded->scan;
    const rondo_tensor *given = tape_tensor(tape, x);
    RONDO_CHECK(given != NULL, tape_errors(tape), "x is a value of this tape");
    rondo_tensor expected = program_node(scan->program, (rondo_value){0})->value;
    expected.shape[0] = time->total;
    if (!tensor_same_shape(given, &expected)) {
        return errors_add(tape_errors(tape), RONDO_INVALID, "the inputs of the recurrence have shape %s, expected %s",
                          tensor_shape_text(given).text, tensor_shape_text(&expected).text);
    }
    inputs[0] = x;
    RONDO_TRY(record_outside(scan, tape, parameters, memory, inputs + 1));
    *n_inputs = first_initial(scan->plans[PLAN_VALUES]->graph);
    for (int32_t s = 0; initial != NULL && s < scan->n_states; s++) {
        if (initial[s].id >= 0) {
            recorded->initial_state[recorded->n_initial++] = s;
            inputs[(*n_inputs)++] = initial[s];
        }
    }
    return RONDO_OK;
}

/* What the run is given, but for the initial states. */
static rondo_status fill_given(struct scan_recorded *recorded, struct tape *tape, const struct time_axis *time,
                               const rondo_rows *memory_rows, const rondo_value *inputs, int32_t n_inputs) {
    const struct scan *scan = recorded->scan;
    const struct scan_plan *plan = scan->plans[choose_plan(recorded, tape, inputs, n_inputs)];
    const struct scan_graph *graph = plan->graph;
    struct time_axis *axis = arena_alloc(tape_arena(tape), sizeof *axis);
    rondo_tensor *fixed = arena_calloc(tape_arena(tape), (size_t)graph->n_fixed + 1, sizeof *fixed);
    rondo_tensor *ragged = arena_calloc(tape_arena(tape), (size_t)graph->n_ragged + 1, sizeof *ragged);
    const rondo_tensor *x = tape_tensor(tape, inputs[0]);
    if (arena_failed(tape_arena(tape))) {
        return errors_no_memory(tape_errors(tape));
    }
    *axis = *time; /* its arrays live as long as the batch, which outlives the contents of the tape */
    for (int32_t k = 0; k < graph->n_fixed; k++) {
        fixed[k] = *tape_tensor(tape, inputs[1 + k]);
    }
    for (int32_t k = 0; k < graph->n_ragged; k++) {
        ragged[k] = *tape_tensor(tape, inputs[1 + graph->n_fixed + k]);
    }
    recorded->run.given = (struct scan_given){
        .plan = plan,
        .graph = graph,
        .time = axis,
        .kernels = product_kernels(),
        .parallel = tape_parallel(tape),
        .dtype = graph->dtype,
        .size = dtype_size(graph->dtype),
        .training = tape_is_training(tape),
        .registry = tape_registry(tape),
        .stream = tape_stream(tape),
        .first_random = tape_take_random(tape, time->steps * graph->n_random),
        .observe = scan->observe,
        .observe_arg = scan->observe_arg,
        .account = scan->account == NULL || scan->account->now == NULL ? NULL : scan->account,
        .fixed = fixed,
        .ragged = ragged,
        .memory = graph->n_ragged > 0 ? memory_rows : NULL,
        .shares_memory = graph->n_ragged > 0 && graph->training && is_shared(memory_rows),
        .x = x->data,
        .x_width = x->shape[1],
    };
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        RONDO_CHECK(!tape_needs_gradient(tape, inputs[first_initial(graph) + i]) ||
                        graph->state_needs[recorded->initial_state[i]],
                    tape_errors(tape), "a state whose initial value wants a gradient depends on parameters");
    }
    return RONDO_OK;
}

/* Runs the forward half: results[0] gets the outputs, results[1 + s] the final state s if they are wanted. */
static rondo_status run_forward(struct scan_recorded *recorded, struct tape *tape, rondo_tensor *results) {
    struct scan_run *run = &recorded->run;
    const struct scan *scan = recorded->scan;
    const struct scan_graph *graph = run->given.graph;
    const struct time_axis *time = run->given.time;
    struct arena *arena = tape_arena(tape);
    for (int32_t s = 0; recorded->has_final && s < scan->n_states; s++) {
        results[1 + s] = graph->shapes[s];
        results[1 + s].shape[0] = time->rows;
        RONDO_TRY(tensor_alloc(&results[1 + s], arena, tape_errors(tape)));
    }
    const int in_windows = scan->recompute > 0 && graph->training && scan->recompute < time->steps;
    recorded->n_windows = in_windows ? (time->steps - 1) / scan->recompute + 1 : 1;
    if (in_windows) {
        results[0] = graph->nodes[graph->output].shape;
        results[0].shape[0] = time->total;
        RONDO_TRY(tensor_alloc(&results[0], arena, tape_errors(tape)));
        return scan_windows_forward(recorded, tape, &results[0], recorded->has_final ? results + 1 : NULL);
    }
    RONDO_TRY(run_make_memory(run, tape));
    RONDO_TRY(run_half(run, 0, arena, tape_errors(tape)));
    results[0] = scan_outputs(run);
    for (int32_t s = 0; recorded->has_final && s < scan->n_states; s++) {
        scan_copy_final(run, s, results[1 + s].data);
    }
    return RONDO_OK;
}

static rondo_status record(const struct scan *scan, struct tape *tape, const struct time_axis *time, rondo_value x,
                           const rondo_value *initial, const rondo_value *parameters, rondo_value memory,
                           const rondo_rows *memory_rows, rondo_value *outputs, rondo_value *final_states) {
    static const struct tape_function function = {"recurrence", scan_forward, scan_backward};
    struct arena *arena = tape_arena(tape);
    const size_t n_states = (size_t)scan->n_states;
    const size_t n_inputs_most = (size_t)first_initial(scan->plans[PLAN_VALUES]->graph) + n_states;
    struct scan_recorded *recorded = arena_calloc(arena, 1, sizeof *recorded);
    int32_t *initial_state = arena_calloc(arena, n_states + 1, sizeof *initial_state);
    rondo_value *inputs = arena_calloc(arena, n_inputs_most, sizeof *inputs);
    rondo_tensor *results = arena_calloc(arena, 1 + n_states, sizeof *results);
    rondo_value *values = arena_calloc(arena, 1 + n_states, sizeof *values);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    recorded->scan = scan;
    recorded->initial_state = initial_state;
    recorded->has_final = final_states != NULL;
    recorded->inputs = inputs;
    recorded->results = results;
    int32_t n_inputs;
    RONDO_TRY(check_memory(scan, tape, time, memory, memory_rows));
    RONDO_TRY(list_inputs(recorded, tape, time, x, initial, parameters, memory, inputs, &n_inputs));
    RONDO_TRY(fill_given(recorded, tape, time, memory_rows, inputs, n_inputs));
    RONDO_TRY(find_initial(&recorded->run, tape, initial));
    RONDO_TRY(run_forward(recorded, tape, results));
    const int32_t n_results = 1 + (recorded->has_final ? scan->n_states : 0);
    RONDO_TRY(tape_record(tape, &function, recorded, inputs, n_inputs, results, n_results, values));
    *outputs = values[0];
    for (int32_t s = 0; final_states != NULL && s < scan->n_states; s++) {
        final_states[s] = values[1 + s];
    }
    return RONDO_OK;
}

rondo_status scan_record(const struct scan *scan, struct tape *tape, const struct time_axis *time, rondo_value x,
                         const rondo_value *initial, const rondo_value *parameters, rondo_value memory,
                         const rondo_rows *memory_rows, rondo_value *outputs, rondo_value *final_states) {
    const rondo_value failed = {-1};
    *outputs = failed;
    for (int32_t s = 0; final_states != NULL && s < scan->n_states; s++) {
        final_states[s] = failed;
    }
    RONDO_TRY(tape_status(tape));
    const rondo_status status =
        record(scan, tape, time, x, initial, parameters, memory, memory_rows, outputs, final_states);
    if (status != RONDO_OK) {
        tape_fail(tape, status);
    }
    return status;
}
