/* core/scan/run.h: a plan at work over one packed batch. */
#ifndef RONDO_CORE_SCAN_RUN_H
#define RONDO_CORE_SCAN_RUN_H

#include <stdatomic.h>

#include "core/product/product.h"
#include "core/rng.h"
#include "core/scan/plan.h"
#include "core/tape.h"
#include "core/time_axis.h"

/* Rows that an instruction works on: consecutive ones of one step, or any in a stage that needs no step. */
struct scan_span {
    int64_t step;
    int64_t packed;   /* packed position of the first */
    int64_t previous; /* where a state's row before the step stands in its sequence */
    int64_t row;      /* of the batch */
    int64_t count;
    int64_t local; /* where the first stands among the rows of the worker */
};

/* What counts the rows of a value: the first row of a span stands at base + position * row_bytes. */
enum scan_position { POSITION_PACKED, POSITION_PREVIOUS, POSITION_ROW, POSITION_LOCAL };

/* Where a value is: two bases take turns from step to step, where old and new do. */
struct scan_location {
    char *base[2]; /* at even and odd steps; POSITION_LOCAL: an offset into the worker's rows instead */
    size_t row_bytes, offset, shift; /* shift: bytes into a row, of a part */
    enum scan_position position;
};

/* What belongs to one thread. */
struct scan_worker {
    char *chunks; /* [n_chunk_buffers][PLAN_CHUNK] */
    char *locals; /* [local_width][capacity] */
    int64_t capacity;
    void *scratch;       /* of product_gradient */
    struct arena *arena; /* for calls of ops */
    struct errors *errors;
    char **base, **at; /* [n_operands] of the group at hand */
    int64_t *stride;   /* [n_operands] bytes of a row, 0: the same for all rows */
};

/* Rows of the batch that one worker takes through the loop. */
struct scan_share {
    int64_t first, end;
};

struct scan_run {
    const struct scan_plan *plan;
    const struct scan_graph *graph;
    const struct time_axis *time;
    const struct product_kernels *kernels;
    const struct parallel *parallel;
    int32_t n_workers, n_shares;
    struct scan_worker *workers;
    struct scan_share *shares;
    int32_t dtype;
    size_t size; /* of an element */
    int training;
    const struct registry *registry; /* for messages */
    struct rng_stream stream;
    int64_t first_random;

    const rondo_tensor *fixed;      /* [n_fixed] */
    const rondo_tensor *grad_fixed; /* [n_fixed] data NULL: not wanted */
    const char *x, *grad_output;    /* packed */
    int64_t x_width;
    char *grad_x;                        /* packed */
    const char **initial;                /* [n_states] */
    char **saved;                        /* [graph->count] what calls saved of all rows; NULL: nothing */
    char **sequences;                    /* [n_sequences] */
    char *(*doubles)[2], *(*carries)[2]; /* [n_states] */
    char **tiles, **packed;              /* of the half at hand */
    struct scan_location *where;         /* [graph->count] of the half at hand */

    void (*observe)(void *arg, int half, enum scan_phase phase, int done);
    void *observe_arg;

    /* the stage at hand */
    const struct scan_stage *stage;
    int half;
    const struct scan_span *spans;
    int64_t n_spans;
    atomic_llong next;
    atomic_int failed; /* 1: a worker met an error, which is in its errors; the others stop too */
    const struct scan_effect_task *tasks;
    int32_t n_tasks;
};

/* Runs one half (0 forward, 1 backward) of the step over all steps. */
rondo_status run_half(struct scan_run *run, int half, struct arena *arena, struct errors *errors);

/* ---- between the files of this folder ---- */

/* [rows, width] of the run's dtype; NULL where memory is short or the bytes cannot be counted. */
char *run_alloc_rows(struct arena *arena, const struct scan_run *run, int64_t rows, int64_t width);
/* Elements of a row of a state. */
int64_t run_state_width(const struct scan_graph *graph, int32_t state);
/* Takes all memory of a run from the tape, once plan, time, kernels, parallel and initial are set, and puts the states
 * before the first step in their places. */
rondo_status run_make_memory(struct scan_run *run, struct tape *tape);

/* The first row of a value for a span. */
static inline char *run_locate(const struct scan_run *run, const struct scan_worker *worker, int32_t node,
                               const struct scan_span *span) {
    const struct scan_location *where = &run->where[node];
    if (where->position == POSITION_LOCAL) {
        return worker->locals + where->offset * (size_t)worker->capacity + (size_t)span->local * where->row_bytes +
               where->shift;
    }
    const int64_t position = where->position == POSITION_PACKED     ? span->packed
                             : where->position == POSITION_PREVIOUS ? span->previous
                                                                    : span->row;
    return where->base[span->step & 1] + (size_t)position * where->row_bytes + where->shift;
}
/* Finds out where all values are. */
rondo_status run_find_places(struct scan_run *run, struct arena *arena, struct errors *errors);
/* One instruction over a span. The reason of a failure is in the worker's errors. */
rondo_status run_instruction(const struct scan_run *run, struct scan_worker *worker,
                             const struct scan_instruction *instruction, const struct scan_span *span);
/* The gradients of inputs of a call, all of one: those of the instruction's nodes, each ADDED to targets[its number];
 * NULL: not wanted. */
rondo_status run_call_gradient(const struct scan_run *run, struct scan_worker *worker,
                               const struct scan_instruction *instruction, const struct scan_span *span,
                               void *const *targets);
/* One effect over a span (in the loop), or all of a stage over all steps. */
rondo_status run_effect(const struct scan_run *run, struct scan_worker *worker, const struct scan_instruction *effect,
                        const struct scan_span *span);
rondo_status run_effects(struct scan_run *run, struct arena *arena, struct errors *errors);

/* A worker that failed stops, and so do all others when they next ask: nobody computes on with what is missing. */
static inline int run_has_failed(struct scan_run *run) {
    return atomic_load_explicit(&run->failed, memory_order_relaxed);
}
static inline void run_fail(struct scan_run *run) {
    atomic_store_explicit(&run->failed, 1, memory_order_relaxed);
}
/* Bytes of scratch that the effects of a half want. */
size_t run_effect_scratch(const struct scan_run *run, int half);

/* out = in[0] + in[1] + …; out may be one of them. */
void sum_arrays(int32_t dtype, int64_t count, const void *const *in, int32_t n, void *out);
/* sums[j] += the sum of column j over `rows` rows, in blocks of a fixed number of rows. `work` has room for a row. */
void sum_columns(int32_t dtype, int64_t rows, int64_t width, const void *in, void *sums, void *work);

#endif
