/* core/scan/run.h: runs a plan over one packed batch. Private to core/scan.
 *
 *     run_half         run.c              prepares one half and runs its stages: blocks of rows, shares in the loop
 *     run_make_memory  run_memory.c       allocates what a run needs, and deals the rows out to workers
 *     run_find_places  run_places.c       finds the address of every value
 *     run_effects      run_effects.c      runs the effects of a stage over all steps
 *     run_gradients    run_gradients.c    runs weight gradients
 *     run_wide_step    run_wide.c         shares the instructions of a step among the workers
 *     run_instruction  run_instruction.c  runs one instruction over a span; calls the two below
 *     run_effect       run_effects.c      runs one effect over a span
 *     run_call, ...    run_call.c         calls of ops that are not elementwise
 *     sum_arrays, ...  sums.c
 *
 * Threads: one thread per worker; a function that gets a worker accesses only what belongs to that worker, and the rows
 * of its span. */
#ifndef RONDO_CORE_SCAN_RUN_H
#define RONDO_CORE_SCAN_RUN_H

#include <stdatomic.h>

#include "core/product/product.h"
#include "core/rng.h"
#include "core/scan/plan.h"
#include "core/scan/scan.h"
#include "core/tape.h"
#include "core/time_axis.h"

/* The rows that an instruction works on: consecutive rows of one step, or of any steps in a stage that needs no step. */
struct scan_span {
    int64_t step;
    int64_t packed;   /* packed position of the first row */
    int64_t previous; /* position of the first row before the step in the sequence of a state */
    int64_t row;      /* index of the first row in the batch */
    int64_t count;
    int64_t local; /* position of the first row among the rows of the worker */
};

/* The field of scan_span that gives the position of a value's first row. */
enum scan_position { POSITION_PACKED, POSITION_PREVIOUS, POSITION_ROW, POSITION_LOCAL };

/* Rows in a span of a stage outside the loop, at most. */
#define RUN_MOST_ROWS 128

/* Where a value is stored: its first row of a span is at base[step & 1] + position * row_bytes + shift. Both bases are
 * equal, except for values that are stored twice, for even and for odd steps. */
struct scan_location {
    char *base[2];
    size_t row_bytes;
    size_t offset; /* POSITION_LOCAL, which has no base: where the value begins in the memory of a worker */
    size_t shift;  /* for a part: bytes from the beginning of a row */
    enum scan_position position;
};

/* What belongs to one thread. */
struct scan_worker {
    char *chunks;        /* [n_chunk_buffers][PLAN_CHUNK] */
    char *locals;        /* [local_width][capacity] */
    int64_t capacity;    /* rows in a span that the worker gets, at most */
    void *scratch;       /* for product_gradient */
    struct arena *arena; /* for calls of ops; empty between instructions */
    struct errors *errors;
    char **base, **at; /* [n_operands] where operands of the current group begin: in the span, in the chunk */
    char **later; /* [n_operands] where they begin in `next`; NULL: they are in a cache, or not worth loading early */
    const struct scan_span
        *next;                /* the rows of the step that the worker takes next, if it loads them early; else NULL */
    int64_t *stride;          /* [n_operands] bytes per row; 0: all rows read the same */
    double spent[SCAN_WORKS]; /* seconds, in the current stage, if there is an account */
};

/* Weight gradients a^T g that share sides, as product_gradients has them. */
struct scan_gradients {
    struct product_factor *a, *b;
    struct product_result *c; /* [n_a, n_b] */
    int32_t n_a, n_b;
};

/* The rows first .. end of the batch that one worker takes through the loop. */
struct scan_share {
    int64_t first, end;
};

/* The inputs of a run. Everything is borrowed. */
struct scan_given {
    const struct scan_plan *plan;
    const struct scan_graph *graph; /* the graph of the plan */
    const struct time_axis *time;
    const struct product_kernels *kernels;
    const struct parallel *parallel;
    int32_t dtype;
    size_t size; /* bytes of an element */
    int training;
    const struct registry *registry; /* for messages */
    struct rng_stream stream;
    int64_t first_random; /* number of the first substream that step 0 uses */
    uint64_t run;         /* of the tape: 0 for the recording, else that of tape_rerun */
    scan_observer *observe;
    void *observe_arg;
    struct scan_account *account;
    const rondo_tensor *fixed;  /* [n_fixed] */
    const rondo_tensor *ragged; /* [n_ragged] [elements of the memory, …] */
    const rondo_rows *memory;   /* the sequence of each row of the batch; NULL: the step reads no memory */
    int shares_memory;          /* 1: rows may read the same elements, so one worker adds to their gradients */
    const char *x;              /* packed */
    int64_t x_width;
    const char **initial; /* [n_states] the states before the first step */
    /* for the backward half */
    const rondo_tensor *grad_fixed;  /* [n_fixed] data NULL: this gradient is not wanted */
    const rondo_tensor *grad_ragged; /* [n_ragged] the same */
    /* [n_fixed] [rows, width of the fixed tensor]: what each row adds to the gradient of a fixed input of a sequence call, in
     * the loop. They are added to the gradient in the order of the rows, after the last step. NULL: none, or not wanted. */
    char **grad_by_row;
    const char *grad_output; /* packed */
    char *grad_x;            /* packed; NULL: not wanted */
};

/* The memory of a run, allocated by run_make_memory in the tape's arena. */
struct scan_memory {
    struct scan_worker *workers;
    struct scan_share *shares;
    int32_t n_workers, n_shares;
    char **sequences;    /* [n_sequences] */
    char **saved;        /* [graph->count] the bytes that a call saved for all rows; NULL: none */
    char *(*doubles)[2]; /* [n_states] */
    char *(*carries)[2]; /* [n_states] the caller allocates and fills these before the backward half */
};

/* The half and stage that is running. Valid only during run_half. */
struct scan_cursor {
    int half;
    int again; /* 1: the forward half runs again (tape_rerun), with the locations, tiles and packed weights that it has */
    char **tiles, **packed;      /* [n_tiles], [n_packed] of this half */
    struct scan_location *where; /* [graph->count] locations of the values in this half */
    const struct scan_stage *stage;
    int loads_early;               /* 1: a step of the loop begins to load the values of the next */
    const struct scan_span *spans; /* [n_spans] of a stage outside the loop: a free worker takes the next */
    int64_t n_spans;
    const struct scan_effect_task *tasks; /* [n_tasks] the same for its effects */
    int32_t n_tasks;
    atomic_llong next; /* the span or task that the next free worker takes */
    atomic_int failed; /* 1: a worker met an error, which is in its errors; the others stop too */
};

struct scan_run {
    struct scan_given given;
    struct scan_memory memory;
    struct scan_cursor now;
};

/* Runs one half of the step over all steps. On failure all workers stop, and `errors` gets the errors of the first worker
 * that has any. */
rondo_status run_half(struct scan_run *run, int half, struct arena *arena, struct errors *errors);

/* The forward half once more, in the same memory: x and the states before the first step have changed, and the fixed tensors if
 * `fixed_change` is 1. */
rondo_status run_again(struct scan_run *run, int fixed_change, struct arena *arena, struct errors *errors);

/* Allocates the memory of a run on the tape and stores the states before the first step in their places. */
rondo_status run_make_memory(struct scan_run *run, struct tape *tape);
/* Stores the states before the first step again. */
void run_set_initial(struct scan_run *run);
/* [rows, width] of the run's dtype. NULL if memory is short or the size overflows. */
char *run_alloc_rows(struct arena *arena, const struct scan_run *run, int64_t rows, int64_t width);
/* Elements per row of a state. */
int64_t run_state_width(const struct scan_graph *graph, int32_t state);

rondo_status run_find_places(struct scan_run *run, struct arena *arena, struct errors *errors);

/* Position of row 0 before step t in the sequence of a state, which begins with the states before the first step. */
static inline int64_t run_previous(const struct time_axis *time, int64_t t) {
    return t == 0 ? 0 : time->rows + time->begin[t - 1];
}
/* Rows row .. row + count of step t. */
static inline struct scan_span run_span(const struct time_axis *time, int64_t t, int64_t row, int64_t count) {
    return (struct scan_span){t, time->begin[t] + row, run_previous(time, t) + row, row, count, 0};
}
/* All rows of all steps, for what needs no step. */
static inline struct scan_span run_span_of_all(const struct time_axis *time) {
    return (struct scan_span){0, 0, 0, 0, time->total, 0};
}

/* The time at which work begins; 0 if nobody keeps an account. */
static inline double run_begin(const struct scan_run *run) {
    return run->given.account == NULL ? 0 : run->given.account->now();
}
/* Adds the time since `begin` to the account of the worker. */
static inline void run_spend(const struct scan_run *run, struct scan_worker *worker, enum scan_work work,
                             double begin) {
    if (run->given.account != NULL) {
        worker->spent[work] += run->given.account->now() - begin;
    }
}

/* The address of the first row of a value in a span. */
static inline char *run_locate(const struct scan_run *run, const struct scan_worker *worker, int32_t node,
                               const struct scan_span *span) {
    const struct scan_location *where = &run->now.where[node];
    if (where->position == POSITION_LOCAL) {
        return worker->locals + where->offset * (size_t)worker->capacity + (size_t)span->local * where->row_bytes +
               where->shift;
    }
    const int64_t position = where->position == POSITION_PACKED     ? span->packed
                             : where->position == POSITION_PREVIOUS ? span->previous
                                                                    : span->row;
    return where->base[span->step & 1] + (size_t)position * where->row_bytes + where->shift;
}

/* A function that runs one instruction over a span. The reason of a failure is in the worker's errors. */
typedef rondo_status scan_instruction_function(const struct scan_run *run, struct scan_worker *worker,
                                               const struct scan_instruction *instruction,
                                               const struct scan_span *span);

scan_instruction_function run_instruction;
/* Part `part` of `parts` of the columns of a group (NODE_MAP) or of products. Parts may run at the same time, each with a worker
 * whose `locals` are those of all. */
void run_instruction_part(const struct scan_run *run, struct scan_worker *worker,
                          const struct scan_instruction *instruction, const struct scan_span *span, int32_t part,
                          int32_t parts);
/* 1 if all workers share the instructions of the current stage, a loop, instead of the rows. */
int run_is_wide(const struct scan_run *run);
/* The instructions of the current stage over all rows of one step. */
void run_wide_step(struct scan_run *run, const struct scan_span *span);
scan_instruction_function run_call; /* computes a call */
scan_instruction_function
    run_call_gradients;               /* writes the gradients of inputs with rows of one call; of a sequence call
                                                 also adds to those of its other inputs */
scan_instruction_function run_effect; /* adds to the gradients of fixed tensors */

/* Adds the gradients of the inputs of one call: the gradient that node i of the instruction computes is added to
 * targets[i]; NULL: not wanted. */
rondo_status run_call_gradient(const struct scan_run *run, struct scan_worker *worker,
                               const struct scan_instruction *instruction, const struct scan_span *span,
                               void *const *targets);
/* All effects of the current stage over all steps. */
rondo_status run_effects(struct scan_run *run, struct arena *arena, struct errors *errors);
/* Rows begin .. end of a weight gradient: over a span, or all steps if it is NULL. */
rondo_status run_weight_gradient(const struct scan_run *run, struct scan_worker *worker, const struct scan_node *node,
                                 const struct scan_span *span, int64_t begin, int64_t end);
/* Divides weight gradients over all steps, each of them of a gradient of its own, among the workers. *parts are at most twice as many
 * as workers, and may run at the same time; returns their number. Memory is that of the arena, which is sticky. */
int32_t run_share_gradients(const struct scan_run *run, const struct scan_instruction *const *effects, int32_t n,
                            struct arena *arena, struct scan_gradients **parts);
void run_gradients(const struct scan_run *run, struct scan_worker *worker, const struct scan_gradients *gradients);
/* Bytes of scratch memory that the effects of a half need. */
size_t run_effect_scratch(const struct scan_run *run, int half);

/* A worker that fails sets a flag; the others check it between instructions, and stop. */
static inline void run_fail(struct scan_run *run) {
    atomic_store_explicit(&run->now.failed, 1, memory_order_relaxed);
}
static inline int run_has_failed(struct scan_run *run) {
    return atomic_load_explicit(&run->now.failed, memory_order_relaxed);
}
/* The number of the next of `count` spans or tasks, for a worker that is free; -1: none is left, or a worker failed. */
static inline int64_t run_take(struct scan_run *run, int64_t count) {
    const int64_t taken = atomic_fetch_add(&run->now.next, 1);
    return taken < count && !run_has_failed(run) ? taken : -1;
}

/* out = in[0] + in[1] + ...; out may be one of them. */
void sum_arrays(int32_t dtype, int64_t count, const void *const *in, int32_t n, void *out);
/* sums[j] += the sum of column j over `rows` rows, in blocks of a fixed number of rows. `work` has room for a row. */
void sum_columns(int32_t dtype, int64_t rows, int64_t width, const void *in, void *sums, void *work);

#endif
