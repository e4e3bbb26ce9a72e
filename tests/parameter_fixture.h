/* tests/parameter_fixture.h: a parameter with an optimizer and its wrappers, updated as
 * the host would do it.
 *
 * Every function fails the running test if an error occurs.
 */
#ifndef RONDO_TESTS_PARAMETER_FIXTURE_H
#define RONDO_TESTS_PARAMETER_FIXTURE_H

#include "plugin_fixture.h"

enum { PARAMETER_SLOTS = 8, PARAMETER_PARTS = 4 };

/* An optimizer, or a wrapper of one, with its state. */
struct parameter_part {
    const rondo_optimizer *optimizer;
    void *options;
    rondo_tensor slots[PARAMETER_SLOTS];
    int32_t n_slots;
};

struct parameter_fixture {
    struct parameter_part parts[PARAMETER_PARTS];
    int32_t n_parts;
    rondo_tensor value, gradient, sampled;
    double lr_scale; /* 1 at first */
    int64_t rows;    /* 1 at first */
};

/* `text` is "NAME OPTIONS", or with wrappers "WRAPPER OPTIONS | NAME OPTIONS"; OPTIONS "-" are the defaults. The value
 * begins with `start`, slots as they are declared. */
struct parameter_fixture parameter_fixture_create(const char *text, int32_t dtype, int32_t ndim, const int64_t *shape,
                                                  const double *start);

/* Update number `step` of the elements begin .. end - 1: the wrappers of the gradient, the optimizer, the wrappers of the
 * value. Unless every part has RONDO_OPTIMIZER_ELEMENTWISE, the range must be the whole parameter. */
rondo_status parameter_fixture_update(struct parameter_fixture *parameter, int64_t step, int64_t begin, int64_t end);
/* The same for the whole parameter; fails the test with `title` before the reason. */
void parameter_fixture_update_whole(struct parameter_fixture *parameter, int64_t step, const char *title);

/* 1 if every part is elementwise. */
int parameter_fixture_is_elementwise(const struct parameter_fixture *parameter);
/* The averaged weights that one of the parts keeps. */
const rondo_tensor *parameter_fixture_evaluated(const struct parameter_fixture *parameter);

#endif
