/* experiment/plugin_section.h: a section that names a plug-in and gives its options: {plugin: adam, lr: 0.002}.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_PLUGIN_SECTION_H
#define RONDO_EXPERIMENT_PLUGIN_SECTION_H

#include "experiment/session.h"
#include "io/section.h"

/* What such a section says. */
struct plugin_section {
    const rondo_descriptor *descriptor; /* NULL: none, or refused */
    const void *options;                /* the plug-in's struct; NULL where it has none */
    const char *origin;                 /* its file */
    const struct log_receiver *log;     /* of the lines that it logs */
    struct location where;              /* of its name in the experiment */
    const struct yaml_node *section;    /* where its options stand */
};

/* What the reading of sections works with. */
struct plugin_reader {
    struct session *session;
    struct arena *arena;
    struct errors *errors;
};

/* Reads `section`, called `path` in messages, loading the plug-in of `kind` that it names. `others` are further keys
 * that the caller reads itself, NULL-terminated; may be NULL. 0 with errors, all of them told. */
int plugin_section_read(const struct plugin_reader *reader, struct yaml_node *section, const char *path, int32_t kind,
                        const char *const *others, struct plugin_section *found);

/* Adds the errors of a plug-in that looked at its options: each at the option that its text names first ("'nesterov' is
 * true, …"), or else at `where`. Empties `from`. */
void plugin_section_errors(const struct yaml_node *section, struct location where, struct errors *from,
                           struct errors *errors);

/* Calls a plug-in's `check` of its options, which may be NULL. 0 with errors. */
int plugin_section_check(const struct plugin_reader *reader, const struct plugin_section *section,
                         rondo_status (*check)(rondo_context *ctx, const void *options));

#endif
