/* lang/cell_file.h: reads the YAML files of cells and blocks into their definitions (lang/cell.h).
 *
 * Keys: cell (its name), state and equations; optional are source (paper), summary, output, candidate, params,
 * options, init. `state` is a list of names or a mapping from names to shapes; `output` a value of the equations,
 * `candidate` one or a list of them; `params` a mapping from names to shapes; an option is a number, or a mapping with
 * default, min, max and help; `init` maps patterns of names to initialisers (lang/initialiser.h).
 */
#ifndef RONDO_LANG_CELL_FILE_H
#define RONDO_LANG_CELL_FILE_H

#include "io/yaml.h"
#include "lang/cell.h"

/* Reads `file`; memory from `arena`. NULL with the errors of all mistakes in the file. The equations are
 * not parsed yet: cell_compile does that. */
const struct cell_definition *cell_file_read(const char *file, struct arena *arena, struct errors *errors);

/* The same for a block, which is equations for a whole sequence: a definition without states, whose keys are block (its name),
 * equations and output; optional are source, summary, params, options, init. */
const struct cell_definition *block_file_read(const char *file, struct arena *arena, struct errors *errors);
/* The one or the other: a file with the key block, and not cell, is a block. */
const struct cell_definition *definition_file_read(const char *file, struct arena *arena, struct errors *errors);
int definition_is_block(const struct cell_definition *definition);

/* The options of a cell or block as a table, whose struct is an array of doubles in the same order. From `arena`; NULL if
 * memory is short. */
const rondo_option *cell_option_table(const struct cell_definition *definition, struct arena *arena);
/* Reports a value, within the range of the option, that has a fraction where the option has none. */
rondo_status cell_option_fits(const struct cell_option *option, double value, struct location where,
                              struct errors *errors);

#endif
