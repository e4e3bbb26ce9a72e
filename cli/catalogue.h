/* cli/catalogue.h: everything that experiments and equations can name. The entries come from descriptors only: no code of
 * a plug-in runs. `rondo list` prints them as text or JSON; docs/reference and the JSON Schema are made from the same
 * entries.
 *
 * A kind is a kind of plug-in (core/registry.h), or "cell", "block" or "reader", or "experiment", whose entries are the
 * sections.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_CATALOGUE_H
#define RONDO_CLI_CATALOGUE_H

#include <stdio.h>

#include "experiment/experiment.h"
#include "experiment/session.h"
#include "lang/cell.h"

#define KIND_CELL       "cell"
#define KIND_BLOCK      "block"
#define KIND_READER     "reader"
#define KIND_EXPERIMENT "experiment"

struct entry {
    const char *kind, *name, *summary;
    const char *source; /* the paper; "": none */
    const char *origin; /* the file, with links resolved, or "built-in" */
    const rondo_option *options;
    const char *plugin, *version, *licence; /* the plug-in that contains it; NULL: none */

    /* Exactly one of these is not NULL. */
    const rondo_descriptor *descriptor;
    const struct cell_definition *cell; /* or of a block */
    const struct reader_class *reader;
    const struct experiment_section *section;

    int is_over_self; /* a block whose equations are not for the memory of an encoder */
};

struct catalogue {
    struct arena *arena; /* owns everything that entries point to */
    struct entry *entries;
    int32_t count, capacity;
    struct suggestion nearest; /* the name nearest to one that was requested and does not exist */
};

/* Kind `index`: "op", …; NULL after the last. */
const char *catalogue_kind(int32_t index);
/* All kinds as text, for messages: "op, optimizer, … or experiment"; NULL: out of memory. */
const char *catalogue_kinds(struct arena *arena);

/* Adds the entries of `kind` with that name (NULL: all), ordered by name; sections in the order of the experiment. The
 * files of cells are read. A file that cannot be read is reported and left out. */
rondo_status catalogue_collect(struct catalogue *catalogue, struct session *session, const char *kind, const char *name,
                               struct errors *errors);

/* 1 if the entry is a wrapper of optimizers. */
int entry_is_wrapper(const struct entry *entry);
/* 1 if the section's key `plugin` may name the entry. */
int entry_fits(const struct entry *entry, const struct experiment_section *section);
/* 1 if `section` is directly inside the section named `outer`. *key is then its key in that section, from `arena`;
 * NULL: out of memory. */
int section_is_in(const struct experiment_section *section, const char *outer, struct arena *arena, const char **key);
/* 1 if the section is an item of a list. */
int section_is_item(const struct experiment_section *section);

#endif
