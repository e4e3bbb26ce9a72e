/* `equal`: the layers whose `hidden` is chosen, which are those in which a key varies. */
#include <stdlib.h>
#include <string.h>

#include "experiment/compare_axes.h"
#include "experiment/layers.h"
#include "io/section.h"

/* The lists of layers. */
static const char *const lists[] = {"model.layers", "model.encoder"};
enum { LISTS = 2 };

struct layer_search {
    const struct compare_reader *reader;
    const char **layers; /* [LISTS * MAX_LAYERS + 1] */
    int32_t count;
    int varies_whole[LISTS]; /* the list as a whole: variants may have different numbers of layers */
};

static int is_in_list(const char *path, const char *list) {
    const size_t length = strlen(list);
    return strncmp(path, list, length) == 0 && path[length] == '.';
}

/* What comes after the number in "model.layers.3.hidden": "hidden"; NULL for other paths. *length: of "model.layers.3". */
static const char *key_of_layer(const char *path, size_t *length) {
    for (int i = 0; i < LISTS; i++) {
        if (is_in_list(path, lists[i])) {
            const size_t outer = strlen(lists[i]);
            *length = outer + 1 + strcspn(path + outer + 1, ".");
            return path[*length] == '.' ? path + *length + 1 : "";
        }
    }
    return NULL;
}

/* Takes note of the layer that a varied key is in. */
static rondo_status add_layer(struct layer_search *search, const char *path) {
    size_t length;
    for (int i = 0; i < LISTS; i++) {
        search->varies_whole[i] |= compare_is_inside(lists[i], path);
    }
    if (key_of_layer(path, &length) == NULL) {
        return RONDO_OK;
    }
    for (int32_t i = 0; i < search->count; i++) {
        if (strlen(search->layers[i]) == length && strncmp(search->layers[i], path, length) == 0) {
            return RONDO_OK;
        }
    }
    if (search->count == LISTS * MAX_LAYERS) {
        return RONDO_OK; /* the experiment cannot have so many */
    }
    const char *layer = arena_strndup(search->reader->arena, path, length);
    if (layer == NULL) {
        return errors_no_memory(search->reader->errors);
    }
    search->layers[search->count++] = layer;
    return RONDO_OK;
}

static rondo_status refuse_width(void *arg, const char *path, const struct yaml_node *node) {
    const struct compare_reader *reader = arg;
    size_t length;
    const char *key = key_of_layer(path, &length);
    return key == NULL || strcmp(key, "hidden") != 0
               ? RONDO_OK
               : errors_add_at(reader->errors, RONDO_INVALID, node->where,
                               "'%s' is given, but 'compare.equal' chooses widths", path);
}

/* Gives a layer without `hidden` that of the experiment's own layer, or COMPARE_WIDTH. */
static rondo_status add_width(const struct compare_reader *reader, struct yaml_node *layer,
                              const struct yaml_node *own) {
    const struct yaml_node *hidden = yaml_get(own, "hidden");
    const char *width = hidden != NULL && hidden->kind == YAML_SCALAR ? hidden->text : COMPARE_WIDTH;
    return layer->kind == YAML_MAPPING && yaml_get(layer, "hidden") == NULL && yaml_get(layer, "block") == NULL
               ? section_put(layer, "hidden", width, 0, reader->arena, reader->errors)
               : RONDO_OK;
}

/* The experiment's own layer at a path such as "model.layers.3"; NULL: it has none. */
static const struct yaml_node *own_layer(const struct compare_reader *reader, const char *path) {
    for (int i = 0; i < LISTS; i++) {
        if (is_in_list(path, lists[i])) {
            const char *name = strrchr(lists[i], '.') + 1;
            const struct yaml_node *list = yaml_get(reader->model, name);
            const struct yaml_node *own = list == NULL ? NULL : list->first;
            for (long index = strtol(path + strlen(lists[i]) + 1, NULL, 10); own != NULL && index > 0; index--) {
                own = own->next;
            }
            return own;
        }
    }
    return NULL;
}

/* Whole layers, which begin with the width of the layer that they replace, or a whole list of them, which all begin with the same
 * one. */
static rondo_status add_widths(const struct compare_reader *reader, const struct compare_setting *setting) {
    size_t length;
    const char *key = key_of_layer(setting->key, &length);
    if (key != NULL && key[0] == '\0') {
        return add_width(reader, (struct yaml_node *)setting->value, own_layer(reader, setting->key));
    }
    for (int i = 0; i < LISTS; i++) {
        const char *name = strrchr(lists[i], '.') + 1;
        const struct yaml_node *list = strcmp(setting->key, lists[i]) == 0  ? setting->value
                                       : strcmp(setting->key, "model") == 0 ? yaml_get(setting->value, name)
                                                                            : NULL;
        for (struct yaml_node *layer = list == NULL ? NULL : list->first; layer != NULL; layer = layer->next) {
            RONDO_TRY(add_width(reader, layer, NULL));
        }
    }
    return RONDO_OK;
}

/* Ranges have no choices yet: there is only the key. */
static rondo_status search_range(struct layer_search *search, const struct compare_axis *axis) {
    size_t length;
    const char *key = key_of_layer(axis->key, &length);
    return key != NULL && strcmp(key, "hidden") == 0
               ? errors_add_at(search->reader->errors, RONDO_INVALID, axis->where,
                               "'%s' is given, but 'compare.equal' chooses widths", axis->key)
               : add_layer(search, axis->key);
}

static rondo_status search_axis(struct layer_search *search, const struct compare_axis *axis) {
    if (axis->n_choices == 0) {
        return search_range(search, axis);
    }
    const struct compare_reader *reader = search->reader;
    rondo_status first = RONDO_OK;
    for (int32_t c = 0; c < axis->n_choices; c++) {
        for (int32_t k = 0; k < axis->choices[c].n_settings; k++) {
            const struct compare_setting *setting = &axis->choices[c].settings[k];
            RONDO_TRY(add_layer(search, setting->key));
            rondo_status status =
                compare_setting_walk(setting, refuse_width, (void *)reader, reader->arena, reader->errors);
            if (status == RONDO_OK) {
                status = add_widths(reader, setting);
            }
            first = first == RONDO_OK ? status : first;
        }
    }
    return first;
}

/* The whole list in place of the entries in it. */
static void replace_by_list(struct layer_search *search, const char *list) {
    int32_t kept = 0;
    for (int32_t i = 0; i < search->count; i++) {
        if (!is_in_list(search->layers[i], list)) {
            search->layers[kept++] = search->layers[i];
        }
    }
    search->layers[kept] = list;
    for (int32_t i = kept + 1; i < search->count; i++) {
        search->layers[i] = NULL;
    }
    search->count = kept + 1;
}

rondo_status compare_equal_read(const struct compare_reader *reader, const struct compare_axes *varied,
                                const struct compare_axes *tuned, struct compare_section *section) {
    const size_t most = LISTS * MAX_LAYERS + 1;
    struct layer_search search = {.reader = reader, .layers = arena_calloc(reader->arena, most, sizeof *search.layers)};
    /* Layers that only tuning changes are not compared, but neither may it give a width. */
    struct layer_search of_tuning = {.reader = reader,
                                     .layers = arena_calloc(reader->arena, most, sizeof *search.layers)};
    if (search.layers == NULL || of_tuning.layers == NULL) {
        return errors_no_memory(reader->errors);
    }
    rondo_status first = RONDO_OK;
    for (int32_t a = 0; a < varied->count; a++) {
        const rondo_status status = search_axis(&search, &varied->axes[a]);
        first = first == RONDO_OK ? status : first;
    }
    for (int32_t a = 0; a < tuned->count; a++) {
        const rondo_status status = search_axis(&of_tuning, &tuned->axes[a]);
        first = first == RONDO_OK ? status : first;
    }
    for (int i = 0; i < LISTS; i++) {
        if (search.varies_whole[i]) {
            replace_by_list(&search, lists[i]);
        }
    }
    if (search.count == 0 && first == RONDO_OK) {
        return errors_add_at(reader->errors, RONDO_INVALID, section->equal_where,
                             "'compare.equal' chooses 'hidden' of the layers in which a key varies, and no key under "
                             "'model.layers' or 'model.encoder' varies");
    }
    section->layers = search.layers;
    return first;
}
