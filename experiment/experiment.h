/* experiment/experiment.h: one YAML file to everything that it names, checked.
 *
 * All keys are known from option tables. An unknown, mistyped, out-of-range or unused key is an error at its place, and
 * all mistakes are told in one go. The data is not read yet: train/task.h does.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_EXPERIMENT_H
#define RONDO_EXPERIMENT_EXPERIMENT_H

#include "data/text.h"
#include "experiment/layers.h"
#include "experiment/loss_section.h"
#include "experiment/optimizer_section.h"
#include "experiment/schedule_section.h"
#include "model/model.h"

/* The version of the format: the value of the key `rondo`. */
#define EXPERIMENT_VERSION 1

/* A file that the experiment names; text NULL: not given. */
struct experiment_path {
    const char *text; /* absolute */
    struct location where;
};

/* Keys of `model:` that are plain options. */
struct model_options {
    int32_t pool; /* enum pooling */
};
/* `model.embedding`. */
struct embedding_options {
    int64_t size;
    double dropout;
    double word_dropout;
};

struct experiment {
    struct arena *arena;
    struct yaml_node *root; /* resolved: with every default */
    const char *file, *name;
    struct architecture architecture;
    struct text_options text;
    struct text_column text_column, label_column;
    struct experiment_path train, valid, test;
    struct embedding_options embedding;
    struct model_options model;
    struct experiment_layers layers;
    struct loss_section loss;
    struct optimizer_section optimizer;
    struct schedule_section schedule;
};

/* Loads `file` with the assignments of --set (NULL-terminated; NULL: none) laid over it. NULL with errors. Plug-ins
 * that it names are loaded into the session, which must outlive it. Free with experiment_destroy. */
struct experiment *experiment_load(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors);
/* The same for evaluation and prediction, which need no optimizer and no schedule: they are not loaded, and a file under
 * `plugins:` that cannot be loaded is a mistake only where something else is missing then. */
struct experiment *experiment_load_for_prediction(const char *file, const char *const *assignments,
                                                  struct session *session, struct errors *errors);
void experiment_destroy(struct experiment *experiment);

/* The sections, for `rondo list`, documentation and the JSON Schema. A key is an option of the section's table, or one
 * that is read by code of its own: */
enum experiment_value {
    EXPERIMENT_CHOICE,
    EXPERIMENT_FILE,
    EXPERIMENT_FILES,    /* a list */
    EXPERIMENT_COLUMN,   /* a number or a name */
    EXPERIMENT_PATTERNS, /* a text or a list of them */
    EXPERIMENT_PLUGIN,   /* a name; the options of that plug-in stand beside it */
    EXPERIMENT_CELL      /* a name or a file; the same */
};
struct experiment_key {
    const char *name;           /* NULL ends a list */
    int32_t value;              /* enum experiment_value */
    const char *default_text;   /* NULL: must be given; "": none */
    const char *const *choices; /* EXPERIMENT_CHOICE alone */
    const char *help;
};
enum experiment_section_flag {
    SECTION_REQUIRED = 1,    /* must be given */
    SECTION_ALONE = 2,       /* stands in the place of all other keys around it */
    SECTION_WRAPPERS = 4,    /* its plug-ins are wrappers of optimizers */
    SECTION_OUTER_PLUGIN = 8 /* takes options of the plug-in that the section around it names */
};
struct experiment_section {
    const char *name; /* "schedule.warmup"; "": the whole; one that ends in ".N" is an entry of a list */
    const char *summary;
    const rondo_option *table;         /* NULL: none */
    const struct experiment_key *keys; /* NULL: none */
    int32_t flags;                     /* enum experiment_section_flag, or-ed */
    int32_t plugin_kind;               /* of EXPERIMENT_PLUGIN and SECTION_OUTER_PLUGIN */
    int32_t least, most;               /* entries of a list; most 0: any number */
};
/* Section `index`, each behind the one around it; name NULL past the last. */
struct experiment_section experiment_section(int32_t index);

#endif
