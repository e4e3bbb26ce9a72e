/* Two options that are stored in one field: the second row was copied, and its offset left as it was. */
#include "good_options.h"

struct options {
    double first, second;
};

static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct options, first, "0.5", 0, 1, "share of the first"),
    {"second", RONDO_REAL, offsetof(struct options, first), "0.5", 0, 1, NULL, "share of the second"},
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("shared_field", struct options, table, NULL);

RONDO_PLUGIN("shared_field", "1.0", "MIT", &optimizer.base);
