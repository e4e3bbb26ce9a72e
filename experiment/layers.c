#define _POSIX_C_SOURCE 200809L
#include "experiment/layers.h"

#include <string.h>

#include "core/options.h"
#include "io/section.h"
#include "lang/cell_file.h"

static const char *const direction_names[] = {"forward", "backward", "both", NULL};

const rondo_option layer_table[] = {
    RONDO_OPTION_INT(struct layer_options, hidden, NULL, 1, 65536, "width of the state"),
    RONDO_OPTION_INT(struct layer_options, count, "1", 1, MAX_LAYERS, "number of layers like this one, stacked"),
    RONDO_OPTION_CHOICE(struct layer_options, direction, "forward", direction_names,
                        "the end from which sequences are read; both: two recurrences, outputs concatenated"),
    RONDO_OPTION_REAL(struct layer_options, dropout, "0", 0, 0.99,
                      "share of the layer's outputs that is dropped in training"),
    RONDO_OPTION_BOOL(struct layer_options, residual, "false", "add the input of the layer to its output"),
    RONDO_OPTION_INT(struct layer_options, projection, "0", 0, 65535,
                     "width that the output state is projected to; 0: none (Sak et al. 2014)"),
    RONDO_OPTION_BOOL(struct layer_options, layer_norm, "false",
                      "layer normalisation of the cell's sums with products (Ba et al. 2016)"),
    RONDO_OPTION_BOOL(struct layer_options, learn_initial_state, "false",
                      "the states start from parameters instead of zeros"),
    RONDO_OPTION_REAL(struct layer_options, clip, "0", 0, 1e9,
                      "largest magnitude of every state except the output; 0: no limit (Sak et al. 2014)"),
    RONDO_OPTION_REAL(struct layer_options, zoneout, "0", 0, 0.99,
                      "share of the states' elements that keep their old value in training (Krueger et al. 2017)"),
    RONDO_OPTION_REAL(struct layer_options, zoneout_output, "-1", -1, 0.99,
                      "the rate for the state that is the output; -1: the same as zoneout"),
    RONDO_OPTION_REAL(struct layer_options, recurrent_dropout, "0", 0, 0.99,
                      "share of the cell's candidates that is dropped at every step (Semeniuta et al. 2016)"),
    RONDO_OPTION_REAL(
        struct layer_options, variational_dropout, "0", 0, 0.99,
        "share of the left operands of products that is dropped, the same at every step (Gal & Ghahramani 2016)"),
    RONDO_OPTION_REAL(
        struct layer_options, weight_drop, "0", 0, 0.99,
        "share of the recurrent weights that is dropped, drawn once per shard of a batch (Merity et al. 2018)"),
    RONDO_OPTION_INT(struct layer_options, recompute, "0", 0, 1e9,
                     "keep only the states of every Nth step, and compute the steps in between again in the "
                     "backward pass: less memory at the cost of one more forward pass; 0: keep all"),
    RONDO_OPTION_END};

/* Names the folder that was searched: that of the path, or for a name those of the cell path. */
static void report_no_cell(const struct plugin_reader *reader, const struct yaml_node *cell) {
    const struct session *session = reader->session;
    const struct suggestion best = session_suggest_cell(session, cell->text, reader->arena);
    const char *ending = strrchr(cell->text, '.');
    const int is_path = strchr(cell->text, '/') != NULL || (ending != NULL && strcmp(ending, ".yaml") == 0);
    errors_add_at(reader->errors, RONDO_NOT_FOUND, cell->where, "there is no cell '%s'%s, looked in %s", cell->text,
                  suggestion_text(&best).text, is_path ? cell->folder : session->cell_path);
}

/* Refuses an option of a cell that has the name of a key of every layer: it could not be set. */
static void check_option_names(const struct plugin_reader *reader, const struct cell_definition *cell) {
    for (int32_t i = 0; i < cell->n_options; i++) {
        const char *name = cell->options[i].name;
        if (option_find(layer_table, name) != NULL || strcmp(name, "cell") == 0) {
            errors_add_at(reader->errors, RONDO_INVALID, cell->options[i].where,
                          "option '%s' is called like a key that every layer has, expected another name", name);
        }
    }
}

static void check_options(const struct plugin_reader *reader, const struct yaml_node *node,
                          const struct layer_options *options) {
    if (options->zoneout_output < 0 && options->zoneout_output != -1) {
        errors_add_at(reader->errors, RONDO_INVALID, yaml_get(node, "zoneout_output")->where,
                      "'zoneout_output' is %g, expected a number in [0, 0.99], or -1: as zoneout",
                      options->zoneout_output);
    }
}

static void read_layer(const struct plugin_reader *reader, struct yaml_node *node, struct experiment_layer *layer) {
    const struct experiment_section *known = experiment_section_find(reader->sections, "model.layers.N");
    const char *const *others = experiment_section_keys(reader->sections, known, reader->arena);
    const char *path = layer->path;
    if (node->kind != YAML_MAPPING) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "a layer must be a mapping such as {cell: lstm, hidden: 64}");
        return;
    }
    const char *name = section_text(node, path, "cell", "the name of a cell", node->where, reader->errors);
    if (name == NULL) {
        return;
    }
    struct yaml_node *cell = yaml_get(node, "cell");
    layer->cell_file = session_find_cell(reader->session, name, cell->folder, reader->arena);
    if (layer->cell_file == NULL) {
        report_no_cell(reader, cell);
        return;
    }
    layer->node = node;
    layer->cell = cell_file_read(layer->cell_file, reader->arena, reader->errors);
    if (layer->cell == NULL) {
        return;
    }
    check_option_names(reader, layer->cell);
    const rondo_option *cell_table = cell_option_table(layer->cell, reader->arena);
    void *values = cell_table == NULL
                       ? NULL
                       : options_create(cell_table, sizeof(double) * (size_t)(layer->cell->n_options + 1),
                                        reader->arena, reader->errors);
    struct layer_options *options = options_create(layer_table, sizeof *options, reader->arena, reader->errors);
    if (values == NULL || options == NULL || others == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    const struct section_part parts[2] = {{layer_table, options}, {cell_table, values}};
    if (section_read(node, parts, 2, others, path, node->where, reader->arena, reader->errors) == RONDO_OK) {
        check_options(reader, node, options);
    }
    layer->options = *options;
    layer->option_values = values;
}

/* Reads one of the lists, whose entries follow those of `layers`. */
static void read_list(const struct plugin_reader *reader, const struct yaml_node *model, const char *key,
                      struct experiment_layers *layers) {
    struct yaml_node *list = yaml_get(model, key);
    int32_t total = 0, index = 0;
    for (struct yaml_node *node = list->first; node != NULL; node = node->next) {
        struct experiment_layer *layer = &layers->items[layers->count];
        layer->path = arena_printf(reader->arena, "model.%s.%d", key, (int)index++);
        if (layer->path == NULL) {
            errors_no_memory(reader->errors);
            return;
        }
        read_layer(reader, node, layer);
        total += (int32_t)layer->options.count;
        layers->count++;
    }
    if (total > MAX_LAYERS) {
        errors_add_at(reader->errors, RONDO_INVALID, list->where,
                      "'model.%s' are %d layers with their copies, expected at most %d", key, (int)total, MAX_LAYERS);
    }
}

/* The number of entries of a list; -1 with an error. */
static int32_t count_entries(const struct plugin_reader *reader, const struct yaml_node *model, const char *key) {
    const struct yaml_node *list = yaml_get(model, key);
    const int32_t count = list == NULL ? 0 : yaml_count(list);
    if (list != NULL && list->kind == YAML_SEQUENCE && count >= 1 && count <= MAX_LAYERS) {
        return count;
    }
    errors_add_at(reader->errors, RONDO_INVALID, list == NULL ? model->where : list->where,
                  "'model.%s' must be a list of 1 to %d layers, such as [{cell: lstm, hidden: 64}]", key, MAX_LAYERS);
    return -1;
}

void layers_read(const struct plugin_reader *reader, struct yaml_node *model, struct experiment_layers *layers) {
    const int has_encoder = yaml_get(model, "encoder") != NULL;
    const int32_t of_encoder = has_encoder ? count_entries(reader, model, "encoder") : 0;
    const int32_t count = count_entries(reader, model, "layers");
    layers->items = arena_calloc(reader->arena, 2 * MAX_LAYERS, sizeof *layers->items);
    if (layers->items == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    if (of_encoder > 0) {
        read_list(reader, model, "encoder", layers);
        layers->n_encoder = layers->count;
    }
    if (count > 0) {
        read_list(reader, model, "layers", layers);
    }
}

static int32_t total_of(const struct experiment_layers *layers, int32_t begin, int32_t end) {
    int32_t total = 0;
    for (int32_t i = begin; i < end; i++) {
        total += (int32_t)layers->items[i].options.count;
    }
    return total;
}

int32_t layers_total(const struct experiment_layers *layers) {
    return total_of(layers, 0, layers->count);
}

int32_t layers_encoder_total(const struct experiment_layers *layers) {
    return total_of(layers, 0, layers->n_encoder);
}

static struct location place_of(const void *node, const char *key) {
    const struct yaml_node *given = yaml_get(node, key);
    return given == NULL ? ((const struct yaml_node *)node)->where : given->key_where;
}

static struct cell_layer_settings settings_of(const struct experiment_layer *layer) {
    const struct layer_options *options = &layer->options;
    return (struct cell_layer_settings){.cell = layer->cell,
                                        .option_values = layer->option_values,
                                        .hidden = options->hidden,
                                        .direction = (enum direction)options->direction,
                                        .learn_initial_state = options->learn_initial_state,
                                        .residual = options->residual,
                                        .dropout = options->dropout,
                                        .projection = options->projection,
                                        .layer_norm = options->layer_norm,
                                        .clip = options->clip,
                                        .zoneout = options->zoneout,
                                        .zoneout_output = options->zoneout_output,
                                        .recurrent_dropout = options->recurrent_dropout,
                                        .variational_dropout = options->variational_dropout,
                                        .weight_drop = options->weight_drop,
                                        .recompute = options->recompute,
                                        .place = place_of,
                                        .place_arg = layer->node};
}

void layers_settings(const struct experiment_layers *layers, struct cell_layer_settings *settings) {
    for (int32_t i = 0; i < layers->count; i++) {
        for (int64_t copy = 0; copy < layers->items[i].options.count; copy++) {
            *settings++ = settings_of(&layers->items[i]);
        }
    }
}

/* The width of the outputs; 0 after a mistake. */
static int64_t check_layer(const struct experiment_layer *layer, int64_t input, struct registry *registry,
                           struct errors *errors) {
    struct cell_layer_settings settings = settings_of(layer);
    settings.engine = ENGINE_TAPE; /* nothing is run here, so preparing the fused engine would be wasted */
    /* From the second copy on the input is as wide as the output, so a third copy cannot add mistakes. */
    for (int64_t copy = 0; copy < layer->options.count && copy < 2 && input > 0; copy++) {
        struct layer *built = cell_layer_create(&settings, RONDO_F32, input, registry, errors);
        input = built == NULL ? 0 : layer_shape(built)->width;
        layer_destroy(built);
    }
    return input;
}

/* The same for the entries of a list; the width of its last layer. */
static int64_t check_list(const struct experiment_layers *layers, int32_t begin, int32_t end, int64_t input,
                          struct registry *registry, struct errors *errors) {
    for (int32_t i = begin; i < end && input > 0; i++) {
        const struct experiment_layer *layer = &layers->items[i];
        /* Mistakes in the keys of a layer have been reported. */
        input = layer->cell == NULL || layer->options.hidden < 1 ? 0 : check_layer(layer, input, registry, errors);
    }
    return input;
}

void layers_check(const struct experiment_layers *layers, int64_t input, int64_t source, struct registry *registry,
                  struct errors *errors) {
    check_list(layers, 0, layers->n_encoder, source, registry, errors);
    check_list(layers, layers->n_encoder, layers->count, input, registry, errors);
}
