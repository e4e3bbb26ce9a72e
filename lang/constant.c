#define _POSIX_C_SOURCE 200809L
#include "lang/constant.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/suggest.h"
#include "lang/definition.h"

/* What all levels of the recursion share. */
struct constant_context {
    const struct cell_definition *definition;
    const struct cell_settings *settings;
    struct constant_mistake *mistake;
};

int constant_is_named(const struct cell_definition *definition, const struct cell_settings *settings, const char *name,
                      double *number) {
    const int32_t option = definition_option(definition, name);
    if (option >= 0) {
        *number = definition_option_value(definition, settings, option);
    } else if (strcmp(name, "hidden") == 0) {
        *number = (double)settings->hidden;
    } else if (strcmp(name, "input") == 0) {
        *number = (double)settings->input;
    } else {
        return 0;
    }
    return 1;
}

int constant_is_number(const struct cell_definition *definition, const struct cell_settings *settings, const char *name,
                       double *number) {
    if (constant_is_named(definition, settings, name, number)) {
        return 1;
    }
    *number = (double)settings->memory;
    return strcmp(name, "memory") == 0 && settings->memory > 0;
}

static RONDO_PRINTF(3, 4) rondo_status
    refuse(const struct constant_context *context, struct location where, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    number_vprint(context->mistake->text, sizeof context->mistake->text, format, arguments);
    va_end(arguments);
    context->mistake->where = where;
    return RONDO_INVALID;
}

static rondo_status evaluate_name(const struct constant_context *context, const struct expression *name,
                                  double *number) {
    if (!name->primed && name->index == NULL && name->base == NULL &&
        constant_is_number(context->definition, context->settings, name->name, number)) {
        return RONDO_OK;
    }
    if (strcmp(name->name, "memory") == 0) {
        return refuse(context, name->where,
                      "the model has no encoder, whose width 'memory' is: expected 'model.encoder'");
    }
    struct suggestion best = {0};
    suggest(&best, name->name, "hidden");
    suggest(&best, name->name, "input");
    for (int32_t i = 0; i < context->definition->n_options; i++) {
        suggest(&best, name->name, context->definition->options[i].name);
    }
    return refuse(context, name->where,
                  "'%.60s%s' is not a number, expected a number, 'input', 'hidden' or an option%s", name->name,
                  name->primed ? "'" : "", suggestion_text(&best).text);
}

/* The parser limits how deep operators and brackets nest, so this recursion has an end. */
static rondo_status evaluate(const struct constant_context *context, const struct expression *expression,
                             double *number) {
    if (expression->kind == EXPRESSION_NUMBER) {
        *number = expression->number;
        return RONDO_OK;
    }
    if (expression->kind == EXPRESSION_NAME) {
        return evaluate_name(context, expression, number);
    }
    const char *op = expression->name;
    const int is_negation = strcmp(op, OPERATOR_NEGATE) == 0;
    if (!expression->is_operator || strcmp(op, OPERATOR_PRODUCT) == 0) {
        return refuse(context, expression->where, "'%.60s' cannot be used in a number, expected + - * / and brackets",
                      expression->is_operator ? "@" : op);
    }
    double left = 0, right = 0;
    RONDO_TRY(evaluate(context, expression->operand, &left));
    if (!is_negation) {
        RONDO_TRY(evaluate(context, expression->operand->next, &right));
    }
    *number = is_negation                          ? -left
              : strcmp(op, OPERATOR_ADD) == 0      ? left + right
              : strcmp(op, OPERATOR_SUBTRACT) == 0 ? left - right
              : strcmp(op, OPERATOR_MULTIPLY) == 0 ? left * right
                                                   : left / right;
    return isfinite(*number) ? RONDO_OK : refuse(context, expression->where, "the result is not a finite number");
}

rondo_status constant_evaluate(const struct cell_definition *definition, const struct cell_settings *settings,
                               const struct expression *expression, double *number, struct constant_mistake *mistake) {
    const struct constant_context context = {definition, settings, mistake};
    return evaluate(&context, expression, number);
}
