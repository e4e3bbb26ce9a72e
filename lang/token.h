/* lang/token.h: splits the text of equations into names, numbers and symbols, each with its place.
 *
 * Inside brackets, the end of a line counts as a blank. # begins a comment.
 */
#ifndef RONDO_LANG_TOKEN_H
#define RONDO_LANG_TOKEN_H

#include "lang/equation.h"

enum token_kind { TOKEN_END, TOKEN_NEWLINE, TOKEN_NUMBER, TOKEN_NAME, TOKEN_SYMBOL };

struct token {
    enum token_kind kind;
    const char *begin;
    size_t length;
    struct location where;
};

/* The state of the lexer. To begin, set text, next and line_begin, and all else to zero. */
struct lexer {
    const struct equation_text *text;
    const char *next;       /* position in the text after the token */
    const char *line_begin; /* beginning of the line that `next` is in */
    int32_t line;           /* 0, 1, … within the text */
    int32_t brackets;       /* number of open brackets; inside them line ends are blanks */
    struct token token;     /* the current token */
};

/* Reads the next token. */
void lexer_advance(struct lexer *lexer);
/* Skips the rest of the line; the next token will be its end. */
void lexer_skip_line(struct lexer *lexer);
/* The first character after the token that is not a blank. */
char lexer_peek(const struct lexer *lexer);

/* 1 if the token is this symbol, such as "(" or "..". */
int token_is(const struct token *token, const char *symbol);
int token_ends_line(const struct token *token);
/* "'+'", "the end of the line": the token as messages show it, with a hint if it is an operator of other languages
 * or a character that only looks like one of the keyboard. */
struct token_text {
    char text[192];
};
struct token_text token_show(const struct token *token);

#endif
