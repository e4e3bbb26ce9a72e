/* The memory of a run: sequences, states, and what belongs to each worker; and the rows that each worker takes. */
#include <string.h>

#include "core/scan/run.h"

char *run_alloc_rows(struct arena *arena, const struct scan_run *run, int64_t rows, int64_t width) {
    const int64_t shape[2] = {rows, width};
    const rondo_tensor tensor = tensor_of(run->given.dtype, 2, shape);
    return arena_alloc(arena, tensor_checked_bytes(&tensor)); /* fails for SIZE_MAX, which stands for an overflow */
}

/* The largest number of elements and operands that any stage needs. */
struct scan_sizes {
    int64_t local_width, operands, widest;
    size_t scratch;
};

static struct scan_sizes find_sizes(const struct scan_run *run) {
    struct scan_sizes sizes = {.operands = 1, .widest = 1};
    for (int32_t id = 0; id < run->given.graph->count; id++) {
        const struct scan_node *node = &run->given.graph->nodes[id];
        sizes.widest = node_is_rows(node) && node->width > sizes.widest ? node->width : sizes.widest;
    }
    for (int half = 0; half < 2; half++) {
        for (int32_t phase = 0; phase < PHASE_COUNT; phase++) {
            const struct scan_stage *stage = &run->given.plan->stages[half][phase];
            sizes.local_width = stage->local_width > sizes.local_width ? stage->local_width : sizes.local_width;
            for (int32_t i = 0; i < stage->count; i++) {
                const int32_t n = stage->instructions[i].group.n_operands;
                sizes.operands = n > sizes.operands ? n : sizes.operands;
            }
        }
        const size_t scratch = run_effect_scratch(run, half);
        sizes.scratch = scratch > sizes.scratch ? scratch : sizes.scratch;
    }
    return sizes;
}

/* Rows in a span that a worker may get. All workers together take a step of few rows, or of one share. */
static int64_t most_rows(const struct scan_run *run) {
    int64_t most = RUN_MOST_ROWS;
    for (int32_t i = 0; i < 2 * PHASE_COUNT; i++) {
        if (run->given.plan->stages[i / PHASE_COUNT][i % PHASE_COUNT].whole_steps) {
            return run->given.time->rows > most ? run->given.time->rows : most;
        }
    }
    for (int32_t i = 0; i < run->memory.n_shares; i++) {
        const int64_t rows = run->memory.shares[i].end - run->memory.shares[i].first;
        most = rows > most ? rows : most;
    }
    return most;
}

static void make_worker(const struct scan_run *run, struct scan_worker *worker, const struct scan_sizes *sizes,
                        struct arena *arena) {
    const size_t operands = (size_t)sizes->operands;
    worker->capacity = most_rows(run);
    worker->chunks = run_alloc_rows(arena, run, run->given.plan->n_chunk_buffers + 1, PLAN_CHUNK);
    worker->locals = run_alloc_rows(arena, run, worker->capacity, sizes->local_width + 1);
    worker->scratch = arena_alloc(arena, sizes->scratch);
    worker->base = arena_alloc(arena, sizeof *worker->base * operands);
    worker->at = arena_alloc(arena, sizeof *worker->at * operands);
    worker->later = arena_alloc(arena, sizeof *worker->later * operands);
    worker->stride = arena_alloc(arena, sizeof *worker->stride * operands);
    worker->errors = arena_calloc(arena, 1, sizeof *worker->errors);
}

/* It is not known which worker will take which task. So each reserves memory for the largest task now, and no later
 * training step allocates. */
static void reserve(const struct scan_run *run, const struct scan_worker *worker, const struct scan_sizes *sizes) {
    const struct arena_mark mark = arena_mark(worker->arena);
    arena_alloc(worker->arena, sizeof(struct product_run) * (size_t)run->given.time->steps);
    run_alloc_rows(worker->arena, run, 4, sizes->widest);
    arena_release(worker->arena, mark);
}

static rondo_status make_workers(struct scan_run *run, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_sizes sizes = find_sizes(run);
    const int32_t n_workers = run->memory.n_workers;
    struct scan_worker *workers = arena_calloc(arena, (size_t)n_workers, sizeof *workers);
    for (int32_t w = 0; workers != NULL && w < n_workers; w++) {
        make_worker(run, &workers[w], &sizes, arena);
        workers[w].arena = tape_worker_arena(tape, w);
        reserve(run, &workers[w], &sizes);
        if (arena_failed(workers[w].arena)) {
            return errors_no_memory(tape_errors(tape));
        }
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    run->memory.workers = workers;
    return RONDO_OK;
}

/* Divides the rows, in their order, into shares with about the same number of steps. One worker takes all rows if the loop
 * has effects that add what all rows give to the same gradients, or random words that do not belong to elements. */
static rondo_status make_shares(struct scan_run *run, struct tape *tape) {
    const struct time_axis *time = run->given.time;
    run->memory.shares = arena_calloc(tape_arena(tape), (size_t)run->memory.n_workers, sizeof *run->memory.shares);
    if (run->memory.shares == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    const struct scan_plan *plan = run->given.plan;
    int has_one_worker = run->given.shares_memory;
    for (int half = 0; half < 2; half++) {
        has_one_worker |= plan->stages[half][PHASE_LOOP].adds_over_rows || plan->stages[half][PHASE_LOOP].whole_steps;
    }
    const int64_t wanted = has_one_worker ? 1 : run->memory.n_workers < time->rows ? run->memory.n_workers : time->rows;
    int64_t row = 0, steps = 0;
    for (int64_t i = 0; i < wanted; i++) {
        struct scan_share *share = &run->memory.shares[run->memory.n_shares];
        share->first = row;
        while (row < time->rows && (row == share->first || i == wanted - 1 || steps * wanted < time->total * (i + 1))) {
            steps += time->lengths[row++];
        }
        share->end = row;
        run->memory.n_shares += share->end > share->first;
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

/* Where the state before the first step is stored; NULL: it is read where it is given, since it never changes. */
static char *initial_place(const struct scan_run *run, int32_t s) {
    const int32_t sequence = run->given.plan->state_sequence[s];
    return run->given.graph->constant[s] ? NULL
           : sequence >= 0               ? run->memory.sequences[sequence]
                                         : run->memory.doubles[s][0];
}

void run_set_initial(struct scan_run *run) {
    const struct scan_graph *graph = run->given.graph;
    for (int32_t s = 0; s < graph->n_states; s++) {
        const size_t bytes = (size_t)(run->given.time->rows * run_state_width(graph, s)) * run->given.size;
        if (initial_place(run, s) != NULL) {
            memcpy(initial_place(run, s), run->given.initial[s], bytes);
        }
    }
}

/* Memory for the states that change, which begins with the states before the first step. */
static rondo_status make_states(struct scan_run *run, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_graph *graph = run->given.graph;
    const int64_t rows = run->given.time->rows;
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (!graph->constant[s] && run->given.plan->state_sequence[s] < 0) {
            run->memory.doubles[s][0] = run_alloc_rows(arena, run, rows, run_state_width(graph, s));
            run->memory.doubles[s][1] = run_alloc_rows(arena, run, rows, run_state_width(graph, s));
        }
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    run_set_initial(run);
    return RONDO_OK;
}

rondo_status run_make_memory(struct scan_run *run, struct tape *tape) {
    struct arena *arena = tape_arena(tape);
    const struct scan_plan *plan = run->given.plan;
    const struct scan_graph *graph = run->given.graph;
    const struct time_axis *time = run->given.time;
    const size_t n_states = (size_t)graph->n_states + 1;
    run->memory = (struct scan_memory){
        .sequences = arena_calloc(arena, (size_t)plan->n_sequences + 1, sizeof *run->memory.sequences),
        .saved = arena_calloc(arena, (size_t)graph->count + 1, sizeof *run->memory.saved),
        .doubles = arena_calloc(arena, n_states, sizeof *run->memory.doubles),
        .carries = arena_calloc(arena, n_states, sizeof *run->memory.carries),
        .n_workers = (int32_t)parallel_threads(run->given.parallel),
    };
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    for (int32_t i = 0; i < plan->n_sequences; i++) {
        const int64_t initial = plan->sequences[i].is_state ? time->rows : 0;
        run->memory.sequences[i] = run_alloc_rows(arena, run, initial + time->total, plan->sequences[i].width);
    }
    for (int32_t id = 0; id < graph->count; id++) {
        if (plan->saved_bytes[id] > 0) {
            run->memory.saved[id] = arena_calloc(arena, (size_t)time->total, plan->saved_bytes[id]);
        }
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(tape));
    }
    RONDO_TRY(make_states(run, tape));
    RONDO_TRY(make_shares(run, tape));
    return make_workers(run, tape);
}
