#include "core/options.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/suggest.h"

/* printf format for a user's text in an error: only its first 80 bytes. */
#define QUOTED "%.80s"

/* ---- descriptions of what an option takes ---- */

_Static_assert(RONDO_MAX_DIMS == 6, "describe_expected says how long a list may be");

/* Part of an error message in a fixed buffer, so that no allocation can fail; text that does not fit is cut. */
struct option_description {
    char text[512];
    size_t length;
};

static void describe(struct option_description *description, const char *format, ...) RONDO_PRINTF(2, 3);
static void describe(struct option_description *description, const char *format, ...) {
    const size_t room = sizeof description->text - description->length;
    va_list arguments;
    va_start(arguments, format);
    const int wrote = number_vprint(description->text + description->length, room, format, arguments);
    va_end(arguments);
    if (wrote > 0) {
        description->length += (size_t)wrote < room ? (size_t)wrote : room - 1;
    }
}

/* A bound that no value of the type can exceed means "no bound". */
static void describe_range(struct option_description *description, const char *what, const rondo_option *option) {
    const int is_real = option->type != RONDO_INT && option->type != RONDO_INTS;
    const double limit = is_real ? DBL_MAX : 9223372036854775808.0; /* 2^63 */
    const int has_min = option->min > -limit;
    const int has_max = option->max < limit;
    char min[400], max[400]; /* integers with all their digits */
    number_print(min, sizeof min, is_real ? "%.15g" : "%.0f", option->min);
    number_print(max, sizeof max, is_real ? "%.15g" : "%.0f", option->max);
    if (has_min && has_max) {
        describe(description, "%s in [%s, %s]", what, min, max);
    } else if (has_min) {
        describe(description, "%s >= %s", what, min);
    } else if (has_max) {
        describe(description, "%s <= %s", what, max);
    } else {
        describe(description, "%s", what);
    }
}

/* 1 if the help of a list begins with the names of its numbers, such as "[height, width] in pixels". */
static int has_form(const rondo_option *option) {
    return option->type == RONDO_INTS && option->help != NULL && option->help[0] == '[' &&
           strchr(option->help, ']') != NULL;
}

static void describe_expected(struct option_description *description, const rondo_option *option) {
    switch (option->type) {
    case RONDO_BOOL:
        describe(description, "true or false");
        break;
    case RONDO_INT:
        describe_range(description, "integer", option);
        break;
    case RONDO_REAL:
        describe_range(description, "number", option);
        break;
    case RONDO_CHOICE:
        for (int32_t i = 0; option->choices[i] != NULL; i++) {
            describe(description, "%s%s", i == 0 ? "one of " : ", ", option->choices[i]);
        }
        break;
    case RONDO_INTS:
        if (has_form(option)) { /* "[height, width]: integers in [1, 32768]" */
            describe(description, "%.*s: ", (int)strcspn(option->help, "]") + 1, option->help);
        }
        describe_range(description, has_form(option) ? "integers" : "integer or list of up to 6 integers", option);
        break;
    case RONDO_REALS:
        describe_range(description, "number or list of numbers", option);
        break;
    case RONDO_CLASS_REALS:
        describe_range(description, "balanced, or for each class a number", option);
        break;
    default:
        describe(description, "text");
        break;
    }
}

const char *option_expected(const rondo_option *option, struct arena *arena) {
    struct option_description description = {0};
    describe_expected(&description, option);
    return arena_strdup(arena, description.text);
}

/* ---- numbers ---- */

/* Parses text[0 .. length), which must be one finite decimal number. number_parse would also accept "0x1p3", "nan"
 * and leading blanks. */
static int parse_real(const char *text, size_t length, double *value) {
    char copy[64];
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789+-.eE") < length) {
        return 0;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *end = NULL;
    *value = number_parse(copy, &end);
    return *end == '\0' && end != copy && isfinite(*value);
}

/* Parses an integer; "1e3" and "2.0" are accepted if the number is an integer exactly. */
static int parse_int(const char *text, size_t length, int64_t *value) {
    double real = 0;
    if (!parse_real(text, length, &real)) {
        return 0;
    }
    char *end = NULL;
    errno = 0;
    const long long integer = strtoll(text, &end, 10);
    if (end == text + length) {
        *value = integer;
        return errno == 0;
    }
    if (fabs(real) > 9007199254740992.0 || real != floor(real)) { /* 2^53: beyond it a double skips integers */
        return 0;
    }
    *value = (int64_t)real;
    return 1;
}

static int in_range(const rondo_option *option, double value) {
    return value >= option->min && value <= option->max;
}

/* ---- text to value ---- */

/* Calls add(list, text, length) for each item of "[0, 2]", "[]" or "3". add returns 0 for an item that it refuses. */
static int parse_list(const char *text, int (*add)(void *list, const char *text, size_t length), void *list) {
    if (*text != '[') {
        return add(list, text, strlen(text));
    }
    text += 1 + strspn(text + 1, " ");
    while (*text != ']') {
        const size_t length = strcspn(text, " ,]");
        if (!add(list, text, length)) {
            return 0;
        }
        text += length + strspn(text + length, " ");
        if (*text == ',') {
            text += 1 + strspn(text + 1, " ");
            if (*text == ']') {
                return 0;
            }
        } else if (*text != ']') {
            return 0;
        }
    }
    return text[1] == '\0';
}

static int add_int(void *list, const char *text, size_t length) {
    rondo_ints *ints = list;
    return ints->count < RONDO_MAX_DIMS && parse_int(text, length, &ints->values[ints->count++]);
}

/* A list of numbers is read twice: to count them, and to store them in an array of that size. */
#define MOST_REALS 4096
struct reals_reading {
    int64_t count, capacity;
    double *values;
};

static int count_real(void *list, const char *text, size_t length) {
    struct reals_reading *reals = list;
    (void)text;
    (void)length;
    return ++reals->capacity <= MOST_REALS;
}

static int add_real(void *list, const char *text, size_t length) {
    struct reals_reading *reals = list;
    return parse_real(text, length, &reals->values[reals->count++]);
}

/* The index of `text` among the choices; -1 if it is not one of them, and then `near` has the nearest. */
static int32_t parse_choice(const rondo_option *option, const char *text, struct suggestion *near) {
    for (int32_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            return i;
        }
        suggest(near, text, option->choices[i]);
    }
    return -1;
}

/* Writes a field by memcpy, since the compiler knows nothing about the struct's type. */
static void store(const rondo_option *option, void *options, const void *value, size_t size) {
    memcpy((char *)options + option->offset, value, size);
}

static int set_real(const rondo_option *option, void *options, const char *text) {
    double value = 0;
    if (!parse_real(text, strlen(text), &value) || !in_range(option, value)) {
        return 0;
    }
    store(option, options, &value, sizeof value);
    return 1;
}

static int set_int(const rondo_option *option, void *options, const char *text) {
    int64_t value = 0;
    if (!parse_int(text, strlen(text), &value) || !in_range(option, (double)value)) {
        return 0;
    }
    store(option, options, &value, sizeof value);
    return 1;
}

static int set_ints(const rondo_option *option, void *options, const char *text) {
    rondo_ints value = {0};
    if (!parse_list(text, add_int, &value)) {
        return 0;
    }
    for (int32_t i = 0; i < value.count; i++) {
        if (!in_range(option, (double)value.values[i])) {
            return 0;
        }
    }
    store(option, options, &value, sizeof value);
    return 1;
}

/* 1 if it was set, 0 if the text is not a list of numbers in the range, -1 if memory is short. */
static int set_reals(const rondo_option *option, void *options, const char *text, struct arena *arena) {
    struct reals_reading reals = {0};
    if (!parse_list(text, count_real, &reals)) {
        return 0;
    }
    reals.values = arena_calloc(arena, (size_t)reals.capacity, sizeof *reals.values);
    if (reals.values == NULL) {
        return -1;
    }
    if (!parse_list(text, add_real, &reals)) {
        return 0;
    }
    for (int64_t i = 0; i < reals.count; i++) {
        if (!in_range(option, reals.values[i])) {
            return 0;
        }
    }
    const rondo_reals value = {reals.count, reals.values};
    store(option, options, &value, sizeof value);
    return 1;
}

static int set_bool(const rondo_option *option, void *options, const char *text) {
    const int32_t value = strcmp(text, "true") == 0;
    if (!value && strcmp(text, "false") != 0) {
        return 0;
    }
    store(option, options, &value, sizeof value);
    return 1;
}

static int set_choice(const rondo_option *option, void *options, const char *text, struct suggestion *near) {
    const int32_t value = parse_choice(option, text, near);
    if (value < 0) {
        return 0;
    }
    store(option, options, &value, sizeof value);
    return 1;
}

/* Adds "'lr' is -1, expected a number in [0, 1000]". Text that is not a number is quoted. */
static rondo_status refuse(const rondo_option *option, const char *text, const struct suggestion *near,
                           struct location where, struct errors *errors) {
    static const char *const articles[] = {
        [RONDO_INT] = "an ", [RONDO_REAL] = "a ", [RONDO_INTS] = "an ", [RONDO_REALS] = "a "}; /* NULL for the others */
    const char *article =
        option->type >= 0 && option->type <= RONDO_REALS && !has_form(option) ? articles[option->type] : NULL;
    struct option_description expected = {0};
    describe_expected(&expected, option);
    double number = 0;
    const char *quote = parse_real(text, strlen(text), &number) ? "" : "'";
    return errors_add_at(errors, RONDO_INVALID, where, "'%s' is %s" QUOTED "%s, expected %s%s%s", option->key, quote,
                         text, quote, article == NULL ? "" : article, expected.text, suggestion_text(near).text);
}

rondo_status option_set(const rondo_option *option, void *options, const char *text, struct arena *arena,
                        struct location where, struct errors *errors) {
    struct suggestion near = {0};
    int is_set = 0;
    switch (option->type) {
    case RONDO_BOOL:
        is_set = set_bool(option, options, text);
        break;
    case RONDO_INT:
        is_set = set_int(option, options, text);
        break;
    case RONDO_REAL:
        is_set = set_real(option, options, text);
        break;
    case RONDO_CHOICE:
        is_set = set_choice(option, options, text, &near);
        break;
    case RONDO_INTS:
        is_set = set_ints(option, options, text);
        break;
    case RONDO_REALS:
    case RONDO_CLASS_REALS:
        is_set = set_reals(option, options, text, arena);
        if (is_set < 0) {
            return errors_no_memory(errors);
        }
        break;
    case RONDO_STRING: {
        const char *copy = arena_strdup(arena, text);
        if (copy == NULL) {
            return errors_no_memory(errors);
        }
        store(option, options, &copy, sizeof copy);
        is_set = 1;
        break;
    }
    default:
        return errors_bug(errors, __FILE__, __LINE__, "the type of an option is one of enum rondo_option_type");
    }
    return is_set ? RONDO_OK : refuse(option, text, &near, where, errors);
}

/* ---- value to text ---- */

/* The shortest decimal text that is read back as the same number. */
static const char *real_text(double value, struct arena *arena) {
    return arena_strdup(arena, number_shortest(value, 15).text);
}

static const char *reals_text(const rondo_reals *reals, struct arena *arena) {
    const char *text = "[";
    for (int64_t i = 0; i < reals->count; i++) {
        text = arena_printf(arena, "%s%s%s", text, i == 0 ? "" : ", ", real_text(reals->values[i], arena));
    }
    return arena_printf(arena, "%s]", text);
}

static const char *ints_text(const rondo_ints *ints, struct arena *arena) {
    struct option_description text = {0};
    if (ints->count == 1) {
        describe(&text, "%" PRId64, ints->values[0]);
    } else {
        describe(&text, "[");
        for (int32_t i = 0; i < ints->count && i < RONDO_MAX_DIMS; i++) {
            describe(&text, "%s%" PRId64, i == 0 ? "" : ", ", ints->values[i]);
        }
        describe(&text, "]");
    }
    return arena_strdup(arena, text.text);
}

const char *option_text(const rondo_option *option, const void *options, struct arena *arena) {
    const char *field = (const char *)options + option->offset;
    union {
        int32_t index;
        int64_t integer;
        double real;
        const char *string;
        rondo_ints ints;
        rondo_reals reals;
    } value = {0};
    switch (option->type) {
    case RONDO_BOOL:
        memcpy(&value.index, field, sizeof value.index);
        return arena_strdup(arena, value.index != 0 ? "true" : "false");
    case RONDO_INT:
        memcpy(&value.integer, field, sizeof value.integer);
        return arena_printf(arena, "%" PRId64, value.integer);
    case RONDO_REAL:
        memcpy(&value.real, field, sizeof value.real);
        return real_text(value.real, arena);
    case RONDO_CHOICE:
        memcpy(&value.index, field, sizeof value.index);
        return arena_strdup(arena, option->choices[value.index]);
    case RONDO_INTS:
        memcpy(&value.ints, field, sizeof value.ints);
        return ints_text(&value.ints, arena);
    case RONDO_REALS:
    case RONDO_CLASS_REALS:
        memcpy(&value.reals, field, sizeof value.reals);
        return reals_text(&value.reals, arena);
    default:
        memcpy(&value.string, field, sizeof value.string);
        return arena_strdup(arena, value.string == NULL ? "" : value.string);
    }
}

/* ---- tables ---- */

int option_is_list(const rondo_option *option) {
    return option->type == RONDO_INTS || option->type == RONDO_REALS || option->type == RONDO_CLASS_REALS;
}

int option_has_range(const rondo_option *option) {
    return option->type == RONDO_INT || option->type == RONDO_REAL || option_is_list(option);
}

const rondo_option *option_find(const rondo_option *table, const char *key) {
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        if (strcmp(option->key, key) == 0) {
            return option;
        }
    }
    return NULL;
}

void *options_create(const rondo_option *table, size_t size, struct arena *arena, struct errors *errors) {
    void *options = arena_calloc(arena, 1, size);
    if (options == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        if (option->default_text != NULL &&
            option_set(option, options, option->default_text, arena, (struct location){0}, errors) != RONDO_OK) {
            return NULL;
        }
    }
    return options;
}

/* Replaces memory of the original that a field of `copy` points to by a copy of that memory. */
static void copy_owned(const rondo_option *option, void *copy, struct arena *arena) {
    const char *field = (const char *)copy + option->offset;
    if (option->type == RONDO_STRING) {
        const char *text = NULL;
        memcpy(&text, field, sizeof text);
        text = text == NULL ? NULL : arena_strdup(arena, text);
        store(option, copy, &text, sizeof text);
    } else if (option->type == RONDO_REALS || option->type == RONDO_CLASS_REALS) {
        rondo_reals reals = {0};
        memcpy(&reals, field, sizeof reals);
        double *values = reals.values == NULL ? NULL : arena_calloc(arena, (size_t)reals.count, sizeof *values);
        if (values != NULL) {
            memcpy(values, reals.values, (size_t)reals.count * sizeof *values);
        }
        reals.values = values;
        store(option, copy, &reals, sizeof reals);
    }
}

_Static_assert(RONDO_CLASS_REALS == 7, "a new type of option that owns memory needs a branch in copy_owned");

rondo_status options_copy(const rondo_option *table, size_t size, const void *from, void *to, struct arena *arena) {
    if (size > 0) { /* else `from` may be NULL */
        memcpy(to, from, size);
    }
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        copy_owned(option, to, arena);
    }
    return arena_failed(arena) ? RONDO_NO_MEMORY : RONDO_OK;
}

rondo_status option_unknown(const rondo_option *table, const char *key, const char *of, struct location where,
                            struct errors *errors) {
    struct suggestion near = {0};
    struct option_description known = {0};
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        suggest(&near, key, option->key);
        describe(&known, "%s%s", known.length == 0 ? "it takes " : ", ", option->key);
    }
    return errors_add_at(errors, RONDO_INVALID, where, "unknown option '" QUOTED "' of %s%s; %s", key, of,
                         suggestion_text(&near).text, known.length == 0 ? "it takes none" : known.text);
}

rondo_status options_require(const rondo_option *table, int (*is_given)(const void *arg, const char *key),
                             const void *arg, const char *of, struct location where, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        if (option->default_text == NULL && !is_given(arg, option->key)) {
            struct option_description expected = {0};
            describe_expected(&expected, option);
            status = errors_add_at(errors, RONDO_INVALID, where, "option '%s' of %s is missing, expected %s (%s)",
                                   option->key, of, expected.text, option->help);
        }
    }
    return status;
}

/* ---- "key=value key=value" ---- */

/* One pair; borrowed from the text. */
struct option_pair {
    const char *key, *value;
    size_t key_length, value_length;
};

static const char *skip_separators(const char *text) {
    return text + strspn(text, " \t\n,");
}

/* Reads the pair at the start of `text`, which is not empty. Returns its end; NULL if it has no key or no value. */
static const char *read_pair(const char *text, struct option_pair *pair) {
    pair->key = text;
    pair->key_length = strcspn(text, "= \t\n,");
    if (pair->key_length == 0 || text[pair->key_length] != '=') {
        return NULL;
    }
    pair->value = text + pair->key_length + 1;
    if (*pair->value == '[') {
        const char *end = strchr(pair->value, ']');
        pair->value_length = end == NULL ? strlen(pair->value) : (size_t)(end - pair->value) + 1;
    } else {
        pair->value_length = strcspn(pair->value, " \t\n,");
    }
    return pair->value_length == 0 ? NULL : pair->value + pair->value_length;
}

/* 1 if an earlier pair of `text` has the key of `pair`. */
static int is_repeated(const char *text, const struct option_pair *pair) {
    struct option_pair earlier;
    for (text = skip_separators(text); text != NULL && text < pair->key; text = skip_separators(text)) {
        text = read_pair(text, &earlier);
        if (text == NULL) {
            return 0;
        }
        if (earlier.key_length == pair->key_length && earlier.key != pair->key &&
            memcmp(earlier.key, pair->key, pair->key_length) == 0) {
            return 1;
        }
    }
    return 0;
}

static rondo_status set_pair(const rondo_option *table, void *options, const char *text, const struct option_pair *pair,
                             const char *of, struct arena *arena, struct location where, struct errors *errors) {
    const char *key = arena_strndup(arena, pair->key, pair->key_length);
    const char *value = arena_strndup(arena, pair->value, pair->value_length);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    const rondo_option *option = option_find(table, key);
    if (option == NULL) {
        return option_unknown(table, key, of, where, errors);
    }
    if (is_repeated(text, pair)) {
        return errors_add_at(errors, RONDO_INVALID, where, "option '%s' of %s is given twice", key, of);
    }
    return option_set(option, options, value, arena, where, errors);
}

int options_text_gives(const char *text, const char *key) {
    const size_t length = strlen(key);
    struct option_pair pair;
    for (const char *at = skip_separators(text == NULL ? "" : text); *at != '\0'; at = skip_separators(at)) {
        at = read_pair(at, &pair);
        if (at == NULL) {
            return 0;
        }
        if (pair.key_length == length && memcmp(pair.key, key, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static int text_gives(const void *text, const char *key) {
    return options_text_gives(text, key);
}

rondo_status options_parse(const rondo_option *table, void *options, const char *text, const char *of,
                           struct arena *arena, struct location where, struct errors *errors) {
    rondo_status status = RONDO_OK;
    const char *at = skip_separators(text == NULL ? "" : text);
    while (*at != '\0') {
        struct option_pair pair;
        const char *end = read_pair(at, &pair);
        if (end == NULL) {
            return errors_add_at(errors, RONDO_INVALID, where, "options of %s: expected 'key=value' at '" QUOTED "'",
                                 of, at);
        }
        const rondo_status set = set_pair(table, options, text, &pair, of, arena, where, errors);
        status = status == RONDO_OK ? set : status;
        at = skip_separators(end);
    }
    const rondo_status complete = options_require(table, text_gives, text, of, where, errors);
    return status == RONDO_OK ? complete : status;
}
