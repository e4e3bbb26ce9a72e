/* experiment/plugin_section.h: a section that names a plug-in and gives its options: {plugin: adam, lr: 0.002}.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_PLUGIN_SECTION_H
#define RONDO_EXPERIMENT_PLUGIN_SECTION_H

#include "experiment/keys.h"
#include "experiment/session.h"
#include "io/section.h"

/* The contents of such a section. */
struct plugin_section {
    const rondo_descriptor *descriptor; /* NULL: not given, or refused */
    void *options;                      /* the plug-in's struct of options; NULL if it has no options */
    const char *origin;                 /* its file */
    const struct log_receiver *log;     /* of the lines that it logs */
    struct location where;              /* of its name in the experiment */
    struct yaml_node *section;          /* the mapping with its options */
};

/* What readers of sections share. */
struct plugin_reader {
    struct session *session;
    struct arena *arena;
    struct errors *errors;
    const struct experiment_section *sections; /* the table of all sections */
};

/* Returns the section `key` of a mapping, and creates it if it is missing (section_child of io/section.h). NULL with errors. A single
 * value, as in `loss: huber`, is an error whose message has the right form. */
struct yaml_node *plugin_section_child(const struct plugin_reader *reader, struct yaml_node *mapping, const char *key);

/* Reads `section`, called `path` in messages, and loads the plug-in that it names. `name` is its name in the table of
 * sections, which says the kind of the plug-in and the further keys. `own` is the struct of the section's own options,
 * with their defaults; NULL if it has none. 0 with errors. */
int plugin_section_read(const struct plugin_reader *reader, struct yaml_node *section, const char *name,
                        const char *path, void *own, struct plugin_section *found);

/* Adds the errors of a plug-in that has checked its options. A plug-in cannot give a place, so the rule, which
 * rondo/plugin.h states at `fail`, is that the first name in single quotes is the option at fault: "'nesterov' is true,
 * and 'momentum' is 0". The error is reported at that option, or at `where` if the section does not give it. `remedy`,
 * or NULL, completes each text. Empties `from`. */
void plugin_section_errors(const struct yaml_node *section, struct location where, const char *remedy,
                           struct errors *from, struct errors *errors);

/* Calls a plug-in's `check` of its options, which may be NULL. 0 with errors. */
int plugin_section_check(const struct plugin_reader *reader, const struct plugin_section *section,
                         rondo_status (*check)(rondo_context *ctx, const void *options));

#endif
