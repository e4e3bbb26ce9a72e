/* data/tokens.h: splits text into tokens. */
#ifndef RONDO_DATA_TOKENS_H
#define RONDO_DATA_TOKENS_H

#include "core/arena.h"

/* A position in a text that is being split; initialise it with {text}. */
struct token_cursor {
    const char *next;
};

/* The next token of the text, or 0 at its end. A token is a run of letters and digits (of any script), with apostrophes
 * inside ("don't"), or one other visible character. With `lowercase`, ASCII letters become lower case. The token is
 * written to `token` (`size` >= 8, NUL-terminated); a longer one is cut at the end of a character. */
int token_next(struct token_cursor *cursor, int lowercase, char *token, size_t size);

/* Size of a buffer for one token. */
#define TOKEN_BYTES 128

#endif
