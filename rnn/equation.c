#define _POSIX_C_SOURCE 200809L
#include "rnn/equation.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Brackets and signs nest this deep, and an equation has so many operators; the limits keep the recursion here and in
 * whoever walks the tree off the end of the stack. */
enum { MAX_DEPTH = 200, MAX_OPERATORS = 1000 };

/* Columns of a line that a message shows around the mistake. */
enum { SHOWN = 100 };

enum token_kind { TOKEN_END, TOKEN_NEWLINE, TOKEN_NUMBER, TOKEN_NAME, TOKEN_SYMBOL };

struct token {
    enum token_kind kind;
    const char *begin;
    size_t length;
    struct location where;
};

struct parser {
    const struct equation_text *text;
    struct arena *arena;
    struct errors *errors;
    const char *next;       /* in the text, behind the token */
    const char *line_begin; /* of the line that `next` is in */
    int32_t line;           /* 0, 1, … within the text */
    int32_t brackets;       /* open: line ends are blanks inside */
    struct location open;   /* the innermost of them */
    int32_t depth, operators;
    struct token token; /* the one to be looked at */
    int failed;         /* in this line: told once */
};

static int is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80; /* of a UTF-8 character */
}

rondo_status equation_error(const struct equation_text *text, struct location where, rondo_status status,
                            struct errors *errors, const char *format, ...) {
    if (errors->count >= ERRORS_MAX) {
        return errors_add(errors, status, "one more"); /* counted and not kept: finding its line is work for nothing */
    }
    char message[512], blanks[SHOWN + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *line = text->text;
    for (int32_t skip = where.line - text->first_line; skip > 0 && *line != '\0'; line++) {
        skip -= *line == '\n';
    }
    const int column = where.column > text->indent ? where.column - text->indent - 1 : 0;
    const int length = (int)strcspn(line, "\r\n");
    int begin = column > SHOWN - 20 ? column - SHOWN / 2 : 0; /* a place far to the right: what stands around it */
    while (begin > 0 && is_continuation(line[begin])) {
        begin--;
    }
    int end = length - begin > SHOWN ? begin + SHOWN : length;
    while (end > begin && end < length && is_continuation(line[end])) {
        end--;
    }
    int width = 0; /* in front of the caret: a tab stays one, a character of several bytes is one blank */
    for (int i = begin; i < column && i < end && width < SHOWN; i++) {
        if (!is_continuation(line[i])) {
            blanks[width++] = line[i] == '\t' ? '\t' : ' ';
        }
    }
    blanks[width] = '\0';
    return errors_add_at(errors, status, where, "%s\n    %.*s\n    %s^", message, end - begin, line + begin, blanks);
}

static struct location place(const struct parser *parser, const char *at) {
    return (struct location){parser->text->file, parser->text->first_line + parser->line,
                             parser->text->indent + (int32_t)(at - parser->line_begin) + 1};
}

/* Tells the first mistake of a line; the rest of the line is skipped by the caller. */
#define PARSE_ERROR(parser, where, ...)                                                                                \
    do {                                                                                                               \
        if (!(parser)->failed) {                                                                                       \
            (parser)->failed = 1;                                                                                      \
            equation_error((parser)->text, where, RONDO_INVALID, (parser)->errors, __VA_ARGS__);                       \
        }                                                                                                              \
    } while (0)

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *c) {
    while (is_digit(*c)) {
        c++;
    }
    return c;
}

/* Behind a decimal number; strtod alone would also take 0x1p3. */
static const char *skip_number(const char *c) {
    c = skip_digits(c);
    c = *c == '.' ? skip_digits(c + 1) : c;
    if (*c != 'e' && *c != 'E') {
        return c;
    }
    const char *exponent = c[1] == '+' || c[1] == '-' ? c + 2 : c + 1;
    return is_digit(*exponent) ? skip_digits(exponent) : c;
}

static void skip_line(struct parser *parser) {
    while (*parser->next != '\n' && *parser->next != '\0') {
        parser->next++;
    }
}

static void next_line(struct parser *parser) {
    parser->next++;
    parser->line++;
    parser->line_begin = parser->next;
}

static void skip_blanks(struct parser *parser) {
    for (;;) {
        const char c = *parser->next;
        if (c == '#') {
            skip_line(parser);
        } else if (c == '\n' && parser->brackets > 0) {
            next_line(parser);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            parser->next++;
        } else {
            return;
        }
    }
}

static void advance(struct parser *parser) {
    skip_blanks(parser);
    struct token token = {.begin = parser->next, .where = place(parser, parser->next)};
    const char c = *parser->next;
    if (c == '\0') {
        token.kind = TOKEN_END;
    } else if (c == '\n') {
        token.kind = TOKEN_NEWLINE;
        next_line(parser);
    } else if (is_letter(c)) {
        token.kind = TOKEN_NAME;
        while (is_letter(*parser->next) || is_digit(*parser->next)) {
            parser->next++;
        }
    } else if (is_digit(c) || (c == '.' && is_digit(parser->next[1]))) {
        token.kind = TOKEN_NUMBER;
        parser->next = skip_number(parser->next);
    } else {
        token.kind = TOKEN_SYMBOL;
        /* A character of several bytes is one symbol: it is shown whole in the message. */
        do {
            parser->next++;
        } while (is_continuation(*parser->next));
    }
    token.length = (size_t)(parser->next - token.begin);
    parser->token = token;
}

static int is_symbol(const struct parser *parser, char symbol) {
    return parser->token.kind == TOKEN_SYMBOL && parser->token.length == 1 && parser->token.begin[0] == symbol;
}

static int accept(struct parser *parser, char symbol) {
    if (!is_symbol(parser, symbol)) {
        return 0;
    }
    advance(parser);
    return 1;
}

/* "'+'", "the end of the line": the token as a message shows it. */
struct token_text {
    char text[64];
};
static struct token_text show(const struct token *token) {
    struct token_text shown;
    if (token->kind == TOKEN_END || token->kind == TOKEN_NEWLINE) {
        snprintf(shown.text, sizeof shown.text, "the end of the line");
    } else {
        const int length = token->length < 40 ? (int)token->length : 40;
        snprintf(shown.text, sizeof shown.text, "'%.*s'", length, token->begin);
    }
    return shown;
}

static void *take(struct parser *parser, size_t size) {
    void *memory = arena_calloc(parser->arena, 1, size);
    if (memory == NULL && !parser->failed) {
        parser->failed = 1;
        errors_no_memory(parser->errors);
    }
    return memory;
}

static const char *take_text(struct parser *parser, const char *begin, size_t length) {
    const char *text = arena_strndup(parser->arena, begin, length);
    if (text == NULL && !parser->failed) {
        parser->failed = 1;
        errors_no_memory(parser->errors);
    }
    return text;
}

static struct expression *parse_sum(struct parser *parser);

static struct expression *make_call(struct parser *parser, const char *op, struct location where, struct expression *a,
                                    struct expression *b) {
    struct expression *call = take(parser, sizeof *call);
    if (call == NULL || a == NULL) {
        return NULL;
    }
    call->kind = EXPRESSION_CALL;
    call->where = where;
    call->name = op;
    call->operand = a;
    a->next = b;
    return call;
}

/* At the end of all equations inside a bracket the mistake is the bracket: tells that, and returns 1. */
static int bracket_is_open(struct parser *parser) {
    if (parser->token.kind != TOKEN_END || parser->brackets == 0) {
        return 0;
    }
    PARSE_ERROR(parser, parser->open, "this bracket is never closed");
    return 1;
}

/* Takes an opening bracket; returns the one around it, for close_bracket. */
static struct location open_bracket(struct parser *parser) {
    const struct location around = parser->open;
    parser->open = parser->token.where;
    parser->brackets++;
    advance(parser);
    return around;
}

static void close_bracket(struct parser *parser, struct location around) {
    parser->open = around;
    parser->brackets--;
    advance(parser);
}

static int expect(struct parser *parser, char symbol, const char *after) {
    if (is_symbol(parser, symbol)) {
        return 1;
    }
    if (bracket_is_open(parser)) {
        return 0;
    }
    PARSE_ERROR(parser, parser->token.where, "expected '%c' %s, found %s", symbol, after, show(&parser->token).text);
    return 0;
}

/* The text of an option's value: a number, a name, or a list in brackets; as written. */
static const char *parse_option_value(struct parser *parser) {
    const char *begin = parser->token.begin;
    const char *end;
    if (accept(parser, '[')) {
        while (!is_symbol(parser, ']')) {
            if (parser->token.kind != TOKEN_NUMBER && !is_symbol(parser, ',') && !is_symbol(parser, '-')) {
                PARSE_ERROR(parser, parser->token.where, "expected a number or ']' in the list, found %s",
                            show(&parser->token).text);
                return NULL;
            }
            advance(parser);
        }
        end = parser->token.begin + 1;
        advance(parser);
        return take_text(parser, begin, (size_t)(end - begin));
    }
    accept(parser, '-');
    if (parser->token.kind != TOKEN_NUMBER && parser->token.kind != TOKEN_NAME) {
        PARSE_ERROR(parser, parser->token.where, "expected the value of the option, found %s",
                    show(&parser->token).text);
        return NULL;
    }
    end = parser->token.begin + parser->token.length;
    advance(parser);
    return take_text(parser, begin, (size_t)(end - begin));
}

/* 1 where the token is a name followed by a single '='. */
static int at_option(const struct parser *parser) {
    if (parser->token.kind != TOKEN_NAME) {
        return 0;
    }
    const char *c = parser->next;
    while (*c == ' ' || *c == '\t') {
        c++;
    }
    return *c == '=';
}

static int parse_option(struct parser *parser, struct expression_option ***tail) {
    struct expression_option *option = take(parser, sizeof *option);
    if (option == NULL) {
        return 0;
    }
    option->where = parser->token.where;
    option->key = take_text(parser, parser->token.begin, parser->token.length);
    advance(parser); /* the name */
    advance(parser); /* = */
    option->value = parse_option_value(parser);
    **tail = option;
    *tail = &option->next;
    return option->key != NULL && option->value != NULL;
}

/* The part of a call behind its name: (operand, …, key=value, …). */
static struct expression *parse_call(struct parser *parser, const char *name, struct location where) {
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
    while (!is_symbol(parser, ')')) {
        if (at_option(parser)) {
            if (!parse_option(parser, &option_tail)) {
                return NULL;
            }
        } else if (call->options != NULL) {
            PARSE_ERROR(parser, parser->token.where, "operands come before options");
            return NULL;
        } else {
            struct expression *operand = parse_sum(parser);
            if (operand == NULL) {
                return NULL;
            }
            *tail = operand;
            tail = &operand->next;
        }
        if (!is_symbol(parser, ')') && !accept(parser, ',')) {
            bracket_is_open(parser);
            PARSE_ERROR(parser, parser->token.where, "expected ',' or ')' in the call of '%s', found %s", name,
                        show(&parser->token).text);
            return NULL;
        }
    }
    close_bracket(parser, around);
    return call;
}

static struct expression *parse_primary(struct parser *parser) {
    const struct token token = parser->token;
    if (token.kind == TOKEN_NUMBER) {
        struct expression *number = take(parser, sizeof *number);
        if (number == NULL) {
            return NULL;
        }
        number->kind = EXPRESSION_NUMBER;
        number->where = token.where;
        number->number = strtod(token.begin, NULL);
        if (!isfinite(number->number)) {
            PARSE_ERROR(parser, token.where, "this number is too large");
            return NULL;
        }
        advance(parser);
        return number;
    }
    if (token.kind == TOKEN_NAME) {
        const char *name = take_text(parser, token.begin, token.length);
        advance(parser);
        if (name == NULL || is_symbol(parser, '(')) {
            return name == NULL ? NULL : parse_call(parser, name, token.where);
        }
        struct expression *value = take(parser, sizeof *value);
        if (value == NULL) {
            return NULL;
        }
        value->kind = EXPRESSION_NAME;
        value->where = token.where;
        value->name = name;
        value->primed = accept(parser, '\'');
        return value;
    }
    if (is_symbol(parser, '(')) {
        const struct location around = open_bracket(parser);
        struct expression *inner = parse_sum(parser);
        if (inner == NULL || !expect(parser, ')', "to close the bracket")) {
            return NULL;
        }
        close_bracket(parser, around);
        return inner;
    }
    bracket_is_open(parser);
    PARSE_ERROR(parser, token.where, "expected a name, a number or '(', found %s", show(&token).text);
    return NULL;
}

static struct expression *parse_unary(struct parser *parser) {
    if (++parser->depth > MAX_DEPTH) {
        PARSE_ERROR(parser, parser->token.where, "brackets nest deeper than %d", MAX_DEPTH);
        parser->depth--;
        return NULL;
    }
    struct expression *value;
    if (is_symbol(parser, '-')) {
        const struct location where = parser->token.where;
        advance(parser);
        value = parse_unary(parser);
        if (value != NULL && value->kind == EXPRESSION_NUMBER) {
            value->number = -value->number;
        } else if (value != NULL) {
            value = make_call(parser, OPERATOR_NEGATE, where, value, NULL);
        }
    } else {
        value = parse_primary(parser);
    }
    parser->depth--;
    return value;
}

/* A chain of binary operators of one rank, from left to right. */
static struct expression *parse_chain(struct parser *parser, const char *symbols, const char *const *ops,
                                      struct expression *(*parse_operand)(struct parser *)) {
    struct expression *left = parse_operand(parser);
    while (left != NULL && parser->token.kind == TOKEN_SYMBOL && parser->token.length == 1) {
        const char *found = strchr(symbols, parser->token.begin[0]);
        if (found == NULL) {
            break;
        }
        const struct location where = parser->token.where;
        if (++parser->operators > MAX_OPERATORS) {
            PARSE_ERROR(parser, where, "more than %d operators in one equation, give a part of it a name of its own",
                        MAX_OPERATORS);
            return NULL;
        }
        advance(parser);
        struct expression *right = parse_operand(parser);
        left = right == NULL ? NULL : make_call(parser, ops[found - symbols], where, left, right);
    }
    return left;
}

static struct expression *parse_product(struct parser *parser) {
    static const char *const ops[] = {OPERATOR_MULTIPLY, OPERATOR_DIVIDE, OPERATOR_PRODUCT};
    return parse_chain(parser, "*/@", ops, parse_unary);
}

static struct expression *parse_sum(struct parser *parser) {
    static const char *const ops[] = {OPERATOR_ADD, OPERATOR_SUBTRACT};
    return parse_chain(parser, "+-", ops, parse_product);
}

/* Fills the equation; 0 after a mistake, with the name where it could be read. */
static int parse_equation(struct parser *parser, struct equation *equation) {
    if (parser->token.kind != TOKEN_NAME) {
        PARSE_ERROR(parser, parser->token.where, "expected an equation 'name = …', found %s",
                    show(&parser->token).text);
        return 0;
    }
    equation->where = parser->token.where;
    equation->name = take_text(parser, parser->token.begin, parser->token.length);
    advance(parser);
    equation->primed = accept(parser, '\'');
    if (equation->name == NULL || !expect(parser, '=', "behind the name of an equation")) {
        return 0;
    }
    advance(parser);
    struct expression *value = parse_sum(parser);
    if (value == NULL) {
        return 0;
    }
    if (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_END) {
        PARSE_ERROR(parser, parser->token.where, "expected an operator or the end of the line, found %s",
                    show(&parser->token).text);
        return 0;
    }
    equation->value = value;
    return 1;
}

rondo_status equations_parse(const struct equation_text *text, struct arena *arena, struct equation **first,
                             struct errors *errors) {
    struct parser parser = {
        .text = text, .arena = arena, .errors = errors, .next = text->text, .line_begin = text->text};
    struct equation **tail = first;
    *first = NULL;
    const int32_t errors_before = errors->count;
    advance(&parser);
    while (parser.token.kind != TOKEN_END) {
        if (parser.token.kind == TOKEN_NEWLINE) {
            advance(&parser);
            continue;
        }
        parser.failed = 0;
        parser.depth = 0;
        parser.operators = 0;
        struct equation *equation = take(&parser, sizeof *equation);
        const int is_read = equation != NULL && parse_equation(&parser, equation);
        if (equation != NULL && equation->name != NULL) {
            *tail = equation;
            tail = &equation->next;
        }
        if (is_read) {
            continue;
        }
        /* After a mistake go on with the next line, to tell what is wrong there as well. */
        parser.brackets = 0;
        if (parser.token.kind != TOKEN_NEWLINE && parser.token.kind != TOKEN_END) {
            skip_line(&parser);
            advance(&parser);
        }
    }
    if (errors->count == errors_before && *first == NULL) {
        errors_add_at(errors, RONDO_INVALID, (struct location){text->file, text->first_line, text->indent + 1},
                      "there is no equation here, expected lines 'name = …'");
    }
    return errors->count == errors_before ? RONDO_OK : RONDO_INVALID;
}
