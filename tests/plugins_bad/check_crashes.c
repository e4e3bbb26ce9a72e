/* Reads from an unmapped address when it checks options. */
#include "good_options.h"

static volatile uintptr_t nowhere = 64;

static rondo_status check(rondo_context *ctx, const void *options) {
    (void)ctx;
    (void)options;
    return *(volatile int *)nowhere == 0 ? RONDO_OK : RONDO_INVALID;
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("check_crashes", struct good_options, table, check);

RONDO_PLUGIN("check_crashes", "1.0", "MIT", &optimizer.base);
