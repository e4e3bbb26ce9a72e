/* rnn/architecture.h: which steps take input and which emit output. This one idea makes all four architectures; there
 * is no code for any of them in particular.
 *
 *     1:1  first in, last out      1:N  first in, all out      N:1  all in, last out      N:N  all in, all out
 * (aligned)
 *
 * Steps without an input run on zeros. */
#ifndef RONDO_RNN_ARCHITECTURE_H
#define RONDO_RNN_ARCHITECTURE_H

#include "core/status.h"

struct architecture {
    int input_every_step;  /* 0: the first alone */
    int output_every_step; /* 0: the last alone */
};

/* "N:1" and so on; returns 0 where the text is none of the four. */
int architecture_parse(const char *text, struct architecture *architecture);
/* The text of an architecture. */
const char *architecture_text(struct architecture architecture);

/* The time axis of a packed batch (data/batch.h has the picture): rows sorted by length, longest first; the first
 * alive[t] of them still run at step t; begin[t] is the first packed position of step t. Borrowed. */
struct time_axis {
    int64_t rows, steps, total;
    const int64_t *lengths; /* [rows] */
    const int64_t *alive;   /* [steps] */
    const int64_t *begin;   /* [steps + 1] */
};

#endif
