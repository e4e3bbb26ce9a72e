/* kit/check.c: see kit/check.h. */
#include "kit/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "kit/option_settings.h"

/* ---- reasons ---- */

/* Appends to the reason, as far as there is room; returns the new length. */
static size_t append(const struct trial *trial, size_t used, const char *before, const char *text) {
    if (text == NULL || text[0] == '\0' || used >= trial->size) {
        return used;
    }
    const int wrote = snprintf(trial->reason + used, trial->size - used, "%s%s", before, text);
    return wrote < 0 ? used : used + (size_t)wrote;
}

enum verdict trial_say_list(const struct trial *trial, enum verdict verdict, const char *format, va_list arguments) {
    size_t used = append(trial, 0, "", trial->situation);
    used = append(trial, used, used == 0 ? "" : ", ", trial->where);
    for (int i = 0; i < TRIAL_VALUES && trial->values[i] != NULL; i++) {
        used = append(trial, used, i > 0 ? " " : used == 0 ? "with " : ", with ", trial->values[i]->text);
    }
    used = used == 0 ? 0 : append(trial, used, ":", " ");
    if (used < trial->size) {
        number_vprint(trial->reason + used, trial->size - used, format, arguments);
    }
    return verdict;
}

enum verdict trial_say(const struct trial *trial, enum verdict verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    trial_say_list(trial, verdict, format, arguments);
    va_end(arguments);
    return verdict;
}

void trial_unsay(const struct trial *trial) {
    if (trial->size > 0) {
        trial->reason[0] = '\0';
    }
}

/* ---- options ---- */

/* sqrt(min max) of [1, 4096] is 64; (min + max) / 2 of [0, 1] is 0.5. If one end is infinite, the other end plus or
 * minus 1 is used. */
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
    case RONDO_CLASS_REALS:
        return arena_printf(arena, "%.17g", middle(option));
    case RONDO_CHOICE:
        return option->choices[0];
    case RONDO_BOOL:
        return "false";
    default:
        return "text";
    }
}

/* 1 if `text` gives the option a value: it has "key=" at its start, or after a blank or a comma. */
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

/* Sets the values of a trial in an options struct, over those that it has. 0 with kit->errors. */
static int set_values(const struct trial *trial, void *options) {
    for (int i = 0; i < TRIAL_VALUES && trial->values[i] != NULL; i++) {
        if (option_set(trial->values[i]->option, options, option_setting_value(trial->values[i]), trial->kit->arena,
                       (struct location){0}, trial->kit->errors) != RONDO_OK) {
            return 0;
        }
    }
    return 1;
}

void *trial_options(const struct trial *trial, const char *text) {
    void *options = kit_options(trial->kit, trial->descriptor, text == NULL ? trial->options : text);
    return options != NULL && set_values(trial, options) ? options : NULL;
}

int option_is_parsed(const struct trial *trial, const struct option_setting *value) {
    const rondo_descriptor *descriptor = trial->descriptor;
    struct arena *arena = trial->kit->arena;
    struct errors ignored = {0};
    void *options = options_create(descriptor->options, (size_t)descriptor->options_size, arena, &ignored);
    const int is_parsed = options != NULL && option_set(value->option, options, option_setting_value(value), arena,
                                                        (struct location){0}, &ignored) == RONDO_OK;
    errors_free(&ignored);
    return is_parsed;
}
