/* kit/check_options.c: the checks of an option table. Values are set as a user sets them: as text, with option_set
 * (core/options.h). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/options.h"
#include "kit/option_settings.h"
#include "kit/subject.h"

static const struct location nowhere = {0};

static int is_whole(const rondo_option *option) {
    return option->type == RONDO_INT || option->type == RONDO_INTS;
}

/* The option table of the descriptor, with a struct whose values are set. */
struct option_table {
    const struct trial *trial;
    struct arena *arena;
    void *options;
};

/* 0 if there is no table, or no memory; *verdict is then the verdict of the check. */
static int open_table(const struct trial *trial, struct option_table *table, enum verdict *verdict) {
    *table = (struct option_table){trial, trial->kit->arena, NULL};
    *verdict = VERDICT_SKIPPED;
    if (trial->descriptor->options == NULL || trial->descriptor->options->key == NULL) {
        return 0;
    }
    table->options = options_create(trial->descriptor->options, trial->descriptor->options_size, trial->kit->arena,
                                    trial->kit->errors);
    if (table->options == NULL) {
        *verdict = trial_say(trial, VERDICT_FAIL, "%s", errors_text(trial->kit->errors, 0));
    }
    return table->options != NULL;
}

static int accepts(const struct option_table *table, const rondo_option *option, const char *text) {
    struct errors ignored = {0};
    const rondo_status status =
        text == NULL ? RONDO_NO_MEMORY : option_set(option, table->options, text, table->arena, nowhere, &ignored);
    errors_free(&ignored);
    return status == RONDO_OK;
}

/* ---- option_values ---- */

/* 1 if a value that was set from text is written back as the same text. */
static int comes_back(const struct option_table *table, const rondo_option *option, const char *text) {
    if (!accepts(table, option, text)) {
        return 0;
    }
    const char *first = option_text(option, table->options, table->arena);
    const char *second = accepts(table, option, first) ? option_text(option, table->options, table->arena) : NULL;
    const int is_choice = option->type == RONDO_CHOICE || option->type == RONDO_BOOL || option->type == RONDO_STRING;
    return second != NULL && strcmp(first, second) == 0 && (!is_choice || strcmp(first, text) == 0);
}

/* The text of a number, or of a list with this number as its second element. */
static const char *number_text(const struct option_table *table, const rondo_option *option, double value,
                               int in_list) {
    return in_list ? arena_printf(table->arena, "[%s, %.17g]", option_middle(option, table->arena), value)
                   : arena_printf(table->arena, "%.17g", value);
}

/* The ends of the range must be accepted, and the next values outside it refused. */
static enum verdict check_ends(const struct option_table *table, const rondo_option *option) {
    const double limit = is_whole(option) ? 9007199254740992.0 : DBL_MAX; /* 2^53: beyond it a double skips integers */
    for (int end = 0; end < 2; end++) {
        const double bound = end == 0 ? option->min : option->max;
        if (fabs(bound) >= limit) {
            continue; /* there is no number outside this end; option_ranges reports such a range */
        }
        const double away = end == 0 ? -HUGE_VAL : HUGE_VAL;
        const double inside = !is_whole(option) ? bound : end == 0 ? ceil(bound) : floor(bound);
        const double outside = is_whole(option) ? inside + (end == 0 ? -1 : 1) : nextafter(bound, away);
        const char *good = number_text(table, option, inside, 0);
        const char *bad = number_text(table, option, outside, option_is_list(option));
        if (!accepts(table, option, good)) {
            return trial_say(table->trial, VERDICT_FAIL, "'%s' does not accept %s, which is an end of its range",
                             option->key, good);
        }
        if (bad != NULL && accepts(table, option, bad)) {
            return trial_say(table->trial, VERDICT_FAIL, "'%s' accepts %s, which is outside its range", option->key,
                             bad);
        }
    }
    return VERDICT_PASS;
}

/* Texts that only an option of type RONDO_STRING accepts. */
static enum verdict check_refusals(const struct option_table *table, const rondo_option *option) {
    static const char *const wrong[] = {"no such value", "nan", "inf", "", "1 2", "[1, two]"};
    const size_t count = option->type == RONDO_STRING   ? 0
                         : option->type == RONDO_CHOICE ? 1 /* "inf" may be one of the choices */
                                                        : sizeof wrong / sizeof wrong[0];
    for (size_t i = 0; i < count; i++) {
        if (accepts(table, option, wrong[i])) {
            return trial_say(table->trial, VERDICT_FAIL, "'%s' accepts '%s', which is not one of its values",
                             option->key, wrong[i]);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_choices(const struct option_table *table, const rondo_option *option) {
    for (int32_t i = 0; option->choices[i] != NULL; i++) {
        const char *choice = option->choices[i];
        int32_t index = -1;
        if (choice[0] == '\0' || strpbrk(choice, " \t\n,=[]{}#:\"'") != NULL) {
            return trial_say(table->trial, VERDICT_FAIL,
                             "'%s' has the choice '%s', expected a word that can be written without quotes",
                             option->key, choice);
        }
        if (accepts(table, option, choice)) {
            memcpy(&index, (const char *)table->options + option->offset, sizeof index);
        }
        if (index != i) {
            return trial_say(table->trial, VERDICT_FAIL, "'%s' has the choice '%s' twice", option->key, choice);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_values(const struct option_table *table, const rondo_option *option) {
    if (option->default_text != NULL && !comes_back(table, option, option->default_text)) {
        return trial_say(table->trial, VERDICT_FAIL, "the default '%s' of '%s' does not read back",
                         option->default_text, option->key);
    }
    enum verdict verdict = check_refusals(table, option);
    if (verdict == VERDICT_PASS && option_has_range(option)) {
        verdict = check_ends(table, option);
    }
    if (verdict == VERDICT_PASS && option->type == RONDO_CHOICE) {
        verdict = check_choices(table, option);
    }
    return verdict;
}

static enum verdict option_values(struct trial *trial) {
    struct option_table table;
    enum verdict verdict;
    if (!open_table(trial, &table, &verdict)) {
        return verdict;
    }
    verdict = VERDICT_PASS;
    for (const rondo_option *option = trial->descriptor->options; option->key != NULL && verdict == VERDICT_PASS;
         option++) {
        verdict = check_values(&table, option);
    }
    return verdict;
}

/* ---- option_fields ---- */

/* Sets marks[i] to 1 if byte i of the struct belongs to `option`. To find these bytes, the option is set in two structs
 * that differ in every byte; afterwards its bytes are equal. */
static int mark_bytes(const struct option_table *table, const rondo_option *option, unsigned char *marks) {
    const size_t bytes = (size_t)table->trial->descriptor->options_size;
    unsigned char *zeros = arena_alloc(table->arena, bytes), *ones = arena_alloc(table->arena, bytes);
    const char *value = option_middle(option, table->arena);
    if (zeros == NULL || ones == NULL || value == NULL) {
        return 0;
    }
    memset(zeros, 0, bytes);
    memset(ones, 0xff, bytes);
    struct errors ignored = {0};
    if (option_set(option, zeros, value, table->arena, nowhere, &ignored) != RONDO_OK ||
        option_set(option, ones, value, table->arena, nowhere, &ignored) != RONDO_OK) {
        errors_free(&ignored);
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        marks[i] = zeros[i] != 0 || ones[i] != 0xff;
    }
    return 1;
}

static enum verdict option_fields(struct trial *trial) {
    struct option_table table;
    enum verdict verdict;
    if (!open_table(trial, &table, &verdict)) {
        return verdict;
    }
    const size_t bytes = (size_t)trial->descriptor->options_size;
    const rondo_option **owners = arena_calloc(trial->kit->arena, bytes, sizeof *owners);
    unsigned char *marks = arena_calloc(trial->kit->arena, bytes, 1);
    for (const rondo_option *option = trial->descriptor->options; option->key != NULL; option++) {
        if (owners == NULL || marks == NULL || !mark_bytes(&table, option, marks)) {
            return trial_say(trial, VERDICT_FAIL, "'%s' does not accept the middle of its range", option->key);
        }
        for (size_t i = 0; i < bytes; i++) {
            if (marks[i] && owners[i] != NULL) {
                return trial_say(
                    trial, VERDICT_FAIL,
                    "'%s' and '%s' are both stored in byte %zu of the struct, expected a separate field for each",
                    owners[i]->key, option->key, i);
            }
            owners[i] = marks[i] ? option : owners[i];
        }
    }
    return VERDICT_PASS;
}

/* ---- option_ranges ---- */

/* A range that is wider than this does not help users to find a sensible value. */
static const double widest_real = 1e30, widest_whole = 9007199254740992.0; /* 2^53 */

static enum verdict option_ranges(struct trial *trial) {
    if (trial->descriptor->options == NULL || trial->descriptor->options->key == NULL) {
        return VERDICT_SKIPPED;
    }
    for (const rondo_option *option = trial->descriptor->options; option->key != NULL; option++) {
        const double widest = is_whole(option) ? widest_whole : widest_real;
        if (option_has_range(option) && !(fabs(option->min) <= widest && fabs(option->max) <= widest)) {
            return trial_say(trial, VERDICT_WARNING,
                             "'%s' has the range [%g, %g], expected a range of sensible values (at most %g)",
                             option->key, option->min, option->max, widest);
        }
        if (strlen(option->help) < 4 || strcmp(option->help, option->key) == 0) {
            return trial_say(trial, VERDICT_WARNING,
                             "'%s' has the help '%s', expected a line that says what it does, with the unit",
                             option->key, option->help);
        }
        if (option->type == RONDO_CHOICE && option->choices[1] == NULL) {
            return trial_say(trial, VERDICT_WARNING, "'%s' has only the choice '%s', expected two or more", option->key,
                             option->choices[0]);
        }
    }
    return VERDICT_PASS;
}

/* ---- option_check ---- */

/* The status that `check` returns for the options in `text`: RONDO_OK, or a status with errors. */
static rondo_status ask(const struct trial *trial, const char *text, struct errors *errors) {
    struct kit *kit = trial->kit;
    const void *options = kit_options(kit, trial->descriptor, text);
    if (options == NULL) {
        return errors_add(errors, RONDO_INVALID, "%s", errors_text(kit->errors, 0));
    }
    const size_t bytes = (size_t)trial->descriptor->options_size;
    void *before = arena_alloc(kit->arena, bytes);
    if (before == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(before, options, bytes);
    struct host_call call = kit_host_call(kit, kit->arena, errors, &kit->parallel, NULL);
    const rondo_status status = host_result(&call, trial->kind->check_of(trial->descriptor)(&call.base, options));
    return memcmp(before, options, bytes) == 0 ? status : errors_add(errors, RONDO_INTERNAL, "it wrote to the options");
}

/* 1 if a refusal does not help the user: its status is not RONDO_INVALID, or it has no text. */
static int is_bad_refusal(rondo_status status, const struct errors *errors) {
    return status != RONDO_OK && (status != RONDO_INVALID || strstr(errors_text(errors, 0), "did not say why") != NULL);
}

static enum verdict check_of_ends(struct trial *trial) {
    struct option_setting end;
    for (int32_t i = 0; option_end(trial->descriptor->options, i, &end); i++) {
        struct errors errors = {0};
        const rondo_status status = ask(trial, end.text, &errors);
        if (is_bad_refusal(status, &errors)) {
            return trial_say(trial, VERDICT_FAIL,
                             "'check' refuses '%s' with '%s: %s', expected RONDO_INVALID and the reason", end.text,
                             status_text(status), errors_text(&errors, 0));
        }
        errors_free(&errors);
    }
    return VERDICT_PASS;
}

static int has_required(const rondo_descriptor *descriptor) {
    for (const rondo_option *option = descriptor->options; option->key != NULL; option++) {
        if (option->default_text == NULL) {
            return 1;
        }
    }
    return 0;
}

static enum verdict option_check(struct trial *trial) {
    const rondo_descriptor *descriptor = trial->descriptor;
    if (trial->kind->check_of(descriptor) == NULL || descriptor->options == NULL || descriptor->options->key == NULL) {
        return VERDICT_SKIPPED;
    }
    struct errors errors = {0};
    const rondo_status status = ask(trial, NULL, &errors);
    if (is_bad_refusal(status, &errors) || (status != RONDO_OK && !has_required(descriptor))) {
        return trial_say(trial, VERDICT_FAIL, "'check' does not accept the defaults: %s", errors_text(&errors, 0));
    }
    return check_of_ends(trial);
}

const struct kit_check kit_option_checks[] = {
    {"option_values", "defaults and both ends of each range are accepted, and values outside are refused",
     option_values},
    {"option_fields", "every option has its own field in the options struct", option_fields},
    {"option_ranges", "ranges and help texts help users to find sensible values", option_ranges},
    {"option_check", "'check' accepts the defaults, and gives a reason when it refuses", option_check},
    {NULL, NULL, NULL},
};
