#define _POSIX_C_SOURCE 200809L
#include "cli/print.h"

#include <string.h>

#include "io/utf8.h"

/* Characters that a terminal acts upon: C0 and C1 controls, line and paragraph separators, directional marks. */
static int is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* What is printed for the first character of a text. */
struct printed_character {
    char text[16];
    size_t taken; /* bytes of the text */
    int width;    /* characters that are printed */
};

static struct printed_character next_character(const char *text, int keeps_lines) {
    static const char letters[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    struct printed_character next = {.taken = 1};
    uint32_t code = 0;
    const size_t length = utf8_decode(text, strnlen(text, 4), &code);
    if (length == 0) {
        next.width = snprintf(next.text, sizeof next.text, "\\x%02x", (unsigned)(unsigned char)*text);
        return next;
    }
    next.taken = length;
    if (!is_control(code) || (keeps_lines && code == '\n' && text[1] == ' ')) {
        memcpy(next.text, text, length);
        next.width = 1;
    } else if (code < sizeof letters && letters[code] != 0) {
        next.width = snprintf(next.text, sizeof next.text, "\\%c", letters[code]);
    } else {
        next.width = snprintf(next.text, sizeof next.text, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
    }
    return next;
}

static void print_escaped(FILE *stream, const char *text, int keeps_lines) {
    while (*text != '\0') {
        const struct printed_character next = next_character(text, keeps_lines);
        fputs(next.text, stream);
        text += next.taken;
    }
}

void print_text(FILE *stream, const char *text) {
    print_escaped(stream, text, 0);
}

/* The bytes of a text that are printed in at most `width` characters. */
static size_t bytes_within(const char *text, int width, int *printed) {
    size_t bytes = 0;
    *printed = 0;
    while (text[bytes] != '\0') {
        const struct printed_character next = next_character(text + bytes, 0);
        if (*printed + next.width > width) {
            break;
        }
        *printed += next.width;
        bytes += next.taken;
    }
    return bytes;
}

int printed_width(const char *text, int width) {
    int printed;
    if (text[bytes_within(text, width, &printed)] != '\0') {
        bytes_within(text, width - 1, &printed);
        printed++;
    }
    return printed;
}

void print_text_within(FILE *stream, const char *text, int width) {
    int printed;
    if (text[bytes_within(text, width, &printed)] == '\0') {
        print_text(stream, text);
        return;
    }
    const size_t end = bytes_within(text, width - 1, &printed);
    for (size_t at = 0; at < end;) {
        const struct printed_character next = next_character(text + at, 0);
        fputs(next.text, stream);
        at += next.taken;
    }
    fputs("…", stream);
}

void print_message(FILE *stream, const char *text) {
    print_escaped(stream, text, 1);
}
