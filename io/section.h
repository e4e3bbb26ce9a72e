/* io/section.h: checks a YAML mapping against the option tables of the parts that use it.
 *
 * The keys of one mapping may belong to several parts: the section `optimizer` contains `plugin` and the options of
 * that plug-in. A key that no part knows, that is of another type or out of range is an error at its place, with the
 * nearest known name. A key that is missing is added to the tree with its default, with SECTION_DEFAULT as its file.
 * After reading, the tree is the resolved experiment.
 */
#ifndef RONDO_IO_SECTION_H
#define RONDO_IO_SECTION_H

#include "io/yaml.h"

/* The file in the location of a default value. */
#define SECTION_DEFAULT "default"

/* One table and the struct that it fills; the struct holds the defaults already (options_create). */
struct section_part {
    const rondo_option *table;
    void *options;
};

/* Reads `node` (NULL: the section is missing) into the parts. `others` are further keys that the caller reads itself,
 * NULL-terminated; may be NULL. `path` names the section in messages: "optimizer", "" for the whole experiment. `where`
 * is the place for missing required options. Reports all mistakes; returns the status of the first. */
rondo_status section_read(struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                          const char *const *others, const char *path, struct location where, struct arena *arena,
                          struct errors *errors);

/* The same for one table and a struct of `size` bytes, which gets the defaults first. */
rondo_status section_struct(struct yaml_node *node, const rondo_option *table, void *options, size_t size,
                            const char *const *others, const char *path, struct arena *arena, struct errors *errors);

/* Reads the keys of `node` into structs that already have values: no key is required, and no defaults are added. */
rondo_status section_override(const struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                              const char *const *others, const char *path, struct arena *arena, struct errors *errors);

/* Adds a scalar child for a default, or replaces the text of an existing one. */
rondo_status section_put(struct yaml_node *mapping, const char *key, const char *text, int quoted, struct arena *arena,
                         struct errors *errors);

/* The child `key` as a mapping, made empty, at the place of `mapping`, where it is missing; NULL with an error where it
 * is something else. */
struct yaml_node *section_child(struct yaml_node *mapping, const char *key, struct arena *arena, struct errors *errors);

/* The text of a required scalar child; NULL with an error that says `what` was expected. */
const char *section_text(const struct yaml_node *mapping, const char *key, const char *what, struct location where,
                         struct errors *errors);

#endif
