/* An option without an upper limit. */
#include <float.h>

#include "good_options.h"

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct good_options, lr, "0.1", 0, DBL_MAX, "learning rate"),
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("endless_range", struct good_options, table, NULL);

RONDO_PLUGIN("endless_range", "1.0", "MIT", &optimizer.base);
