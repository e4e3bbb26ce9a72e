/* kit/option_ends.h: the extreme values of every option of a table, one option at a time.
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
    char text[128]; /* "lr=1000", for kit_options */
};

/* End number `index`: both ends of a number, both values of a truth value, each choice; none of a string. 0 past the
 * last. `table` may be NULL. */
int option_end(const rondo_option *table, int32_t index, struct option_end *end);

/* 1 where a result that is not finite is what a user who went to this end must expect: the upper end of a scale, such
 * as a learning rate of 1000. A share or a decay, which ends at 10 or below, excuses nothing. */
int option_end_may_diverge(const struct option_end *end);

#endif
