#include "kit/option_ends.h"

#include <stdio.h>

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

static void write_end(const rondo_option *option, int32_t number, struct option_end *end) {
    end->option = option;
    end->is_max = is_number(option->type) && number == 1;
    const double value = number == 0 ? option->min : option->max;
    switch (option->type) {
    case RONDO_BOOL:
        snprintf(end->text, sizeof end->text, "%s=%s", option->key, number == 0 ? "false" : "true");
        break;
    case RONDO_CHOICE:
        snprintf(end->text, sizeof end->text, "%s=%s", option->key, option->choices[number]);
        break;
    case RONDO_INT:
    case RONDO_INTS:
        snprintf(end->text, sizeof end->text, "%s=%.0f", option->key, value);
        break;
    default:
        snprintf(end->text, sizeof end->text, "%s=%.17g", option->key, value);
    }
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

int option_end_may_diverge(const struct option_end *end) {
    return end->is_max && end->option->max > 10;
}
