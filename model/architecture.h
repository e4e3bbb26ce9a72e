/* model/architecture.h: the names of architectures (struct architecture in core/time_axis.h). */
#ifndef RONDO_MODEL_ARCHITECTURE_H
#define RONDO_MODEL_ARCHITECTURE_H

#include "core/time_axis.h"

/* Reads "1:1", "1:N", "N:1" or "N:N"; returns 0 for any other text. */
int architecture_parse(const char *text, struct architecture *architecture);
/* The text of an architecture. */
const char *architecture_text(struct architecture architecture);

#endif
