/* experiment/sections.h: the table of the sections and keys of an experiment, which experiment/experiment.c reads.
 *
 * Threads: any.
 */
#ifndef RONDO_EXPERIMENT_SECTIONS_H
#define RONDO_EXPERIMENT_SECTIONS_H

#include "experiment/experiment.h"

/* The top-level options. */
struct experiment_top {
    int64_t rondo;
    const char *name;
};

/* Each section after the one that contains it; name NULL ends it. The first key of the first is `architecture`. */
extern const struct experiment_section experiment_sections[];

/* Options of `model`, the first of which is `pool`, and of `model.embedding` and its parts. */
extern const rondo_option experiment_model_table[], experiment_embedding_table[];
#define EXPERIMENT_MODEL_WITHOUT_POOL (experiment_model_table + 1)

#endif
