/* Refuses a learning rate of 0 and does not say why. */
#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    const struct good_options *good = options;
    (void)ctx;
    return good->lr > 0 ? RONDO_OK : RONDO_INVALID;
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("refuses_silently", struct good_options, table, check);

RONDO_PLUGIN("refuses_silently", "1.0", "MIT", &optimizer.base);
