#include "cli/print.h"

#include <string.h>

#include "io/printable.h"

static void print_escaped(FILE *stream, const char *text, int keeps_lines) {
    while (*text != '\0') {
        const struct printable_character next = printable_next(text, keeps_lines);
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
        const struct printable_character next = printable_next(text + bytes, 0);
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
        const struct printable_character next = printable_next(text + at, 0);
        fputs(next.text, stream);
        at += next.taken;
    }
    fputs("…", stream);
}

void print_message(FILE *stream, const char *text) {
    print_escaped(stream, text, 1);
}
