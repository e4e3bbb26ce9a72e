/* Aborts when it checks options. */
#include <stdlib.h>

#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    (void)ctx;
    (void)options;
    abort();
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("check_aborts", struct good_options, table, check);

RONDO_PLUGIN("check_aborts", "1.0", "MIT", &optimizer.base);
