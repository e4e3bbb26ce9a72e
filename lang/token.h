/* lang/token.h: the text of equations to names, numbers and symbols, each with its place.
 *
 * Inside brackets the end of a line is a blank. # begins a comment.
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

/* Initially all zero, except text, next and line_begin. */
struct lexer {
    const struct equation_text *text;
    const char *next;       /* in the text, after the token */
    const char *line_begin; /* of the line that `next` is in */
    int32_t line;           /* 0, 1, … within the text */
    int32_t brackets;       /* open: line ends are blanks inside */
    struct token token;     /* the one to be looked at */
};

/* Goes on to the next token. */
void lexer_advance(struct lexer *lexer);
/* To the end of the line, which the next token is then. */
void lexer_skip_line(struct lexer *lexer);
/* The first character after the token that is not blank. */
char lexer_peek(const struct lexer *lexer);

/* 1 where the token is this symbol: "(", "..". */
int token_is(const struct token *token, const char *symbol);
int token_ends_line(const struct token *token);
/* "'+'", "the end of the line": the token as a message shows it, with a hint what to write instead of an operator of
 * other languages or a character that looks like one of the keyboard. */
struct token_text {
    char text[192];
};
struct token_text token_show(const struct token *token);

#endif
