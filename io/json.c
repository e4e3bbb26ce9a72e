#include "io/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/utf8.h"

/* Where a parse reads from: a text, or a file. */
struct json_source {
    const char *text;
    size_t length, at;
    FILE *file;
    size_t since_quote; /* bytes: a string is at most as long */
    int is_escaped;     /* the next byte */
    int is_short;       /* of memory */
};

/* 1 if jansson can make its buffer of a string longer, which it doubles. */
static int can_grow(const struct json_source *source) {
    const size_t least = 64;
    void *volatile probe = malloc(2 * source->since_quote + least); /* volatile: not removed by the compiler */
    free(probe);
    return probe != NULL;
}

/* Gives jansson one byte at a time. If its allocator fails, jansson reports "invalid token" in some places and nothing
 * in others, and in one it continues with a text that lacks a character: it then ends the process by an assertion, or reads
 * on behind a string whose last quote is lost. errno shows the failure, but only until jansson reads a number, which
 * resets errno. Therefore errno is checked before every byte, and the text ends there; and before a quote, after which there
 * may be no next byte, an allocation is tried. */
static size_t next_byte(void *buffer, size_t size, void *arg) {
    struct json_source *source = arg;
    (void)size;
    source->is_short |= errno == ENOMEM;
    const int byte = source->file != NULL          ? getc(source->file)
                     : source->at < source->length ? (unsigned char)source->text[source->at++]
                                                   : EOF;
    source->since_quote++;
    if (byte == '"' && !source->is_escaped) {
        source->is_short |= !can_grow(source);
        source->since_quote = 0;
    }
    source->is_escaped = byte == '\\' && !source->is_escaped;
    if (byte == EOF || source->is_short) {
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

/* A text that grows; after a failure it stays as it is. */
struct json_output {
    char *text;
    size_t length, capacity;
    int failed;
};

static int add_bytes(const char *bytes, size_t length, void *arg) {
    struct json_output *output = arg;
    const size_t needed = output->length + length + 1;
    if (!output->failed && needed > output->capacity) {
        char *longer = memory_realloc(output->text, 2 * needed);
        output->failed = longer == NULL;
        output->text = longer == NULL ? output->text : longer;
        output->capacity = longer == NULL ? output->capacity : 2 * needed;
    }
    if (output->failed) {
        return -1;
    }
    memcpy(output->text + output->length, bytes, length);
    output->length += length;
    output->text[output->length] = '\0';
    return 0;
}

char *json_write(const json_t *value, size_t flags) {
    struct json_output output = {0};
    if (value == NULL || json_dump_callback(value, add_bytes, &output, flags) != 0 || output.failed) {
        free(output.text);
        return NULL;
    }
    return output.text;
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
