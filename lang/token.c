#include "lang/token.h"

#include "io/look_alike.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"

/* The most columns of a line that a message shows. */
enum { SHOWN = 100 };

/* 1 for the second to last bytes of a UTF-8 character. */
static int is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

rondo_status equation_error(const struct equation_text *text, struct location where, rondo_status status,
                            struct errors *errors, const char *format, ...) {
    if (errors->count >= ERRORS_MAX) {
        return errors_add(errors, status, "one more"); /* only counted: its text would not be kept */
    }
    char message[512], blanks[SHOWN + 1];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *line = text->text;
    for (int32_t skip = where.line - text->first_line; skip > 0 && *line != '\0'; line++) {
        skip -= *line == '\n';
    }
    const int column = where.column > text->indent ? where.column - text->indent - 1 : 0;
    const int length = (int)strcspn(line, "\r\n");
    int begin = column > SHOWN - 20 ? column - SHOWN / 2 : 0; /* of a long line, the part around the place */
    while (begin > 0 && is_continuation(line[begin])) {
        begin--;
    }
    int end = length - begin > SHOWN ? begin + SHOWN : length;
    while (end > begin && end < length && is_continuation(line[end])) {
        end--;
    }
    int width = 0; /* before the caret: a tab stays a tab, a character of several bytes becomes one blank */
    for (int i = begin; i < column && i < end && width < SHOWN; i++) {
        if (!is_continuation(line[i])) {
            blanks[width++] = line[i] == '\t' ? '\t' : ' ';
        }
    }
    blanks[width] = '\0';
    return errors_add_at(errors, status, where, "%s\n    %.*s\n    %s^", message, end - begin, line + begin, blanks);
}

static struct location place(const struct lexer *lexer, const char *at) {
    return (struct location){lexer->text->file, lexer->text->first_line + lexer->line,
                             lexer->text->indent + (int32_t)(at - lexer->line_begin) + 1};
}

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

/* The end of a decimal number. strtod would also read 0x1p3. */
static const char *skip_number(const char *c) {
    c = skip_digits(c);
    c = *c == '.' && c[1] != '.' ? skip_digits(c + 1) : c; /* 1..3 is a range */
    if (*c != 'e' && *c != 'E') {
        return c;
    }
    const char *exponent = c[1] == '+' || c[1] == '-' ? c + 2 : c + 1;
    return is_digit(*exponent) ? skip_digits(exponent) : c;
}

void lexer_skip_line(struct lexer *lexer) {
    while (*lexer->next != '\n' && *lexer->next != '\0') {
        lexer->next++;
    }
}

static void next_line(struct lexer *lexer) {
    lexer->next++;
    lexer->line++;
    lexer->line_begin = lexer->next;
}

static void skip_blanks(struct lexer *lexer) {
    for (;;) {
        const char c = *lexer->next;
        if (c == '#') {
            lexer_skip_line(lexer);
        } else if (c == '\n' && lexer->brackets > 0) {
            next_line(lexer);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->next++;
        } else {
            return;
        }
    }
}

void lexer_advance(struct lexer *lexer) {
    skip_blanks(lexer);
    struct token token = {.begin = lexer->next, .where = place(lexer, lexer->next)};
    const char c = *lexer->next;
    if (c == '\0') {
        token.kind = TOKEN_END;
    } else if (c == '\n') {
        token.kind = TOKEN_NEWLINE;
        next_line(lexer);
    } else if (is_letter(c)) {
        token.kind = TOKEN_NAME;
        while (is_letter(*lexer->next) || is_digit(*lexer->next)) {
            lexer->next++;
        }
    } else if (is_digit(c) || (c == '.' && is_digit(lexer->next[1]))) {
        token.kind = TOKEN_NUMBER;
        lexer->next = skip_number(lexer->next);
    } else if ((c == '.' || c == '*' || c == '/') && lexer->next[1] == c) {
        token.kind = TOKEN_SYMBOL; /* "..", and "**" and "//", which are no operators here */
        lexer->next += 2;
    } else {
        token.kind = TOKEN_SYMBOL;
        /* A character of several bytes is one symbol: it is shown whole in the message. */
        do {
            lexer->next++;
        } while (is_continuation(*lexer->next));
    }
    token.length = (size_t)(lexer->next - token.begin);
    lexer->token = token;
}

char lexer_peek(const struct lexer *lexer) {
    return lexer->next[strspn(lexer->next, " \t\r")];
}

int token_is(const struct token *token, const char *symbol) {
    return token->kind == TOKEN_SYMBOL && token->length == strlen(symbol) &&
           memcmp(token->begin, symbol, token->length) == 0;
}

int token_ends_line(const struct token *token) {
    return token->kind == TOKEN_END || token->kind == TOKEN_NEWLINE;
}

/* Operators of other languages, and what to write instead. */
static const struct {
    const char *symbol, *instead;
} foreign_operators[] = {
    {"**", "a power is written power(x, exponent=2)"},
    {"^", "a power is written power(x, exponent=2)"},
    {"//", "a quotient rounded down is written floor(a / b)"},
    {"%", "a remainder is written remainder(a, b)"},
    {"<", "there is no comparison; relu(a - b) is 0 unless a > b, and where(c, a, b) chooses"},
    {">", "there is no comparison; relu(a - b) is 0 unless a > b, and where(c, a, b) chooses"},
    {"|", "an absolute value is written abs(x)"},
    {";", "write one equation on each line"},
};

struct token_text token_show(const struct token *token) {
    struct token_text shown;
    const char *hint = NULL;
    if (token_ends_line(token)) {
        snprintf(shown.text, sizeof shown.text, "the end of the line");
        return shown;
    }
    for (size_t i = 0; i < sizeof foreign_operators / sizeof foreign_operators[0]; i++) {
        hint = token_is(token, foreign_operators[i].symbol) ? foreign_operators[i].instead : hint;
    }
    const struct look_alike *character = look_alike_at(token->begin, NULL);
    struct look_alike_text name = {""};
    if (character != NULL) {
        name = look_alike_text(character);
    }
    const int length = token->length < 40 ? (int)token->length : 40;
    if (character != NULL && look_alike_is_blank(character)) {
        snprintf(shown.text, sizeof shown.text, "%s", name.text);
    } else if (character != NULL || hint != NULL) {
        snprintf(shown.text, sizeof shown.text, "'%.*s' (%s)", length, token->begin,
                 character != NULL ? name.text : hint);
    } else {
        snprintf(shown.text, sizeof shown.text, "'%.*s'", length, token->begin);
    }
    return shown;
}
