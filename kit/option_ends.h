/* kit/option_ends.h: values to try of every option of a table, one option at a time: the extreme ones, and moderate
 * ones.
 *
 *     struct option_end end;
 *     for (int32_t i = 0; option_end(table, i, &end); i++) … kit_options(kit, descriptor, end.text) …
 */
#ifndef RONDO_KIT_OPTION_ENDS_H
#define RONDO_KIT_OPTION_ENDS_H

#include "rondo/plugin.h"

struct option_end {
    const rondo_option *option;
    int is_max;     /* a number at the upper end of its range */
    int is_end;     /* a number at an end of its range */
    char text[128]; /* "lr=1000", for kit_options */
};

/* "1000" of "lr=1000". */
const char *option_end_value(const struct option_end *end);

/* End number `index`: both ends of a number, both values of a truth value, each choice; none of a string. 0 past the
 * last. `table` may be NULL. */
int option_end(const rondo_option *table, int32_t index, struct option_end *end);

/* Moderate value number `index`, none of them the default: of a number the ends of its range that are within 10, and
 * one drawn between, near the default; the other truth value; the other choices; none of a string. 0 past the last. */
int option_trial(const rondo_option *table, uint64_t seed, int32_t index, struct option_end *trial);

/* 1 where a result that is not finite is what a user who went to this end must expect: the end of a scale, such as a
 * learning rate of 1000. A share or a decay, of which the end is within 10, excuses nothing. */
int option_end_may_diverge(const struct option_end *end);

#endif
