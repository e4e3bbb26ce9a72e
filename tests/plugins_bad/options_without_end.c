/* An option table without RONDO_OPTION_END: what follows it is not a row. */
#include "good_options.h"

static const struct {
    rondo_option rows[1];
    const void *after[sizeof(rondo_option) / sizeof(void *)];
} table = {{GOOD_OPTION_LR}, {(const void *)8}};

static const rondo_optimizer optimizer =
    GOOD_OPTIMIZER_WITH("options_without_end", struct good_options, table.rows, NULL);

RONDO_PLUGIN("options_without_end", "1.0", "MIT", &optimizer.base);
