#include <string.h>

#include "core/options.h"

static void store(const rondo_option *option, void *options, const void *value, size_t size) {
    memcpy((char *)options + option->offset, value, size);
}

/* The index of a word among the choices; -1: none. */
static int32_t find_choice(const rondo_option *option, const char *word) {
    for (int32_t i = 0; word != NULL && option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

rondo_status options_store(const rondo_option *table, void *options, const struct option_value *values, int32_t count,
                           struct errors *errors) {
    for (int32_t i = 0; i < count; i++) {
        const rondo_option *option = option_find(table, values[i].key);
        const double number = values[i].number;
        RONDO_CHECK(option != NULL, errors, "the op has the option");
        if (option->type == RONDO_CHOICE) {
            const int32_t index = find_choice(option, values[i].word);
            RONDO_CHECK(index >= 0, errors, "the option has the choice");
            store(option, options, &index, sizeof index);
        } else if (option->type == RONDO_BOOL) {
            const int32_t is_on = number != 0;
            store(option, options, &is_on, sizeof is_on);
        } else if (option->type == RONDO_REAL) {
            RONDO_CHECK(number >= option->min && number <= option->max, errors, "the number is in its range");
            store(option, options, &number, sizeof number);
        } else {
            const int64_t integer = (int64_t)number;
            RONDO_CHECK(option->type == RONDO_INT && number >= option->min && number <= option->max, errors,
                        "the option is an integer, and the number is in its range");
            store(option, options, &integer, sizeof integer);
        }
    }
    return RONDO_OK;
}
