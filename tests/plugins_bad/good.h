/* tests/plugins_bad/good.h: an optimizer with nothing wrong, so that each bad plug-in is bad in only one way. */
#ifndef RONDO_TESTS_GOOD_H
#define RONDO_TESTS_GOOD_H

#include "rondo/plugin.h"

static inline rondo_status good_step(rondo_context *ctx, const rondo_optimizer_call *call) {
    (void)ctx;
    (void)call;
    return RONDO_OK;
}

/* The initialiser of an optimizer called `optimizer_name`. */
#define GOOD_OPTIMIZER(optimizer_name)                                                                                 \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_optimizer),                                                               \
                 .kind = RONDO_KIND_OPTIMIZER,                                                                         \
                 .name = optimizer_name,                                                                               \
                 .summary = "leaves every parameter as it is"},                                                        \
        .step = good_step,                                                                                             \
    }

RONDO_EXPORT_DATA const rondo_plugin_info rondo_plugin;

#endif
