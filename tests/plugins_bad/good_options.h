/* tests/plugins_bad/good_options.h: an optimizer with options and a `check`, for plug-ins that are bad in one of these.
 */
#ifndef RONDO_TESTS_GOOD_OPTIONS_H
#define RONDO_TESTS_GOOD_OPTIONS_H

#include "good.h"

/* The initialiser of an optimizer with the options of `table`, which fill the struct type `S`; `check_function` may be
 * NULL. */
#define GOOD_OPTIMIZER_WITH(optimizer_name, S, table, check_function)                                                  \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_optimizer),                                                               \
                 .kind = RONDO_KIND_OPTIMIZER,                                                                         \
                 .name = optimizer_name,                                                                               \
                 .summary = "leaves every parameter as it is",                                                         \
                 .options = table,                                                                                     \
                 .options_size = sizeof(S)},                                                                           \
        .check = check_function, .step = good_step,                                                                    \
    }

struct good_options {
    double lr;
};

#define GOOD_OPTION_LR RONDO_OPTION_REAL(struct good_options, lr, "0.1", 0, 10, "learning rate")

#endif
