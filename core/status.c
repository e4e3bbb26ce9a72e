#define _POSIX_C_SOURCE 200809L
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

/* Replaces a text that there was no memory for: reporting an error must not fail. */
static const char no_text[] = "(no memory for the text of this error)";

const char *status_text(rondo_status status) {
#define STATUS_CASE(symbol, value, text)                                                                               \
    case symbol:                                                                                                       \
        return text;
    switch (status) {
        RONDO_STATUS_LIST(STATUS_CASE)
    default:
        return "unknown status";
    }
#undef STATUS_CASE
}

/* Prints "file:line:column: " without the parts that are not known. Returns the length of the whole text. */
static int print_location(char *buffer, size_t size, struct location where) {
    if (where.file == NULL) {
        return snprintf(buffer, size, "%s", "");
    }
    if (where.line <= 0) {
        return snprintf(buffer, size, "%s: ", where.file);
    }
    if (where.column <= 0) {
        return snprintf(buffer, size, "%s:%d: ", where.file, where.line);
    }
    return snprintf(buffer, size, "%s:%d:%d: ", where.file, where.line, where.column);
}

static void keep(struct errors *errors, rondo_status status, char *text, struct error_place place) {
    if (errors->count == 0) {
        errors->status = status;
    }
    if (errors->count < ERRORS_MAX) {
        errors->texts[errors->count] = text;
        errors->places[errors->count] = place;
    } else {
        free(text);
    }
    errors->count++;
}

static rondo_status add(struct errors *errors, rondo_status status, struct location where, const char *format,
                        va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int prefix = print_location(NULL, 0, where);
    const int length = number_vprint(NULL, 0, format, again);
    va_end(again);
    char *text = NULL;
    if (prefix >= 0 && length >= 0) {
        const size_t size = (size_t)prefix + (size_t)length + 1;
        text = malloc(size);
        if (text != NULL) {
            print_location(text, (size_t)prefix + 1, where);
            number_vprint(text + prefix, (size_t)length + 1, format, arguments);
        }
    }
    struct error_place place = {0};
    if (text != NULL && where.file != NULL) {
        place = (struct error_place){.file_length = (int32_t)strlen(where.file),
                                     .line = where.line > 0 ? where.line : 0,
                                     .column = where.line > 0 && where.column > 0 ? where.column : 0,
                                     .message = prefix};
    }
    keep(errors, status, text, place);
    return status;
}

rondo_status errors_add(struct errors *errors, rondo_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(errors, status, (struct location){NULL, 0, 0}, format, arguments);
    va_end(arguments);
    return status;
}

rondo_status errors_add_at(struct errors *errors, rondo_status status, struct location where, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(errors, status, where, format, arguments);
    va_end(arguments);
    return status;
}

const char *errors_text(const struct errors *errors, int32_t index) {
    if (index < 0 || index >= errors->count || index >= ERRORS_MAX || errors->texts[index] == NULL) {
        return no_text;
    }
    return errors->texts[index];
}

struct error_place errors_place(const struct errors *errors, int32_t index) {
    const int is_kept = index >= 0 && index < errors->count && index < ERRORS_MAX && errors->texts[index] != NULL;
    return is_kept ? errors->places[index] : (struct error_place){0};
}

void errors_move(struct errors *to, struct errors *from) {
    const rondo_status status = from->status;
    for (int32_t i = 0; i < from->count; i++) {
        const int is_kept = i < ERRORS_MAX;
        keep(to, status, is_kept ? from->texts[i] : NULL, is_kept ? from->places[i] : (struct error_place){0});
    }
    memset(from, 0, sizeof *from);
}

void errors_move_one(struct errors *to, struct errors *from, int32_t index) {
    keep(to, from->status, from->texts[index], from->places[index]);
    from->texts[index] = NULL;
}

void errors_free(struct errors *errors) {
    for (int32_t i = 0; i < errors->count && i < ERRORS_MAX; i++) {
        free(errors->texts[i]);
    }
    memset(errors, 0, sizeof *errors);
}

rondo_status errors_no_memory(struct errors *errors) {
    return errors_add(errors, RONDO_NO_MEMORY, "out of memory");
}

rondo_status errors_bug(struct errors *errors, const char *file, int line, const char *what) {
    return errors_add(errors, RONDO_INTERNAL, "internal error at %s:%d: %s does not hold; this is a bug in Rondo", file,
                      line, what);
}
