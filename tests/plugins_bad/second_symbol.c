/* Exports a function besides the plug-in object. */
#include "good.h"

RONDO_EXPORT void second_symbol(void);
void second_symbol(void) {
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("second_symbol");

RONDO_PLUGIN("second_symbol", "1.0", "MIT", &optimizer.base);
