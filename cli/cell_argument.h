/* cli/cell_argument.h: a cell or block that is named on the command line, with its options. */
#ifndef RONDO_CLI_CELL_ARGUMENT_H
#define RONDO_CLI_CELL_ARGUMENT_H

#include "cli/command.h"
#include "lang/cell.h"

struct cell_argument {
    const char *name, *file;
    const struct cell_definition *definition;
    const double *option_values; /* [n_options] */
    const rondo_option *table;   /* table of the options; option_values is their struct */
};

#define CELL_FLAG_OPTION(list)                                                                                         \
    { "option", "KEY=VALUE", FLAG_LIST, list, "an option of the cell or block, such as alpha=0.5; may be repeated" }

/* Reads the cell `name`, or else the block, from the session's paths, or from a file if the name is a path, and sets its options to
 * the NULL-terminated list of "KEY=VALUE". Memory from `arena`. */
rondo_status cell_argument_read(const struct session *session, const char *name, const char *const *options,
                                struct arena *arena, struct cell_argument *cell, struct errors *errors);
/* The same for a known file. */
rondo_status cell_argument_open(const char *name, const char *file, const char *const *options, struct arena *arena,
                                struct cell_argument *cell, struct errors *errors);

#endif
