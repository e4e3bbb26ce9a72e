#define _POSIX_C_SOURCE 200809L
#include "io/printable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "io/utf8.h"

/* Characters that a terminal acts upon: C0 and C1 controls, line and paragraph separators, directional marks. */
static int is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

struct code_range {
    uint32_t first, last;
};

static int is_in(const struct code_range *ranges, size_t count, uint32_t code) {
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

/* wcwidth of the C library knows only the characters of the locale, and in the locale "C" none but ASCII. The ranges are blocks of
 * Unicode: combining marks, joiners and variation selectors; characters that EastAsianWidth.txt calls wide or full-width. */
static int width_of(uint32_t code) {
    static const struct code_range combining[] = {
        {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F}, {0x093C, 0x093C},
        {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D},
        {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    static const struct code_range wide[] = {
        {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},  {0xA960, 0xA97F},
        {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},  {0xFFE0, 0xFFE6},
        {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (code < 0x0300) {
        return 1;
    }
    return is_in(combining, sizeof combining / sizeof combining[0], code) ? 0
           : is_in(wide, sizeof wide / sizeof wide[0], code)              ? 2
                                                                          : 1;
}

struct printable_character printable_next(const char *text, int keeps_lines) {
    static const char letters[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    struct printable_character next = {.taken = 1};
    uint32_t code = 0;
    if (text[0] == '\0') {
        return (struct printable_character){.taken = 0};
    }
    const size_t length = utf8_decode(text, strnlen(text, 4), &code);
    if (length == 0) {
        next.width = snprintf(next.text, sizeof next.text, "\\x%02x", (unsigned)(unsigned char)*text);
        return next;
    }
    next.taken = length;
    if (!is_control(code) || (keeps_lines && code == '\n' && text[1] == ' ')) {
        memcpy(next.text, text, length);
        next.width = width_of(code);
    } else if (code < sizeof letters && letters[code] != 0) {
        next.width = snprintf(next.text, sizeof next.text, "\\%c", letters[code]);
    } else {
        next.width = snprintf(next.text, sizeof next.text, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
    }
    return next;
}
