/* cli/catalogue.h: everything that experiments and equations can name, of whatever kind, from descriptors alone: no
 * code of a plug-in runs. `rondo list` prints it, as text or JSON; the same entries make docs/reference and the JSON
 * Schema.
 *
 * A kind is one of plug-ins (core/registry.h), or "cell", or "experiment", whose entries are the sections.
 */
#ifndef RONDO_CLI_CATALOGUE_H
#define RONDO_CLI_CATALOGUE_H

#include <stdio.h>

#include "experiment/experiment.h"
#include "experiment/session.h"
#include "lang/cell.h"

#define KIND_CELL       "cell"
#define KIND_EXPERIMENT "experiment"

struct entry {
    const char *kind, *name, *summary;
    const char *source; /* paper; "" */
    const char *origin; /* file, without links, or "built-in" */
    const rondo_option *options;
    const char *plugin, *version, *licence; /* of the plug-in that it is part of; NULL: of none */

    /* One of these is not NULL. */
    const rondo_descriptor *descriptor;
    const struct cell_definition *cell;
    const struct experiment_section *section;
};

struct catalogue {
    struct arena *arena; /* of all that entries point to */
    struct entry *entries;
    int32_t count, capacity;
    struct suggestion nearest; /* to a name that is not there */
};

/* Kind `index`, "op", …; NULL past the last. And all of them: "op, optimizer, … or experiment"; NULL: no memory. */
const char *catalogue_kind(int32_t index);
const char *catalogue_kinds(struct arena *arena);

/* Adds the entries of `kind`, of that name (NULL: all), in order of kind and name; sections in their own. A cell's file
 * is read where it is asked for. What cannot be read is told, and left out. */
rondo_status catalogue_collect(struct catalogue *catalogue, struct session *session, const char *kind, const char *name,
                               struct errors *errors);

/* 1 where the entry is a wrapper of optimizers. */
int entry_is_wrapper(const struct entry *entry);
/* 1 where the entry may be named by `plugin` in that section. */
int entry_fits(const struct entry *entry, const struct experiment_section *section);
/* 1 where `section` lies in the one called `outer`; *key gets its key there, from `arena`, NULL: no memory. */
int section_is_in(const struct experiment_section *section, const char *outer, struct arena *arena, const char **key);
/* 1 for an entry of a list. */
int section_is_item(const struct experiment_section *section);

#endif
