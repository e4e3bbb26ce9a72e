/* core/scan/scan.h: the op that runs a step program over time, forward and backward: the engine `fused`.
 *
 *     struct scan *scan = scan_create(&settings, errors);              once, from the step program
 *     scan_record(scan, tape, &time, x, initial, parameters, …, &outputs, final_states);   on every tape
 *
 * The program is differentiated and optimised once, whatever the lengths of the sequences (core/scan/graph.h, with a
 * glossary, and plan.h). On the tape the whole recurrence is one function.
 *
 * Bits: results do not depend on the number of threads, and the results of a row do not depend on the other rows of the
 * batch, provided that each op of the step gives an element the same bits wherever it is in an array. All of Rondo's do.
 *
 * Threads: a scan is created on one thread; then scan_record may run on several threads at the same time, each with its
 * own tape. */
#ifndef RONDO_CORE_SCAN_H
#define RONDO_CORE_SCAN_H

#include "core/program.h"
#include "core/scan/graph.h"
#include "core/tape.h"
#include "core/time_axis.h"

struct scan;

/* Called before (done 0) and after (done 1) every stage, half 0 being forward and 1 backward, on the thread that runs the
 * tape. */
typedef void scan_observer(void *arg, int half, enum scan_phase phase, int done);

/* What the threads of a scan spend their time on. */
enum scan_work {
    WORK_PACKING,         /* of weights, for products */
    WORK_PRODUCT,         /* of rows and weights */
    WORK_WEIGHT_GRADIENT, /* products of rows and rows, with the packing of both */
    WORK_ELEMENTWISE,
    WORK_OTHER, /* calls of other ops, joins, reductions, gradients of biases */
    SCAN_WORKS,
};

/* An account of time, for measurements: only one tape at a time may run a scan that keeps one. All fields but `now` are added to. */
struct scan_account {
    double (*now)(
        void); /* seconds; called on any thread. NULL: recurrences that are recorded now are not accounted for */
    double spent[2][PHASE_COUNT][SCAN_WORKS]; /* [half], summed over threads; packing counts as PHASE_BEFORE */
    double passed
        [2]
        [PHASE_COUNT]; /* on the clock; what `spent` lacks of threads times this is waiting and the dealing out of work */
};

struct scan_settings {
    /* The step: its inputs are x [batch, input], the states [batch, …], the memory [memory, …] if it reads one, then
     * parameters, in this order. Outlives the scan. */
    const struct program *program;
    int32_t n_states;
    const rondo_value *new_states; /* [n_states] in the program */
    rondo_value output;            /* in the program: [batch, width] */
    int32_t passes;                /* enum scan_pass; PASS_ALL */
    /* N > 0: training keeps only the states of every N-th step, and computes the steps in between again in the backward
     * pass: less memory at the cost of one more forward pass. 0: everything that the backward pass reads is kept. */
    int64_t recompute;
    scan_observer *observe; /* NULL: none */
    void *observe_arg;
    struct scan_account *account; /* NULL: none */
};

/* NULL with errors. Free with scan_destroy. */
struct scan *scan_create(const struct scan_settings *settings, struct errors *errors);
void scan_destroy(struct scan *scan);

/* Runs the recurrence and records it.
 * x: packed [total, input] (core/time_axis.h).
 * initial: [n_states] states before the first step, [rows, …] each; a value with id -1 means zeros; NULL: all zeros.
 * parameters: [n] values for the last inputs of the program.
 * memory: [elements, …] of a step that reads it, and the sequence that each row of the batch sees, borrowed until the tape is
 * reset; otherwise an id of -1, and NULL.
 * *outputs gets the packed outputs [total, width]; final_states [n_states], if not NULL, gets each row's states after
 * its own last step [rows, …]. Failed values after an error, which is on the tape. */
rondo_status scan_record(const struct scan *scan, struct tape *tape, const struct time_axis *time, rondo_value x,
                         const rondo_value *initial, const rondo_value *parameters, rondo_value memory,
                         const rondo_rows *memory_rows, rondo_value *outputs, rondo_value *final_states);

/* The graph after every pass, and the plan, as text, forward and backward. NULL with errors. */
char *scan_text(const struct scan_settings *settings, struct arena *arena, struct errors *errors);

/* Bytes that the loop over time reads and writes in memory for each row and step of training. Only values that are kept
 * for all steps count, since all others stay in a cache: each once if it is read and once if it is written. */
int64_t scan_loop_bytes(struct scan *scan);

/* Names of the passes that `--passes=-NAME` switches off: "merge", …; NULL after the last. */
const char *scan_pass_name(int32_t index);
/* Parses what --passes gives, "-fuse,-merge": sets the bits of these passes in *passes_off, of which all others are 0. NULL: none.
 * RONDO_INVALID, with the nearest name, for each that is not known. */
rondo_status scan_passes_parse(const char *text, int32_t *passes_off, struct errors *errors);

#endif
