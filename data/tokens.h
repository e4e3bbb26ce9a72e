/* data/tokens.h: splits text into tokens: words, characters or bytes. */
#ifndef RONDO_DATA_TOKENS_H
#define RONDO_DATA_TOKENS_H

#include "core/arena.h"

/* A position in a text that is being split; initialise it with {text, text + length}. */
struct token_cursor {
    const char *next, *end;
};

/* The next token of the text, or 0 at its end. A token is a run of letters and digits (of any script), with apostrophes
 * inside ("don't"), or one other visible character. With `lowercase`, ASCII letters become lower case. The token is
 * written to `token` (`size` >= 8, NUL-terminated); a longer one is cut at the end of a character. */
int token_next(struct token_cursor *cursor, int lowercase, char *token, size_t size);

/* What a token is. */
enum token_unit {
    TOKEN_WORDS = 0,      /* token_next */
    TOKEN_CHARACTERS = 1, /* every code point, also blanks; a byte that is not UTF-8 is U+FFFD */
    TOKEN_BYTES_KIND = 2, /* every byte; those from 0x80 on are written as "<0xNN>", so that a token is UTF-8 */
    TOKEN_WHITESPACE = 3  /* what is between blanks: for texts that are split already */
};
/* The same for a kind of tokens. */
int token_next_of(struct token_cursor *cursor, enum token_unit kind, int lowercase, char *token, size_t size);
/* Where the token that was read last begins in the text: what is between here and cursor->next is the token as it is written there.
 * `before`: cursor->next before it was read. */
const char *token_begin(const struct token_cursor *cursor, enum token_unit kind, const char *before);

/* Size of a buffer for one token. */
#define TOKEN_BYTES 128

#endif
