/* io/utf8.h: well-formed UTF-8, by the Unicode Standard, table 3-7. */
#ifndef RONDO_IO_UTF8_H
#define RONDO_IO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* 1 where `length` bytes are well-formed UTF-8 (no overlong forms, no surrogates); else 0, with the offset of the first
 * bad byte in `bad` (may be NULL). */
int utf8_check(const char *text, size_t length, size_t *bad);

/* The character at `text`, of which `left` >= 1 bytes are there: its bytes, 1 to 4, and its code; 0 where it is no
 * well-formed one. In a NUL-terminated text `left` may be larger than what is left. */
size_t utf8_decode(const char *text, size_t left, uint32_t *code);

#endif
