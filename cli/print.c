#include "cli/print.h"

#include <string.h>

#include "io/utf8.h"

/* Characters that a terminal acts upon: C0 and C1 controls, line and paragraph separators, directional marks. */
static int is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static void print_control(FILE *stream, uint32_t code) {
    static const char letters[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    if (code < sizeof letters && letters[code] != 0) {
        fprintf(stream, "\\%c", letters[code]);
    } else if (code < 0x80) {
        fprintf(stream, "\\x%02x", (unsigned)code);
    } else {
        fprintf(stream, "\\u{%x}", (unsigned)code);
    }
}

static void print_escaped(FILE *stream, const char *text, int keeps_lines) {
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code = 0;
        const size_t length = utf8_decode(text, left, &code);
        if (length == 0) {
            fprintf(stream, "\\x%02x", (unsigned)(unsigned char)*text);
        } else if (is_control(code) && !(keeps_lines && code == '\n' && text[1] == ' ')) {
            print_control(stream, code);
        } else {
            fwrite(text, 1, length, stream);
        }
        text += length == 0 ? 1 : length;
        left -= length == 0 ? 1 : length;
    }
}

void print_text(FILE *stream, const char *text) {
    print_escaped(stream, text, 0);
}

void print_message(FILE *stream, const char *text) {
    print_escaped(stream, text, 1);
}
