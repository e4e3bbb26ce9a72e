/* The recurrence in windows of steps. */
#include <string.h>

#include "core/scan/record.h"

/* The steps begin .. end of `whole` as a separate run with the plan `plan`, which starts from the states `initial`. */
static rondo_status open_window(const struct scan_run *whole, const struct scan_plan *plan, struct tape *tape,
                                int64_t begin, int64_t end, const char **initial, struct scan_run *window) {
    struct arena *arena = tape_arena(tape);
    const struct time_axis *time = whole->given.time;
    struct time_axis *axis = arena_alloc(arena, sizeof *axis);
    if (axis == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    RONDO_TRY(time_axis_window(axis, time, begin, end, arena, tape_errors(tape)));
    *window = (struct scan_run){.given = whole->given};
    window->given.plan = plan;
    window->given.graph = plan->graph;
    window->given.time = axis;
    window->given.first_random = whole->given.first_random + begin * whole->given.graph->n_random;
    window->given.initial = initial;
    window->given.x = whole->given.x + (size_t)(time->begin[begin] * whole->given.x_width) * whole->given.size;
    return run_make_memory(window, tape);
}

static int64_t window_begin(const struct scan_recorded *recorded, int64_t window) {
    const int64_t steps = recorded->run.given.time->steps, begin = window * recorded->scan->recompute;
    return begin < steps ? begin : steps;
}

static rondo_status make_boundaries(struct scan_recorded *recorded, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_run *whole = &recorded->run;
    const struct scan_graph *graph = whole->given.graph;
    const char ***boundaries = arena_calloc(arena, (size_t)recorded->n_windows + 1, sizeof *boundaries);
    for (int64_t w = 0; boundaries != NULL && w <= recorded->n_windows; w++) {
        boundaries[w] = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof *boundaries[w]);
        for (int32_t s = 0; boundaries[w] != NULL && s < graph->n_states; s++) {
            const int is_initial = w == 0 || graph->constant[s];
            boundaries[w][s] = is_initial
                                   ? whole->given.initial[s]
                                   : run_alloc_rows(arena, whole, whole->given.time->rows, run_state_width(graph, s));
        }
    }
    recorded->boundaries = boundaries;
    return arena_failed(arena) ? errors_no_memory(tape_errors(tape)) : RONDO_OK;
}

rondo_status scan_windows_forward(struct scan_recorded *recorded, struct tape *tape, const rondo_tensor *outputs,
                                  const rondo_tensor *final_states) {
    struct scan_run *whole = &recorded->run;
    struct arena *arena = tape_arena(tape);
    const struct time_axis *time = whole->given.time;
    const struct scan_graph *graph = whole->given.graph;
    RONDO_TRY(make_boundaries(recorded, tape));
    const int64_t width = graph->nodes[graph->output].width;
    for (int64_t w = 0; w < recorded->n_windows; w++) {
        const int64_t begin = window_begin(recorded, w), end = window_begin(recorded, w + 1);
        const struct arena_mark mark = arena_mark(arena);
        struct scan_run window;
        RONDO_TRY(
            open_window(whole, recorded->scan->plans[PLAN_VALUES], tape, begin, end, recorded->boundaries[w], &window));
        RONDO_TRY(run_half(&window, 0, arena, tape_errors(tape)));
        const rondo_tensor part = scan_outputs(&window);
        memcpy((char *)outputs->data + (size_t)(time->begin[begin] * width) * whole->given.size, part.data,
               tensor_bytes(&part));
        for (int32_t s = 0; s < graph->n_states; s++) {
            if (!graph->constant[s]) {
                scan_copy_final(&window, s, (char *)recorded->boundaries[w + 1][s]);
            }
            if (final_states != NULL) { /* a later window writes again those of rows that live on */
                scan_copy_final(&window, s, final_states[s].data);
            }
        }
        arena_release(arena, mark);
    }
    return RONDO_OK;
}

rondo_status scan_windows_backward(struct scan_recorded *recorded, struct tape *tape, const rondo_tensor *grad_final) {
    struct scan_run *whole = &recorded->run;
    struct arena *arena = tape_arena(tape);
    const struct scan_graph *graph = whole->given.graph;
    const int64_t output_width = graph->nodes[graph->output].width;
    int64_t n_later = 0;
    char *(*kept)[2] = arena_calloc(arena, (size_t)graph->n_states + 1, sizeof *kept); /* outlive the window */
    for (int32_t s = 0; kept != NULL && s < graph->n_states; s++) {
        kept[s][0] = run_alloc_rows(arena, whole, whole->given.time->rows, run_state_width(graph, s));
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int64_t w = recorded->n_windows - 1; w >= 0; w--) {
        const int64_t begin = window_begin(recorded, w), end = window_begin(recorded, w + 1);
        const struct arena_mark mark = arena_mark(arena);
        struct scan_run window;
        const size_t offset = (size_t)whole->given.time->begin[begin] * whole->given.size;
        RONDO_TRY(open_window(whole, whole->given.plan, tape, begin, end, recorded->boundaries[w], &window));
        RONDO_TRY(run_half(&window, 0, arena, tape_errors(tape)));
        window.given.grad_output = whole->given.grad_output + offset * (size_t)output_width;
        window.given.grad_x =
            whole->given.grad_x == NULL ? NULL : whole->given.grad_x + offset * (size_t)whole->given.x_width;
        RONDO_TRY(scan_start_carries(&window, tape, grad_final, kept, n_later));
        RONDO_TRY(run_half(&window, 1, arena, tape_errors(tape)));
        n_later = window.given.time->rows;
        for (int32_t s = 0; s < graph->n_states; s++) {
            if (window.memory.carries[s][0] != NULL) {
                memcpy(kept[s][0], window.memory.carries[s][0],
                       (size_t)(n_later * run_state_width(graph, s)) * whole->given.size);
            }
        }
        arena_release(arena, mark);
    }
    whole->memory.carries = kept;
    return RONDO_OK;
}
