/* The stages of a half: blocks of rows before and after the loop, shares of the batch in it. */
#include "core/scan/run.h"

#include <string.h>

#include "core/kernel.h"
#include "core/subnormal.h"
#include "core/tensor.h"

enum {
    LEAST_BLOCK = 8,
    MANY_BYTES = 1 << 20, /* more than what surely stays in the second-level cache */
};

/* ---- made once per half: tiles of fixed tensors, packed weights ---- */

#define FILL_TILE_OF(T, suffix)                                                                                        \
    static void fill_tile_##suffix(const struct scan_tile *tile, const T *fixed, T *out) {                             \
        const int64_t rows = tile->width > 0 && tile->width < PLAN_CHUNK ? PLAN_CHUNK / tile->width : 1;               \
        for (int64_t j = 0; j < tile->width; j++) {                                                                    \
            out[j] = fixed[tile->table == NULL ? j : tile->table[j]];                                                  \
        }                                                                                                              \
        for (int64_t i = 1; i < rows; i++) {                                                                           \
            memcpy(out + i * tile->width, out, sizeof *out * (size_t)tile->width);                                     \
        }                                                                                                              \
    }
FILL_TILE_OF(float, f32)
FILL_TILE_OF(double, f64)

static size_t tile_bytes(const struct scan_run *run, const struct scan_tile *tile) {
    return (size_t)(tile->width < PLAN_CHUNK ? PLAN_CHUNK : tile->width) * run->given.size;
}

static void prepare_range(void *arg, int64_t begin, int64_t end) {
    const struct scan_run *run = arg;
    const struct scan_plan *plan = run->given.plan;
    for (int64_t i = begin; i < end; i++) {
        if (i < plan->n_packed[run->now.half]) {
            const struct scan_packed *packed = &plan->packed[run->now.half][i];
            const int64_t ld = packed->transposed ? packed->k : packed->n;
            product_pack(run->given.kernels, run->given.dtype, packed->k, packed->n,
                         run->given.fixed[packed->fixed].data, ld, packed->transposed, run->now.packed[i]);
            continue;
        }
        const int64_t number = i - plan->n_packed[run->now.half];
        const struct scan_tile *tile = &plan->tiles[run->now.half][number];
        const void *fixed = run->given.fixed[tile->fixed].data;
        void *filled = run->now.tiles[number];
        KERNEL_BY_DTYPE(run->given.dtype, fill_tile, tile, fixed, filled);
    }
}

static void fill_prepared(struct scan_run *run) {
    const struct scan_plan *plan = run->given.plan;
    const int64_t count = plan->n_packed[run->now.half] + plan->n_tiles[run->now.half];
    struct scan_account *account = run->given.account;
    const double begin = run_begin(run);
    parallel_for(run->given.parallel, count, 1, prepare_range, run);
    if (account != NULL) {
        const double passed = account->now() - begin;
        account->passed[run->now.half][PHASE_BEFORE] += passed;
        account->spent[run->now.half][PHASE_BEFORE][WORK_PACKING] += passed * (double)run->memory.n_workers;
    }
}

static rondo_status prepare(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct scan_plan *plan = run->given.plan;
    const int half = run->now.half;
    run->now.tiles = arena_alloc(arena, sizeof *run->now.tiles * (size_t)(plan->n_tiles[half] + 1));
    run->now.packed = arena_alloc(arena, sizeof *run->now.packed * (size_t)(plan->n_packed[half] + 1));
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < plan->n_tiles[half]; i++) {
        run->now.tiles[i] = arena_alloc(arena, tile_bytes(run, &plan->tiles[half][i]));
    }
    for (int32_t i = 0; i < plan->n_packed[half]; i++) {
        const struct scan_packed *packed = &plan->packed[half][i];
        run->now.packed[i] =
            arena_alloc(arena, product_packed_bytes(run->given.kernels, run->given.dtype, packed->k, packed->n));
    }
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    fill_prepared(run);
    return RONDO_OK;
}

/* ---- stages ---- */

/* The first `count` instructions of the stage over a span. */
static void run_rows(struct scan_run *run, struct scan_worker *worker, int32_t count, const struct scan_span *span) {
    for (int32_t i = 0; i < count; i++) {
        if (run_instruction(run, worker, &run->now.stage->instructions[i], span) != RONDO_OK) {
            run_fail(run);
            return;
        }
    }
}

static void run_blocks(void *arg, int64_t begin, int64_t end) {
    struct scan_run *run = arg;
    for (int64_t w = begin; w < end; w++) {
        for (int64_t i; (i = run_take(run, run->now.n_spans)) >= 0;) {
            run_rows(run, &run->memory.workers[w], run->now.stage->n_row_instructions, &run->now.spans[i]);
        }
    }
}

/* Rows per block: small enough that all workers are busy until the end, large enough for fast products. */
static int64_t block_rows(const struct scan_run *run) {
    const int64_t wanted = run->given.time->total / (4 * run->memory.n_workers) + 1;
    return wanted < LEAST_BLOCK ? LEAST_BLOCK : wanted > RUN_MOST_ROWS ? RUN_MOST_ROWS : wanted;
}

/* Runs the instructions of a stage outside the loop over all rows of all steps, in blocks. */
static rondo_status run_row_instructions(struct scan_run *run, struct arena *arena, struct errors *errors) {
    const struct time_axis *time = run->given.time;
    const int64_t block = run->now.stage->whole_steps ? time->rows : block_rows(run);
    const int64_t most = time->total / block + time->steps + 1;
    const struct arena_mark mark = arena_mark(arena);
    struct scan_span *spans = arena_alloc(arena, sizeof *spans * (size_t)most);
    if (spans == NULL) {
        return errors_no_memory(errors);
    }
    run->now.n_spans = 0;
    const int by_step = run->now.stage->needs_step;
    for (int64_t t = 0; t < (by_step ? time->steps : 1); t++) {
        const int64_t rows = by_step ? time->alive[t] : time->total;
        for (int64_t row = 0; row < rows; row += block) {
            const int64_t count = row + block < rows ? block : rows - row;
            spans[run->now.n_spans++] = run_span(time, t, row, count);
        }
    }
    run->now.spans = spans;
    atomic_store(&run->now.next, 0);
    const int64_t busy = run->now.n_spans < run->memory.n_workers ? run->now.n_spans : run->memory.n_workers;
    parallel_for(run->given.parallel, busy, 1, run_blocks, run);
    arena_release(arena, mark);
    return RONDO_OK;
}

/* A carry that nothing computes is zero, except at the last step of a row, where the final state's gradient enters. */
static void clear_carries(const struct scan_run *run, const struct scan_span *span) {
    const struct scan_graph *graph = run->given.graph;
    for (int32_t s = 0; s < graph->n_states; s++) {
        if (graph->carry[s] < 0 && run->memory.carries[s][0] != NULL) {
            const size_t row_bytes = (size_t)graph->nodes[graph->new_states[s]].width * run->given.size;
            memset(run->memory.carries[s][span->step & 1] + (size_t)span->row * row_bytes, 0,
                   row_bytes * (size_t)span->count);
        }
    }
}

/* The rows of a share at step t; a count of 0 or less: there are none. */
static struct scan_span span_of(const struct scan_run *run, const struct scan_share *share, int64_t t) {
    const struct time_axis *time = run->given.time;
    const int64_t end = t < 0 || t >= time->steps ? 0 : share->end < time->alive[t] ? share->end : time->alive[t];
    if (end <= share->first) {
        return (struct scan_span){0};
    }
    return run_span(time, t, share->first, end - share->first);
}

/* `worker` NULL: all of them together. */
static void run_step(struct scan_run *run, struct scan_worker *worker, const struct scan_share *share, int64_t t) {
    const struct scan_span span = span_of(run, share, t);
    if (span.count <= 0) {
        return;
    }
    if (worker == NULL) {
        run_wide_step(run, &span);
    } else {
        const int64_t later = run->now.half == 0 ? t + 1 : t - 1;
        const struct scan_span next = run->now.loads_early ? span_of(run, share, later) : (struct scan_span){0};
        worker->next = next.count > 0 ? &next : NULL;
        run_rows(run, worker, run->now.stage->count, &span);
        worker->next = NULL;
    }
    if (run->now.half == 1) {
        clear_carries(run, &span);
    }
}

static void run_shares(void *arg, int64_t begin, int64_t end) {
    struct scan_run *run = arg;
    for (int64_t i = begin; i < end; i++) {
        for (int64_t t = 0; t < run->given.time->steps && !run_has_failed(run); t++) {
            run_step(run, &run->memory.workers[i], &run->memory.shares[i],
                     run->now.half == 0 ? t : run->given.time->steps - 1 - t);
        }
    }
}

/* What no other worker shares is done here, in the mode of the bodies of parallel_for. */
static void run_all_steps(struct scan_run *run) {
    const struct scan_share all = {0, run->given.time->rows};
    const uint64_t before = subnormal_off();
    for (int64_t t = 0; t < run->given.time->steps && !run_has_failed(run); t++) {
        run_step(run, NULL, &all, run->now.half == 0 ? t : run->given.time->steps - 1 - t);
    }
    subnormal_restore(before);
}

static rondo_status run_stage(struct scan_run *run, int is_loop, struct arena *arena, struct errors *errors) {
    if (is_loop) {
        const double bytes =
            (double)run->given.time->total * (double)run->given.plan->sequence_width * (double)run->given.size;
        run->now.loads_early = run->now.stage->only_groups && bytes > MANY_BYTES;
        const int is_empty = run->now.stage->count == 0 && run->now.half == 0; /* the backward loop clears carries */
        if (run_is_wide(run)) {
            run_all_steps(run);
        } else {
            parallel_for(run->given.parallel, is_empty ? 0 : run->memory.n_shares, 1, run_shares, run);
        }
        return RONDO_OK;
    }
    if (run->now.stage->n_row_instructions > 0) {
        RONDO_TRY(run_row_instructions(run, arena, errors));
    }
    return run->now.stage->has_effects ? run_effects(run, arena, errors) : RONDO_OK;
}

/* Moves what the workers spent in a stage to the account. */
static void close_account(struct scan_run *run, enum scan_phase phase, double begin) {
    struct scan_account *account = run->given.account;
    if (account == NULL) {
        return;
    }
    account->passed[run->now.half][phase] += account->now() - begin;
    for (int32_t w = 0; w < run->memory.n_workers; w++) {
        for (int work = 0; work < SCAN_WORKS; work++) {
            account->spent[run->now.half][phase][work] += run->memory.workers[w].spent[work];
            run->memory.workers[w].spent[work] = 0;
        }
    }
}

static rondo_status run_stages(struct scan_run *run, int half, struct arena *arena, struct errors *errors) {
    run->now.half = half;
    if (!run->now.again) {
        RONDO_TRY(run_find_places(run, arena, errors));
        RONDO_TRY(prepare(run, arena, errors));
    }
    for (int32_t phase = 0; phase < PHASE_COUNT && !run_has_failed(run); phase++) {
        run->now.stage = &run->given.plan->stages[half][phase];
        const double begin = run_begin(run);
        if (run->given.observe != NULL) {
            run->given.observe(run->given.observe_arg, half, (enum scan_phase)phase, 0);
        }
        RONDO_TRY(run_stage(run, phase == PHASE_LOOP, arena, errors));
        close_account(run, (enum scan_phase)phase, begin);
        if (run->given.observe != NULL) {
            run->given.observe(run->given.observe_arg, half, (enum scan_phase)phase, 1);
        }
    }
    return RONDO_OK;
}

/* Reports the errors of the first worker that has any. */
static rondo_status collect_errors(const struct scan_run *run, rondo_status status, struct errors *errors) {
    for (int32_t w = 0; w < run->memory.n_workers; w++) {
        struct errors *own = run->memory.workers[w].errors;
        if (own->count > 0 && status == RONDO_OK) {
            status = own->status;
            errors_move(errors, own);
        }
        errors_free(own);
    }
    return status;
}

rondo_status run_half(struct scan_run *run, int half, struct arena *arena, struct errors *errors) {
    atomic_store(&run->now.failed, 0);
    return collect_errors(run, run_stages(run, half, arena, errors), errors);
}

rondo_status run_again(struct scan_run *run, int fixed_change, struct arena *arena, struct errors *errors) {
    run->now.again = 1;
    run_set_initial(run);
    if (fixed_change) {
        fill_prepared(run);
    }
    return run_half(run, 0, arena, errors);
}
