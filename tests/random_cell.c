#include "tests/random_cell.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LINES = 24, MOST_PARAMETERS = 60, MOST_STATES = 4, MOST_TEXT = 1 << 15, NAME = 16 };

/* A value of the batch that equations may use: [batch, width], or [batch, 2, width / 2] if it is a table. */
struct named {
    char name[NAME];
    int64_t width;
    int is_table;
};

struct maker {
    struct chance *chance;
    struct arena *arena;
    int64_t hidden;
    struct named values[2 + MOST_LINES + 2 * MOST_STATES];
    int32_t n_values;
    struct cell_shape parameters[MOST_PARAMETERS];
    int32_t n_parameters;
    char lines[MOST_LINES + MOST_STATES][MOST_TEXT / 8];
    char names[MOST_LINES + MOST_STATES][NAME]; /* names on the left side of each line */
    int32_t n_lines;
    char *text; /* the line that is being written */
    size_t length;
};

int32_t chance_of(struct chance *chance, int32_t count) {
    return (int32_t)rng_below(chance->stream, chance->next++, (uint64_t)count);
}

static int32_t pick(struct maker *maker, int32_t count) {
    return chance_of(maker->chance, count);
}

static void say(struct maker *maker, const char *format, ...) {
    const size_t room = sizeof maker->lines[0] - maker->length;
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(maker->text + maker->length, room, format, arguments);
    va_end(arguments);
    ck_assert_msg(written >= 0 && (size_t)written < room, "an equation is too long");
    maker->length += (size_t)written;
}

/* ---- parameters ---- */

static const char *size_text(const struct maker *maker, int64_t size) {
    return arena_printf(maker->arena, "%lld", (long long)size);
}

/* Writes a parameter of this shape, often an existing one. 0 dimensions: a scalar. */
static void parameter(struct maker *maker, int32_t ndim, int64_t rows, int64_t columns) {
    const int64_t sizes[2] = {ndim == 2 ? rows : columns, columns};
    int32_t found = -1;
    for (int32_t p = 0; p < maker->n_parameters; p++) {
        int same = maker->parameters[p].ndim == ndim;
        for (int32_t d = 0; same && d < ndim; d++) {
            same = strcmp(maker->parameters[p].dimensions[d], size_text(maker, sizes[d])) == 0;
        }
        found = same && (found < 0 || pick(maker, 2)) ? p : found;
    }
    if (found < 0 || (pick(maker, 2) && maker->n_parameters < MOST_PARAMETERS)) {
        ck_assert_int_lt(maker->n_parameters, MOST_PARAMETERS);
        found = maker->n_parameters++;
        maker->parameters[found].ndim = ndim;
        maker->parameters[found].name = arena_printf(maker->arena, "p%dp", (int)found);
        for (int32_t d = 0; d < ndim; d++) {
            maker->parameters[found].dimensions[d] = size_text(maker, sizes[d]);
        }
    }
    say(maker, "%s", maker->parameters[found].name);
}

/* Writes the right side of @: a matrix, a part of one, or a function of one. */
static void weight(struct maker *maker, int64_t rows, int64_t columns) {
    switch (pick(maker, 8)) {
    case 0:
        say(maker, "slice(");
        parameter(maker, 2, rows + 2, columns);
        say(maker, ", axis=0, begin=%d, end=%lld)", 1, (long long)rows + 1);
        break;
    case 1:
        say(maker, "transpose(");
        parameter(maker, 2, columns, rows);
        say(maker, ")");
        break;
    case 2:
        say(maker, "tanh(");
        parameter(maker, 2, rows, columns);
        say(maker, ")");
        break;
    default:
        parameter(maker, 2, rows, columns);
    }
}

/* ---- expressions: each writes a value [batch, width] ---- */

static void expression(struct maker *maker, int64_t width, int32_t depth);

static int64_t some_width(struct maker *maker) {
    const int64_t widths[] = {1, maker->hidden - 1, maker->hidden, maker->hidden, 2 * maker->hidden};
    return widths[pick(maker, 5)];
}

static void whole(struct maker *maker, const struct named *value) {
    if (value->is_table) {
        say(maker, "reshape(%s, shape=[-1, %lld])", value->name, (long long)value->width);
    } else {
        say(maker, "%s", value->name);
    }
}

/* Writes a value, or a part of one. */
static void leaf(struct maker *maker, int64_t width) {
    const int32_t first = pick(maker, maker->n_values);
    for (int32_t i = 0; i < maker->n_values; i++) {
        const struct named *value = &maker->values[(first + i) % maker->n_values];
        if (value->width == width) {
            whole(maker, value);
            return;
        }
        if (value->width > width && pick(maker, 3) == 0) {
            const int32_t begin = pick(maker, (int32_t)(value->width - width + 1));
            say(maker, "slice(");
            whole(maker, value);
            say(maker, ", begin=%d, end=%lld)", (int)begin, (long long)(begin + width));
            return;
        }
    }
    const struct named *value = &maker->values[first];
    say(maker, "(");
    whole(maker, value);
    say(maker, " @ ");
    weight(maker, value->width, width);
    say(maker, ")");
}

static void product(struct maker *maker, int64_t width, int32_t depth) {
    const int64_t inner = some_width(maker);
    if (pick(maker, 8) == 0) {
        say(maker, "matmul(");
        expression(maker, inner, depth - 1);
        say(maker, ", ");
        parameter(maker, 2, width, inner);
        say(maker, ", transpose_b=true)");
        return;
    }
    say(maker, "(");
    expression(maker, inner, depth - 1);
    say(maker, " @ ");
    weight(maker, inner, width);
    say(maker, ")");
}

static void sum(struct maker *maker, int64_t width, int32_t depth) {
    const int32_t terms = 2 + pick(maker, 3);
    say(maker, "(");
    for (int32_t i = 0; i < terms; i++) {
        say(maker, i == 0 ? "" : pick(maker, 4) == 0 ? " - " : " + ");
        if (pick(maker, 2)) {
            product(maker, width, depth - 1);
        } else {
            expression(maker, width, depth - 1);
        }
    }
    say(maker, ")");
}

/* Writes an expression that uses one value several times. */
static void repeated(struct maker *maker, int64_t width) {
    static const char *const forms[] = {"(%s + %s + %s)", "(%s * %s - %s)", "tanh(%s + %s * %s)", "(%s * %s * %s)"};
    for (int32_t i = 0, first = pick(maker, maker->n_values); i < maker->n_values; i++) {
        const struct named *value = &maker->values[(first + i) % maker->n_values];
        if (value->width == width && !value->is_table) {
            say(maker, forms[pick(maker, 4)], value->name, value->name, value->name);
            return;
        }
    }
    leaf(maker, width);
}

/* Writes a value of another width, broadcast or summed. */
static void other_width(struct maker *maker, int64_t width, int32_t depth) {
    if (width == 1) {
        say(maker, "%s(", pick(maker, 2) ? "sum" : "mean");
        expression(maker, some_width(maker), depth - 1);
        say(maker, ", axis=-1, keep=true)");
    } else if (pick(maker, 2) && maker->n_values > 0) { /* a value times a part of itself, or of another */
        say(maker, "(");
        expression(maker, width, depth - 1);
        say(maker, pick(maker, 2) ? " * " : " + ");
        leaf(maker, 1);
        say(maker, ")");
    } else {
        say(maker, "(");
        expression(maker, 1, depth - 1);
        say(maker, pick(maker, 2) ? " * " : " + ");
        expression(maker, width, depth - 1);
        say(maker, ")");
    }
}

static void with_parameter(struct maker *maker, int64_t width, int32_t depth) {
    const int32_t form = pick(maker, 5);
    say(maker, "(");
    expression(maker, width, depth - 1);
    say(maker, pick(maker, 2) ? " + " : " * ");
    if (form == 0) {
        parameter(maker, 0, 0, 0);
    } else if (form == 1) {
        say(maker, "sum(");
        parameter(maker, 2, maker->hidden, width);
        say(maker, ", axis=0)");
    } else if (form == 2) {
        say(maker, "exp(");
        parameter(maker, 1, 0, width);
        say(maker, ")");
    } else if (form == 3) {
        say(maker, "slice(");
        parameter(maker, 1, 0, width + 3);
        say(maker, ", begin=2, end=%lld)", (long long)width + 2);
    } else {
        parameter(maker, 1, 0, width);
    }
    say(maker, ")");
}

/* Writes an expression that uses a table [batch, 2, hidden]. */
static void through_table(struct maker *maker, int64_t width, int32_t depth) {
    const long long hidden = (long long)maker->hidden;
    if (width == maker->hidden) {
        say(maker, "sum(reshape(");
        expression(maker, 2 * width, depth - 1);
        say(maker, ", shape=[-1, 2, %lld])", hidden);
        if (pick(maker, 2)) {
            say(maker, " * expand_dims(");
            expression(maker, width, depth - 1);
            say(maker, ", axis=1)");
        }
        say(maker, ", axis=1)");
    } else if (width == 2 * maker->hidden) {
        say(maker, "reshape(expand_dims(");
        expression(maker, maker->hidden, depth - 1);
        say(maker, ", axis=1) * ");
        parameter(maker, 2, 2, pick(maker, 2) ? 1 : maker->hidden);
        say(maker, ", shape=[-1, %lld])", 2 * hidden);
    } else {
        leaf(maker, width);
    }
}

static void side_by_side(struct maker *maker, int64_t width, int32_t depth) {
    if (width < 2) {
        leaf(maker, width);
        return;
    }
    const int64_t left = width == 2 * maker->hidden ? maker->hidden : width == maker->hidden ? 1 : width / 2;
    say(maker, "concat(");
    expression(maker, left, depth - 1);
    say(maker, ", ");
    expression(maker, width - left, depth - 1);
    say(maker, ")");
}

static void call(struct maker *maker, int64_t width, int32_t depth) {
    const int32_t form = pick(maker, 7);
    if (form == 0) {
        say(maker, "layer_norm(");
        expression(maker, width, depth - 1);
        say(maker, ", ");
        parameter(maker, 1, 0, width);
        say(maker, ", ");
        parameter(maker, 1, 0, width);
        say(maker, ")");
        return;
    }
    static const char *const forms[] = {"softmax(", "dropout(", "sigmoid(", "tanh(", "sigmoid(", "exp(0.1 * "};
    say(maker, "%s", forms[form - 1]);
    expression(maker, width, depth - 1);
    say(maker, form == 2 ? ", rate=0.3)" : ")");
}

static void expression(struct maker *maker, int64_t width, int32_t depth) {
    if (depth <= 0 || pick(maker, 6) == 0) {
        leaf(maker, width);
        return;
    }
    switch (pick(maker, 13)) {
    case 0:
    case 1:
        sum(maker, width, depth);
        break;
    case 2:
        product(maker, width, depth);
        break;
    case 3:
        repeated(maker, width);
        break;
    case 4:
    case 5:
        other_width(maker, width, depth);
        break;
    case 6:
        with_parameter(maker, width, depth);
        break;
    case 7:
        through_table(maker, width, depth);
        break;
    case 8:
        side_by_side(maker, width, depth);
        break;
    case 9:
    case 10:
        call(maker, width, depth);
        break;
    case 11:
        say(maker, "(1 - ");
        expression(maker, width, depth - 1);
        say(maker, ")");
        break;
    default: {
        const int divide = pick(maker, 4) == 0;
        say(maker, "(");
        expression(maker, width, depth - 1);
        say(maker, divide ? " / (2 + tanh(" : " * (");
        leaf(maker, width);
        say(maker, divide ? ")))" : "))");
    }
    }
}

/* ---- equations ---- */

static void begin_line(struct maker *maker, const char *name) {
    ck_assert_int_lt(maker->n_lines, MOST_LINES + MOST_STATES);
    snprintf(maker->names[maker->n_lines], NAME, "%s", name);
    maker->text = maker->lines[maker->n_lines++];
    maker->length = 0;
    say(maker, "%s = ", name);
}

static void add_value(struct maker *maker, const char *name, int64_t width, int is_table) {
    struct named *value = &maker->values[maker->n_values++];
    *value = (struct named){.width = width, .is_table = is_table};
    snprintf(value->name, sizeof value->name, "%s", name);
}

static void add_values(struct maker *maker, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        char name[NAME];
        const int64_t width = some_width(maker);
        snprintf(name, sizeof name, "v%dv", (int)maker->n_lines);
        begin_line(maker, name);
        if (pick(maker, 2)) {
            say(maker, pick(maker, 2) ? "tanh(" : "sigmoid(");
            sum(maker, width, 2);
            say(maker, ")");
        } else {
            expression(maker, width, 3);
        }
        add_value(maker, name, width, 0);
    }
}

/* Writes an existing value: x, a state, another line. 0 if there is none of this width. */
static int take_over(struct maker *maker, const struct named *state) {
    for (int32_t i = 0, first = pick(maker, maker->n_values); i < maker->n_values; i++) {
        const struct named *value = &maker->values[(first + i) % maker->n_values];
        if (value->width == state->width && value->is_table == state->is_table) {
            say(maker, "%s", value->name);
            return 1;
        }
    }
    return 0;
}

static void new_state(struct maker *maker, const struct named *state) {
    char name[NAME];
    const char *old = state->name;
    snprintf(name, sizeof name, "%.10s'", old);
    begin_line(maker, name);
    const int32_t form = pick(maker, 12);
    if (form == 0) {
        say(maker, "%s", old);
    } else if (form > 2 || !take_over(maker, state)) {
        if (state->is_table) {
            say(maker, "reshape(");
        }
        if (form < 6) {
            say(maker, "tanh(");
            sum(maker, state->width, 3);
            say(maker, ")");
        } else if (form < 9) {
            say(maker, "sigmoid(");
            sum(maker, state->width, 2);
            say(maker, ") * ");
            whole(maker, state);
            say(maker, " + tanh(");
            sum(maker, state->width, 2);
            say(maker, ")");
        } else {
            say(maker, "0.3 * ");
            expression(maker, state->width, 3);
        }
        if (state->is_table) {
            say(maker, ", shape=[-1, 2, %lld])", (long long)state->width / 2);
        }
    }
    add_value(maker, name, state->width, state->is_table);
}

/* 1 if the output, or a line that is kept, uses this name. No name contains another; h and h' are different. */
static int is_used(const struct maker *maker, const char *name, const int *dropped, const char *output) {
    const size_t length = strlen(name);
    for (int32_t i = 0; i < maker->n_lines; i++) {
        const char *at = dropped[i] ? NULL : strchr(maker->lines[i], '=');
        while (at != NULL && (at = strstr(at + 1, name)) != NULL) {
            if (at[length] != '\'') {
                return 1;
            }
        }
    }
    return strcmp(name, output) == 0;
}

static const char *join_lines(const struct maker *maker, const int *dropped) {
    const char *all = "";
    for (int32_t i = 0; i < maker->n_lines; i++) {
        all = dropped[i] ? all : arena_printf(maker->arena, "%s%s\n", all, maker->lines[i]);
    }
    return all;
}

const struct cell_definition *random_cell(struct chance *chance, int64_t hidden, struct arena *arena) {
    struct maker *maker = arena_calloc(arena, 1, sizeof *maker);
    struct cell_definition *definition = arena_calloc(arena, 1, sizeof *definition);
    struct cell_shape *states = arena_calloc(arena, MOST_STATES, sizeof *states);
    ck_assert(maker != NULL && definition != NULL && states != NULL);
    maker->chance = chance;
    maker->arena = arena;
    maker->hidden = hidden;
    const int32_t n_states = 1 + pick(maker, MOST_STATES);
    struct named old[MOST_STATES];
    add_value(maker, "x", hidden - 1, 0);
    for (int32_t s = 0; s < n_states; s++) {
        char name[NAME];
        const int is_table = s > 0 && pick(maker, 4) == 0;
        const int64_t width = s == 0 ? hidden : is_table ? 2 * hidden : some_width(maker);
        snprintf(name, sizeof name, "s%ds", (int)s);
        add_value(maker, name, width, is_table);
        old[s] = maker->values[maker->n_values - 1];
        states[s].name = arena_strdup(arena, name);
        states[s].ndim = is_table ? 2 : 1;
        states[s].dimensions[0] = is_table ? "2" : size_text(maker, width);
        states[s].dimensions[1] = size_text(maker, hidden);
    }
    add_values(maker, pick(maker, 5));
    for (int32_t s = n_states - 1; s >= 0; s--) {
        new_state(maker, &old[s]);
        add_values(maker, pick(maker, 3));
    }
    const struct named *output = &old[0];
    char shown[NAME + 1];
    const int32_t candidate = 1 + n_states + pick(maker, maker->n_values - 1 - n_states);
    snprintf(shown, sizeof shown, "%s'", output->name);
    if (pick(maker, 2) && !maker->values[candidate].is_table) {
        snprintf(shown, sizeof shown, "%s", maker->values[candidate].name);
    }
    int dropped[MOST_LINES + MOST_STATES] = {0};
    for (int changed = 1; changed;) {
        changed = 0;
        for (int32_t i = maker->n_lines - 1; i >= 0; i--) {
            const int drop = maker->names[i][0] == 'v' && !is_used(maker, maker->names[i], dropped, shown);
            changed |= drop && !dropped[i];
            dropped[i] |= drop;
        }
    }
    struct cell_shape *parameters = arena_calloc(arena, MOST_PARAMETERS, sizeof *parameters);
    ck_assert_ptr_nonnull(parameters);
    for (int32_t p = 0; p < maker->n_parameters; p++) {
        if (is_used(maker, maker->parameters[p].name, dropped, shown)) {
            parameters[definition->n_parameters++] = maker->parameters[p];
        }
    }
    definition->name = "random";
    definition->source = definition->summary = "";
    definition->states = states;
    definition->n_states = n_states;
    definition->parameters = parameters;
    definition->output = arena_strdup(arena, shown);
    definition->equations =
        (struct equation_text){.file = "random.yaml", .text = join_lines(maker, dropped), .first_line = 1};
    ck_assert(definition->output != NULL && definition->equations.text != NULL);
    return definition;
}
