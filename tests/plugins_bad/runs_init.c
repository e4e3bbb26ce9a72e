/* Runs code when it is loaded: meson.build names `run` as the function of DT_INIT. */
#include "good.h"

static volatile int has_run;

void run(void);
void run(void) {
    has_run = 1;
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("runs_init");

RONDO_PLUGIN("runs_init", "1.0", "MIT", &optimizer.base);
