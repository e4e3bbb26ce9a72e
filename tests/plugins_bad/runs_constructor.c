/* Runs code when it is loaded, though none that does harm. */
#include "good.h"

static volatile int has_run;

__attribute__((constructor)) static void run(void) {
    has_run = 1;
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("runs_constructor");

RONDO_PLUGIN("runs_constructor", "1.0", "MIT", &optimizer.base);
