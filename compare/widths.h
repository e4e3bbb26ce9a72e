/* compare/widths.h: widths with which a variant is as large as the others: `equal: parameters | flops` of a comparison.
 *
 * The widths of all compared layers of a variant are multiplied by one factor, and rounded, so that layers keep their proportions.
 * Of the factors that give the widest layer an integer width, the one is chosen whose value is nearest to the budget.
 *
 * Threads: any, on different questions.
 */
#ifndef RONDO_COMPARE_WIDTHS_H
#define RONDO_COMPARE_WIDTHS_H

#include "core/status.h"

#define WIDTHS_MOST     65536 /* the widest layer */
#define WIDTHS_MOST_OFF 0.05  /* share of the budget that the value may differ by */

/* What a model with these widths has, such as parameters, >= 0; it must not fall as widths rise. RONDO_INVALID with errors: a
 * model cannot have these widths. Any other status than RONDO_OK ends the search. */
typedef rondo_status widths_measure(void *arg, const int64_t *widths, int32_t count, int64_t *value,
                                    struct errors *errors);

struct widths_question {
    const int64_t *given; /* [count] widths to begin with, each in [1, WIDTHS_MOST]; a model can have them */
    int32_t count;        /* of compared layers, >= 1 */
    int64_t budget;       /* >= 1 */
    widths_measure *measure;
    void *arg;
    /* For the error of a budget that no widths come near to. */
    const char *variant, *unit; /* "lstm", "parameters" */
    struct location where;
};

/* Finds the widths, and what they give; fails if that is more than WIDTHS_MOST_OFF off the budget, with the nearest widths in the
 * error. Describes about six models, at most about thirty. Some widths may be impossible, such as those that are no multiple of a
 * number of heads: then the widest layer gets multiples of the smallest divisor of its width that works. */
rondo_status widths_solve(const struct widths_question *question, int64_t *widths, int64_t *value,
                          struct errors *errors);

#endif
