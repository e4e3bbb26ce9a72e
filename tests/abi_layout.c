/* tests/abi_layout.c: see tests/abi_layout.h. */
#include "abi_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 512 };

/* A line "field rondo_tensor.data offset 0 …": its first two words and the rest. */
struct line {
    char key[LINE_SIZE], rest[LINE_SIZE];
};

/* The line that begins at `text`; the start of the next one, NULL at the end. */
static const char *read_line(const char *text, struct line *line) {
    const size_t length = strcspn(text, "\n");
    const char *end = text + length, *rest = memchr(text, ' ', length);
    rest = rest == NULL ? NULL : memchr(rest + 1, ' ', (size_t)(end - rest - 1));
    if (length == 0 || rest == NULL) {
        return NULL;
    }
    snprintf(line->key, sizeof line->key, "%.*s", (int)(rest - text), text);
    snprintf(line->rest, sizeof line->rest, "%.*s", (int)(end - rest - 1), rest + 1);
    return *end == '\0' ? end : end + 1;
}

static int find_line(const char *layout, const char *key, struct line *found) {
    for (const char *at = layout; (at = read_line(at, found)) != NULL;) {
        if (strcmp(found->key, key) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The number that a macro has; 0 if there is no such macro. */
static long long macro(const char *layout, const char *name) {
    char key[LINE_SIZE];
    struct line line;
    snprintf(key, sizeof key, "macro %s", name);
    return find_line(layout, key, &line) ? strtoll(line.rest, NULL, 10) : 0;
}

static int has_field(const char *layout, const char *key, const char *field) {
    char wanted[2 * LINE_SIZE];
    struct line line;
    snprintf(wanted, sizeof wanted, "field %.*s.%s", LINE_SIZE, key + strlen("struct "), field);
    return find_line(layout, wanted, &line);
}

/* "struct rondo_op": does it say its size, itself or by its base, and may it grow? The base stands in front of other
 * members, and the loader takes a plug-in object of one size alone. */
static int may_grow(const char *layout, const char *key) {
    return strcmp(key, "struct rondo_descriptor") != 0 && strcmp(key, "struct rondo_plugin_info") != 0 &&
           (has_field(layout, key, "struct_size") || has_field(layout, key, "base"));
}

static int ends_with(const char *text, const char *end) {
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* 1 if a line of the frozen layout may have this text in the current layout. */
static int is_kept(const char *frozen, const struct line *old, const struct line *new) {
    long old_size, old_align, new_size, new_align;
    if (strcmp(old->rest, new->rest) == 0) {
        return 1;
    }
    if (sscanf(old->rest, "size %ld align %ld", &old_size, &old_align) == 2 &&
        sscanf(new->rest, "size %ld align %ld", &new_size, &new_align) == 2) {
        return new_align == old_align && new_size > old_size && may_grow(frozen, old->key);
    }
    if (strcmp(old->key, "macro RONDO_ABI_MINOR") == 0 ||
        (strncmp(old->key, "enum ", 5) == 0 && ends_with(old->key, "_COUNT"))) {
        return strtoll(new->rest, NULL, 10) > strtoll(old->rest, NULL, 10);
    }
    return 0;
}

/* A new field of an existing struct must be after its old end, where structs of older plug-ins have no bytes, not even
 * padding. */
static int stands_behind(const char *frozen, const struct line *field) {
    char key[LINE_SIZE];
    struct line old;
    long size, offset;
    snprintf(key, sizeof key, "struct %.*s", (int)strcspn(field->key + 6, "."), field->key + 6);
    return strncmp(field->key, "field ", 6) != 0 || !find_line(frozen, key, &old) ||
           (sscanf(old.rest, "size %ld", &size) == 1 && sscanf(field->rest, "offset %ld", &offset) == 1 &&
            offset >= size);
}

void abi_layout_compare(const char *frozen, const char *today, char *reason, size_t size) {
    const int has_grown = macro(today, "RONDO_ABI_MINOR") > macro(frozen, "RONDO_ABI_MINOR");
    struct line old, new;
    reason[0] = '\0';
    for (const char *at = frozen; (at = read_line(at, &old)) != NULL;) {
        if (!find_line(today, old.key, &new)) {
            snprintf(reason, size, "%s is gone", old.key);
            return;
        }
        if (!is_kept(frozen, &old, &new)) {
            snprintf(reason, size, "%s was '%s', is '%s'", old.key, old.rest, new.rest);
            return;
        }
    }
    for (const char *at = today; (at = read_line(at, &new)) != NULL;) {
        const int is_there = find_line(frozen, new.key, &old);
        if (!is_there && !stands_behind(frozen, &new)) {
            snprintf(reason, size, "%s is new and not behind the old end of its struct", new.key);
            return;
        }
        const int is_macro =
            strncmp(new.key, "macro ", 6) == 0; /* a name for something that was there: nothing crosses */
        if (!has_grown && !(is_macro && !is_there) && (!is_there || strcmp(old.rest, new.rest) != 0)) {
            snprintf(reason, size, "%s is %s, yet RONDO_ABI_MINOR is still %lld", new.key, is_there ? "larger" : "new",
                     macro(today, "RONDO_ABI_MINOR"));
            return;
        }
    }
}
