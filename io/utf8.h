/* io/utf8.h: checks, decodes and encodes UTF-8 (Unicode Standard, table 3-7). */
#ifndef RONDO_IO_UTF8_H
#define RONDO_IO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* 1 if `length` bytes are well-formed UTF-8 (no overlong forms, no surrogates); else 0, with the offset of the first
 * bad byte in `bad` (may be NULL). */
int utf8_check(const char *text, size_t length, size_t *bad);

/* The end of a piece of a text of `length` bytes, from `begin` on and of at most `most` >= 4 bytes, that cuts no character. */
size_t utf8_piece_end(const char *text, size_t length, size_t begin, size_t most);

/* How many bytes at the beginning are ASCII. */
size_t utf8_ascii_length(const char *text, size_t length);

/* The number of characters in `length` bytes of well-formed UTF-8. */
size_t utf8_count(const char *text, size_t length);

/* Decodes the character at `text`, of which `left` >= 1 bytes may be read. Returns its length, 1 to 4 bytes, and its code
 * in *code; 0 if it is not well-formed. In a NUL-terminated text `left` may be larger than the rest of the text. */
size_t utf8_decode(const char *text, size_t left, uint32_t *code);

/* Writes the character of a code up to U+10FFFF, which is no surrogate, and returns its length, 1 to 4 bytes. */
size_t utf8_encode(uint32_t code, char text[4]);

#endif
