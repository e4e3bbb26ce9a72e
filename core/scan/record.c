/* A recurrence on a tape: its inputs, the forward half, and the backward half as a function of the tape. */
#include "core/scan/record.h"

#include <string.h>

/* Marks the fixed tensors and all that they are computed from. Operands have smaller ids than what reads them. */
static void mark_fixed(const struct program *program, const struct scan_graph *graph, int *wanted) {
    for (int32_t k = 0; k < graph->n_fixed; k++) {
        wanted[graph->fixed[k].id] = 1;
    }
    for (int32_t id = program_count(program) - 1; id >= 0; id--) {
        const struct program_node *node = program_node(program, (rondo_value){id});
        for (int32_t k = 0; wanted[id] && k < node->n_inputs; k++) {
            wanted[node->inputs[k]] = 1;
        }
    }
}

/* Computes the fixed tensors on the tape, once for all steps: values[k] gets number k. */
static rondo_status record_fixed(const struct scan *scan, struct tape *tape, const rondo_value *parameters,
                                 rondo_value *values) {
    const struct program *program = scan->program;
    const struct scan_graph *graph = scan->plans[PLAN_VALUES]->graph;
    struct arena *arena = tape_arena(tape);
    const size_t count = (size_t)program_count(program) + 1;
    int *wanted = arena_calloc(arena, count, sizeof *wanted);
    rondo_value *all = arena_calloc(arena, count, sizeof *all);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    mark_fixed(program, graph, wanted);
    int32_t next_input = 0;
    for (int32_t id = 0; id < program_count(program); id++) {
        const struct program_node *node = program_node(program, (rondo_value){id});
        const int32_t input = node->op == NULL && node->value.data == NULL ? next_input++ : -1;
        if (!wanted[id]) {
            continue;
        }
        if (input >= 0) {
            all[id] = parameters[input - 1 - scan->n_states];
        } else if (node->op == NULL) {
            all[id] = tape_constant(tape, &node->value);
        } else {
            rondo_value *operands = arena_alloc(arena, sizeof *operands * (size_t)(node->n_inputs + 1));
            if (operands == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
            for (int32_t k = 0; k < node->n_inputs; k++) {
                operands[k] = all[node->inputs[k]];
            }
            all[id] = tape_apply(tape, node->op, node->options, operands, node->n_inputs);
            if (node->name != NULL) {
                tape_name(tape, all[id], node->name);
            }
        }
    }
    for (int32_t k = 0; k < graph->n_fixed; k++) {
        values[k] = all[graph->fixed[k].id];
    }
    return tape_status(tape);
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

static rondo_status scan_backward(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                                  const rondo_tensor *grad_inputs) {
    struct scan_recorded *recorded = data;
    struct scan_run *run = &recorded->run;
    const struct scan_graph *graph = run->given.graph;
    struct arena *arena = tape_arena(tape);
    run->given.grad_x = grad_inputs[0].data;
    run->given.grad_fixed = grad_inputs + 1;
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
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        const rondo_tensor *gradient = &grad_inputs[1 + graph->n_fixed + i];
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

/* Which of the plans serves these inputs: x, the fixed tensors, then the initial states. */
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
            graph->constant[recorded->initial_state[i]] && tape_needs_gradient(tape, inputs[1 + graph->n_fixed + i]);
        kind += constant ? AND_CONSTANT : 0;
    }
    return needs ? kind : PLAN_VALUES;
}

/* Checks x, and lists the inputs of the tape's function: x, the fixed tensors, the initial states that are given. */
static rondo_status list_inputs(struct scan_recorded *recorded, struct tape *tape, const struct time_axis *time,
                                rondo_value x, const rondo_value *initial, const rondo_value *parameters,
                                rondo_value *inputs, int32_t *n_inputs) {
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
    RONDO_TRY(record_fixed(scan, tape, parameters, inputs + 1));
    *n_inputs = 1 + scan->plans[PLAN_VALUES]->graph->n_fixed;
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
                               const rondo_value *inputs, int32_t n_inputs) {
    const struct scan *scan = recorded->scan;
    const struct scan_plan *plan = scan->plans[choose_plan(recorded, tape, inputs, n_inputs)];
    const struct scan_graph *graph = plan->graph;
    struct time_axis *axis = arena_alloc(tape_arena(tape), sizeof *axis);
    rondo_tensor *fixed = arena_calloc(tape_arena(tape), (size_t)graph->n_fixed + 1, sizeof *fixed);
    const rondo_tensor *x = tape_tensor(tape, inputs[0]);
    if (arena_failed(tape_arena(tape))) {
        return errors_no_memory(tape_errors(tape));
    }
    *axis = *time; /* its arrays live as long as the batch, which outlives the contents of the tape */
    for (int32_t k = 0; k < graph->n_fixed; k++) {
        fixed[k] = *tape_tensor(tape, inputs[1 + k]);
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
        .fixed = fixed,
        .x = x->data,
        .x_width = x->shape[1],
    };
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        RONDO_CHECK(!tape_needs_gradient(tape, inputs[1 + graph->n_fixed + i]) ||
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
                           const rondo_value *initial, const rondo_value *parameters, rondo_value *outputs,
                           rondo_value *final_states) {
    static const struct tape_function function = {"recurrence", scan_backward};
    struct arena *arena = tape_arena(tape);
    const size_t n_states = (size_t)scan->n_states, n_fixed = (size_t)scan->plans[PLAN_VALUES]->graph->n_fixed;
    struct scan_recorded *recorded = arena_calloc(arena, 1, sizeof *recorded);
    int32_t *initial_state = arena_calloc(arena, n_states + 1, sizeof *initial_state);
    rondo_value *inputs = arena_calloc(arena, 1 + n_fixed + n_states, sizeof *inputs);
    rondo_tensor *results = arena_calloc(arena, 1 + n_states, sizeof *results);
    rondo_value *values = arena_calloc(arena, 1 + n_states, sizeof *values);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    recorded->scan = scan;
    recorded->initial_state = initial_state;
    recorded->has_final = final_states != NULL;
    int32_t n_inputs;
    RONDO_TRY(list_inputs(recorded, tape, time, x, initial, parameters, inputs, &n_inputs));
    RONDO_TRY(fill_given(recorded, tape, time, inputs, n_inputs));
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
                         const rondo_value *initial, const rondo_value *parameters, rondo_value *outputs,
                         rondo_value *final_states) {
    const rondo_value failed = {-1};
    *outputs = failed;
    for (int32_t s = 0; final_states != NULL && s < scan->n_states; s++) {
        final_states[s] = failed;
    }
    RONDO_TRY(tape_status(tape));
    const rondo_status status = record(scan, tape, time, x, initial, parameters, outputs, final_states);
    if (status != RONDO_OK) {
        tape_fail(tape, status);
    }
    return status;
}
