/* lang/constant.h: expressions with a value that is known when a cell is compiled: dimensions of shapes, and option
 * values of calls.
 *
 *     params: {W: [input, 4*hidden - 1]}          slice(x, begin=2*hidden)          dropout(x, rate=(1 - keep) / 2)
 *
 * They consist of numbers, `input`, `hidden` and options of the cell, with + - * / and brackets.
 *
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_LANG_CONSTANT_H
#define RONDO_LANG_CONSTANT_H

#include "lang/cell.h"

/* Why an expression has no value, and where in the text. */
struct constant_mistake {
    struct location where;
    char text[192];
};

/* 1 and the number if `name` is `input`, `hidden` or an option; else 0. */
int constant_is_named(const struct cell_definition *definition, const struct cell_settings *settings, const char *name,
                      double *number);
/* The same in shapes, ranges and options, where `memory` is the width of the memory, if there is one. In equations it is the
 * memory itself. */
int constant_is_number(const struct cell_definition *definition, const struct cell_settings *settings, const char *name,
                       double *number);
/* Evaluates; RONDO_INVALID with a mistake if the expression contains anything else, or its value is not finite. */
rondo_status constant_evaluate(const struct cell_definition *definition, const struct cell_settings *settings,
                               const struct expression *expression, double *number, struct constant_mistake *mistake);

#endif
