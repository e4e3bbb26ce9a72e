/* Prints when it checks options; otherwise correct. */
#include <stdio.h>

#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    const struct good_options *good = options;
    (void)ctx;
    printf("lr is %g,\nwhich is fine\n", good->lr);
    return RONDO_OK;
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("prints", struct good_options, table, check);

RONDO_PLUGIN("prints", "1.0", "MIT", &optimizer.base);
