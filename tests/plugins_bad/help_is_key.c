/* An option whose help says nothing. */
#include "good_options.h"

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct good_options, lr, "0.1", 0, 10, "lr"),
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("help_is_key", struct good_options, table, NULL);

RONDO_PLUGIN("help_is_key", "1.0", "MIT", &optimizer.base);
