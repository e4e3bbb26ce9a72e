/* core/scan/record.h: one recurrence on a tape, as a whole or in windows. Private to core/scan.
 *
 * With scan_settings.recompute, the backward half runs window by window, from the last to the first: it computes the
 * forward half of a window again, now with everything that the backward half reads, and then goes backward. Between
 * windows only states and carries are kept.
 *
 *     scan_record              record.c   puts the recurrence on the tape, and runs the forward half
 *     scan_windows_forward, …  windows.c  both halves in windows
 *     scan_outputs, …          results.c  what a run, or that of a window, gives and gets at its ends
 */
#ifndef RONDO_CORE_SCAN_RECORD_H
#define RONDO_CORE_SCAN_RECORD_H

#include "core/scan/run.h"

/* A scan has one plan for each combination of results that a tape may need. PLAN_VALUES computes no gradients. AND_X is
 * added to PLAN_GRADIENTS if x has a gradient, AND_CONSTANT if a state that never changes starts from a value with a
 * gradient. */
enum { PLAN_VALUES, PLAN_GRADIENTS, PLAN_KINDS = PLAN_GRADIENTS + 4 };
enum { AND_X = 1, AND_CONSTANT = 2 };

struct scan {
    struct arena *arena;
    const struct program *program;
    int32_t n_states;
    int64_t recompute;
    scan_observer *observe;
    void *observe_arg;
    struct scan_account *account;
    struct scan_plan *plans[PLAN_KINDS]; /* those with AND_CONSTANT are NULL if all states change */
};

/* One recurrence on a tape: what its backward half needs. Allocated in the tape's arena. */
struct scan_recorded {
    struct scan_run run; /* the run over all steps; a recurrence in windows uses only its `given` */
    const struct scan *scan;
    int32_t
        n_initial; /* the inputs of the tape's function are x, the fixed tensors, the ragged values, and n_initial initial
                          states */
    int32_t *initial_state; /* [n_initial] numbers of these states */
    int has_final;          /* 1: the final states are results too */
    const rondo_value *inputs;
    rondo_tensor *results;    /* the outputs, then the final states */
    int64_t n_windows;        /* 1: no windows */
    const char ***boundaries; /* [n_windows + 1][n_states] the states before each window, and after the last */
};

/* The packed outputs of a run, which its memory holds after the forward half. */
rondo_tensor scan_outputs(const struct scan_run *run);
/* Writes state `s` of each row after the row's own last step to `out` [rows, ...]. */
void scan_copy_final(const struct scan_run *run, int32_t s, char *out);
/* Fills memory.carries with the gradients that enter at the last step of each row: those of the final states
 * (`grad_final`; NULL or data NULL: none), and, for the first `n_later` rows, which continue in a later window, the
 * carries `later` of that window. */
rondo_status scan_start_carries(struct scan_run *run, struct tape *tape, const rondo_tensor *grad_final,
                                char *(*later)[2], int64_t n_later);

/* The forward half. Writes the outputs, and the final states if `final_states` is not NULL. */
rondo_status scan_windows_forward(struct scan_recorded *recorded, struct tape *tape, const rondo_tensor *outputs,
                                  const rondo_tensor *final_states);
/* The backward half. Leaves the gradients of the initial states in run.memory.carries[s][0]. */
rondo_status scan_windows_backward(struct scan_recorded *recorded, struct tape *tape, const rondo_tensor *grad_final);

#endif
