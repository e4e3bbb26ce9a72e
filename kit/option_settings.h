/* kit/option_settings.h: values to try for each option of a table, one option at a time: extreme values and moderate
 * values.
 *
 *     struct option_setting end;
 *     for (int32_t i = 0; option_end(table, i, &end); i++) { trial->values[0] = &end; … }
 */
#ifndef RONDO_KIT_OPTION_SETTINGS_H
#define RONDO_KIT_OPTION_SETTINGS_H

#include "rondo/plugin.h"

/* One option, and a value for it. */
struct option_setting {
    const rondo_option *option;
    int is_max;     /* 1: a number at the upper end of its range */
    int is_end;     /* 1: a number at an end of its range */
    char text[128]; /* "lr=1000", for kit_options */
};

/* "1000" of "lr=1000". */
const char *option_setting_value(const struct option_setting *setting);

/* Extreme value number `index` over all options: both ends of the range of a number, both truth values, each choice; a
 * text has none. 0 after the last. `table` may be NULL. */
int option_end(const rondo_option *table, int32_t index, struct option_setting *end);

/* Moderate value number `index`, never the default: for a number, the ends of its range that are within 10, and a
 * random value between them, near the default; the other truth value; the other choices; a text has none. 0 after the
 * last. */
int option_moderate(const rondo_option *table, uint64_t seed, int32_t index, struct option_setting *moderate);

/* 1 if a user who chooses this value must expect a result that is not finite: the end of a scale, such as a learning
 * rate of 1000. 0 for a share or a decay, whose range ends within 10. */
int option_may_diverge(const struct option_setting *setting);

#endif
