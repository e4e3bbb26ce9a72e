#define _POSIX_C_SOURCE 200809L
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include "core/number.h"

/* Replaces a text that there was no memory for: reporting an error must not fail. */
static const char no_text[] = "out of memory (and none for the text of this error)";

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

/* The place of a text that begins with `prefix` bytes of print_location. */
static struct error_place place_of(struct location where, int prefix) {
    if (where.file == NULL) {
        return (struct error_place){0};
    }
    return (struct error_place){.file_length = (int32_t)strlen(where.file),
                                .line = where.line > 0 ? where.line : 0,
                                .column = where.line > 0 && where.column > 0 ? where.column : 0,
                                .message = prefix};
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
    const struct error_place place = text == NULL ? place_of((struct location){0}, 0) : place_of(where, prefix);
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

/* `to` is about to receive the error `index` of `from`, or all of them. */
static void move_memory(struct errors *to, const struct errors *from, int32_t index) {
    if (from->memory.number > index) {
        to->memory = from->memory;
        to->memory.number += to->count - index;
    }
}

void errors_move(struct errors *to, struct errors *from) {
    const rondo_status status = from->status;
    move_memory(to, from, 0);
    for (int32_t i = 0; i < from->count; i++) {
        const int is_kept = i < ERRORS_MAX;
        keep(to, status, is_kept ? from->texts[i] : NULL, is_kept ? from->places[i] : (struct error_place){0});
    }
    memset(from, 0, sizeof *from);
}

void errors_move_one(struct errors *to, struct errors *from, int32_t index) {
    if (from->memory.number == index + 1) {
        move_memory(to, from, index);
    }
    keep(to, from->status, from->texts[index], from->places[index]);
    from->texts[index] = NULL;
}

void errors_free(struct errors *errors) {
    for (int32_t i = 0; i < errors->count && i < ERRORS_MAX; i++) {
        free(errors->texts[i]);
    }
    memset(errors, 0, sizeof *errors);
}

/* ---- lack of memory ---- */

rondo_status errors_no_memory(struct errors *errors) {
    const uint64_t refused = memory_take_refused();
    const struct memory_text bytes = memory_text(refused);
    struct error_memory memory = {.number = errors->count + 1};
    errors_add(errors, RONDO_NO_MEMORY, "out of memory%s%s%s", refused == 0 ? "" : ": ", refused == 0 ? "" : bytes.text,
               memory_limit_text().text);
    memory.purpose_at = (int32_t)(strlen("out of memory") + (refused == 0 ? 0 : strlen(": ") + strlen(bytes.text)));
    errors->memory = memory;
    return RONDO_NO_MEMORY;
}

/* Inserts `piece` into the text of an error before byte `at`. 0: there is no memory for it, and the text is as before. */
static int insert(char **text, int32_t at, const char *piece) {
    const size_t length = strlen(*text), more = strlen(piece);
    char *longer = realloc(*text, length + more + 1);
    if (longer == NULL) {
        return 0;
    }
    memmove(longer + at + more, longer + at, length + 1 - (size_t)at);
    for (size_t i = 0; i < more; i++) { /* without its NUL */
        longer[(size_t)at + i] = piece[i];
    }
    *text = longer;
    return 1;
}

/* The text of the error that parts are added to, and its place; NULL: there is none. Adds the error if there is none. */
static char **memory_error(struct errors *errors, struct error_place **place) {
    if (errors->memory.number == 0) {
        errors_no_memory(errors);
    }
    const int32_t index = errors->memory.number - 1;
    if (index >= ERRORS_MAX || errors->texts[index] == NULL) {
        return NULL;
    }
    *place = &errors->places[index];
    return &errors->texts[index];
}

rondo_status errors_memory_for(struct errors *errors, rondo_status status, struct location where, const char *purpose,
                               ...) {
    struct error_place *place;
    char **text = status == RONDO_NO_MEMORY ? memory_error(errors, &place) : NULL;
    if (text == NULL) {
        return status;
    }
    enum { LONGEST = 512 };
    struct error_memory *memory = &errors->memory;
    char piece[LONGEST];
    const int start = snprintf(piece, sizeof piece, memory->has_purpose ? " in " : " for ");
    va_list arguments;
    va_start(arguments, purpose);
    number_vprint(piece + start, sizeof piece - (size_t)start, purpose, arguments);
    va_end(arguments);
    if (insert(text, memory->purpose_at, piece)) {
        memory->purpose_at += (int32_t)strlen(piece);
        memory->has_purpose = 1;
    }
    const int length = place->message > 0 ? 0 : print_location(piece, sizeof piece, where);
    if (length > 0 && length < LONGEST && insert(text, 0, piece)) {
        *place = place_of(where, length);
        memory->purpose_at += length;
    }
    return status;
}

rondo_status errors_memory_hint(struct errors *errors, rondo_status status, const char *hint) {
    struct error_place *place;
    char **text = status == RONDO_NO_MEMORY && hint[0] != '\0' ? memory_error(errors, &place) : NULL;
    if (text != NULL && !errors->memory.has_hint && insert(text, (int32_t)strlen(*text), hint)) {
        const int32_t end = (int32_t)(strlen(*text) - strlen(hint));
        errors->memory.has_hint = insert(text, end, "; ");
    }
    return status;
}

rondo_status errors_bug(struct errors *errors, const char *file, int line, const char *what) {
    return errors_add(errors, RONDO_INTERNAL, "internal error at %s:%d: %s does not hold; this is a bug in Rondo", file,
                      line, what);
}
