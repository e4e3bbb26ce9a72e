/* model/architecture.h: which steps take input and which emit output. This one idea makes all four architectures; there
 * is no code for any of them in particular.
 *
 *     text   steps with input   steps with output
 *     1:1    the first          the last
 *     1:N    the first          all
 *     N:1    all                the last
 *     N:N    all                all, aligned with the input
 *
 * At a step without an input the input is zeros. */
#ifndef RONDO_MODEL_ARCHITECTURE_H
#define RONDO_MODEL_ARCHITECTURE_H

#include "core/time_axis.h"

struct architecture {
    int input_every_step;  /* 0: the first alone */
    int output_every_step; /* 0: the last alone */
};

/* "N:1" and so on; returns 0 where the text is none of the four. */
int architecture_parse(const char *text, struct architecture *architecture);
/* The text of an architecture. */
const char *architecture_text(struct architecture architecture);

#endif
