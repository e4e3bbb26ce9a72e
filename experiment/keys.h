/* experiment/keys.h: the keys of an experiment as data. One table of sections (experiment_section() of
 * experiment/experiment.h) serves the readers of YAML, `rondo list`, the reference pages and the JSON Schema.
 *
 * A key of a section is an option of its table, one of its `keys`, or the last part of the name of a section inside it.
 *
 * Threads: any.
 */
#ifndef RONDO_EXPERIMENT_KEYS_H
#define RONDO_EXPERIMENT_KEYS_H

#include "core/arena.h"

/* Kinds of keys that are not plain options. */
enum experiment_value {
    EXPERIMENT_CHOICE,
    EXPERIMENT_FILE,
    EXPERIMENT_FILES,    /* a list */
    EXPERIMENT_READER,   /* the name of a reader, whose options are further keys of the section */
    EXPERIMENT_DATA,     /* data files: a path, a list, a mapping, or a part of the training file */
    EXPERIMENT_COLUMNS,  /* a mapping of the reader's names of columns to numbers or names */
    EXPERIMENT_BATCH,    /* the size of a batch: a number of examples, or {steps: N} */
    EXPERIMENT_PATTERNS, /* a text or a list of them */
    EXPERIMENT_METRICS,  /* the same: names of metrics as they are printed */
    EXPERIMENT_LABELS,   /* the same: labels of classes */
    EXPERIMENT_SEEDS,    /* a number of seeds, or a list of them */
    EXPERIMENT_VARIANTS, /* a list of mappings of keys of the experiment to values */
    EXPERIMENT_NUMBER,   /* a number without a default */
    EXPERIMENT_PLUGIN,   /* the name of a plug-in, whose options are further keys of the section */
    EXPERIMENT_CELL,     /* a name or a file; the same */
    EXPERIMENT_BLOCK     /* the same */
};

struct experiment_key {
    const char *name;           /* NULL ends a list */
    int32_t value;              /* enum experiment_value */
    const char *default_text;   /* NULL: must be given; "": may be left out */
    const char *const *choices; /* only of EXPERIMENT_CHOICE */
    const char *help;
};

enum experiment_section_flag {
    SECTION_REQUIRED = 1,     /* must be given */
    SECTION_ALONE = 2,        /* replaces all other keys of the section around it */
    SECTION_WRAPPERS = 4,     /* its plug-ins are wrappers of optimizers */
    SECTION_OUTER_PLUGIN = 8, /* takes options of the plug-in that the section around it names */
    SECTION_OR_TEXT = 16,     /* an entry may also be a text, NAME or NAME:KEY=VALUE,… of the plug-in */
    SECTION_DURATION = 32,    /* has exactly one of the keys `steps` and `epochs` */
    SECTION_VARIES = 64,      /* further keys are keys of the experiment, with lists of values or ranges */
    SECTION_OTHER_FORM = 128  /* another form of the entries of a list, which has the first one of `keys` */
};

struct experiment_section {
    /* "schedule.warmup"; "": the whole; NULL ends the table; ".N" at the end: an entry of a list; ".N (block)": one of another form */
    const char *name;
    const char *summary;
    const rondo_option *table;         /* NULL: none */
    const struct experiment_key *keys; /* NULL: none */
    int32_t flags;                     /* enum experiment_section_flag, or-ed */
    int32_t plugin_kind;               /* of EXPERIMENT_PLUGIN and SECTION_OUTER_PLUGIN */
    int32_t least, most;               /* entries of a list; most 0: any number */
};

/* The section of that name in the table that begins at `sections`; NULL: there is none. */
const struct experiment_section *experiment_section_find(const struct experiment_section *sections, const char *name);

/* The key of the section `inner` in the section `outer`, both by name: its length, and its first character in *key.
 * "optimizer.groups.N" is `groups` in "optimizer". 0 if `inner` is not directly inside `outer`. */
size_t experiment_inner_key(const char *outer, const char *inner, const char **key);

/* 1 if this last part of a name, ".N", is that of an entry of a list. */
int experiment_is_item(const char *last);

/* Names of the keys of a section that are not options of its table, NULL-terminated: the list that section_read calls
 * `others`. From `arena`; NULL: out of memory. */
const char *const *experiment_section_keys(const struct experiment_section *sections,
                                           const struct experiment_section *section, struct arena *arena);

#endif
