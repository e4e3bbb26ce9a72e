#include "compare/text_builder.h"

#include <stdarg.h>
#include <string.h>

#include "core/number.h"

/* Makes room for `more` bytes and a NUL. */
static int grow(struct text_builder *builder, size_t more) {
    const size_t needed = builder->length + more + 1;
    if (arena_failed(builder->arena)) {
        return 0;
    }
    if (needed > builder->capacity) {
        size_t capacity = builder->capacity == 0 ? 1024 : builder->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *text = arena_alloc(builder->arena, capacity);
        if (text == NULL) {
            return 0;
        }
        memcpy(text, builder->text == NULL ? "" : builder->text, builder->length);
        builder->text = text;
        builder->capacity = capacity;
    }
    return 1;
}

void text_add_bytes(struct text_builder *builder, const char *bytes, size_t length) {
    if (grow(builder, length)) {
        memcpy(builder->text + builder->length, bytes, length);
        builder->length += length;
        builder->text[builder->length] = '\0';
    }
}

void text_add(struct text_builder *builder, const char *text) {
    if (text != NULL) {
        text_add_bytes(builder, text, strlen(text));
    }
}

void text_format(struct text_builder *builder, const char *format, ...) {
    va_list arguments, again;
    if (arena_failed(builder->arena)) {
        return; /* the arguments may come from an allocation that failed */
    }
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = number_vprint(NULL, 0, format, arguments);
    if (length >= 0 && grow(builder, (size_t)length)) {
        number_vprint(builder->text + builder->length, (size_t)length + 1, format, again);
        builder->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void text_add_blanks(struct text_builder *builder, int count) {
    for (int i = 0; i < count; i++) {
        text_add_bytes(builder, " ", 1);
    }
}

const char *text_built(const struct text_builder *builder) {
    return arena_failed(builder->arena) ? NULL : builder->text == NULL ? "" : builder->text;
}
