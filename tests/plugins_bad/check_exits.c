/* Prints a line and ends the process when it checks options. */
#include <stdio.h>
#include <stdlib.h>

#include "good_options.h"

static rondo_status check(rondo_context *ctx, const void *options) {
    (void)ctx;
    (void)options;
    fprintf(stderr, "this cannot be\n");
    exit(7);
}

static const rondo_option table[] = {GOOD_OPTION_LR, RONDO_OPTION_END};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("check_exits", struct good_options, table, check);

RONDO_PLUGIN("check_exits", "1.0", "MIT", &optimizer.base);
