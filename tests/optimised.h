/* tests/optimised.h: a parameter that is being optimised, by an optimizer and its wrappers as the host would call them.
 *
 * Everything fails the running test where something goes wrong.
 */
#ifndef RONDO_TESTS_OPTIMISED_H
#define RONDO_TESTS_OPTIMISED_H

#include "plugin_fixture.h"

enum { OPTIMISED_SLOTS = 8, OPTIMISED_PARTS = 4 };

/* An optimizer, or a wrapper of one, with its state. */
struct part {
    const rondo_optimizer *optimizer;
    void *options;
    rondo_tensor slots[OPTIMISED_SLOTS];
    int32_t n_slots;
};

struct optimised {
    struct part parts[OPTIMISED_PARTS];
    int32_t n_parts;
    rondo_tensor value, gradient, sampled;
    double lr_scale; /* 1 at first */
    int64_t rows;    /* 1 at first */
};

/* `text` is "NAME OPTIONS", or with wrappers "WRAPPER OPTIONS | NAME OPTIONS"; OPTIONS "-" are the defaults. The value
 * begins with `start`, slots as their declaration says. */
struct optimised optimise(const char *text, int32_t dtype, int32_t ndim, const int64_t *shape, const double *start);

/* Update number `step` of the elements begin .. end - 1: what rewrites the gradient, the optimizer, what follows it.
 * Without RONDO_OPTIMIZER_ELEMENTWISE on every part the range is everything. */
rondo_status optimised_update(struct optimised *optimised, int64_t step, int64_t begin, int64_t end);
/* The same for everything. `title` stands in front of what went wrong. */
void optimised_update_whole(struct optimised *optimised, int64_t step, const char *title);

/* 1 where every part is. */
int optimised_is_elementwise(const struct optimised *optimised);
/* The averaged weights that a part keeps. */
const rondo_tensor *optimised_evaluated(const struct optimised *optimised);

#endif
