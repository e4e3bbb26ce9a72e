/* An option with a choice that cannot be written without quotes. */
#include "good_options.h"

struct options {
    int32_t mode;
};

static const char *const modes[] = {"plain", "very fast", NULL};
static const rondo_option table[] = {
    RONDO_OPTION_CHOICE(struct options, mode, "plain", modes, "how it is done"),
    RONDO_OPTION_END,
};
static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("choice_of_two_words", struct options, table, NULL);

RONDO_PLUGIN("choice_of_two_words", "1.0", "MIT", &optimizer.base);
