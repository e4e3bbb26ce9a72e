/* io/yaml.h: parses YAML text to a tree in which every node has its place in the file. yaml.c is the only user of libyaml.
 *
 * Strict: one document; UTF-8; mappings, sequences and scalars. Refused with file:line:column: syntax errors, an empty
 * document, a duplicate key, a key that is not a scalar of 1 to YAML_MAX_KEY bytes on one line, anchors and aliases (they
 * can explode), tags, more than one document, nesting deeper than YAML_MAX_DEPTH, more than YAML_MAX_NODES values, more
 * than YAML_MAX_BYTES of text.
 */
#ifndef RONDO_IO_YAML_H
#define RONDO_IO_YAML_H

#include "core/arena.h"

#define YAML_MAX_BYTES ((size_t)4 << 20)
#define YAML_MAX_DEPTH 32
#define YAML_MAX_NODES 20000
#define YAML_MAX_KEY   128

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    struct location where;   /* place of the node */
    const char *text;        /* scalar: its value; else NULL */
    int quoted;              /* scalar: written in quotes or as a block, so never a number, true or null */
    int literal;             /* scalar: a literal block (|); its lines are in the file as they are */
    int32_t text_line;       /* literal: the file's line of the first line of text */
    int32_t text_indent;     /* literal: columns that were stripped from each line */
    struct yaml_node *first; /* sequence, mapping: first child */
    struct yaml_node *next;  /* next sibling */
    const char *key;         /* child of a mapping: its key */
    struct location key_where;
    const char *folder; /* what relative paths in this node are relative to: the folder of its file, "." for text
                           from the command line */
};

/* Reads a file. NULL with errors on failure: RONDO_NOT_FOUND if it is missing. Memory from `arena`. */
struct yaml_node *yaml_read(const char *file, struct arena *arena, struct errors *errors);
/* Parses text. `file` is for messages and `folder`; copied. */
struct yaml_node *yaml_parse(const char *file, const char *text, size_t length, struct arena *arena,
                             struct errors *errors);

/* Parses a value that is not from a file, such as one of the command line: every location is `where`, without line and
 * column, and the folder is ".". It will be inside `outer_depth` collections. Empty text is an empty scalar. */
struct yaml_node *yaml_parse_value(const char *text, struct location where, int32_t outer_depth, struct arena *arena,
                                   struct errors *errors);

/* The child with this key, or NULL. `mapping` may be NULL. */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* Number of children. */
int32_t yaml_count(const struct yaml_node *node);
/* 1 for a scalar without any text: "key:" with nothing after it. */
int yaml_is_null(const struct yaml_node *node);
/* 1 for `null` or `~` without quotes: it removes a key that an extended file, or the file before --set, has given. */
int yaml_takes_away(const struct yaml_node *node);

/* Applies "a.b.0.c=value" from the command line: the value is YAML itself (a number, text, [list], {map}). A key in quotes may have
 * dots: a."b.c"=value. Missing mappings of the path are created; an index must exist in its sequence, or be equal to its length, which appends.
 * Locations are "--set a.b.0.c=value". RONDO_INVALID with errors. */
rondo_status yaml_set(struct yaml_node *root, const char *assignment, struct arena *arena, struct errors *errors);
/* Puts a copy of `value` at "a.b.0.c", as yaml_set does; mistakes of the path are reported at the place of the value. */
rondo_status yaml_put(struct yaml_node *root, const char *path, const struct yaml_node *value, struct arena *arena,
                      struct errors *errors);
/* A copy of the tree, which shares only texts with it. From `arena`; NULL if there is not enough memory. */
struct yaml_node *yaml_clone(const struct yaml_node *root, struct arena *arena);
/* 1 if both have the same keys, in the same order, with the same texts, quoted or not. */
int yaml_is_same(const struct yaml_node *left, const struct yaml_node *right);
/* Merges `over` into `base` and returns the result, which shares their nodes: mappings are merged key by key,
 * everything else is replaced. For `extends:`. */
struct yaml_node *yaml_merge(struct yaml_node *base, struct yaml_node *over);

/* The tree as YAML text that yaml_parse reads back to the same values; literal blocks stay literal. From `arena`; NULL
 * if there is not enough memory. */
const char *yaml_write(const struct yaml_node *root, struct arena *arena);

/* A value on one line, for people: "0.1", "[1, 2]", "{plugin: adam, lr: 0.1}"; an empty text is two quotes. From `arena`; NULL:
 * out of memory. */
const char *yaml_line(const struct yaml_node *node, struct arena *arena);

/* The node as the text of an option (core/options.h): a scalar's own text; a sequence of scalars as "[a, b]". NULL for
 * other nodes. */
const char *yaml_option_text(const struct yaml_node *node, struct arena *arena);

#endif
