/* An option whose second and third choice are the same word. */
#include "good_options.h"

struct options {
    int32_t mode;
};

static const char *const modes[] = {"plain", "fast", "fast", NULL};
static const rondo_option table[] = {
    RONDO_OPTION_CHOICE(struct options, mode, "plain", modes, "how it is done"),
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("choice_twice", struct options, table, NULL);

RONDO_PLUGIN("choice_twice", "1.0", "MIT", &optimizer.base);
