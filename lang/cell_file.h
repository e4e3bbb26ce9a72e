/* lang/cell_file.h: reads the YAML file of a cell into its definition (lang/cell.h).
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

/* Reads `file`; memory from `arena`. NULL with errors, which contain all mistakes of the file. The equations are parsed
 * later, by cell_compile. */
const struct cell_definition *cell_file_read(const char *file, struct arena *arena, struct errors *errors);

/* The options of a cell as a table, whose struct is an array of doubles in the same order. From `arena`; NULL if
 * memory is short. */
const rondo_option *cell_option_table(const struct cell_definition *definition, struct arena *arena);

#endif
