/* Loops forever when it is loaded. */
#include "good.h"

static volatile int is_done;

__attribute__((constructor)) static void loop(void) {
    while (!is_done) {
    }
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("loops_at_load");

RONDO_PLUGIN("loops_at_load", "1.0", "MIT", &optimizer.base);
