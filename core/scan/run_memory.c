/* The memory of a run: sequences, states, and what every worker has of its own; and the rows that each worker takes. */
#include <string.h>

#include "core/scan/run.h"

char *run_alloc_rows(struct arena *arena, const struct scan_run *run, int64_t rows, int64_t width) {
    const int64_t shape[2] = {rows, width};
    const rondo_tensor tensor = tensor_of(run->dtype, 2, shape);
    const size_t bytes = tensor_checked_bytes(&tensor);
    return bytes == SIZE_MAX ? NULL : arena_alloc(arena, bytes);
}

static rondo_status make_workers(struct scan_run *run, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_plan *plan = run->plan;
    const int64_t threads = parallel_threads(run->parallel);
    run->n_workers = (int32_t)threads;
    run->workers = arena_calloc(arena, (size_t)threads, sizeof *run->workers);
    if (run->workers == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    int64_t local_width = 0, operands = 1, widest = 1;
    size_t scratch = 0;
    for (int32_t id = 0; id < run->graph->count; id++) {
        const struct scan_node *node = &run->graph->nodes[id];
        widest = node_is_rows(node) && node->width > widest ? node->width : widest; /* an effect has no rows */
    }
    for (int half = 0; half < 2; half++) {
        for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &plan->stages[half][phase];
            local_width = stage->local_width > local_width ? stage->local_width : local_width;
            for (int32_t i = 0; i < stage->count; i++) {
                const int32_t n = stage->instructions[i].group.n_operands;
                operands = n > operands ? n : operands;
            }
        }
        const size_t wanted = run_effect_scratch(run, half);
        scratch = wanted > scratch ? wanted : scratch;
    }
    for (int32_t w = 0; w < run->n_workers; w++) {
        struct scan_worker *worker = &run->workers[w];
        worker->capacity = run->time->rows > 128 ? run->time->rows : 128;
        worker->chunks = run_alloc_rows(arena, run, plan->n_chunk_buffers + 1, PLAN_CHUNK);
        worker->locals = run_alloc_rows(arena, run, worker->capacity, local_width + 1);
        worker->scratch = arena_alloc(arena, scratch);
        worker->base = arena_alloc(arena, sizeof *worker->base * (size_t)operands);
        worker->at = arena_alloc(arena, sizeof *worker->at * (size_t)operands);
        worker->stride = arena_alloc(arena, sizeof *worker->stride * (size_t)operands);
        worker->arena = tape_worker_arena(tape, w);
        worker->errors = arena_calloc(arena, 1, sizeof *worker->errors);
        if (worker->arena != NULL) {
            /* Which worker takes which task is chance: room for any is made now, so that no later step needs more. */
            const struct arena_mark mark = arena_mark(worker->arena);
            arena_alloc(worker->arena, sizeof(struct product_run) * (size_t)run->time->steps);
            run_alloc_rows(worker->arena, run, 4, widest);
            arena_release(worker->arena, mark);
        }
        if (worker->chunks == NULL || worker->locals == NULL || worker->scratch == NULL || worker->base == NULL ||
            worker->at == NULL || worker->stride == NULL || worker->arena == NULL || worker->errors == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
    }
    return RONDO_OK;
}

/* Deals the rows out so that every share has about as many steps; longer rows come first. Effects inside the loop add
 * to one gradient, so then one worker takes all. */
static rondo_status make_shares(struct scan_run *run, struct tape *tape) {
    const struct time_axis *time = run->time;
    run->shares = arena_calloc(tape_arena(tape), (size_t)run->n_workers, sizeof *run->shares);
    if (run->shares == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const int alone = run->plan->stages[0][PHASE_LOOP].has_effects || run->plan->stages[1][PHASE_LOOP].has_effects;
    const int64_t wanted = alone ? 1 : run->n_workers < time->rows ? run->n_workers : time->rows;
    int64_t row = 0, steps = 0;
    for (int64_t i = 0; i < wanted; i++) {
        struct scan_share *share = &run->shares[run->n_shares];
        share->first = row;
        while (row < time->rows && (row == share->first || i == wanted - 1 || steps * wanted < time->total * (i + 1))) {
            steps += time->lengths[row++];
        }
        share->end = row;
        run->n_shares += share->end > share->first;
    }
    return RONDO_OK;
}

int64_t run_state_width(const struct scan_graph *graph, int32_t s) {
    int64_t width = 1;
    for (int32_t d = 1; d < graph->shapes[s].ndim; d++) {
        width *= graph->shapes[s].shape[d];
    }
    return width;
}

rondo_status run_make_memory(struct scan_run *run, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_plan *plan = run->plan;
    const struct scan_graph *graph = run->graph;
    const size_t n_states = (size_t)graph->n_states + 1;
    run->sequences = arena_calloc(arena, (size_t)plan->n_sequences + 1, sizeof *run->sequences);
    run->doubles = arena_calloc(arena, n_states, sizeof *run->doubles);
    run->carries = arena_calloc(arena, n_states, sizeof *run->carries);
    if (run->sequences == NULL || run->doubles == NULL || run->carries == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int32_t i = 0; i < plan->n_sequences; i++) {
        const int64_t lead = plan->sequences[i].is_state ? run->time->rows : 0;
        run->sequences[i] = run_alloc_rows(arena, run, lead + run->time->total, plan->sequences[i].width);
        if (run->sequences[i] == NULL) {
            return errors_no_memory(tape_errors(tape));
        }
    }
    run->saved = arena_calloc(arena, (size_t)graph->count + 1, sizeof *run->saved);
    for (int32_t id = 0; run->saved != NULL && id < graph->count; id++) {
        if (plan->saved_bytes[id] > 0) {
            run->saved[id] = arena_calloc(arena, (size_t)run->time->total, plan->saved_bytes[id]);
            if (run->saved[id] == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
        }
    }
    if (run->saved == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (graph->constant[s]) {
            continue;
        }
        const int64_t width = run_state_width(graph, s);
        char *first = plan->state_sequence[s] >= 0 ? run->sequences[plan->state_sequence[s]] : NULL;
        if (first == NULL) {
            run->doubles[s][0] = first = run_alloc_rows(arena, run, run->time->rows, width);
            run->doubles[s][1] = run_alloc_rows(arena, run, run->time->rows, width);
            if (first == NULL || run->doubles[s][1] == NULL) {
                return errors_no_memory(tape_errors(tape));
            }
        }
        memcpy(first, run->initial[s], (size_t)(run->time->rows * width) * run->size);
    }
    RONDO_TRY(make_workers(run, tape));
    return make_shares(run, tape);
}
