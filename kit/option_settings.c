/* kit/option_settings.c: see kit/option_settings.h. */
#include "kit/option_settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "core/rng.h"

/* The number of extreme values of an option. */
static int32_t ends_of(const rondo_option *option) {
    if (option_has_range(option) || option->type == RONDO_BOOL) {
        return 2;
    }
    int32_t choices = 0;
    while (option->type == RONDO_CHOICE && option->choices[choices] != NULL) {
        choices++;
    }
    return choices;
}

static int is_whole(const rondo_option *option) {
    return option->type == RONDO_INT || option->type == RONDO_INTS;
}

/* Writes "key=value": for a number `value`, for other types their value number `number`. */
static void write_value(const rondo_option *option, int32_t number, double value, struct option_setting *end) {
    end->option = option;
    switch (option->type) {
    case RONDO_BOOL:
        snprintf(end->text, sizeof end->text, "%s=%s", option->key, number == 0 ? "false" : "true");
        break;
    case RONDO_CHOICE:
        snprintf(end->text, sizeof end->text, "%s=%s", option->key, option->choices[number]);
        break;
    case RONDO_INT:
    case RONDO_INTS:
        number_print(end->text, sizeof end->text, "%s=%.0f", option->key, value);
        break;
    default:
        number_print(end->text, sizeof end->text, "%s=%.17g", option->key, value);
    }
}

static void write_end(const rondo_option *option, int32_t number, struct option_setting *end) {
    end->is_end = option_has_range(option);
    end->is_max = end->is_end && number == 1;
    write_value(option, number, number == 0 ? option->min : option->max, end);
}

const char *option_setting_value(const struct option_setting *setting) {
    return setting->text + strlen(setting->option->key) + 1;
}

int option_end(const rondo_option *table, int32_t index, struct option_setting *end) {
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        const int32_t count = ends_of(option);
        if (index < count) {
            write_end(option, index, end);
            return 1;
        }
        index -= count;
    }
    return 0;
}

/* ---- moderate values ---- */

/* With larger values, finite differences lose their digits, and sizes take much memory. */
static const double most_moderate = 10;

/* The default; if there is none, the number of the range that is nearest to 1. */
static double default_of(const rondo_option *option) {
    const double wanted = option->default_text == NULL ? 1 : number_parse(option->default_text, NULL);
    return fmin(fmax(wanted, option->min), option->max);
}

/* Uniform in the part of [d - r, d + r) that is within the range, with the default d and r = max(1, |d|). An integer
 * differs from d, if the range has other integers. */
static double drawn_value(const rondo_option *option, uint64_t seed) {
    const double middle = default_of(option), radius = fmax(is_whole(option) ? 3 : 1, fabs(middle));
    const double low = fmax(option->min, middle - radius), high = fmin(option->max, middle + radius);
    const double value = low + (high - low) * rng_uniform(rng_stream(seed, option->key), 0);
    if (!is_whole(option)) {
        return value;
    }
    const double whole = fmax(floor(value), ceil(option->min));
    return whole != middle ? whole : whole + 1 <= option->max ? whole + 1 : whole - 1;
}

enum { NUMBERS = 3 }; /* values of a number: both ends, one between */

/* Writes value number `number` of an option; returns 0 if it is the default, or not moderate. */
static int write_moderate(const rondo_option *option, uint64_t seed, int32_t number, struct option_setting *moderate) {
    if (!option_has_range(option)) {
        write_end(option, number, moderate);
        return option->default_text == NULL || strcmp(option_setting_value(moderate), option->default_text) != 0;
    }
    const double value = number == 0 ? option->min : number == 1 ? option->max : drawn_value(option, seed);
    moderate->is_end = number < 2;
    moderate->is_max = number == 1;
    write_value(option, 0, value, moderate);
    const int is_default =
        option->default_text != NULL && option->default_text[0] != '[' && value == default_of(option);
    return !is_default && value >= option->min && value <= option->max &&
           (!moderate->is_end || fabs(value) <= most_moderate);
}

int option_moderate(const rondo_option *table, uint64_t seed, int32_t index, struct option_setting *moderate) {
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        const int32_t count = option_has_range(option) ? NUMBERS : ends_of(option);
        for (int32_t number = 0; number < count; number++) {
            if (write_moderate(option, seed, number, moderate) && index-- == 0) {
                return 1;
            }
        }
    }
    return 0;
}

int option_may_diverge(const struct option_setting *setting) {
    return setting->is_max ? setting->option->max > 10 : setting->is_end && setting->option->min < -10;
}
