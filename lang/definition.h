/* lang/definition.h: looks names up in the definition of a cell (struct cell_definition of lang/cell.h).
 *
 * Threads: any; a definition is constant.
 */
#ifndef RONDO_LANG_DEFINITION_H
#define RONDO_LANG_DEFINITION_H

#include "lang/cell.h"

/* The index of the state or option with this name, or -1. */
int32_t definition_state(const struct cell_definition *definition, const char *name);
int32_t definition_option(const struct cell_definition *definition, const char *name);
/* The value of an option under these settings: the given one, or its default. */
double definition_option_value(const struct cell_definition *definition, const struct cell_settings *settings,
                               int32_t option);
/* The state whose new value is the output; -1 if the output is another value. */
int32_t definition_output_state(const struct cell_definition *definition);
/* 1 for `input` and `hidden`, whose values are numbers. */
int name_is_width(const char *name);

#endif
