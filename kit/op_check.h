/* kit/op_check.h: what the checks of ops share: the cases of an op, and one application of it outside of any tape.
 *
 * An op is called here as the tape and the scan call it, but with memory from a guard (kit/guard.h), of which each
 * check chooses what it holds at first and what may be written. Of an elementwise op map and map_grad are called on one
 * run of elements; broadcasting and accumulation are the host's, and checked with the gradient (kit/op_gradient.c).
 */
#ifndef RONDO_KIT_OP_CHECK_H
#define RONDO_KIT_OP_CHECK_H

#include "core/host.h"
#include "core/tensor.h"
#include "kit/check.h"
#include "kit/guard.h"
#include "kit/option_ends.h"

/* LEAST_CASES: of an op with samples of its own. DIRECT_CASES: all checks but `samples` look at the first of them. */
enum { LEAST_CASES = 3, MOST_CASES = 1000, DIRECT_CASES = 50 };

struct op_run;

/* One check of one op, and the case at hand. */
struct op_check {
    struct kit *kit;
    const rondo_op *op;
    char *reason;
    size_t size;
    int32_t index; /* of the case; -1: none */
    rondo_sample sample;
    const void *options;
    const struct option_end *values[2];                       /* set over the options of each case; NULL: none */
    const char *where;                                        /* "f32, training": said behind the case; NULL: nothing */
    int (*visit)(struct op_check *check, struct op_run *run); /* of op_each_run */
    int64_t tally;                                            /* for the visitor: 0 before the first case */
    double worst;                                             /* the same */
};

/* Writes the reason, with the case in front; returns 0. */
int op_refuse(struct op_check *check, const char *format, ...) RONDO_PRINTF(2, 3);

/* Fills `sample` with case `index`: the op's own, or one of an elementwise op without samples. 0 past the last. */
int32_t op_next_sample(const rondo_op *op, int32_t index, rondo_sample *sample);

/* A check at its start. */
struct op_check op_check_begin(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* Calls visit for every case until it returns 0, which is VERDICT_FAIL with the reason that it wrote. VERDICT_SKIPPED
 * where there is no case. */
typedef int op_case_visit(struct op_check *check);
enum verdict op_each_case(struct op_check *check, op_case_visit *visit);

/* 1 where the options' parser takes a value: 2^63 is no int64_t. */
int op_takes(const struct op_check *check, const struct option_end *value);

/* Fills a tensor that has data with numbers of the case, in [low, high). `what` is the name of their stream, `variant`
 * the number of the set. */
void op_draw(const struct op_check *check, const rondo_tensor *tensor, double low, double high, const char *what,
             uint64_t variant);

/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
double op_error(double a, double b);

/* ---- one application ---- */

/* How the op is applied. */
struct op_settings {
    int32_t dtype;                   /* of the floats */
    int32_t training;                /* 1 or 0 */
    uint64_t variant;                /* of the numbers */
    uint64_t stream;                 /* of the random words */
    const struct parallel *parallel; /* NULL: one thread */
    int is_clean;                    /* 1: memory that is not to be read holds zeros; 0: poison */
    int may_refuse;                  /* 1: the op may fail, if it says why */
    int infers_alone;                /* 1: nothing is allocated nor called but infer */
};

/* All of its memory lives until op_run_close. */
struct op_run {
    struct op_check *check;
    struct op_settings settings;
    struct guard *guard;
    struct arena *arena; /* what host->alloc hands out */
    struct errors errors;
    struct host_call host;
    int64_t allocations_left; /* over all calls of the op from here on */
    int is_refused;           /* the op failed, which it may */
    /* Called when all is ready, right before the op; NULL: nothing. */
    void (*about_to_call)(void *arg);
    void *about_arg;
    rondo_op_call call;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS];
    rondo_tensor gradients[RONDO_SAMPLE_INPUTS]; /* with data for all floats */
    rondo_tensor grad_output;
    const void *options; /* a copy in the guard */
};

/* Draws inputs, infers the output and allocates everything. Returns 1; 0 with the reason in `check`. Where
 * run->call.is_view is set there is nothing to call. An input that the sample has as f32 stays so. Where the op may
 * refuse, sizes too large to be tried are inferred alone: run->call.output.data is NULL. */
int op_run_open(struct op_check *check, struct op_settings settings, struct op_run *run);
void op_run_close(struct op_run *run);

/* 1 where the op has a gradient and input k may have one. */
int op_run_has_gradient(const struct op_run *run, int32_t k);
/* Bit k for each of those. */
uint32_t op_run_gradients(const struct op_run *run);

/* Calls infer, forward or backward once and returns its status; *is_honest is 0, with the reason in the check, where it
 * is a status that there is not, or a failure without a text. `asked` has bit k where the gradient of input k is
 * wanted; backward adds to run->gradients, or writes them (elementwise). */
rondo_status op_run_infer(struct op_run *run, int *is_honest);
rondo_status op_run_forward_status(struct op_run *run, int *is_honest);
rondo_status op_run_backward_status(struct op_run *run, uint32_t asked, int *is_honest);

/* The same where the call has to succeed, or may refuse: 0, with the reason, where it does not. */
int op_run_forward(struct op_run *run);
/* Fills the gradients first: with numbers other than 0 to add to. */
int op_run_backward(struct op_run *run, uint32_t asked);
/* Both, one after the other; forward alone where there is no gradient. */
int op_run_both(struct op_run *run);
/* Element i of a gradient before op_run_backward adds to it. */
double op_before(int64_t i);
/* Fills a gradient with that; poison where the op writes it. */
void op_run_reset_gradient(struct op_run *run, int32_t k);

/* 0, with the reason "output, element 3: 1.5, but 1.25 <so>", where a tensor of `found` has other bits than in
 * `expected`. */
int op_same_bits(struct op_check *check, const char *name, int32_t k, const rondo_tensor *expected,
                 const rondo_tensor *found, const char *so);
/* The same for the output and the gradients in `asked`. */
int op_same_runs(struct op_check *check, const struct op_run *expected, const struct op_run *found, uint32_t asked,
                 const char *so);

/* Calls visit for every case in f32 and f64, in training and out of it, with a run that is open, and not for views.
 * The run is closed behind it. */
typedef int op_run_visit(struct op_check *check, struct op_run *run);
enum verdict op_each_run(struct op_check *check, op_run_visit *visit);

/* Where another thread calls the op on other data in the middle of a call: op_pause.c. 0 with the reason where either
 * gets other bits than alone. `run` was run. */
int op_same_interrupted(struct op_check *check, const struct op_run *run);

/* ---- the checks, in the files kit/op_*.c ---- */

typedef enum verdict op_check_function(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
op_check_function op_check_samples, op_check_status, op_check_zero_size; /* op_shapes.c */
op_check_function op_check_finite, op_check_gradient;                    /* op_gradient.c */
op_check_function op_check_options_ends, op_check_options_used;          /* op_options.c */
op_check_function op_check_first_call;                                   /* op_options.c */
op_check_function op_check_gradient_adds, op_check_one_gradient;         /* op_accumulate.c */
op_check_function op_check_writes_all, op_check_stays_inside;            /* op_memory.c */
op_check_function op_check_no_memory, op_check_leaks;                    /* op_memory.c */
op_check_function op_check_deterministic, op_check_threads;              /* op_threads.c */
op_check_function op_check_map_reads, op_check_aliasing;                 /* op_map.c */
op_check_function op_check_saves_rows, op_check_role;                    /* op_claims.c */

#endif
