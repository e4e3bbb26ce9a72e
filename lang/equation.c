#define _POSIX_C_SOURCE 200809L
#include "lang/token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

/* Limits on the nesting of brackets and signs, and on the operators of one equation. They bound the recursion of the parser
 * and of all code that walks the trees, so that no input can exhaust the stack. */
enum { MAX_DEPTH = 200, MAX_OPERATORS = 1000 };

/* An index, and so the number of repetitions, is not larger. */
enum { MAX_INDEX = 10000 };

struct equation_parser {
    struct lexer lexer;
    struct arena *arena;
    struct errors *errors;
    struct location open; /* the innermost open bracket */
    int32_t depth, operators;
    int failed; /* a mistake in the current line has been reported */

    const struct repetition *repetition; /* the one whose equations are being read, or NULL */
    struct location header;              /* of its line */
    struct location body;                /* of its first equation; line 0: none so far */
    int unusable; /* a repetition or the index of an equation could not be read, so that names have no meaning */
};

/* Reports the first mistake of a line; the caller skips the rest of the line. */
#define PARSE_ERROR(parser, where, ...)                                                                                \
    do {                                                                                                               \
        if (!(parser)->failed) {                                                                                       \
            (parser)->failed = 1;                                                                                      \
            equation_error((parser)->lexer.text, where, RONDO_INVALID, (parser)->errors, __VA_ARGS__);                 \
        }                                                                                                              \
    } while (0)

static int is_symbol(const struct equation_parser *parser, const char *symbol) {
    return token_is(&parser->lexer.token, symbol);
}

static int accept(struct equation_parser *parser, const char *symbol) {
    if (!is_symbol(parser, symbol)) {
        return 0;
    }
    lexer_advance(&parser->lexer);
    return 1;
}

static void *take(struct equation_parser *parser, size_t size) {
    void *memory = arena_calloc(parser->arena, 1, size);
    if (memory == NULL && !parser->failed) {
        parser->failed = 1;
        errors_no_memory(parser->errors);
    }
    return memory;
}

static const char *take_text(struct equation_parser *parser, const char *begin, size_t length) {
    const char *text = arena_strndup(parser->arena, begin, length);
    if (text == NULL && !parser->failed) {
        parser->failed = 1;
        errors_no_memory(parser->errors);
    }
    return text;
}

static struct expression *parse_sum(struct equation_parser *parser);

static struct expression *make_call(struct equation_parser *parser, const char *op, struct location where,
                                    struct expression *a, struct expression *b) {
    struct expression *call = take(parser, sizeof *call);
    if (call == NULL || a == NULL) {
        return NULL;
    }
    call->kind = EXPRESSION_CALL;
    call->where = where;
    call->name = op;
    call->is_operator = 1;
    call->operand = a;
    a->next = b;
    return call;
}

/* If the text ends inside a bracket, the mistake is the bracket: reports that, and returns 1. */
static int bracket_is_open(struct equation_parser *parser) {
    if (parser->lexer.token.kind != TOKEN_END || parser->lexer.brackets == 0) {
        return 0;
    }
    PARSE_ERROR(parser, parser->open, "this bracket is never closed");
    return 1;
}

/* Takes an opening bracket; returns the one around it, for close_bracket. */
static struct location open_bracket(struct equation_parser *parser) {
    const struct location around = parser->open;
    parser->open = parser->lexer.token.where;
    parser->lexer.brackets++;
    lexer_advance(&parser->lexer);
    return around;
}

static void close_bracket(struct equation_parser *parser, struct location around) {
    parser->open = around;
    parser->lexer.brackets--;
    lexer_advance(&parser->lexer);
}

static int expect(struct equation_parser *parser, const char *symbol, const char *after) {
    if (is_symbol(parser, symbol)) {
        return 1;
    }
    if (bracket_is_open(parser)) {
        return 0;
    }
    PARSE_ERROR(parser, parser->lexer.token.where, "expected '%s' %s, found %s", symbol, after,
                token_show(&parser->lexer.token).text);
    return 0;
}

/* The items of a list in brackets: [1, 2*hidden]. */
static int parse_list(struct equation_parser *parser, struct expression **tail) {
    const struct location around = open_bracket(parser);
    while (!is_symbol(parser, "]")) {
        struct expression *item = parse_sum(parser);
        if (item == NULL) {
            return 0;
        }
        *tail = item;
        tail = &item->next;
        if (!is_symbol(parser, "]") && !accept(parser, ",")) {
            bracket_is_open(parser);
            PARSE_ERROR(parser, parser->lexer.token.where, "expected ',' or ']' in the list, found %s",
                        token_show(&parser->lexer.token).text);
            return 0;
        }
    }
    close_bracket(parser, around);
    return 1;
}

/* 1 if an expression may begin with the token. */
static int at_expression(const struct equation_parser *parser) {
    const enum token_kind kind = parser->lexer.token.kind;
    return kind == TOKEN_NUMBER || kind == TOKEN_NAME || is_symbol(parser, "-") || is_symbol(parser, "(");
}

static int parse_option_value(struct equation_parser *parser, struct expression_option *option) {
    if (is_symbol(parser, "[")) {
        option->is_list = 1;
        return parse_list(parser, &option->values);
    }
    if (!at_expression(parser)) {
        bracket_is_open(parser);
        PARSE_ERROR(parser, parser->lexer.token.where, "expected the value of the option, found %s",
                    token_show(&parser->lexer.token).text);
        return 0;
    }
    option->values = parse_sum(parser);
    return option->values != NULL;
}

/* 1 if the token is a name followed by a single '='. */
static int at_option(const struct equation_parser *parser) {
    if (parser->lexer.token.kind != TOKEN_NAME) {
        return 0;
    }
    return lexer_peek(&parser->lexer) == '=';
}

static int parse_option(struct equation_parser *parser, struct expression_option ***tail) {
    struct expression_option *option = take(parser, sizeof *option);
    if (option == NULL) {
        return 0;
    }
    option->where = parser->lexer.token.where;
    option->key = take_text(parser, parser->lexer.token.begin, parser->lexer.token.length);
    lexer_advance(&parser->lexer); /* the name */
    lexer_advance(&parser->lexer); /* = */
    **tail = option;
    *tail = &option->next;
    return option->key != NULL && parse_option_value(parser, option);
}

/* The part of a call after its name: (operand, …, key=value, …). */
static struct expression *parse_call(struct equation_parser *parser, const char *name, struct location where) {
    struct expression *call = take(parser, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    call->kind = EXPRESSION_CALL;
    call->where = where;
    call->name = name;
    struct expression **tail = &call->operand;
    struct expression_option **option_tail = &call->options;
    const struct location around = open_bracket(parser);
    while (!is_symbol(parser, ")")) {
        if (at_option(parser)) {
            if (!parse_option(parser, &option_tail)) {
                return NULL;
            }
        } else if (call->options != NULL) {
            PARSE_ERROR(parser, parser->lexer.token.where, "operands come before options");
            return NULL;
        } else {
            struct expression *operand = parse_sum(parser);
            if (operand == NULL) {
                return NULL;
            }
            *tail = operand;
            tail = &operand->next;
        }
        if (!is_symbol(parser, ")") && !accept(parser, ",")) {
            bracket_is_open(parser);
            PARSE_ERROR(parser, parser->lexer.token.where, "expected ',' or ')' in the call of '%s', found %s", name,
                        token_show(&parser->lexer.token).text);
            return NULL;
        }
    }
    close_bracket(parser, around);
    return call;
}

/* A whole number, or the name of one, or a name and a number: 2, l, depth-1. */
static int parse_index_value(struct equation_parser *parser, struct expression_index *index) {
    const struct token token = parser->lexer.token;
    index->where = token.where;
    int sign = 1;
    if (token.kind == TOKEN_NAME) {
        index->name = take_text(parser, token.begin, token.length);
        lexer_advance(&parser->lexer);
        sign = is_symbol(parser, "-") ? -1 : 1;
        if (index->name == NULL || (!accept(parser, "-") && !accept(parser, "+"))) {
            return index->name != NULL;
        }
    }
    const struct token number = parser->lexer.token;
    if (number.kind != TOKEN_NUMBER || strspn(number.begin, "0123456789") < number.length) {
        bracket_is_open(parser);
        PARSE_ERROR(parser, number.where, "expected a whole number%s, found %s",
                    token.kind == TOKEN_NAME ? "" : " or a name", token_show(&number).text);
        return 0;
    }
    const long long value = strtoll(number.begin, NULL, 10); /* LLONG_MAX if it is too large */
    if (value > MAX_INDEX) {
        PARSE_ERROR(parser, number.where, "this index is larger than %d", MAX_INDEX);
        return 0;
    }
    index->number = (int32_t)(sign * value);
    lexer_advance(&parser->lexer);
    return 1;
}

/* [l-1] after a name; NULL after a mistake. */
static const struct expression_index *parse_index(struct equation_parser *parser) {
    struct expression_index *index = take(parser, sizeof *index);
    const struct location around = open_bracket(parser);
    if (index == NULL || !parse_index_value(parser, index) || !expect(parser, "]", "to close the index")) {
        return NULL;
    }
    close_bracket(parser, around);
    return index;
}

static struct expression *parse_primary(struct equation_parser *parser) {
    const struct token token = parser->lexer.token;
    if (token.kind == TOKEN_NUMBER) {
        struct expression *number = take(parser, sizeof *number);
        if (number == NULL) {
            return NULL;
        }
        number->kind = EXPRESSION_NUMBER;
        number->where = token.where;
        number->number = number_parse(token.begin, NULL);
        number->name = take_text(parser, token.begin, token.length);
        if (!isfinite(number->number)) {
            PARSE_ERROR(parser, token.where, "this number is too large");
            return NULL;
        }
        lexer_advance(&parser->lexer);
        return number;
    }
    if (token.kind == TOKEN_NAME) {
        const char *name = take_text(parser, token.begin, token.length);
        lexer_advance(&parser->lexer);
        if (name == NULL || is_symbol(parser, "(")) {
            return name == NULL ? NULL : parse_call(parser, name, token.where);
        }
        struct expression *value = take(parser, sizeof *value);
        if (value == NULL) {
            return NULL;
        }
        value->kind = EXPRESSION_NAME;
        value->where = token.where;
        value->name = name;
        if (is_symbol(parser, "[")) {
            value->index = parse_index(parser);
            if (value->index == NULL) {
                return NULL;
            }
        }
        value->primed = accept(parser, "'");
        return value;
    }
    if (is_symbol(parser, "(")) {
        const struct location around = open_bracket(parser);
        struct expression *inner = parse_sum(parser);
        if (inner == NULL || !expect(parser, ")", "to close the bracket")) {
            return NULL;
        }
        close_bracket(parser, around);
        return inner;
    }
    bracket_is_open(parser);
    PARSE_ERROR(parser, token.where, "expected a name, a number or '(', found %s", token_show(&token).text);
    return NULL;
}

static struct expression *parse_unary(struct equation_parser *parser) {
    if (++parser->depth > MAX_DEPTH) {
        PARSE_ERROR(parser, parser->lexer.token.where, "brackets nest deeper than %d", MAX_DEPTH);
        parser->depth--;
        return NULL;
    }
    struct expression *value;
    if (is_symbol(parser, "-")) {
        const struct location where = parser->lexer.token.where;
        lexer_advance(&parser->lexer);
        value = parse_unary(parser);
        if (value != NULL && value->kind == EXPRESSION_NUMBER) {
            value->number = -value->number;
            value->name =
                value->name == NULL || *value->name == '-' ? NULL : arena_printf(parser->arena, "-%s", value->name);
        } else if (value != NULL) {
            value = make_call(parser, OPERATOR_NEGATE, where, value, NULL);
        }
    } else {
        value = parse_primary(parser);
    }
    parser->depth--;
    return value;
}

/* A chain of binary operators of the same precedence, from left to right. */
static struct expression *parse_chain(struct equation_parser *parser, const char *symbols, const char *const *ops,
                                      struct expression *(*parse_operand)(struct equation_parser *)) {
    struct expression *left = parse_operand(parser);
    while (left != NULL && parser->lexer.token.kind == TOKEN_SYMBOL && parser->lexer.token.length == 1) {
        const char *found = strchr(symbols, parser->lexer.token.begin[0]);
        if (found == NULL) {
            break;
        }
        const struct location where = parser->lexer.token.where;
        if (++parser->operators > MAX_OPERATORS) {
            PARSE_ERROR(parser, where,
                        "more than %d operators in one equation, give a part of it a name in an equation before it",
                        MAX_OPERATORS);
            return NULL;
        }
        lexer_advance(&parser->lexer);
        struct expression *right = parse_operand(parser);
        left = right == NULL ? NULL : make_call(parser, ops[found - symbols], where, left, right);
    }
    return left;
}

static struct expression *parse_product(struct equation_parser *parser) {
    static const char *const ops[] = {OPERATOR_MULTIPLY, OPERATOR_DIVIDE, OPERATOR_PRODUCT};
    return parse_chain(parser, "*/@", ops, parse_unary);
}

static struct expression *parse_sum(struct equation_parser *parser) {
    static const char *const ops[] = {OPERATOR_ADD, OPERATOR_SUBTRACT};
    return parse_chain(parser, "+-", ops, parse_product);
}

/* Fills the equation; 0 after a mistake, with the name if it could be read. */
static int parse_equation(struct equation_parser *parser, struct equation *equation) {
    if (parser->lexer.token.kind != TOKEN_NAME) {
        PARSE_ERROR(parser, parser->lexer.token.where, "expected an equation 'name = …', found %s",
                    token_show(&parser->lexer.token).text);
        return 0;
    }
    equation->where = parser->lexer.token.where;
    equation->name = take_text(parser, parser->lexer.token.begin, parser->lexer.token.length);
    lexer_advance(&parser->lexer);
    if (equation->name != NULL && is_symbol(parser, "[")) {
        equation->index = parse_index(parser);
        if (equation->index == NULL) {
            parser->unusable = 1;
            return 0;
        }
    }
    equation->primed = accept(parser, "'");
    if (equation->name == NULL || !expect(parser, "=", "after the name of an equation")) {
        return 0;
    }
    lexer_advance(&parser->lexer);
    struct expression *value = parse_sum(parser);
    if (value == NULL) {
        return 0;
    }
    if (parser->lexer.token.kind != TOKEN_NEWLINE && parser->lexer.token.kind != TOKEN_END) {
        PARSE_ERROR(parser, parser->lexer.token.where, "expected an operator or the end of the line, found %s",
                    token_show(&parser->lexer.token).text);
        return 0;
    }
    equation->value = value;
    return 1;
}

/* 1 at the line `for l in 1..3:`; a value may be called `for` too. */
static int at_repetition(const struct equation_parser *parser) {
    const struct token *token = &parser->lexer.token;
    return token->kind == TOKEN_NAME && token->length == 3 && memcmp(token->begin, "for", 3) == 0 &&
           strchr("='[", lexer_peek(&parser->lexer)) == NULL;
}

/* Fills the repetition from its line; 0 after a mistake. */
static int parse_repetition(struct equation_parser *parser, struct repetition *repetition) {
    lexer_advance(&parser->lexer); /* for */
    const struct token variable = parser->lexer.token;
    if (variable.kind != TOKEN_NAME) {
        PARSE_ERROR(parser, variable.where, "expected a repetition 'for l in 1..3:', found %s",
                    token_show(&variable).text);
        return 0;
    }
    repetition->where = variable.where;
    repetition->variable = take_text(parser, variable.begin, variable.length);
    lexer_advance(&parser->lexer);
    const struct token in = parser->lexer.token;
    if (in.kind != TOKEN_NAME || in.length != 2 || memcmp(in.begin, "in", 2) != 0) {
        PARSE_ERROR(parser, in.where, "expected 'in' after the name that counts, found %s", token_show(&in).text);
        return 0;
    }
    lexer_advance(&parser->lexer);
    if (repetition->variable == NULL || !parse_index_value(parser, &repetition->first) ||
        !expect(parser, "..", "between the first number and the last")) {
        return 0;
    }
    lexer_advance(&parser->lexer);
    if (!parse_index_value(parser, &repetition->last) || !expect(parser, ":", "after the range")) {
        return 0;
    }
    lexer_advance(&parser->lexer);
    if (!token_ends_line(&parser->lexer.token)) {
        PARSE_ERROR(parser, parser->lexer.token.where,
                    "expected the end of the line, found %s: the equations "
                    "follow on separate lines, indented",
                    token_show(&parser->lexer.token).text);
        return 0;
    }
    return 1;
}

static void begin_repetition(struct equation_parser *parser) {
    struct repetition *repetition = take(parser, sizeof *repetition);
    parser->header = parser->lexer.token.where;
    parser->body = (struct location){0};
    if (repetition == NULL || !parse_repetition(parser, repetition)) {
        parser->unusable = 1;
    }
    parser->repetition = repetition;
}

static void end_repetition(struct equation_parser *parser) {
    if (parser->repetition != NULL && parser->body.line == 0) {
        parser->failed = 0;
        PARSE_ERROR(parser, parser->header, "this repetition has no equations, expected them below, indented");
        parser->unusable = 1;
    }
    parser->repetition = NULL;
}

/* The column of a line decides whether it belongs to the repetition (the column of its first line) or follows it. */
static void check_indentation(struct equation_parser *parser) {
    const struct location where = parser->lexer.token.where;
    if (parser->repetition == NULL) {
        return;
    }
    if (where.column <= parser->header.column) {
        end_repetition(parser);
        return;
    }
    if (parser->body.line == 0) {
        parser->body = where;
    } else if (where.column != parser->body.column) {
        PARSE_ERROR(parser, where, "expected the indentation of line %d, or of the 'for' in line %d", parser->body.line,
                    parser->header.line);
        parser->unusable = 1;
    } else if (at_repetition(parser)) {
        PARSE_ERROR(parser, where, "a repetition cannot contain another");
        parser->unusable = 1;
    }
}

/* After a mistake, continues with the next line, so that its mistakes are reported too. */
static void recover(struct equation_parser *parser) {
    parser->lexer.brackets = 0;
    if (!token_ends_line(&parser->lexer.token)) {
        lexer_skip_line(&parser->lexer);
        lexer_advance(&parser->lexer);
    }
}

/* One line that is not empty. Adds its equation, if it has one with a name, to the end of the list. */
static void parse_line(struct equation_parser *parser, struct equation ***tail) {
    parser->failed = 0;
    parser->depth = 0;
    parser->operators = 0;
    check_indentation(parser);
    if (!parser->failed && at_repetition(parser)) {
        end_repetition(parser); /* the repetition before it, in the same column */
        parser->failed = 0;
        begin_repetition(parser);
    } else if (!parser->failed) {
        struct equation *equation = take(parser, sizeof *equation);
        if (equation != NULL && !parse_equation(parser, equation)) {
            equation->value = NULL;
        }
        if (equation != NULL && equation->name != NULL) {
            equation->repetition = parser->repetition;
            **tail = equation;
            *tail = &equation->next;
        }
    }
    if (parser->failed) {
        recover(parser);
    }
}

rondo_status equations_parse(const struct equation_text *text, struct arena *arena, struct equation **first,
                             struct errors *errors) {
    struct equation_parser parser = {
        .lexer = {.text = text, .next = text->text, .line_begin = text->text}, .arena = arena, .errors = errors};
    struct equation **tail = first;
    *first = NULL;
    const int32_t errors_before = errors->count;
    lexer_advance(&parser.lexer);
    while (parser.lexer.token.kind != TOKEN_END) {
        if (parser.lexer.token.kind == TOKEN_NEWLINE) {
            lexer_advance(&parser.lexer);
        } else {
            parse_line(&parser, &tail);
        }
    }
    end_repetition(&parser);
    if (errors->count == errors_before && *first == NULL) {
        errors_add_at(errors, RONDO_INVALID, (struct location){text->file, text->first_line, text->indent + 1},
                      "there is no equation here, expected lines 'name = …'");
    }
    if (parser.unusable) {
        *first = NULL;
    }
    return errors->count == errors_before ? RONDO_OK : RONDO_INVALID;
}

rondo_status expression_parse(const struct equation_text *text, struct arena *arena, struct expression **expression,
                              struct errors *errors) {
    struct equation_parser parser = {
        .lexer = {.text = text, .next = text->text, .line_begin = text->text}, .arena = arena, .errors = errors};
    const int32_t errors_before = errors->count;
    lexer_advance(&parser.lexer);
    *expression = parse_sum(&parser);
    if (*expression != NULL && parser.lexer.token.kind != TOKEN_END) {
        PARSE_ERROR(&parser, parser.lexer.token.where, "expected an operator or the end of the text, found %s",
                    token_show(&parser.lexer.token).text);
    }
    return errors->count == errors_before ? RONDO_OK : errors->status;
}
