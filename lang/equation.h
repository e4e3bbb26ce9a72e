/* lang/equation.h: parses the text of a cell's equations into trees.
 *
 *     i  = sigmoid(x @ W_i + h @ U_i + b_i)      # one equation per line; inside brackets it may continue on the next
 *     c' = f * c + i * g
 *
 * Precedence, lowest first:  + -   then * / @   then unary -   then call, name, number, ( ).  Operators of the same
 * precedence are applied from left to right, as in Python. An operator is short for an op: + add, - sub or neg, * mul,
 * / div, @ matmul. A call names a registered op; its operands come first, then its options as key=value:
 * sum(x, axis=-1).
 *
 * A block of equations may be repeated, and a name may have an index:
 *
 *     for l in 2..depth:
 *       s[l] = tanh(s[l-1] @ R[l])
 *
 * lang/repeat.h writes the block out: s_2 = tanh(s_1 @ R_2), s_3 = …
 *
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_LANG_EQUATION_H
#define RONDO_LANG_EQUATION_H

#include "core/arena.h"

/* A block of equations and its position in its file, so that mistakes are reported with the line and column of the file.
 * All borrowed. */
struct equation_text {
    const char *file;
    const char *text;
    int32_t first_line; /* line of the file that holds the first line of text */
    int32_t indent;     /* columns of the file before the beginning of each line of text */
};

enum expression_kind { EXPRESSION_NUMBER, EXPRESSION_NAME, EXPRESSION_CALL };

/* key=value of a call. A value is a name ("mean"), an expression of numbers (lang/constant.h), or a list of these. */
struct expression_option {
    const char *key;
    struct expression *values; /* the value, or the items of a list, linked by `next`; NULL: an empty list */
    int is_list;
    struct location where; /* place of the key */
    struct expression_option *next;
};

/* An index of a name, s[l-1], or an end of a range, 1..depth-1: name + number. */
struct expression_index {
    const char *name; /* the variable of a repetition, or an option; NULL: only the number */
    int32_t number;
    struct location where;
};

/* for variable in first..last: */
struct repetition {
    const char *variable;
    struct location where; /* place of the variable */
    struct expression_index first, last;
};

struct expression {
    enum expression_kind kind;
    struct location where; /* place of the name, number or operator */
    double number;         /* EXPRESSION_NUMBER */
    const char *name; /* the name, or the name of the op that is called; for a number, its text as written, or NULL */
    int is_operator;  /* EXPRESSION_CALL: written as an operator, a + b */
    int primed;       /* EXPRESSION_NAME: the new value of a state */
    const struct expression_index *index; /* EXPRESSION_NAME, as parsed: the index in brackets, or NULL */
    const char *base; /* EXPRESSION_NAME, written out by lang/repeat.h: s of s_2, NULL if there was no index */
    struct expression *operand; /* EXPRESSION_CALL: the first operand */
    struct expression *next;    /* the next operand of the same call */
    struct expression_option *options;
};

/* name = value, or name' = value. */
struct equation {
    const char *name;
    int primed;
    struct location where;    /* place of the name */
    struct expression *value; /* NULL: it could not be read */
    struct equation *next;

    /* Set by the parser. */
    const struct expression_index *index; /* index of the name, or NULL */
    const struct repetition *repetition;  /* shared by all equations of its block; NULL: not in a repetition */
    int is_reported;                      /* a mistake in one of its repetitions was reported: the others are skipped */
    /* Set when repetitions are written out. */
    const char *base;        /* the name without its index: s of s_2, or NULL */
    struct equation *origin; /* the equation as parsed */
};

/* The names of the ops of the operators. */
#define OPERATOR_ADD      "add"
#define OPERATOR_SUBTRACT "sub"
#define OPERATOR_MULTIPLY "mul"
#define OPERATOR_DIVIDE   "div"
#define OPERATOR_PRODUCT  "matmul"
#define OPERATOR_NEGATE   "neg"

/* Parses all equations; memory from `arena`. Every line with a syntax error is reported, and RONDO_INVALID returned. Such
 * a line is in the list if its name could be read, so that uses of the name are not reported too. The list is empty if a
 * repetition, or an index on the left of =, could not be read. */
rondo_status equations_parse(const struct equation_text *text, struct arena *arena, struct equation **first,
                             struct errors *errors);
/* Parses one expression that is not part of an equation, such as a dimension. RONDO_INVALID with an error. */
rondo_status expression_parse(const struct equation_text *text, struct arena *arena, struct expression **expression,
                              struct errors *errors);

/* Adds an error at `where`, a place in `text`, followed by its line (of a long line, the part around the place) and a
 * caret under the place. Returns `status`. */
rondo_status equation_error(const struct equation_text *text, struct location where, rondo_status status,
                            struct errors *errors, const char *format, ...) RONDO_PRINTF(5, 6);

#endif
