/* tests/recurrence_case.h: a recurrence with a loss, which either engine computes: results and all gradients, for
 * comparison.
 *
 *     loss = sum(outputs * weights) + sum over states of sum(final state * final weights)
 *
 * Everything is allocated in the arena of `support`. An error fails the running test.
 */
#ifndef RONDO_TESTS_RECURRENCE_CASE_H
#define RONDO_TESTS_RECURRENCE_CASE_H

#include "core/scan/scan.h"
#include "lang/cell.h"
#include "tests/support.h"

/* Values x [total, input], initial states [rows, ...] and parameters. Those whose flag `needs` is 0 are constants of
 * the tape; those whose flag is 1 get a gradient. */
struct recurrence_case {
    struct support *support;
    struct cell *cell;
    struct time_axis time;
    int32_t dtype;
    rondo_tensor x, weights;
    rondo_tensor *initial, *final_weights; /* [states] */
    rondo_tensor *parameters;              /* [parameters] */
    struct support_memory memory;          /* if the cell reads it */
    int x_needs, memory_needs, uses_final;
    int *initial_is_given; /* [states] 0: the recurrence starts from zeros */
    int *initial_needs;    /* [states] */
    int *parameter_needs;  /* [parameters] */
};

/* Copies. Gradients of constants are zeros. */
struct recurrence_answer {
    rondo_tensor outputs, grad_x, grad_memory;
    rondo_tensor *final, *grad_initial; /* [states] */
    rondo_tensor *grad_parameters;      /* [parameters] */
};

/* How a case is computed. With `fused` 0 the engine is `tape`, and the other fields are not used. */
struct recurrence_engine {
    int fused;
    int32_t passes;    /* enum scan_pass, or-ed */
    int64_t recompute; /* see struct scan_settings */
    int32_t threads;
};

/* A case with random numbers that f32 represents exactly, and in which every value needs a gradient. The cell is
 * borrowed. */
struct recurrence_case recurrence_case_create(struct support *support, struct cell *cell, int32_t dtype,
                                              const int64_t *lengths, int64_t rows);
/* The rows begin .. end of the batch as a separate case. */
struct recurrence_case recurrence_case_rows(const struct recurrence_case *batch, int64_t begin, int64_t end);

struct recurrence_answer recurrence_case_solve(const struct recurrence_case *problem, struct recurrence_engine engine);
/* The same on this tape and by this scan (NULL: the engine `tape`). The tape is reset first. */
struct recurrence_answer recurrence_case_solve_on(const struct recurrence_case *problem, const struct scan *scan,
                                                  struct tape *tape);

/* Fails unless every number of `found` is within `tolerance` by support_difference; with tolerance 0, unless all bits
 * are the same. `how` names the case in the message. */
void recurrence_case_compare(const struct recurrence_case *problem, const struct recurrence_answer *found,
                             const struct recurrence_answer *expected, double tolerance, const char *how);
/* Fails unless `part`, the answer to recurrence_case_rows(batch, begin, ...), has the bits that these rows have in
 * `whole`. Gradients of parameters are sums over the batch and are not compared. */
void recurrence_case_same_rows(const struct recurrence_case *batch, const struct recurrence_answer *whole,
                               const struct recurrence_case *part, const struct recurrence_answer *of_part,
                               int64_t begin, const char *how);
/* The largest absolute value of the answer; infinite if a number is not finite. */
double recurrence_answer_largest(const struct recurrence_case *problem, const struct recurrence_answer *answer);

#endif
