/* A list of choices without the NULL that ends it: what follows it is not a text. */
#include "good_options.h"

struct chosen {
    int32_t mode;
};

static const struct {
    const char *words[2];
    const void *after[2];
} list = {{"fast", "slow"}, {(const void *)8, (const void *)8}};

static const rondo_option options[] = {
    RONDO_OPTION_CHOICE(struct chosen, mode, "fast", list.words, "how"),
    RONDO_OPTION_END,
};

static const rondo_optimizer optimizer = GOOD_OPTIMIZER_WITH("choices_without_end", struct chosen, options, NULL);

RONDO_PLUGIN("choices_without_end", "1.0", "MIT", &optimizer.base);
