/* io/section.h: reads a YAML mapping by the option tables of the parts that use it.
 *
 * The keys of one mapping may belong to several parts: `optimizer:` has the key `plugin` and the options of that plug-in.
 * A key that no part knows, or whose value has the wrong type or is out of range, is an error at its place, with the
 * nearest known name. An option that is not given is added to the tree with its default, with SECTION_DEFAULT as the
 * file of its location: after reading, the tree is the resolved experiment. */
#ifndef RONDO_IO_SECTION_H
#define RONDO_IO_SECTION_H

#include "io/yaml.h"

/* The file of the location of a value that is a default. */
#define SECTION_DEFAULT "default"

/* One table and the struct that it fills; the struct holds the defaults already (options_create). */
struct section_part {
    const rondo_option *table;
    void *options;
};

/* 1 if the value of a RONDO_CLASS_REALS option is a mapping {label: number} or the word balanced: its numbers follow from
 * the data. section_read checks the numbers of a mapping and leaves the field as it is; train/class_numbers.h fills it. */
int section_is_of_classes(const rondo_option *option, const struct yaml_node *node);

/* Reads `node` (NULL: the section is missing) into the parts. `others` are further keys that the caller reads itself,
 * NULL-terminated; may be NULL. `path` names the section in messages: "optimizer", "" for the whole experiment. `where`
 * is for required options that are missing. Reports every mistake. Returns the status of the first. */
rondo_status section_read(struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                          const char *const *others, const char *path, struct location where, struct arena *arena,
                          struct errors *errors);

/* The same for one table and a struct of `size` bytes, which gets the defaults first. */
rondo_status section_struct(struct yaml_node *node, const rondo_option *table, void *options, size_t size,
                            const char *const *others, const char *path, struct arena *arena, struct errors *errors);

/* Reads `node` into structs that already contain values: nothing is required, and no defaults are added. */
rondo_status section_override(const struct yaml_node *node, const struct section_part *parts, int32_t n_parts,
                              const char *const *others, const char *path, struct arena *arena, struct errors *errors);

/* Adds a child with a default value, or replaces the value of an existing child. */
rondo_status section_put(struct yaml_node *mapping, const char *key, const char *text, int quoted, struct arena *arena,
                         struct errors *errors);

/* The child `key`, which must be a mapping; NULL with an error if it is not. If it is missing, an empty one is added,
 * with the place of `mapping`. */
struct yaml_node *section_child(struct yaml_node *mapping, const char *key, struct arena *arena, struct errors *errors);

/* The text of a required scalar child; NULL with an error that says `what` was expected. `path` is that of the mapping, ""
 * for the root. */
const char *section_text(const struct yaml_node *mapping, const char *path, const char *key, const char *what,
                         struct location where, struct errors *errors);

#endif
