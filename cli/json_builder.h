/* cli/json_builder.h: JSON that is made of many pieces, any of which may fail for want of memory: one look at the end
 * tells. A value that is NULL counts as such a failure. */
#ifndef RONDO_CLI_JSON_BUILDER_H
#define RONDO_CLI_JSON_BUILDER_H

#include <jansson.h>

#include "core/arena.h"

struct json_builder {
    struct arena *arena; /* of texts on the way */
    int failed;
};

/* Sets a key, or appends; both take `value` over. */
void json_set(struct json_builder *builder, json_t *object, const char *key, json_t *value);
void json_append(struct json_builder *builder, json_t *array, json_t *value);
/* An array of texts, which end with NULL; `texts` may be NULL. */
json_t *json_texts(struct json_builder *builder, const char *const *texts);
/* `value`, or NULL, with `value` freed, after a failure. */
json_t *json_built(const struct json_builder *builder, json_t *value);

#endif
