/* Refuses the defaults of its own table. */
#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    const struct good_options *good = options;
    return good->lr < 1 ? ctx->host->fail(ctx, RONDO_INVALID, "lr is below 1") : RONDO_OK;
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("refuses_defaults", struct good_options, table, check);

RONDO_PLUGIN("refuses_defaults", "1.0", "MIT", &optimizer.base);
