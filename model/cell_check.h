/* model/cell_check.h: checks the gradients of a cell with both engines, or of a block.
 *
 * A cell of small widths runs over a batch of sequences of different lengths, each with a sequence of memory that has another
 * length, if the cell reads it: all parameters and initial states are
 * random, because zeros would hide mistakes. L is the sum of all outputs and final states, each times a random weight.
 * Three comparisons are made:
 *   gradients    dL/d of every element of x, of the initial states, of the memory and of the parameters, by one engine, with
 *                central differences (L(v + h) - L(v - h)) / 2h, in f64
 *   engines      outputs, final states and all gradients by the engine `fused` with those by `tape`, in f64 and in f32
 *   threads      the same by one engine on several threads with those on one: the same bits
 * A block (lang/cell_file.h) is checked over a memory, or over itself if its equations are for that (block_over_of). It is no recurrence, so that there are no engines to compare.
 *
 * The error of a number a against its expectation b is |a - b| / max(1, |a|, |b|): relative for large numbers, absolute
 * for small ones.
 *
 * Kinks. If L is not differentiable between v - h and v + h, as with relu at 0, the difference is not a gradient. An
 * element whose gradients differ is therefore computed again with smaller steps: a wrong gradient stays wrong, while a
 * kink near v leaves the interval (`closer` counts these). If the kink is at v itself, the slopes to both sides differ
 * at the smallest step, and the gradient is between them. Such an element cannot be compared, and is counted in
 * `skipped`. Anything else fails.
 *
 * Threads: one; uses several inside.
 */
#ifndef RONDO_MODEL_CELL_CHECK_H
#define RONDO_MODEL_CELL_CHECK_H

#include "model/cell_layer.h"

struct cell_check_settings {
    const struct cell_definition *definition; /* of a cell or a block */
    const double *option_values;              /* [n_options] of the definition; NULL: the defaults */
    int64_t input, hidden;                    /* widths, >= 1 */
    int64_t memory; /* of the memory, if the cell reads it; 0: twice `hidden`, so that it is taken for no other width */
    enum engine engine;     /* the engine whose gradients, and results on several threads, are checked */
    int32_t passes;         /* of the fused engine: enum scan_pass, or-ed */
    const int32_t *threads; /* numbers to compare with 1; ends with 0 */
};

enum cell_check_kind {
    CELL_CHECK_GRADIENTS,
    CELL_CHECK_ENGINES,
    CELL_CHECK_ENGINES_F32,
    CELL_CHECK_THREADS,
    CELL_CHECK_KINDS
};

/* The result of the comparisons of one kind. */
struct cell_check_outcome {
    int64_t compared, wrong; /* numbers; how many are off by more than the tolerance */
    double tolerance;
    double error;           /* the largest; infinite if a number is not finite */
    double found, expected; /* the two numbers with the largest error */
    char where[128];        /* "the gradient of U_f[1, 3]"; "": all are equal */
};

struct cell_check_report {
    struct cell_check_outcome outcomes[CELL_CHECK_KINDS];
    int64_t closer;  /* elements compared at a smaller step: a kink is near */
    int64_t skipped; /* elements not compared: a kink is at them */
    int64_t size;    /* numbers in all parameters */
};

/* Makes all comparisons. The status says whether they could be made, not whether they passed: RONDO_INVALID or
 * RONDO_NOT_FOUND, with errors, if the cell does not compile. */
rondo_status cell_check(const struct cell_check_settings *settings, struct registry *registry,
                        struct cell_check_report *report, struct errors *errors);
/* 1 if every comparison passed. */
int cell_check_passed(const struct cell_check_report *report);
/* "gradients", "engines", …: a name for each kind. */
const char *cell_check_name(enum cell_check_kind kind);

#endif
