#include "report/markup.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/number.h"
#include "io/utf8.h"

void markup_free(struct markup *markup) {
    free(markup->text);
    *markup = (struct markup){0};
}

/* Room for `length` more bytes and a NUL; 0: there is none. */
static int reserve(struct markup *markup, size_t length) {
    const size_t needed = markup->length + length + 1;
    if (markup->failed || needed <= markup->capacity) {
        return !markup->failed;
    }
    const size_t doubled = 2 * markup->capacity, capacity = needed > doubled ? needed : doubled;
    char *text = memory_realloc(markup->text, capacity);
    if (text == NULL) {
        markup->failed = 1;
        return 0;
    }
    markup->text = text;
    markup->capacity = capacity;
    return 1;
}

void markup_bytes(struct markup *markup, const void *bytes, size_t length) {
    if (reserve(markup, length)) {
        memcpy(markup->text + markup->length, bytes, length);
        markup->length += length;
        markup->text[markup->length] = '\0';
    }
}

void markup_add(struct markup *markup, const char *html) {
    markup_bytes(markup, html, strlen(html));
}

void markup_format(struct markup *markup, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text) {
        markup->failed = 1;
        return;
    }
    markup_bytes(markup, text, (size_t)length);
}

void markup_text(struct markup *markup, const char *text) {
    markup_piece(markup, text, strlen(text));
}

void markup_piece(struct markup *markup, const char *text, size_t left) {
    while (left > 0) {
        uint32_t code = 0;
        size_t length = utf8_decode(text, left, &code);
        if (length == 0 || (code < 0x20 && code != '\n' && code != '\t') || code == 0x7f) {
            markup_add(markup, "\xef\xbf\xbd");
            length = 1;
        } else if (code < 0x80 && strchr("&<>\"'", (int)code) != NULL) {
            markup_format(markup, "&#%d;", (int)code);
        } else {
            markup_bytes(markup, text, length);
        }
        text += length;
        left -= length;
    }
}

void markup_json(struct markup *markup, const char *json) {
    for (const char *next; (next = strchr(json, '<')) != NULL; json = next + 1) {
        markup_bytes(markup, json, (size_t)(next - json));
        markup_add(markup, "\\u003c");
    }
    markup_add(markup, json);
}
