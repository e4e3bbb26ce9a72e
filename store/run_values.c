#include "store/run_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the values are put. Two passes: the first one, with `text` NULL, only counts. */
struct value_writer {
    struct run_value *items;
    int32_t count;
    char *text; /* of all keys and values */
    size_t length;
    char path[YAML_MAX_DEPTH * (YAML_MAX_KEY + 1) + 16];
};

static void put_bytes(struct value_writer *writer, const char *bytes, size_t length) {
    if (writer->text != NULL) {
        memcpy(writer->text + writer->length, bytes, length);
    }
    writer->length += length;
}

static void put(struct value_writer *writer, const char *text) {
    put_bytes(writer, text, strlen(text));
}

/* A value as YAML on one line. */
static void put_node(struct value_writer *writer, const struct yaml_node *node) {
    if (node->kind == YAML_SCALAR) {
        put(writer, node->text);
        return;
    }
    const int is_list = node->kind == YAML_SEQUENCE;
    put(writer, is_list ? "[" : "{");
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        put(writer, child == node->first ? "" : ", ");
        if (!is_list) {
            put(writer, child->key);
            put(writer, ": ");
        }
        put_node(writer, child);
    }
    put(writer, is_list ? "]" : "}");
}

static int ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

/* A cell or block without the folder and the ending of its copy. */
static void put_cell(struct value_writer *writer, const char *file) {
    static const char folder[] = "cells/", ending[] = ".yaml";
    const int is_copy = strncmp(file, folder, sizeof folder - 1) == 0 && ends_with(file, ending) &&
                        strlen(file) > sizeof folder + sizeof ending - 2;
    const char *begin = is_copy ? file + sizeof folder - 1 : file;
    put_bytes(writer, begin, strlen(begin) - (is_copy ? sizeof ending - 1 : 0));
}

/* `length` >= 0: the node is a list of so many mappings, which is its value. */
static void put_value(struct value_writer *writer, size_t path_length, const struct yaml_node *node, int32_t length) {
    const char *key = writer->text == NULL ? NULL : writer->text + writer->length;
    put_bytes(writer, writer->path, path_length + 1);
    const char *text = writer->text == NULL ? NULL : writer->text + writer->length;
    if (length >= 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", length);
        put(writer, number);
    } else if (node->kind == YAML_SCALAR && (ends_with(writer->path, ".cell") || ends_with(writer->path, ".block"))) {
        put_cell(writer, node->text);
    } else {
        put_node(writer, node);
    }
    put_bytes(writer, "", 1);
    if (writer->items != NULL) {
        writer->items[writer->count] = (struct run_value){key, text};
    }
    writer->count++;
}

/* 1 if a collection is written as one value: it is empty, or a list without mappings and lists. */
static int is_one_value(const struct yaml_node *node) {
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (node->kind == YAML_MAPPING || child->kind != YAML_SCALAR) {
            return 0;
        }
    }
    return 1;
}

static void put_tree(struct value_writer *writer, size_t path_length, const struct yaml_node *node) {
    writer->path[path_length] = '\0';
    if (path_length > 0 && is_one_value(node)) {
        put_value(writer, path_length, node, -1);
        return;
    }
    if (node->kind == YAML_SEQUENCE) {
        put_value(writer, path_length, node, yaml_count(node));
    }
    int32_t index = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next, index++) {
        char number[16];
        if (node->kind == YAML_SEQUENCE) {
            snprintf(number, sizeof number, "%d", index);
        }
        const char *key = node->kind == YAML_MAPPING ? child->key : number;
        const size_t length = strlen(key), begin = path_length + (path_length > 0);
        if (begin + length < sizeof writer->path) { /* always: YAML_MAX_DEPTH keys of YAML_MAX_KEY bytes fit */
            writer->path[path_length] = '.';
            memcpy(writer->path + begin, key, length + 1);
            put_tree(writer, begin + length, child);
        }
    }
}

static int by_key(const void *left, const void *right) {
    return strcmp(((const struct run_value *)left)->key, ((const struct run_value *)right)->key);
}

void run_values_sort(struct run_value *items, int32_t count) {
    if (count > 1) {
        qsort(items, (size_t)count, sizeof *items, by_key);
    }
}

rondo_status run_values_of_tree(const struct yaml_node *root, struct run_values *values, struct arena *arena) {
    struct value_writer writer = {.count = 0};
    put_tree(&writer, 0, root);
    writer.items = arena_alloc(arena, (size_t)writer.count * sizeof *writer.items);
    writer.text = arena_alloc(arena, writer.length);
    *values = (struct run_values){0};
    if (writer.text == NULL) {
        return RONDO_NO_MEMORY;
    }
    writer.count = 0;
    writer.length = 0;
    put_tree(&writer, 0, root);
    run_values_sort(writer.items, writer.count);
    *values = (struct run_values){writer.items, writer.count};
    return RONDO_OK;
}

const char *run_values_get(const struct run_values *values, const char *key) {
    const struct run_value wanted = {key, NULL};
    const struct run_value *found =
        values->count == 0 ? NULL : bsearch(&wanted, values->items, (size_t)values->count, sizeof wanted, by_key);
    return found == NULL ? NULL : found->text;
}

/* ---- names ---- */

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

int run_compare_names(const char *left, const char *right) {
    const char *a = left, *b = right;
    while (*a != '\0' && *b != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t before = strspn(a, "0123456789"), after = strspn(b, "0123456789");
            const int order = before != after ? (before < after ? -1 : 1) : memcmp(a, b, before);
            if (order != 0) {
                return order;
            }
            a += before;
            b += after;
        } else if (*a == *b) {
            a++;
            b++;
        } else {
            break;
        }
    }
    const int order = (unsigned char)*a - (unsigned char)*b;
    return order != 0 ? order : strcmp(left, right);
}
