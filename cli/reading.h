/* cli/reading.h: the progress of reading data files: one line on standard error, only on a terminal, and only if it takes
 * longer than a second. */
#ifndef RONDO_CLI_READING_H
#define RONDO_CLI_READING_H

#include "core/progress.h"

struct reading {
    double start; /* of the present work, in seconds of trainer_clock; 0: there is none */
    double drawn; /* when the line was last drawn; 0: it is not on the terminal */
};

/* The receiver of the reports, which draws with `reading`, zero-initialised. Elsewhere than on a terminal there is none. */
struct work_progress reading_progress(struct reading *reading);

#endif
