/* Writes to the options that it checks. */
#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    (void)ctx;
    ((struct good_options *)(uintptr_t)options)->lr = 1;
    return RONDO_OK;
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("check_writes", struct good_options, table, check);

RONDO_PLUGIN("check_writes", "1.0", "MIT", &optimizer.base);
