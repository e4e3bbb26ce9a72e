/* Ranges of numbers: {from: 1e-4, to: 1e-2, log: true, count: 3}. */
#include "experiment/compare_axes.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "experiment/sections.h"
#include "io/section.h"

enum {
    LEAST_DIGITS = 3,   /* of numbers between the ends; more where the range needs them */
    LEAST_STEPS = 200,  /* rounding moves a number by at most one of so many parts of the range */
    STEPS_PER_POINT = 4 /* … or of so many parts for each point */
};

int compare_is_range(const struct yaml_node *node) {
    return node->kind == YAML_MAPPING && (yaml_get(node, "from") != NULL || yaml_get(node, "to") != NULL);
}

/* ---- the type of the key ---- */

/* 1 if the key is directly inside the section, whose last part may be ".N" for any number; its last part in *last. */
static int is_key_of(const char *section, const char *key, const char **last) {
    while (*section != '\0') {
        const size_t part = strcspn(section, "."), n = strcspn(key, ".");
        const int is_number = n > 0 && strspn(key, "0123456789") == n;
        const int fits = part == 1 && section[0] == 'N' ? is_number : part == n && strncmp(section, key, n) == 0;
        if (!fits || key[n] == '\0') {
            return 0;
        }
        section += section[part] == '.' ? part + 1 : part;
        key += n + 1;
    }
    *last = key;
    return strchr(key, '.') == NULL;
}

enum key_type { KEY_UNKNOWN, KEY_REAL, KEY_INTEGER, KEY_OTHER };

/* What a key of the table of experiments takes; options of plug-ins, readers and cells are not known here. */
static enum key_type type_of(const char *key) {
    for (const struct experiment_section *section = experiment_sections; section->name != NULL; section++) {
        const char *last;
        if (!is_key_of(section->name, key, &last)) {
            continue;
        }
        const rondo_option *option = option_find(section->table, last);
        if (option != NULL) {
            return option->type == RONDO_INT ? KEY_INTEGER : option->type == RONDO_REAL ? KEY_REAL : KEY_OTHER;
        }
        for (const struct experiment_key *row = section->keys; row != NULL && row->name != NULL; row++) {
            if (strcmp(row->name, last) == 0) {
                return row->value == EXPERIMENT_BATCH ? KEY_INTEGER : KEY_OTHER;
            }
        }
    }
    return KEY_UNKNOWN;
}

/* ---- reading ---- */

/* Mistakes of a range whose options have been read. */
static rondo_status check_range(const struct compare_reader *reader, const struct yaml_node *node,
                                const struct compare_range_options *options, enum key_type type) {
    struct errors *errors = reader->errors;
    const struct yaml_node *count = yaml_get(node, "count"), *integer = yaml_get(node, "integer");
    const int is_integer = options->integer || type == KEY_INTEGER;
    rondo_status status = RONDO_OK;
    if (type == KEY_OTHER) {
        status = errors_add_at(errors, RONDO_INVALID, node->where,
                               "'%s' takes no number, expected a list of values in place of a range", node->key);
    } else if (!(options->from < options->to)) {
        status = errors_add_at(errors, RONDO_INVALID, yaml_get(node, "to")->where,
                               "the range of '%s' ends at %.15g and begins at %.15g, expected more", node->key,
                               options->to, options->from);
    } else if (!isfinite(options->to - options->from)) {
        status = errors_add_at(errors, RONDO_INVALID, node->where, "the range of '%s' is wider than a number can be",
                               node->key);
    } else if (options->log && options->from <= 0) {
        status = errors_add_at(errors, RONDO_INVALID, yaml_get(node, "from")->where,
                               "a range with 'log' begins at %.15g, expected more than 0", options->from);
    }
    if (type == KEY_INTEGER && integer != NULL && !options->integer) {
        status = errors_add_at(errors, RONDO_INVALID, integer->where, "'%s' takes integers", node->key);
    } else if (is_integer && (options->from != floor(options->from) || options->to != floor(options->to))) {
        status = errors_add_at(errors, RONDO_INVALID, node->where,
                               "the ends of the range of '%s' are %.15g and %.15g, expected integers", node->key,
                               options->from, options->to);
    } else if (is_integer && (fabs(options->from) > 1e15 || fabs(options->to) > 1e15)) {
        status = errors_add_at(errors, RONDO_INVALID, node->where,
                               "the ends of the range of '%s' are integers beyond 1e15", node->key);
    }
    if (reader->is_drawn && count != NULL) {
        status = errors_add_at(errors, RONDO_INVALID, count->key_where,
                               "'count' is the number of values in a grid, and '%s' draws values: leave it out",
                               reader->drawn_by);
    } else if (!reader->is_drawn && options->count < 2) {
        status = errors_add_at(errors, RONDO_INVALID, count == NULL ? node->where : count->where,
                               "the range of '%s' has %s, expected a 'count' of 2 or more; or 'sample', the number of "
                               "variants that are drawn",
                               node->key, count == NULL ? "no 'count'" : "too small a 'count'");
    }
    return status;
}

/* ---- numbers ---- */

/* "0.0001", "12800", "1.5e-5": as one would write it. */
static const char *text_of(double value, struct arena *arena) {
    struct number_text text;
    if (value == floor(value) && fabs(value) < 1e15) {
        number_print(text.text, sizeof text.text, "%.0f", value + 0.0);
    } else {
        text = number_shortest(value, 1);
    }
    char *exponent = strchr(text.text, 'e');
    if (exponent != NULL) { /* "e-05" */
        char *digits = exponent + 1 + (exponent[1] == '-' || exponent[1] == '+');
        const size_t zeros = strspn(digits, "0");
        memmove(digits, digits + zeros, strlen(digits + zeros) + 1);
    }
    return arena_strdup(arena, text.text);
}

/* The number with the fewest digits that is near enough to `value`, in the range. */
static double rounded(const struct compare_range *range, double value, int32_t points) {
    const int32_t steps = points > LEAST_STEPS / STEPS_PER_POINT ? points * STEPS_PER_POINT : LEAST_STEPS;
    double near = value;
    for (int digits = LEAST_DIGITS; digits <= 17; digits++) {
        char text[40];
        number_print(text, sizeof text, "%.*g", digits, value);
        near = number_parse(text, NULL);
        const int is_inside = near >= range->from && near <= range->to;
        const double moved = range->is_log ? fabs(log(near / value)) : fabs(near - value);
        const double width = range->is_log ? log(range->to) - log(range->from) : range->to - range->from;
        if (is_inside && moved <= width / steps) {
            return near;
        }
    }
    return fmin(fmax(near, range->from), range->to);
}

/* from + part (to - from), or from (to / from)^part. */
static double between(const struct compare_range *range, double part, double to) {
    return range->is_log ? exp(log(range->from) + part * (log(to) - log(range->from)))
                         : range->from + part * (to - range->from);
}

double compare_range_draw(const struct compare_range *range, double uniform, int32_t points) {
    if (range->is_integer) { /* each integer n has the part of [from, to + 1) that begins at n */
        return fmin(floor(between(range, uniform, range->to + 1) * (1 + 1e-12)), range->to);
    }
    return rounded(range, between(range, uniform, range->to), points);
}

rondo_status compare_range_choice(const struct compare_axis *axis, double value, struct compare_choice *choice,
                                  struct arena *arena, struct errors *errors) {
    const struct compare_range *range = &axis->range;
    struct yaml_node *node = arena_calloc(arena, 1, sizeof *node);
    struct compare_setting *setting = arena_calloc(arena, 1, sizeof *setting);
    const char *text = value == range->from && !range->is_integer ? range->from_text
                       : value == range->to && !range->is_integer ? range->to_text
                                                                  : text_of(value, arena);
    if (node == NULL || setting == NULL || text == NULL) {
        return errors_no_memory(errors);
    }
    *node = (struct yaml_node){.kind = YAML_SCALAR, .where = range->where, .text = text, .folder = range->folder};
    *setting = (struct compare_setting){axis->key, node};
    *choice = (struct compare_choice){.settings = setting, .n_settings = 1, .where = range->where, .label = text};
    return RONDO_OK;
}

int64_t compare_range_values(const struct compare_range *range) {
    return range->is_integer ? (int64_t)(range->to - range->from) + 1 : INT64_MAX;
}

/* The points of a grid: both ends, and `count` - 2 between them. */
static rondo_status make_points(const struct compare_reader *reader, struct compare_axis *axis, int32_t count,
                                struct location where) {
    const struct compare_range *range = &axis->range;
    axis->choices = arena_calloc(reader->arena, (size_t)count, sizeof *axis->choices);
    if (axis->choices == NULL) {
        return errors_no_memory(reader->errors);
    }
    double last = range->from;
    for (int32_t i = 0; i < count; i++) {
        const double exact = between(range, (double)i / (count - 1), range->to);
        const double value = i == 0              ? range->from
                             : i == count - 1    ? range->to
                             : range->is_integer ? floor(exact + 0.5)
                                                 : rounded(range, exact, count);
        if (i > 0 && value <= last) {
            return errors_add_at(reader->errors, RONDO_INVALID, where,
                                 "'count' is %d, but points %d and %d of '%s' are both %.15g; expected fewer points",
                                 count, i, i + 1, axis->key, value);
        }
        last = value;
        RONDO_TRY(compare_range_choice(axis, value, &axis->choices[i], reader->arena, reader->errors));
        axis->n_choices++;
    }
    return RONDO_OK;
}

rondo_status compare_range_read(const struct compare_reader *reader, const struct yaml_node *node,
                                struct compare_axis *axis) {
    const enum key_type type = type_of(node->key);
    const char *path = arena_printf(reader->arena, "%s.%s", reader->path, node->key);
    struct compare_range_options options = {0};
    if (path == NULL) {
        return errors_no_memory(reader->errors);
    }
    struct yaml_node *copy = yaml_clone(node, reader->arena); /* which gets the defaults */
    if (copy == NULL) {
        return errors_no_memory(reader->errors);
    }
    RONDO_TRY(
        section_struct(copy, compare_range_table, &options, sizeof options, NULL, path, reader->arena, reader->errors));
    RONDO_TRY(check_range(reader, node, &options, type));
    axis->range = (struct compare_range){.from = options.from,
                                         .to = options.to,
                                         .from_text = yaml_get(node, "from")->text,
                                         .to_text = yaml_get(node, "to")->text,
                                         .is_log = options.log,
                                         .is_integer = options.integer || type == KEY_INTEGER,
                                         .where = node->where,
                                         .folder = node->folder};
    return reader->is_drawn ? RONDO_OK
                            : make_points(reader, axis, (int32_t)options.count, yaml_get(node, "count")->where);
}
