#include "cli/json_builder.h"

void json_set(struct json_builder *builder, json_t *object, const char *key, json_t *value) {
    builder->failed |= json_object_set_new(object, key, value) != 0;
}

void json_append(struct json_builder *builder, json_t *array, json_t *value) {
    builder->failed |= json_array_append_new(array, value) != 0;
}

json_t *json_texts(struct json_builder *builder, const char *const *texts) {
    json_t *array = json_array();
    for (; texts != NULL && *texts != NULL; texts++) {
        json_append(builder, array, json_string(*texts));
    }
    return array;
}

json_t *json_built(const struct json_builder *builder, json_t *value) {
    if (builder->failed) {
        json_decref(value);
        return NULL;
    }
    return value;
}
