/* cli/catalogue_write.h: a catalogue as text, as JSON, as pages of Markdown, and as a JSON Schema.
 *
 * The output depends only on the entries. Temporary memory is from the catalogue's arena.
 */
#ifndef RONDO_CLI_CATALOGUE_WRITE_H
#define RONDO_CLI_CATALOGUE_WRITE_H

#include "cli/catalogue.h"

/* Prints one line per entry, below the name of its kind; with `details`, everything that is known about each entry. */
rondo_status catalogue_print(FILE *out, const struct catalogue *catalogue, int details, struct errors *errors);

/* An array with one object per entry; the caller owns it. NULL: out of memory. */
struct json_t *catalogue_json(const struct catalogue *catalogue);

/* Writes one page per kind ("optimizers.md") and experiment.schema.json into `folder`, which is created if it does not
 * exist. Each file is written completely or not at all. The catalogue must contain all entries of all kinds. */
rondo_status catalogue_reference(const struct catalogue *catalogue, const char *folder, struct errors *errors);

/* The JSON Schema of experiments; the caller owns it. NULL: out of memory. */
struct json_t *catalogue_schema(const struct catalogue *catalogue);

#endif
