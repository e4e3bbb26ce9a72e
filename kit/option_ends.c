#include "kit/option_ends.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/rng.h"

static int is_number(int32_t type) {
    return type == RONDO_INT || type == RONDO_REAL || type == RONDO_INTS || type == RONDO_REALS;
}

/* How many ends an option has. */
static int32_t ends_of(const rondo_option *option) {
    if (is_number(option->type) || option->type == RONDO_BOOL) {
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

/* `value` of a number; of others number `number` of their values. */
static void write_value(const rondo_option *option, int32_t number, double value, struct option_end *end) {
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

static void write_end(const rondo_option *option, int32_t number, struct option_end *end) {
    end->is_end = is_number(option->type);
    end->is_max = end->is_end && number == 1;
    write_value(option, number, number == 0 ? option->min : option->max, end);
}

const char *option_end_value(const struct option_end *end) {
    return end->text + strlen(end->option->key) + 1;
}

int option_end(const rondo_option *table, int32_t index, struct option_end *end) {
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

/* Beyond it differences lose their digits, and sizes take memory. */
static const double most_moderate = 10;

/* Without a default 1, or what is next to it. */
static double default_of(const rondo_option *option) {
    const double wanted = option->default_text == NULL ? 1 : number_parse(option->default_text, NULL);
    return fmin(fmax(wanted, option->min), option->max);
}

/* Uniform in what the range has of [d - r, d + r), r = max(1, |d|) for the default d; of whole numbers one that is not
 * d, where there is one. */
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

/* Value number `number` of an option; 0 where it is the default, or not moderate. */
static int write_trial(const rondo_option *option, uint64_t seed, int32_t number, struct option_end *trial) {
    if (!is_number(option->type)) {
        write_end(option, number, trial);
        return option->default_text == NULL || strcmp(option_end_value(trial), option->default_text) != 0;
    }
    const double value = number == 0 ? option->min : number == 1 ? option->max : drawn_value(option, seed);
    trial->is_end = number < 2;
    trial->is_max = number == 1;
    write_value(option, 0, value, trial);
    const int is_default =
        option->default_text != NULL && option->default_text[0] != '[' && value == default_of(option);
    return !is_default && value >= option->min && value <= option->max &&
           (!trial->is_end || fabs(value) <= most_moderate);
}

int option_trial(const rondo_option *table, uint64_t seed, int32_t index, struct option_end *trial) {
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        const int32_t count = is_number(option->type) ? NUMBERS : ends_of(option);
        for (int32_t number = 0; number < count; number++) {
            if (write_trial(option, seed, number, trial) && index-- == 0) {
                return 1;
            }
        }
    }
    return 0;
}

int option_end_may_diverge(const struct option_end *end) {
    return end->is_max ? end->option->max > 10 : end->is_end && end->option->min < -10;
}
