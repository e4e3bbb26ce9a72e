#include "data/token_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* ---- ids ---- */

rondo_status token_ids_add(struct token_ids *list, int32_t id, struct errors *errors) {
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        int32_t *ids = memory_realloc(list->ids, (size_t)capacity * sizeof *ids);
        if (ids == NULL) {
            return errors_no_memory(errors);
        }
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return RONDO_OK;
}

void token_ids_free(struct token_ids *list) {
    free(list->ids);
    free(list->unknown);
    *list = (struct token_ids){0};
}

/* Records that the next id is that of an unknown token. */
static rondo_status add_unknown(struct token_ids *list, const char *begin, const char *end, struct errors *errors) {
    if (list->n_unknown == list->unknown_capacity) {
        const int64_t capacity = list->unknown_capacity == 0 ? 16 : 2 * list->unknown_capacity;
        struct token_unknown *unknown = memory_realloc(list->unknown, (size_t)capacity * sizeof *unknown);
        if (unknown == NULL) {
            return errors_no_memory(errors);
        }
        list->unknown = unknown;
        list->unknown_capacity = capacity;
    }
    list->unknown[list->n_unknown++] = (struct token_unknown){list->count, begin, (size_t)(end - begin)};
    return RONDO_OK;
}

rondo_status token_ids_of(struct token_ids *list, const struct vocabulary *vocabulary, struct token_rule rule,
                          const char *text, size_t length, int64_t most, struct errors *errors) {
    struct token_cursor cursor = {text, text + length};
    const enum token_unit unit = (enum token_unit)rule.unit;
    char token[TOKEN_BYTES];
    list->count = list->n_unknown = 0;
    for (const char *before = text;
         list->count < most && token_next_of(&cursor, unit, rule.lowercase, token, sizeof token);
         before = cursor.next) {
        const int32_t id = vocabulary_find(vocabulary, token);
        if (id < 0) {
            RONDO_TRY(add_unknown(list, token_begin(&cursor, unit, before), cursor.next, errors));
        }
        RONDO_TRY(token_ids_add(list, id < 0 ? 0 : id, errors));
    }
    return RONDO_OK;
}

int64_t token_count(struct token_rule rule, const char *text, size_t length, int64_t most) {
    struct token_cursor cursor = {text, text + length};
    char token[TOKEN_BYTES];
    int64_t count = 0;
    while (count < most && token_next_of(&cursor, (enum token_unit)rule.unit, rule.lowercase, token, sizeof token)) {
        count++;
    }
    return count;
}

/* ---- texts ---- */

/* The end of an apostrophe is followed by a blank, so that it does not join two words to one: "dogs' tails". */
static const char *const without_blank_before[] = {".",
                                                   ",",
                                                   ";",
                                                   ":",
                                                   "!",
                                                   "?",
                                                   ")",
                                                   "]",
                                                   "}",
                                                   "%",
                                                   "'",
                                                   "-",
                                                   "/",
                                                   "\xE2\x80\xA6",
                                                   "\xE2\x80\x99",
                                                   "\xE2\x80\x9D",
                                                   "\xC2\xBB", /* … ’ ” » */
                                                   NULL};
static const char *const without_blank_after[] = {
    "(",        "[",        "{",        "-", "/", "$", "#", "\xE2\x80\x9C", "\xE2\x80\x9E",
    "\xC2\xAB", "\xC2\xBF", "\xC2\xA1", /* “ „ « ¿ ¡ */
    NULL};

static int is_listed(const char *const *list, const char *token) {
    for (; *list != NULL; list++) {
        if (strcmp(*list, token) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* 1 for the sign in "3.5" and "12:30". A comma may as well separate the numbers of a list, so that it keeps its blank. */
static int is_within_number(const char *before, const char *sign, const char *after) {
    const size_t length = strlen(before);
    return (strcmp(sign, ".") == 0 || strcmp(sign, ":") == 0) && length > 0 && is_digit(before[length - 1]) &&
           is_digit(after[0]);
}

/* Between ids[-1] and ids[0]. `count`: of ids before ids[0]. */
static int has_blank_before(const struct token_join *join, const int32_t *ids, int64_t count) {
    const int32_t before = ids[-1], after = ids[0];
    const int is_joined = join->unit == TOKEN_CHARACTERS || join->unit == TOKEN_BYTES_KIND;
    const int is_line_end = before == join->line_end || after == join->line_end;
    if (is_joined || is_line_end || before == join->end || after == join->end) {
        return 0;
    }
    if (join->unit == TOKEN_WHITESPACE) {
        return 1;
    }
    const char *left = vocabulary_word(join->vocabulary, before), *right = vocabulary_word(join->vocabulary, after);
    return !is_listed(without_blank_after, left) && !is_listed(without_blank_before, right) &&
           !(count > 1 && is_within_number(vocabulary_word(join->vocabulary, ids[-2]), left, right));
}

static int hexadecimal(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The text of a token; a byte that is written as "<0xNN>" goes to `byte`. A NUL stays as it is written. */
static const char *token_text(const struct token_join *join, int32_t id, char byte[2]) {
    if (id == join->line_end || id == join->end) {
        return id == join->line_end ? "\n" : "";
    }
    const char *token = vocabulary_word(join->vocabulary, id);
    const int is_written = join->unit == TOKEN_BYTES_KIND && strlen(token) == strlen("<0xNN>") &&
                           strncmp(token, "<0x", 3) == 0 && hexadecimal(token[3]) >= 0 && hexadecimal(token[4]) >= 0;
    const int code = is_written ? 16 * hexadecimal(token[3]) + hexadecimal(token[4]) : 0;
    byte[0] = (char)code;
    byte[1] = '\0';
    return code > 0 ? byte : token;
}

rondo_status token_join(const struct token_join *join, const int32_t *ids, int64_t count, int64_t before,
                        struct arena *arena, const char **text, struct errors *errors) {
    const int32_t size = vocabulary_size(join->vocabulary);
    char byte[2];
    size_t length = 1;
    for (int64_t i = before < 2 ? -before : -2; i < count; i++) {
        RONDO_CHECK(ids[i] >= 0 && ids[i] < size, errors, "the ids are those of the vocabulary");
        length += i < 0 ? 0 : 1 + strlen(token_text(join, ids[i], byte));
    }
    char *joined = arena_alloc(arena, length), *to = joined;
    if (joined == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        if (before + i > 0 && has_blank_before(join, ids + i, before + i)) {
            *to++ = ' ';
        }
        const char *token = token_text(join, ids[i], byte);
        const size_t bytes = strlen(token);
        memcpy(to, token, bytes);
        to += bytes;
    }
    *to = '\0';
    *text = joined;
    return RONDO_OK;
}
