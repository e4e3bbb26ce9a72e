/* Operations on a complete tree: look-up, merging, and writing. Trees are at most
 * YAML_MAX_DEPTH deep, so recursion over them is safe. */
#include "io/yaml.h"

#include <stdio.h>
#include <string.h>

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key) {
    if (mapping == NULL || mapping->kind != YAML_MAPPING) {
        return NULL;
    }
    for (struct yaml_node *child = mapping->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

int32_t yaml_count(const struct yaml_node *node) {
    int32_t count = 0;
    for (const struct yaml_node *child = node == NULL ? NULL : node->first; child != NULL; child = child->next) {
        count++;
    }
    return count;
}

int yaml_is_null(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR && !node->quoted && node->text[0] == '\0';
}

int yaml_takes_away(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR && !node->quoted &&
           (strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0);
}

struct yaml_node *yaml_merge(struct yaml_node *base, struct yaml_node *over) {
    if (base == NULL || over == NULL) {
        return over == NULL ? base : over;
    }
    if (base->kind != YAML_MAPPING || over->kind != YAML_MAPPING) {
        return over;
    }
    for (struct yaml_node *child = over->first, *following; child != NULL; child = following) {
        following = child->next;
        struct yaml_node **link = &base->first;
        while (*link != NULL && strcmp((*link)->key, child->key) != 0) {
            link = &(*link)->next;
        }
        struct yaml_node *old = *link;
        struct yaml_node *rest = old == NULL ? NULL : old->next;
        if (yaml_takes_away(child)) {
            *link = rest;
            continue;
        }
        *link = yaml_merge(old, child);
        (*link)->next = rest;
    }
    return base;
}

struct yaml_node *yaml_clone(const struct yaml_node *root, struct arena *arena) {
    struct yaml_node *copy = arena_alloc(arena, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *root;
    copy->next = NULL;
    struct yaml_node **link = &copy->first;
    for (const struct yaml_node *child = root->first; child != NULL; child = child->next, link = &(*link)->next) {
        *link = yaml_clone(child, arena);
        if (*link == NULL) {
            return NULL;
        }
    }
    return copy;
}

int yaml_is_same(const struct yaml_node *left, const struct yaml_node *right) {
    if (left->kind != right->kind) {
        return 0;
    }
    if (left->kind == YAML_SCALAR) {
        return left->quoted == right->quoted && strcmp(left->text, right->text) == 0;
    }
    const struct yaml_node *l = left->first, *r = right->first;
    while (l != NULL && r != NULL && (left->kind != YAML_MAPPING || strcmp(l->key, r->key) == 0) &&
           yaml_is_same(l, r)) {
        l = l->next;
        r = r->next;
    }
    return l == NULL && r == NULL;
}

/* ---- writing ---- */

/* Text that is first counted and then written: both passes run the same code, with `out` NULL in the first. */
struct yaml_writer {
    char *out;
    size_t length;
};

static void put(struct yaml_writer *writer, const char *text, size_t length) {
    if (writer->out != NULL) {
        memcpy(writer->out + writer->length, text, length);
    }
    writer->length += length;
}

static void put_text(struct yaml_writer *writer, const char *text) {
    put(writer, text, strlen(text));
}

static void put_blanks(struct yaml_writer *writer, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        put(writer, " ", 1);
    }
}

/* A character that must be escaped: how many bytes of `text` it takes, and its code; 0 if it needs no escape.
 * Beside the controls these are the characters that YAML takes for line breaks, and the byte order mark. */
static size_t special_character(const char *text, unsigned *code) {
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x20 || bytes[0] == 0x7F) {
        *code = bytes[0];
        return 1;
    }
    if (bytes[0] == 0xC2 && bytes[1] < 0xA0) { /* U+0080 .. U+009F */
        *code = bytes[1];
        return 2;
    }
    if (bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] == 0xA8 || bytes[2] == 0xA9)) {
        *code = 0x2000u + bytes[2] - 0x80;
        return 3;
    }
    if (bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) {
        *code = 0xFEFF;
        return 3;
    }
    if (bytes[0] == 0xEF && bytes[1] == 0xBF && bytes[2] >= 0xBE) { /* U+FFFE, U+FFFF */
        *code = 0xFFC0u + bytes[2] - 0x80;
        return 3;
    }
    return 0;
}

static void put_quoted(struct yaml_writer *writer, const char *text) {
    put(writer, "\"", 1);
    while (*text != '\0') {
        unsigned code;
        const size_t special = special_character(text, &code);
        char escape[8];
        if (special > 0) {
            snprintf(escape, sizeof escape, code == '\n' ? "\\n" : code == '\t' ? "\\t" : "\\u%04X", code);
            put_text(writer, escape);
        } else if (*text == '"' || *text == '\\') {
            put(writer, "\\", 1);
            put(writer, text, 1);
        } else {
            put(writer, text, 1);
        }
        text += special > 0 ? special : 1;
    }
    put(writer, "\"", 1);
}

/* 1 if a literal block can hold this text: line feeds and tabs are the only special characters. */
static int fits_literal(const char *text) {
    for (unsigned code; *text != '\0'; text++) {
        if (special_character(text, &code) > 0 && code != '\n' && code != '\t') {
            return 0;
        }
    }
    return 1;
}

static int is_blank_or_end(char c) {
    return c == ' ' || c == '\t' || c == '\0';
}

/* 1 if this text, which was read as plain, can be plain again. Two kinds cannot: what was folded from several lines,
 * and what only brackets made plain, such as [-]. */
static int fits_plain(const char *text) {
    if (text[0] != '\0' && (strchr(",[]{}#&*!|>'\"%@`", text[0]) != NULL || is_blank_or_end(text[0]))) {
        return 0;
    }
    if (text[0] != '\0' && strchr("-?", text[0]) != NULL && is_blank_or_end(text[1])) {
        return 0;
    }
    for (unsigned code; *text != '\0'; text++) {
        const int is_special = special_character(text, &code) > 0 && code != '\t';
        const int starts_value = text[0] == ':' && is_blank_or_end(text[1]);
        const int starts_comment = is_blank_or_end(text[0]) && text[1] == '#';
        if (is_special || starts_value || starts_comment) {
            return 0;
        }
    }
    return 1;
}

/* `indent` is that of the lines of the block, two more than what it belongs to. */
static void put_literal(struct yaml_writer *writer, const char *text, int32_t indent) {
    const size_t length = strlen(text);
    const char *first_line = text + strspn(text, "\n");
    put_text(writer, "|");
    if (*first_line == ' ' || *first_line == '\t') {
        put_text(writer, "2"); /* otherwise the blanks would be taken for indentation */
    }
    const int is_blank = *first_line == '\0';
    if (length == 0 || text[length - 1] != '\n') {
        put_text(writer, "-"); /* no line feed at the end */
    } else if (is_blank || text[length - 2] == '\n') {
        put_text(writer, "+"); /* more than the one that is kept without a sign */
    }
    put_text(writer, "\n");
    for (const char *line = text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        if (n > 0) {
            put_blanks(writer, indent);
            put(writer, line, n);
        }
        put_text(writer, "\n");
        line += line[n] == '\n' ? n + 1 : n;
    }
}

/* Names need no quotes; everything else gets them. */
static void put_key(struct yaml_writer *writer, const char *key) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./*";
    const int is_plain = key[strspn(key, plain)] == '\0' && strchr("-.*", key[0]) == NULL;
    if (is_plain) {
        put_text(writer, key);
    } else {
        put_quoted(writer, key);
    }
}

/* Ends with the end of a line. */
static void put_scalar(struct yaml_writer *writer, const struct yaml_node *node, int32_t indent) {
    if (node->literal && fits_literal(node->text)) {
        put_literal(writer, node->text, indent);
        return;
    }
    if (!node->quoted && fits_plain(node->text)) {
        put_text(writer, node->text);
    } else {
        put_quoted(writer, node->text);
    }
    put(writer, "\n", 1);
}

/* Writes the children of a collection, each on its own lines, indented by `indent`. With `is_begun` the first line
 * already has its indentation: it continues after the dash of a sequence. */
static void put_children(struct yaml_writer *writer, const struct yaml_node *node, int32_t indent, int is_begun);

/* Writes the value after "key:" or "-", and the line break. */
static void put_value(struct yaml_writer *writer, const struct yaml_node *node, int32_t indent, int is_item) {
    if (node->kind == YAML_SCALAR) {
        if (node->quoted || node->text[0] != '\0') {
            put(writer, " ", 1);
        }
        put_scalar(writer, node, indent + 2);
    } else if (node->first == NULL) {
        put_text(writer, node->kind == YAML_MAPPING ? " {}\n" : " []\n");
    } else {
        put(writer, is_item ? " " : "\n", 1);
        put_children(writer, node, indent + 2, is_item);
    }
}

static void put_children(struct yaml_writer *writer, const struct yaml_node *node, int32_t indent, int is_begun) {
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first || !is_begun) {
            put_blanks(writer, indent);
        }
        const int is_item = node->kind == YAML_SEQUENCE;
        if (is_item) {
            put(writer, "-", 1);
        } else {
            put_key(writer, child->key);
            put(writer, ":", 1);
        }
        put_value(writer, child, indent, is_item);
    }
}

static void put_document(struct yaml_writer *writer, const struct yaml_node *root) {
    if (root->kind == YAML_SCALAR) {
        put_text(writer, "--- "); /* without it a text that begins with '%' would read as a directive */
        put_scalar(writer, root, 2);
    } else if (root->first == NULL) {
        put_text(writer, root->kind == YAML_MAPPING ? "{}\n" : "[]\n");
    } else {
        put_children(writer, root, 0, 0);
    }
}

const char *yaml_write(const struct yaml_node *root, struct arena *arena) {
    struct yaml_writer writer = {0};
    put_document(&writer, root);
    writer.out = arena_alloc(arena, writer.length + 1);
    if (writer.out == NULL) {
        return NULL;
    }
    writer.length = 0;
    put_document(&writer, root);
    writer.out[writer.length] = '\0';
    return writer.out;
}

const char *yaml_option_text(const struct yaml_node *node, struct arena *arena) {
    if (node->kind == YAML_SCALAR) {
        return node->text;
    }
    if (node->kind == YAML_MAPPING) {
        return NULL;
    }
    size_t length = 2;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != YAML_SCALAR) {
            return NULL;
        }
        length += strlen(child->text) + 2;
    }
    struct yaml_writer writer = {.out = arena_alloc(arena, length + 1)};
    if (writer.out == NULL) {
        return NULL;
    }
    put(&writer, "[", 1);
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        put_text(&writer, child == node->first ? "" : ", ");
        put_text(&writer, child->text);
    }
    put(&writer, "]", 1);
    writer.out[writer.length] = '\0';
    return writer.out;
}

const char *yaml_line(const struct yaml_node *node, struct arena *arena) {
    if (node->kind == YAML_SCALAR) {
        return node->text[0] == '\0' ? "''" : node->text;
    }
    const int is_list = node->kind == YAML_SEQUENCE;
    const char *text = is_list ? "[" : "{";
    for (const struct yaml_node *child = node->first; child != NULL && text != NULL; child = child->next) {
        const char *value = yaml_line(child, arena), *comma = child == node->first ? "" : ", ";
        text = value == NULL ? NULL
               : is_list     ? arena_printf(arena, "%s%s%s", text, comma, value)
                             : arena_printf(arena, "%s%s%s: %s", text, comma, child->key, value);
    }
    return text == NULL ? NULL : arena_printf(arena, "%s%s", text, is_list ? "]" : "}");
}
