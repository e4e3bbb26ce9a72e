/* cli/json_builder.h: builds JSON from many parts. If memory is short for one part, the builder remembers the failure,
 * so that the caller checks only once, with json_built. A value of NULL counts as such a failure. */
#ifndef RONDO_CLI_JSON_BUILDER_H
#define RONDO_CLI_JSON_BUILDER_H

#include <jansson.h>

#include "core/arena.h"

struct json_builder {
    struct arena *arena; /* for temporary texts */
    int failed;
};

/* Set a key of an object, or append to an array. Both take ownership of `value`. */
void json_set(struct json_builder *builder, json_t *object, const char *key, json_t *value);
void json_append(struct json_builder *builder, json_t *array, json_t *value);
/* An array of texts. `texts` ends with NULL, and may be NULL itself. */
json_t *json_texts(struct json_builder *builder, const char *const *texts);
/* Returns `value`; after a failure frees it and returns NULL. */
json_t *json_built(const struct json_builder *builder, json_t *value);

#endif
