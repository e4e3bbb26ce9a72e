/* A range of integers whose upper end, 2.5, lies in it and whose lower end, 2.1, has no integer above it in the range.
 */
#include "good_options.h"

struct options {
    int64_t period;
};

static const rondo_option table[] = {
    RONDO_OPTION_INT(struct options, period, NULL, 2.1, 2.5, "updates between two of the slow ones"),
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("range_without_integer", struct options, table, NULL);

RONDO_PLUGIN("range_without_integer", "1.0", "MIT", &optimizer.base);
