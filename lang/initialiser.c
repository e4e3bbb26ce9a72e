#define _POSIX_C_SOURCE 200809L
#include "lang/initialiser.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/suggest.h"

/* One named initialiser and its arguments. */
struct initialiser_form {
    const char *name;
    enum initialiser_kind kind;
    int arguments;
    double a;         /* the value without arguments */
    double above;     /* a single argument must be larger; with `or_equal`, it may be equal */
    int or_equal;     /* two arguments: the first must not be larger than the second */
    const char *says; /* the arguments it takes, for messages */
};

static const char no_arguments[] = "no arguments";
static const struct initialiser_form forms[] = {
    {"zeros", INITIALISE_CONSTANT, 0, 0, 0, 0, no_arguments},
    {"ones", INITIALISE_CONSTANT, 0, 1, 0, 0, no_arguments},
    {"uniform", INITIALISE_UNIFORM, 2, 0, 0, 1, "two numbers, the lower one first: uniform(low, high)"},
    {"normal", INITIALISE_NORMAL, 1, 0, 0, 1, "one number >= 0: normal(std)"},
    {"glorot", INITIALISE_GLOROT, 0, 0, 0, 0, no_arguments},
    {"glorot_normal", INITIALISE_GLOROT_NORMAL, 0, 0, 0, 0, no_arguments},
    {"lecun", INITIALISE_LECUN, 0, 0, 0, 0, no_arguments},
    {"lecun_normal", INITIALISE_LECUN_NORMAL, 0, 0, 0, 0, no_arguments},
    {"he", INITIALISE_HE, 0, 0, 0, 0, no_arguments},
    {"fan_in_uniform", INITIALISE_FAN_IN, 0, 0, 0, 0, no_arguments},
    {"fan_out_uniform", INITIALISE_FAN_OUT, 0, 0, 0, 0, no_arguments},
    {"orthogonal", INITIALISE_ORTHOGONAL, 0, 0, 0, 0, no_arguments},
    {"identity", INITIALISE_IDENTITY, 0, 0, 0, 0, no_arguments},
    {"linspace", INITIALISE_LINSPACE, 2, 0, 0, 0, "two numbers: linspace(first, last)"},
    {"arange", INITIALISE_ARANGE, 2, 0, 0, 0, "two numbers: arange(first, step)"},
    {"chrono", INITIALISE_CHRONO, 1, 0, 2, 0, "one number > 2, the longest dependency in steps: chrono(T)"},
    {"legendre_a", INITIALISE_LEGENDRE_A, 1, 0, 0, 0, "one number > 0, the steps of the window: legendre_a(theta)"},
    {"legendre_b", INITIALISE_LEGENDRE_B, 1, 0, 0, 0, "one number > 0, the steps of the window: legendre_b(theta)"},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

static const struct {
    const char *name;
    enum initialiser_function function;
} functions[] = {
    {"log", INITIALISE_LOG},
    {"exp", INITIALISE_EXP},
    {"inverse_softplus", INITIALISE_INVERSE_SOFTPLUS},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

/* A text that is being read. */
struct initialiser_reader {
    const char *text; /* whole, for messages */
    const char *at;
    int open; /* brackets of functions */
    struct location where;
    struct initialiser *initialiser;
    struct errors *errors;
};

static int at_end(struct initialiser_reader *reader) {
    reader->at += strspn(reader->at, " ");
    return *reader->at == (reader->open > 0 ? ')' : '\0');
}

static rondo_status unknown(const struct initialiser_reader *reader, const struct suggestion *best) {
    return errors_add_at(reader->errors, RONDO_INVALID, reader->where,
                         "unknown initialiser '%s'%s, expected a number, zeros, ones, uniform(low, high), normal(std), "
                         "glorot, glorot_normal, lecun, lecun_normal, he, fan_in_uniform, fan_out_uniform, orthogonal, "
                         "identity, linspace(first, last), arange(first, step), chrono(T), legendre_a(theta), "
                         "legendre_b(theta), or log, exp or inverse_softplus of one",
                         reader->text, suggestion_text(best).text);
}

static rondo_status add_step(struct initialiser_reader *reader, enum initialiser_function function, double factor) {
    struct initialiser *initialiser = reader->initialiser;
    if (initialiser->n_steps == INITIALISER_STEPS) {
        return errors_add_at(reader->errors, RONDO_INVALID, reader->where,
                             "an initialiser has %d functions and factors at most", INITIALISER_STEPS);
    }
    initialiser->steps[initialiser->n_steps++] = (struct initialiser_step){function, factor};
    return RONDO_OK;
}

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* Reads the name of an option. */
static int read_option(struct initialiser_reader *reader, struct initialiser_option *option) {
    const size_t length = strspn(reader->at, name_characters);
    if (length == 0 || length >= sizeof option->name || (*reader->at >= '0' && *reader->at <= '9')) {
        return 0;
    }
    memcpy(option->name, reader->at, length);
    option->name[length] = '\0';
    reader->at += length;
    return 1;
}

/* Reads a finite number or the name of an option. */
static int read_argument(struct initialiser_reader *reader, double *number, struct initialiser_option *option) {
    char *end;
    reader->at += strspn(reader->at, " ");
    *number = number_parse(reader->at, &end);
    if (end == reader->at || strspn(end, name_characters) > 0) { /* "inf" is a number, "information" is not */
        *number = 0;
        return read_option(reader, option);
    }
    reader->at = end;
    return isfinite(*number);
}

/* Reads "(1)" or "(1, T)": `count` numbers. */
static int read_arguments(struct initialiser_reader *reader, int count) {
    struct initialiser *initialiser = reader->initialiser;
    for (int i = 0; i < count; i++) {
        reader->at += strspn(reader->at, " ");
        if (*reader->at++ != (i == 0 ? '(' : ',') ||
            !read_argument(reader, i == 0 ? &initialiser->a : &initialiser->b,
                           i == 0 ? &initialiser->a_option : &initialiser->b_option)) {
            return 0;
        }
    }
    reader->at += strspn(reader->at, " ");
    return count == 0 || *reader->at++ == ')';
}

static int is_known(const struct initialiser_option *option) {
    return option->name[0] == '\0';
}

/* 1 if the numbers are valid arguments of the form; those that options will give count as valid. */
static int arguments_fit(const struct initialiser_form *form, const struct initialiser *initialiser) {
    if (!is_known(&initialiser->a_option) || !is_known(&initialiser->b_option)) {
        return 1;
    }
    if (form->arguments == 1) {
        return initialiser->a > form->above || (form->or_equal && initialiser->a == form->above);
    }
    return form->arguments == 0 || !form->or_equal || initialiser->a <= initialiser->b;
}

/* The rest of a form, whose name has been read. */
static rondo_status read_form(struct initialiser_reader *reader, const struct initialiser_form *form) {
    reader->initialiser->kind = form->kind;
    reader->initialiser->a = form->a;
    if (!read_arguments(reader, form->arguments) || !at_end(reader) || !arguments_fit(form, reader->initialiser)) {
        return errors_add_at(reader->errors, RONDO_INVALID, reader->where, "initialiser '%s' takes %s, got '%s'",
                             form->name, form->says, reader->text);
    }
    return form->kind == INITIALISE_CHRONO ? add_step(reader, INITIALISE_LOG, 0) : RONDO_OK;
}

static rondo_status read_term(struct initialiser_reader *reader);

/* The rest of a function, whose name has been read. */
static rondo_status read_function(struct initialiser_reader *reader, enum initialiser_function function) {
    reader->at += strspn(reader->at, " ");
    if (*reader->at == '(') {
        reader->at++;
        reader->open++;
        RONDO_TRY(read_term(reader)); /* up to its bracket */
        reader->at++;
        reader->open--;
        if (at_end(reader)) {
            return add_step(reader, function, 0);
        }
    }
    return errors_add_at(reader->errors, RONDO_INVALID, reader->where,
                         "expected an initialiser in brackets, such as log(uniform(1, 2)), got '%s'", reader->text);
}

/* The rest after a factor: "* …". */
static rondo_status read_factor(struct initialiser_reader *reader, double number,
                                const struct initialiser_option *option) {
    reader->at++;
    RONDO_TRY(read_term(reader));
    RONDO_TRY(add_step(reader, INITIALISE_TIMES, number));
    reader->initialiser->factor_options[reader->initialiser->n_steps - 1] = *option;
    return RONDO_OK;
}

/* "0.5", or the factor of "0.5 * …". */
static rondo_status read_number(struct initialiser_reader *reader) {
    char *end;
    const char *text = reader->at;
    const double number = number_parse(text, &end);
    reader->at = end;
    const int is_all = end != text && isfinite(number) && at_end(reader);
    if (is_all) {
        reader->initialiser->kind = INITIALISE_CONSTANT;
        reader->initialiser->a = number;
        return RONDO_OK;
    }
    if (end == text || !isfinite(number) || *reader->at != '*') {
        return unknown(reader, &(struct suggestion){0});
    }
    return read_factor(reader, number, &(struct initialiser_option){""});
}

static rondo_status read_term(struct initialiser_reader *reader) {
    reader->at += strspn(reader->at, " ");
    const char *text = reader->at;
    const char *digits = text + strspn(text, "+-");
    if (digits - text <= 1 && *digits != '\0' && strchr("0123456789.", *digits) != NULL) {
        return read_number(reader);
    }
    if (*text == '-') {
        reader->at++;
        RONDO_TRY(read_term(reader));
        return add_step(reader, INITIALISE_TIMES, -1);
    }
    const size_t length = strcspn(text, "() *,");
    struct suggestion best = {0};
    struct initialiser_option option = {""};
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
    if (read_option(reader, &option) && *(reader->at += strspn(reader->at, " ")) == '*') {
        return read_factor(reader, 0, &option);
    }
    reader->at = text + length;
    for (int i = 0; i < FORMS; i++) {
        suggest(&best, word, forms[i].name);
        if (strcmp(forms[i].name, word) == 0) {
            return read_form(reader, &forms[i]);
        }
    }
    for (int i = 0; i < FUNCTIONS; i++) {
        suggest(&best, word, functions[i].name);
        if (strcmp(functions[i].name, word) == 0) {
            return read_function(reader, functions[i].function);
        }
    }
    return unknown(reader, &best);
}

/* 1 if a text nests too deeply to be read; bounds the recursion. */
static int is_deep(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '(' || *text == '-' || *text == '*';
    }
    return count > 4 * INITIALISER_STEPS;
}

rondo_status initialiser_parse(const char *text, struct location where, struct initialiser *initialiser,
                               struct errors *errors) {
    *initialiser = (struct initialiser){0};
    struct initialiser_reader reader = {
        .text = text, .at = text, .where = where, .initialiser = initialiser, .errors = errors};
    return is_deep(text) ? unknown(&reader, &(struct suggestion){0}) : read_term(&reader);
}

int initialiser_uses(const struct initialiser *initialiser, const char *name) {
    int uses = strcmp(initialiser->a_option.name, name) == 0 || strcmp(initialiser->b_option.name, name) == 0;
    for (int32_t k = 0; k < initialiser->n_steps; k++) {
        uses |= strcmp(initialiser->factor_options[k].name, name) == 0;
    }
    return uses;
}

static const struct initialiser_form *find_form(enum initialiser_kind kind) {
    int i = 0;
    while (i < FORMS - 1 && forms[i].kind != kind) {
        i++;
    }
    return &forms[i];
}

rondo_status initialiser_resolve(struct initialiser *initialiser,
                                 int (*value)(const void *arg, const char *name, double *number), const void *arg,
                                 struct location where, struct errors *errors) {
    for (int32_t k = -2; k < initialiser->n_steps; k++) {
        struct initialiser_option *option = k == -2   ? &initialiser->a_option
                                            : k == -1 ? &initialiser->b_option
                                                      : &initialiser->factor_options[k];
        double *number = k == -2 ? &initialiser->a : k == -1 ? &initialiser->b : &initialiser->steps[k].factor;
        if (!is_known(option) && !value(arg, option->name, number)) {
            return errors_add_at(errors, RONDO_INVALID, where,
                                 "the initialiser uses '%s', which is neither a number nor an option of the cell",
                                 option->name);
        }
        option->name[0] = '\0';
    }
    const struct initialiser_form *form = find_form(initialiser->kind);
    if (!arguments_fit(form, initialiser)) {
        return form->arguments == 1
                   ? errors_add_at(errors, RONDO_INVALID, where, "initialiser '%s' takes %s, got %g", form->name,
                                   form->says, initialiser->a)
                   : errors_add_at(errors, RONDO_INVALID, where, "initialiser '%s' takes %s, got %g and %g", form->name,
                                   form->says, initialiser->a, initialiser->b);
    }
    return RONDO_OK;
}

int initialiser_fits(const struct initialiser *initialiser, const rondo_tensor *tensor) {
    switch (initialiser->kind) {
    case INITIALISE_ORTHOGONAL:
    case INITIALISE_IDENTITY:
        return tensor->ndim >= 2;
    case INITIALISE_LEGENDRE_A:
        return tensor->ndim == 2 && tensor->shape[0] == tensor->shape[1];
    default:
        return 1;
    }
}

/* The shortest text of a number, or the name of the option that it comes from. */
static const char *number_text(double number, const struct initialiser_option *option, struct arena *arena) {
    if (!is_known(option)) {
        return option->name;
    }
    return arena_strdup(arena, number_shortest(number, 6).text);
}

static const char *form_text(const struct initialiser *initialiser, struct arena *arena) {
    const struct initialiser_form *form = find_form(initialiser->kind);
    const char *a = number_text(initialiser->a, &initialiser->a_option, arena);
    const char *b = number_text(initialiser->b, &initialiser->b_option, arena);
    if (a == NULL || b == NULL) {
        return NULL;
    }
    if (initialiser->kind == INITIALISE_CONSTANT) {
        return initialiser->a == 0 ? "zeros" : initialiser->a == 1 ? "ones" : a;
    }
    return form->arguments == 0   ? form->name
           : form->arguments == 1 ? arena_printf(arena, "%s(%s)", form->name, a)
                                  : arena_printf(arena, "%s(%s, %s)", form->name, a, b);
}

const char *initialiser_text(const struct initialiser *initialiser, struct arena *arena) {
    const char *text = form_text(initialiser, arena);
    /* The first step of chrono is its own logarithm. */
    for (int32_t k = initialiser->kind == INITIALISE_CHRONO; k < initialiser->n_steps && text != NULL; k++) {
        const struct initialiser_step *step = &initialiser->steps[k];
        const struct initialiser_option *option = &initialiser->factor_options[k];
        const char *function = NULL;
        for (int i = 0; i < FUNCTIONS; i++) {
            function = functions[i].function == step->function ? functions[i].name : function;
        }
        if (function != NULL) {
            text = arena_printf(arena, "%s(%s)", function, text);
        } else if (is_known(option) && step->factor == -1) {
            text = arena_printf(arena, "-%s", text);
        } else {
            const char *factor = number_text(step->factor, option, arena);
            text = factor == NULL ? NULL : arena_printf(arena, "%s * %s", factor, text);
        }
    }
    return text;
}
