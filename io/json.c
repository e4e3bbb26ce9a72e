#include "io/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/utf8.h"

/* Where a parse reads from: a text, or a file. */
struct json_source {
    const char *text;
    size_t length, at;
    FILE *file;
    int is_short; /* of memory */
};

/* Gives jansson one byte at a time. If its allocator fails, jansson reports "invalid token" in some places and nothing
 * in others, and in one it continues with a text that lacks a character. errno shows the failure, but only until jansson
 * reads a number, which resets errno. Therefore errno is checked before every byte. */
static size_t next_byte(void *buffer, size_t size, void *arg) {
    struct json_source *source = arg;
    (void)size;
    source->is_short |= errno == ENOMEM;
    const int byte = source->file != NULL          ? getc(source->file)
                     : source->at < source->length ? (unsigned char)source->text[source->at++]
                                                   : EOF;
    if (byte == EOF) {
        return 0;
    }
    *(char *)buffer = (char)byte;
    return 1;
}

static rondo_status parse(struct json_source *source, json_t **value, json_error_t *reason) {
    errno = 0;
    *value = json_load_callback(next_byte, source, JSON_REJECT_DUPLICATES, reason);
    if (source->is_short || errno == ENOMEM) {
        json_decref(*value);
        *value = NULL;
        return RONDO_NO_MEMORY;
    }
    return *value == NULL ? RONDO_INVALID : RONDO_OK;
}

rondo_status json_parse(const char *text, size_t length, json_t **value, json_error_t *reason) {
    return parse(&(struct json_source){.text = text, .length = length}, value, reason);
}

rondo_status json_parse_file(const char *file, json_t **value, json_error_t *reason) {
    *value = NULL;
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) {
        return errno == ENOMEM ? RONDO_NO_MEMORY : RONDO_INVALID;
    }
    const rondo_status status = parse(&(struct json_source){.file = stream}, value, reason);
    fclose(stream);
    return status;
}

json_t *json_text(const char *text) {
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    const size_t length = strlen(text);
    if (utf8_check(text, length, NULL)) {
        return json_string(text);
    }
    char *clean = malloc(3 * length + 1);
    if (clean == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        const size_t bytes = utf8_decode(text + i, length - i, &code);
        memcpy(clean + used, bytes == 0 ? replacement : text + i, bytes == 0 ? 3 : bytes);
        used += bytes == 0 ? 3 : bytes;
        i += bytes == 0 ? 1 : bytes;
    }
    clean[used] = '\0';
    json_t *value = json_string(clean);
    free(clean);
    return value;
}
