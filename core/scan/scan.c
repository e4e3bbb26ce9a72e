#include "core/scan/scan.h"

#include <stdlib.h>
#include <string.h>

#include "core/scan/run.h"

/* What a tape may want of a recurrence. To PLAN_GRADIENTS are added AND_X where x has a gradient, and AND_CONSTANT
 * where a state that never changes starts from something with one. */
enum { PLAN_VALUES, PLAN_GRADIENTS, PLAN_KINDS = PLAN_GRADIENTS + 4 };
enum { AND_X = 1, AND_CONSTANT = 2 };

struct scan {
    struct arena *arena;
    const struct program *program;
    int32_t n_states;
    int64_t recompute;
    void (*observe)(void *arg, int half, enum scan_phase phase, int done);
    void *observe_arg;
    struct scan_plan *plans[PLAN_KINDS]; /* NULL with AND_CONSTANT where all states change */
};

/* One recurrence on a tape, for its backward pass. */
struct scan_recorded {
    struct scan_run run; /* over all steps; with windows it says what is the same for all of them */
    const struct scan *scan;
    int32_t n_initial;      /* inputs of the tape's function: x, fixed tensors, then these */
    int32_t *initial_state; /* [n_initial] which state each belongs to */
    int has_final;
    int64_t n_windows;        /* > 1: the forward step is computed again, window by window, in the backward pass */
    const char ***boundaries; /* [n_windows][n_states] the states before each window */
};

const char *scan_pass_name(int32_t index) {
    static const char *const names[] = {"merge", "hoist", "sink", "fuse", "plan"};
    return index >= 0 && index < (int32_t)(sizeof names / sizeof names[0]) ? names[index] : NULL;
}

static struct scan_graph_settings settings_of(const struct scan_settings *settings, int kind) {
    return (struct scan_graph_settings){.program = settings->program,
                                        .n_states = settings->n_states,
                                        .new_states = settings->new_states,
                                        .output = settings->output,
                                        .passes = settings->passes,
                                        .training = kind != PLAN_VALUES,
                                        .wants_x = kind != PLAN_VALUES && ((kind - PLAN_GRADIENTS) & AND_X) != 0,
                                        .wants_constant =
                                            kind != PLAN_VALUES && ((kind - PLAN_GRADIENTS) & AND_CONSTANT) != 0};
}

static int has_constant(const struct scan_graph *graph) {
    int found = 0;
    for (int32_t s = 0; s < graph->n_states; s++) {
        found |= graph->constant[s];
    }
    return found;
}

struct scan *scan_create(const struct scan_settings *settings, struct errors *errors) {
    struct arena *arena = arena_create();
    struct scan *scan = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *scan);
    if (scan == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    scan->arena = arena;
    scan->program = settings->program;
    scan->n_states = settings->n_states;
    scan->recompute = settings->recompute;
    scan->observe = settings->observe;
    scan->observe_arg = settings->observe_arg;
    struct errors own = {0}; /* earlier errors of the caller do not stop the work here */
    for (int kind = 0; kind < PLAN_KINDS && own.count == 0; kind++) {
        const struct scan_graph_settings of_graph = settings_of(settings, kind);
        if (of_graph.wants_constant && !has_constant(scan->plans[PLAN_VALUES]->graph)) {
            continue;
        }
        struct scan_graph *graph = graph_create(&of_graph, arena, NULL, NULL, &own);
        scan->plans[kind] = graph == NULL ? NULL : plan_create(graph, &own);
        if (scan->plans[kind] == NULL && own.count == 0) {
            errors_no_memory(&own);
        }
    }
    const int failed = own.count > 0;
    errors_move(errors, &own);
    if (failed) {
        scan_destroy(scan);
        return NULL;
    }
    return scan;
}

void scan_destroy(struct scan *scan) {
    if (scan != NULL) {
        arena_destroy(scan->arena);
    }
}

int64_t scan_loop_bytes(struct scan *scan) {
    int64_t bytes = 0;
    for (int half = 0; half < 2; half++) {
        bytes += plan_loop_width(scan->plans[PLAN_GRADIENTS + AND_X], half, scan->arena);
    }
    return bytes * (int64_t)dtype_size(scan->plans[PLAN_GRADIENTS + AND_X]->graph->dtype);
}

char *scan_text(const struct scan_settings *settings, struct arena *arena, struct errors *errors) {
    char *text = NULL;
    const struct scan_graph_settings of_graph = settings_of(settings, PLAN_GRADIENTS + AND_X);
    struct scan_graph *graph = graph_create(&of_graph, arena, arena, &text, errors);
    struct scan_plan *plan = graph == NULL ? NULL : plan_create(graph, errors);
    const char *planned = plan == NULL ? NULL : plan_text(plan, arena);
    return planned == NULL ? NULL : arena_printf(arena, "%s%s", text == NULL ? "" : text, planned);
}

/* ---- what depends on parameters alone, on the tape ---- */

static void mark_fixed(const struct program *program, int *wanted, int32_t id) {
    if (wanted[id]) {
        return;
    }
    wanted[id] = 1;
    const struct program_node *node = program_node(program, (rondo_value){id});
    for (int32_t k = 0; k < node->n_inputs; k++) {
        mark_fixed(program, wanted, node->inputs[k]);
    }
}

/* values[k] gets fixed tensor k. */
static rondo_status record_fixed(const struct scan *scan, struct tape *tape, const rondo_value *parameters,
                                 rondo_value *values) {
    const struct program *program = scan->program;
    const struct scan_graph *graph = scan->plans[PLAN_VALUES]->graph;
    struct arena *arena = tape_arena(tape);
    const size_t count = (size_t)program_count(program) + 1;
    int *wanted = arena_calloc(arena, count, sizeof *wanted);
    rondo_value *all = arena_calloc(arena, count, sizeof *all);
    if (wanted == NULL || all == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape))), RONDO_NO_MEMORY;
    }
    for (int32_t k = 0; k < graph->n_fixed; k++) {
        mark_fixed(program, wanted, graph->fixed[k].id);
    }
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
                return tape_fail(tape, errors_no_memory(tape_errors(tape))), RONDO_NO_MEMORY;
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

/* The states before the first step: what was given, or zeros. */
static rondo_status find_initial(struct scan_run *run, struct tape *tape, const rondo_value *initial) {
    const struct scan_graph *graph = run->graph;
    run->initial = arena_calloc(tape_arena(tape), (size_t)graph->n_states + 1, sizeof *run->initial);
    for (int32_t s = 0; run->initial != NULL && s < graph->n_states; s++) {
        const rondo_tensor *given = initial == NULL ? NULL : tape_tensor(tape, initial[s]);
        rondo_tensor shape = graph->shapes[s];
        shape.shape[0] = run->time->rows;
        if (given == NULL) {
            RONDO_TRY(tensor_alloc(&shape, tape_arena(tape), tape_errors(tape)));
            run->initial[s] = shape.data;
        } else if (!tensor_same_shape(given, &shape)) {
            return errors_add(tape_errors(tape), RONDO_INVALID, "initial state %d has shape %s, expected %s", (int)s,
                              tensor_shape_text(given).text, tensor_shape_text(&shape).text);
        } else {
            run->initial[s] = given->data;
        }
    }
    return run->initial == NULL ? errors_no_memory(tape_errors(tape)) : RONDO_OK;
}

/* ---- results ---- */

/* Each row's state after its own last step; `out` has room for all rows of the run. */
static void copy_final(const struct scan_run *run, int32_t s, char *out) {
    const struct scan_graph *graph = run->graph;
    const struct time_axis *time = run->time;
    const size_t row_bytes = (size_t)run_state_width(graph, s) * run->size;
    for (int64_t row = 0; row < time->rows; row++) {
        const int64_t last = time->lengths[row] - 1;
        const int32_t sequence = run->plan->state_sequence[s];
        const char *from = graph->constant[s] ? run->initial[s] + (size_t)row * row_bytes
                           : sequence >= 0
                               ? run->sequences[sequence] + (size_t)(time->rows + time->begin[last] + row) * row_bytes
                               : run->doubles[s][(last + 1) & 1] + (size_t)row * row_bytes;
        memcpy(out + (size_t)row * row_bytes, from, row_bytes);
    }
}

static rondo_tensor output_tensor(const struct scan_run *run) {
    const struct scan_plan *plan = run->plan;
    rondo_tensor tensor = run->graph->nodes[run->graph->output].shape;
    tensor.shape[0] = run->time->total;
    const struct scan_sequence *sequence = &plan->sequences[plan->output_sequence];
    const int64_t lead = sequence->is_state ? run->time->rows : 0;
    tensor.data = run->sequences[plan->output_sequence] + (size_t)(lead * sequence->width) * run->size;
    return tensor;
}

/* ---- windows ---- */

/* The steps begin .. end of `whole` as a run of their own, from the states `initial`. */
static rondo_status open_window(const struct scan_run *whole, const struct scan_plan *plan, struct tape *tape,
                                int64_t begin, int64_t end, const char **initial, struct scan_run *window) {
    struct arena *arena = tape_arena(tape);
    const struct time_axis *time = whole->time;
    struct time_axis *axis = arena_alloc(arena, sizeof *axis);
    int64_t *lengths = arena_alloc(arena, sizeof *lengths * (size_t)time->rows);
    int64_t *first = arena_alloc(arena, sizeof *first * (size_t)(end - begin + 1));
    if (axis == NULL || lengths == NULL || first == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    *axis = (struct time_axis){.rows = time->alive[begin],
                               .steps = end - begin,
                               .total = time->begin[end] - time->begin[begin],
                               .lengths = lengths,
                               .alive = time->alive + begin,
                               .begin = first};
    for (int64_t row = 0; row < axis->rows; row++) {
        lengths[row] = time->lengths[row] < end ? time->lengths[row] - begin : end - begin;
    }
    for (int64_t t = begin; t <= end; t++) {
        first[t - begin] = time->begin[t] - time->begin[begin];
    }
    *window = *whole;
    window->plan = plan;
    window->graph = plan->graph;
    window->time = axis;
    window->n_shares = 0;
    window->first_random = whole->first_random + begin * whole->graph->n_random;
    window->initial = initial;
    window->x = whole->x + (size_t)(time->begin[begin] * whole->x_width) * whole->size;
    return run_make_memory(window, tape);
}

static int64_t window_begin(const struct scan_recorded *recorded, int64_t window) {
    const int64_t steps = recorded->run.time->steps, begin = window * recorded->scan->recompute;
    return begin < steps ? begin : steps;
}

/* Forward without keeping more than the states between windows, the outputs and the final states. */
static rondo_status run_windows(struct scan_recorded *recorded, struct tape *tape, const rondo_tensor *output,
                                const rondo_tensor *final_states) {
    struct scan_run *whole = &recorded->run;
    struct arena *arena = tape_arena(tape);
    const struct time_axis *time = whole->time;
    const struct scan_graph *graph = whole->graph;
    recorded->boundaries = arena_calloc(arena, (size_t)recorded->n_windows + 1, sizeof *recorded->boundaries);
    for (int64_t w = 0; recorded->boundaries != NULL && w <= recorded->n_windows; w++) {
        recorded->boundaries[w] = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof **recorded->boundaries);
        if (recorded->boundaries[w] == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
        for (int32_t s = 0; s < graph->n_states; s++) {
            const int first_or_constant = w == 0 || graph->constant[s];
            recorded->boundaries[w][s] = first_or_constant
                                             ? whole->initial[s]
                                             : run_alloc_rows(arena, whole, time->rows, run_state_width(graph, s));
            if (recorded->boundaries[w][s] == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
        }
    }
    if (recorded->boundaries == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const int64_t width = graph->nodes[graph->output].width;
    for (int64_t w = 0; w < recorded->n_windows; w++) {
        const int64_t begin = window_begin(recorded, w), end = window_begin(recorded, w + 1);
        const struct arena_mark mark = arena_mark(arena);
        struct scan_run window;
        RONDO_TRY(
            open_window(whole, recorded->scan->plans[PLAN_VALUES], tape, begin, end, recorded->boundaries[w], &window));
        RONDO_TRY(run_half(&window, 0, arena, tape_errors(tape)));
        const rondo_tensor part = output_tensor(&window);
        memcpy((char *)output->data + (size_t)(time->begin[begin] * width) * whole->size, part.data,
               tensor_bytes(&part));
        for (int32_t s = 0; s < graph->n_states; s++) {
            if (!graph->constant[s]) {
                copy_final(&window, s, (char *)recorded->boundaries[w + 1][s]);
            }
            if (final_states != NULL) { /* of rows that live on this is written again by a later window */
                copy_final(&window, s, final_states[s].data);
            }
        }
        arena_release(arena, mark);
    }
    return RONDO_OK;
}

/* ---- backward ---- */

/* The gradients that come from behind the last step: those of the final states, and for rows that live on in a later
 * window those that it carried. Both turns get them: a row that ended early is first read in the turn of its own last
 * step. */
static rondo_status start_carries(struct scan_run *run, struct tape *tape, const rondo_tensor *grad_final,
                                  const struct scan_run *later) {
    const struct scan_graph *graph = run->graph;
    const int64_t rows = run->time->rows, living = later == NULL ? 0 : later->time->rows;
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (!graph->state_needs[s]) {
            continue;
        }
        const size_t row_bytes = (size_t)run_state_width(graph, s) * run->size;
        for (int turn = 0; turn < 2; turn++) {
            char *carry = arena_alloc(tape_arena(tape), (size_t)rows * row_bytes);
            if (carry == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
            if (grad_final != NULL && grad_final[s].data != NULL) {
                memcpy(carry, grad_final[s].data, (size_t)rows * row_bytes);
            } else {
                memset(carry, 0, (size_t)rows * row_bytes);
            }
            if (living > 0) {
                memcpy(carry, later->carries[s][0], (size_t)living * row_bytes);
            }
            run->carries[s][turn] = carry;
        }
    }
    return RONDO_OK;
}

/* Window by window from the last: forward again, now keeping what the backward step reads, then backward. What is left
 * of a window is its carried gradients: they stand in the memory of `carried`, two in turn. */
static rondo_status backward_windows(struct scan_recorded *recorded, struct tape *tape,
                                     const rondo_tensor *grad_final) {
    struct scan_run *whole = &recorded->run;
    struct arena *arena = tape_arena(tape);
    const struct scan_graph *graph = whole->graph;
    const int64_t output_width = graph->nodes[graph->output].width;
    struct scan_run later = {0}, window;
    struct time_axis later_axis = {0};
    char *(*kept)[2] = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof *kept);
    for (int32_t s = 0; kept != NULL && s < graph->n_states; s++) {
        kept[s][0] = run_alloc_rows(arena, whole, whole->time->rows, run_state_width(graph, s));
        if (kept[s][0] == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
    }
    if (kept == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    later.carries = kept;
    later.time = &later_axis;
    for (int64_t w = recorded->n_windows - 1; w >= 0; w--) {
        const int64_t begin = window_begin(recorded, w), end = window_begin(recorded, w + 1);
        const struct arena_mark mark = arena_mark(arena);
        const size_t offset = (size_t)whole->time->begin[begin] * whole->size;
        RONDO_TRY(open_window(whole, whole->plan, tape, begin, end, recorded->boundaries[w], &window));
        RONDO_TRY(run_half(&window, 0, arena, tape_errors(tape)));
        window.grad_output = whole->grad_output + offset * (size_t)output_width;
        window.grad_x = whole->grad_x == NULL ? NULL : whole->grad_x + offset * (size_t)whole->x_width;
        RONDO_TRY(start_carries(&window, tape, grad_final, &later));
        RONDO_TRY(run_half(&window, 1, arena, tape_errors(tape)));
        later_axis.rows = window.time->rows;
        for (int32_t s = 0; s < graph->n_states; s++) {
            if (window.carries[s][0] != NULL) {
                memcpy(kept[s][0], window.carries[s][0],
                       (size_t)(window.time->rows * run_state_width(graph, s)) * whole->size);
            }
        }
        arena_release(arena, mark);
    }
    whole->carries = kept;
    return RONDO_OK;
}

static rondo_status scan_backward(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                                  const rondo_tensor *grad_inputs) {
    struct scan_recorded *recorded = data;
    struct scan_run *run = &recorded->run;
    const struct scan_graph *graph = run->graph;
    run->grad_x = grad_inputs[0].data;
    run->grad_fixed = grad_inputs + 1;
    run->grad_output = grad_outputs[0].data;
    if (run->grad_output == NULL) {
        const int64_t width = graph->nodes[graph->output].width;
        char *zeros = run_alloc_rows(tape_arena(tape), run, run->time->total, width);
        if (zeros == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
        memset(zeros, 0, (size_t)(run->time->total * width) * run->size);
        run->grad_output = zeros;
    }
    const rondo_tensor *grad_final = recorded->has_final ? grad_outputs + 1 : NULL;
    if (recorded->n_windows > 1) {
        RONDO_TRY(backward_windows(recorded, tape, grad_final));
    } else {
        RONDO_TRY(start_carries(run, tape, grad_final, NULL));
        RONDO_TRY(run_half(run, 1, tape_arena(tape), tape_errors(tape)));
    }
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        const rondo_tensor *gradient = &grad_inputs[1 + graph->n_fixed + i];
        const int32_t s = recorded->initial_state[i];
        if (gradient->data == NULL) {
            continue;
        }
        RONDO_CHECK(run->carries[s][0] != NULL, tape_errors(tape), "a state that wants a gradient has one");
        const void *both[2] = {gradient->data, run->carries[s][0]};
        sum_arrays(run->dtype, rondo_count(gradient), both, 2, gradient->data);
    }
    return RONDO_OK;
}

/* ---- record ---- */

/* inputs: x, fixed tensors, initial states, as of the tape's function. */
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

static rondo_status record(const struct scan *scan, struct tape *tape, const struct time_axis *time, rondo_value x,
                           const rondo_value *initial, const rondo_value *parameters, rondo_value *outputs,
                           rondo_value *final_states) {
    static const struct tape_function function = {"recurrence", scan_backward};
    struct arena *arena = tape_arena(tape);
    const int32_t n_fixed = scan->plans[PLAN_VALUES]->graph->n_fixed;
    struct scan_recorded *recorded = arena_calloc(arena, 1, sizeof *recorded);
    rondo_value *inputs = arena_calloc(arena, 1 + (size_t)n_fixed + (size_t)scan->n_states, sizeof *inputs);
    rondo_tensor *fixed = arena_calloc(arena, (size_t)n_fixed + 1, sizeof *fixed);
    rondo_tensor *results = arena_calloc(arena, (size_t)scan->n_states + 1, sizeof *results);
    rondo_value *values = arena_calloc(arena, (size_t)scan->n_states + 1, sizeof *values);
    struct time_axis *axis = arena_alloc(arena, sizeof *axis);
    if (recorded == NULL || inputs == NULL || fixed == NULL || results == NULL || values == NULL || axis == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const rondo_tensor *given = tape_tensor(tape, x);
    RONDO_CHECK(given != NULL, tape_errors(tape), "x is a value of this tape");
    rondo_tensor expected = program_node(scan->program, (rondo_value){0})->value;
    expected.shape[0] = time->total;
    if (!tensor_same_shape(given, &expected)) {
        return errors_add(tape_errors(tape), RONDO_INVALID, "the inputs of the recurrence have shape %s, expected %s",
                          tensor_shape_text(given).text, tensor_shape_text(&expected).text);
    }
    *axis = *time; /* its arrays live as long as the batch, which is longer than the tape's contents */
    recorded->scan = scan;
    recorded->initial_state = arena_calloc(arena, (size_t)scan->n_states + 1, sizeof *recorded->initial_state);
    if (recorded->initial_state == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    inputs[0] = x;
    RONDO_TRY(record_fixed(scan, tape, parameters, inputs + 1));
    for (int32_t s = 0; initial != NULL && s < scan->n_states; s++) {
        if (initial[s].id >= 0) {
            recorded->initial_state[recorded->n_initial] = s;
            inputs[1 + n_fixed + recorded->n_initial++] = initial[s];
        }
    }
    const int32_t n_inputs = 1 + n_fixed + recorded->n_initial;
    struct scan_run *run = &recorded->run;
    run->plan = scan->plans[choose_plan(recorded, tape, inputs, n_inputs)];
    run->graph = run->plan->graph;
    run->time = axis;
    run->kernels = product_kernels();
    run->observe = scan->observe;
    run->observe_arg = scan->observe_arg;
    run->parallel = tape_parallel(tape);
    run->dtype = run->graph->dtype;
    run->size = dtype_size(run->dtype);
    run->training = tape_is_training(tape);
    run->registry = tape_registry(tape);
    run->stream = tape_stream(tape);
    run->first_random = tape_take_random(tape, time->steps * run->graph->n_random);
    run->x = given->data;
    run->x_width = given->shape[1];
    for (int32_t k = 0; k < n_fixed; k++) {
        fixed[k] = *tape_tensor(tape, inputs[1 + k]);
    }
    run->fixed = fixed;
    for (int32_t i = 0; i < recorded->n_initial; i++) {
        const int32_t s = recorded->initial_state[i];
        RONDO_CHECK(!tape_needs_gradient(tape, initial[s]) || run->graph->state_needs[s], tape_errors(tape),
                    "a state whose initial value wants a gradient depends on parameters");
    }
    RONDO_TRY(find_initial(run, tape, initial));
    int32_t n_results = 1;
    recorded->has_final = final_states != NULL;
    for (int32_t s = 0; final_states != NULL && s < scan->n_states; s++) {
        rondo_tensor *final_state = &results[n_results++];
        *final_state = run->graph->shapes[s];
        final_state->shape[0] = time->rows;
        RONDO_TRY(tensor_alloc(final_state, arena, tape_errors(tape)));
    }
    const int windowed = scan->recompute > 0 && run->graph->training && scan->recompute < time->steps;
    recorded->n_windows = windowed ? (time->steps - 1) / scan->recompute + 1 : 1;
    if (windowed) {
        results[0] = run->graph->nodes[run->graph->output].shape;
        results[0].shape[0] = time->total;
        RONDO_TRY(tensor_alloc(&results[0], arena, tape_errors(tape)));
        RONDO_TRY(run_windows(recorded, tape, &results[0], final_states == NULL ? NULL : results + 1));
    } else {
        RONDO_TRY(run_make_memory(run, tape));
        RONDO_TRY(run_half(run, 0, arena, tape_errors(tape)));
        results[0] = output_tensor(run);
        for (int32_t s = 0; final_states != NULL && s < scan->n_states; s++) {
            copy_final(run, s, results[1 + s].data);
        }
    }
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
