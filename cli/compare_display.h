/* cli/compare_display.h: what `rondo compare` shows while it works: on a terminal a table that is drawn again in place, elsewhere a
 * line for each run, with --json an object on a line.
 */
#ifndef RONDO_CLI_COMPARE_DISPLAY_H
#define RONDO_CLI_COMPARE_DISPLAY_H

#include "compare/runner.h"

enum compare_output { COMPARE_QUIET, COMPARE_LINES, COMPARE_TABLE, COMPARE_JSON };

/* A variant in the present phase. */
struct compare_row {
    int32_t jobs, done, failed, running;
    double share;         /* of the running jobs together */
    double epoch, epochs; /* of the one that reported last */
    double score;         /* the last that is known; NaN: none */
    double sum;           /* of the scores of finished runs */
    int32_t n_scores;
};

struct compare_display {
    enum compare_output output;
    const struct comparison_plan *plan;
    const struct comparison_phase *phase;
    struct compare_row *rows; /* [n_variants] */
    int32_t n_left;           /* jobs that this command has to do in the phase */
    int32_t drawn;            /* lines on the terminal */
    double start, redrawn;    /* on trainer_clock */
};

/* The observer that draws; `display` must outlive it. `rows` has a place for each variant. */
struct comparison_observer compare_display_observer(struct compare_display *display);
/* Removes the table from the terminal. */
void compare_display_close(struct compare_display *display);

#endif
