/* kit/check.c: what checks share: see kit/check.h. */
#include "kit/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"

enum verdict kit_say(char *reason, size_t size, enum verdict verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    number_vprint(reason, size, format, arguments);
    va_end(arguments);
    return verdict;
}

/* ---- options ---- */

/* sqrt(min max) of [1, 4096] is 64; (min + max) / 2 of [0, 1] is 0.5. An endless side counts as one step away. */
static double middle(const rondo_option *option) {
    const int has_min = isfinite(option->min), has_max = isfinite(option->max);
    if (has_min && has_max) {
        return option->min > 0 ? sqrt(option->min) * sqrt(option->max) : 0.5 * option->min + 0.5 * option->max;
    }
    return has_min ? option->min + 1 : has_max ? option->max - 1 : 0;
}

const char *option_middle(const rondo_option *option, struct arena *arena) {
    switch (option->type) {
    case RONDO_INT:
    case RONDO_INTS: {
        const double whole = floor(middle(option));
        return arena_printf(arena, "%.17g", whole < option->min ? ceil(option->min) : whole);
    }
    case RONDO_REAL:
    case RONDO_REALS:
        return arena_printf(arena, "%.17g", middle(option));
    case RONDO_CHOICE:
        return option->choices[0];
    case RONDO_BOOL:
        return "false";
    default:
        return "text";
    }
}

/* 1 where `text` gives the option a value: "key=" at its start or behind a blank or a comma. */
static int is_given(const char *text, const char *key) {
    const size_t length = strlen(key);
    for (const char *at = text; at != NULL && (at = strstr(at, key)) != NULL; at++) {
        if ((at == text || strchr(" \t\n,", at[-1]) != NULL) && at[length] == '=') {
            return 1;
        }
    }
    return 0;
}

void *kit_options(struct kit *kit, const rondo_descriptor *descriptor, const char *text) {
    if (descriptor->options == NULL) {
        return NULL;
    }
    const char *all = text == NULL ? "" : text;
    for (const rondo_option *option = descriptor->options; option->key != NULL; option++) {
        if (option->default_text == NULL && !is_given(text, option->key)) {
            const char *value = option_middle(option, kit->arena);
            all = value == NULL || all == NULL ? NULL : arena_printf(kit->arena, "%s=%s %s", option->key, value, all);
        }
    }
    void *options = options_create(descriptor->options, descriptor->options_size, kit->arena, kit->errors);
    if (all == NULL) {
        errors_no_memory(kit->errors);
        return NULL;
    }
    if (options == NULL || options_parse(descriptor->options, options, all, descriptor->name, kit->arena,
                                         (struct location){0}, kit->errors) != RONDO_OK) {
        return NULL;
    }
    return options;
}
