/* cli/catalogue_write.h: a catalogue as text, as JSON, as pages of Markdown, as a JSON Schema.
 *
 * All of them write the same bytes for the same entries. Memory that they need on the way is from the catalogue's
 * arena.
 */
#ifndef RONDO_CLI_CATALOGUE_WRITE_H
#define RONDO_CLI_CATALOGUE_WRITE_H

#include "cli/catalogue.h"

/* A line for each entry, under the name of each kind; with `details` all that is known of it. */
rondo_status catalogue_print(FILE *out, const struct catalogue *catalogue, int details, struct errors *errors);

/* An array with an object for each entry; the caller owns it. NULL: no memory. */
struct json_t *catalogue_json(const struct catalogue *catalogue);

/* A page for each kind, "optimizers.md", and experiment.schema.json into a folder, which is made. Each file is written
 * whole or not at all. The catalogue has all entries of all kinds. */
rondo_status catalogue_reference(const struct catalogue *catalogue, const char *folder, struct errors *errors);

/* The JSON Schema of experiments; the caller owns it. NULL: no memory. */
struct json_t *catalogue_schema(const struct catalogue *catalogue);

#endif
