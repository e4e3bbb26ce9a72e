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

static const char *const over_names[] = {"memory", "self", NULL};

const rondo_option block_table[] = {
    RONDO_OPTION_INT(struct block_options, hidden, "0", 0, 65536, "width of the output; 0: as wide as the input"),
    RONDO_OPTION_CHOICE(struct block_options, over, "memory", over_names,
                        "what the block looks at: the outputs of the encoder, or the other steps of its own input"),
    RONDO_OPTION_INT(struct block_options, count, "1", 1, MAX_LAYERS, "number of layers like this one, stacked"),
    RONDO_OPTION_REAL(struct block_options, dropout, "0", 0, 0.99,
                      "share of the layer's outputs that is dropped in training"),
    RONDO_OPTION_BOOL(struct block_options, residual, "false", "add the input of the layer to its output"),
    RONDO_OPTION_END};

/* What differs between layers with a cell and with a block. */
struct layer_form {
    const char *key, *what;
    enum session_files files;
    const rondo_option *table;
    const struct cell_definition *(*read)(const char *file, struct arena *arena, struct errors *errors);
};
static const struct layer_form forms[] = {
    {"cell", "the name of a cell", SESSION_CELLS, layer_table, cell_file_read},
    {"block", "the name of a block", SESSION_BLOCKS, block_table, block_file_read}};

/* Names the folder that was searched: that of the path, or for a name those of the search path. */
static void report_none(const struct plugin_reader *reader, const struct layer_form *form,
                        const struct yaml_node *name) {
    const struct session *session = reader->session;
    const struct suggestion best = session_suggest(session, form->files, name->text, reader->arena);
    const char *ending = strrchr(name->text, '.');
    const int is_path = strchr(name->text, '/') != NULL || (ending != NULL && strcmp(ending, ".yaml") == 0);
    const struct layer_form *other = form == &forms[0] ? &forms[1] : &forms[0];
    if (!is_path && session_find(session, other->files, name->text, name->folder, reader->arena) != NULL) {
        errors_add_at(reader->errors, RONDO_NOT_FOUND, name->where, "'%s' is a %s, expected '%s: %s'", name->text,
                      other->key, other->key, name->text);
        return;
    }
    errors_add_at(reader->errors, RONDO_NOT_FOUND, name->where, "there is no %s '%s'%s, looked in %s", form->key,
                  name->text, suggestion_text(&best).text, is_path ? name->folder : session->file_path[form->files]);
}

/* Refuses an option of a cell or block that has the name of a key of every layer: it could not be set. */
static void check_option_names(const struct plugin_reader *reader, const struct layer_form *form,
                               const struct cell_definition *definition) {
    for (int32_t i = 0; i < definition->n_options; i++) {
        const char *name = definition->options[i].name;
        if (option_find(form->table, name) != NULL || strcmp(name, "cell") == 0 || strcmp(name, "block") == 0) {
            errors_add_at(reader->errors, RONDO_INVALID, definition->options[i].where,
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

static struct location place_of(const void *node, const char *key) {
    const struct yaml_node *given = yaml_get(node, key);
    return given == NULL ? ((const struct yaml_node *)node)->where : given->key_where;
}

/* Reads the definition that the key of the form names. 0: it has mistakes, which have been reported. */
static int read_definition(const struct plugin_reader *reader, const struct layer_form *form, struct yaml_node *node,
                           struct experiment_layer *layer) {
    const char *name = section_text(node, layer->path, form->key, form->what, node->where, reader->errors);
    const struct yaml_node *named = yaml_get(node, form->key);
    if (name == NULL) {
        return 0;
    }
    layer->file = session_find(reader->session, form->files, name, named->folder, reader->arena);
    if (layer->file == NULL) {
        report_none(reader, form, named);
        return 0;
    }
    layer->node = node;
    layer->definition = form->read(layer->file, reader->arena, reader->errors);
    if (layer->definition == NULL) {
        return 0;
    }
    check_option_names(reader, form, layer->definition);
    return 1;
}

/* The settings of a block, and those of a cell that layers of both kinds have. */
static void take_block(struct experiment_layer *layer, const struct block_options *options, const double *values) {
    layer->options.hidden = options->hidden;
    layer->options.count = options->count;
    layer->block = (struct block_layer_settings){.block = layer->definition,
                                                 .option_values = values,
                                                 .hidden = options->hidden,
                                                 .over = (enum block_over)options->over,
                                                 .residual = options->residual,
                                                 .dropout = options->dropout,
                                                 .where = place_of(layer->node, "block"),
                                                 .residual_where = place_of(layer->node, "residual")};
}

/* Checks the keys that every layer of the form has, where the cell or block, and so its own options, are not known. */
static void check_common_keys(const struct plugin_reader *reader, const struct layer_form *form,
                              const struct yaml_node *node, size_t size, const char *path) {
    struct yaml_node common = *node;
    struct yaml_node **link = &common.first;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (option_find(form->table, child->key) != NULL) {
            *link = arena_calloc(reader->arena, 1, sizeof **link);
            if (*link == NULL) {
                errors_no_memory(reader->errors);
                return;
            }
            **link = *child;
            link = &(*link)->next;
        }
    }
    *link = NULL;
    const struct section_part part = {form->table, options_create(form->table, size, reader->arena, reader->errors)};
    if (part.options != NULL) {
        section_override(&common, &part, 1, NULL, path, reader->arena, reader->errors);
    }
}

static void check_integers(const struct plugin_reader *reader, const struct yaml_node *node,
                           const struct experiment_layer *layer) {
    for (int32_t i = 0; i < layer->definition->n_options; i++) {
        const struct cell_option *option = &layer->definition->options[i];
        const struct yaml_node *given = yaml_get(node, option->name);
        if (given != NULL) {
            cell_option_fits(option, layer->option_values[i], given->where, reader->errors);
        }
    }
}

static void read_layer(const struct plugin_reader *reader, struct yaml_node *node, struct experiment_layer *layer) {
    static const char *const others[] = {"cell", "block", NULL};
    if (node->kind != YAML_MAPPING) {
        errors_add_at(reader->errors, RONDO_INVALID, node->where,
                      "a layer must be a mapping such as {cell: lstm, hidden: 64}");
        return;
    }
    layer->is_block = yaml_get(node, "block") != NULL;
    const struct layer_form *form = &forms[layer->is_block];
    if (layer->is_block && yaml_get(node, "cell") != NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, yaml_get(node, "cell")->key_where,
                      "a layer is a cell or a block, and %s has both keys", layer->path);
        return;
    }
    if (!read_definition(reader, form, node, layer)) {
        check_common_keys(reader, form, node,
                          layer->is_block ? sizeof(struct block_options) : sizeof(struct layer_options), layer->path);
        return;
    }
    const size_t size = sizeof(double) * (size_t)(layer->definition->n_options + 1);
    const rondo_option *own_table = cell_option_table(layer->definition, reader->arena);
    void *values = own_table == NULL ? NULL : options_create(own_table, size, reader->arena, reader->errors);
    struct layer_options *options = options_create(layer_table, sizeof *options, reader->arena, reader->errors);
    struct block_options *of_block = options_create(block_table, sizeof *of_block, reader->arena, reader->errors);
    if (values == NULL || options == NULL || of_block == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    const struct section_part parts[2] = {{form->table, layer->is_block ? (void *)of_block : options},
                                          {own_table, values}};
    const rondo_status status =
        section_read(node, parts, 2, others, layer->path, node->where, reader->arena, reader->errors);
    layer->option_values = values;
    check_integers(reader, node, layer);
    if (layer->is_block) {
        take_block(layer, of_block, values);
        return;
    }
    if (status == RONDO_OK) {
        check_options(reader, node, options);
    }
    layer->options = *options;
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

static struct cell_layer_settings settings_of(const struct experiment_layer *layer) {
    const struct layer_options *options = &layer->options;
    return (struct cell_layer_settings){.cell = layer->definition,
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

void layers_settings(const struct experiment_layers *layers, struct cell_layer_settings *settings,
                     const struct block_layer_settings **blocks) {
    const struct cell_layer_settings none = {.cell = NULL};
    for (int32_t i = 0; i < layers->count; i++) {
        const struct experiment_layer *layer = &layers->items[i];
        for (int64_t copy = 0; copy < layer->options.count; copy++) {
            *settings++ = layer->is_block ? none : settings_of(layer);
            *blocks++ = layer->is_block ? &layer->block : NULL;
        }
    }
}

static struct layer *create_layer(const struct experiment_layer *layer, int64_t input, int64_t memory,
                                  struct registry *registry, struct errors *errors) {
    if (layer->is_block) {
        struct block_layer_settings settings = layer->block;
        settings.memory = memory;
        return block_layer_create(&settings, RONDO_F32, input, registry, errors);
    }
    struct cell_layer_settings settings = settings_of(layer);
    settings.memory = memory;
    settings.engine = ENGINE_TAPE; /* nothing is run here, so preparing the fused engine would be wasted */
    return cell_layer_create(&settings, RONDO_F32, input, registry, errors);
}

/* Adds, after errors in the file of a cell or block, which layer uses it, and how. */
static void add_use(const struct experiment_layer *layer, struct errors *errors) {
    const struct cell_definition *definition = layer->definition;
    const size_t length = strlen(layer->file);
    const char *first = errors_text(errors, 0);
    if (errors->status == RONDO_NO_MEMORY || strncmp(first, layer->file, length) != 0 || first[length] != ':') {
        return;
    }
    const char *key = layer->is_block ? "block" : "cell";
    const struct yaml_node *option = NULL;
    for (int32_t i = 0; i < definition->n_options && option == NULL; i++) {
        const int is_set = layer->option_values[i] != definition->options[i].default_value;
        option = is_set ? yaml_get(layer->node, definition->options[i].name) : NULL;
    }
    if (option != NULL) {
        errors_add_at(errors, RONDO_INVALID, option->key_where, "%s uses %s '%s' with '%s: %s'", layer->path, key,
                      definition->name, option->key, option->text);
    } else {
        errors_add_at(errors, RONDO_INVALID, place_of(layer->node, key), "%s uses %s '%s'", layer->path, key,
                      definition->name);
    }
}

/* The width of the outputs; 0 after a mistake. */
static int64_t check_layer(const struct experiment_layer *layer, int64_t input, int64_t memory,
                           struct registry *registry, struct errors *errors) {
    /* From the second copy on the input is as wide as the output, so a third copy cannot add mistakes. */
    for (int64_t copy = 0; copy < layer->options.count && copy < 2 && input > 0; copy++) {
        struct errors own = {0};
        struct layer *built = create_layer(layer, input, memory, registry, &own);
        if (built == NULL) {
            add_use(layer, &own);
        }
        errors_move(errors, &own);
        input = built == NULL ? 0 : layer_shape(built)->width;
        layer_destroy(built);
    }
    return input;
}

/* The same for the entries of a list; the width of its last layer. */
static int64_t check_list(const struct experiment_layers *layers, int32_t begin, int32_t end, int64_t input,
                          int64_t memory, struct registry *registry, struct errors *errors) {
    for (int32_t i = begin; i < end && input > 0; i++) {
        const struct experiment_layer *layer = &layers->items[i];
        /* Mistakes in the keys of a layer have been reported. */
        const int is_read =
            layer->definition != NULL && layer->options.count > 0 && (layer->is_block || layer->options.hidden > 0);
        input = is_read ? check_layer(layer, input, memory, registry, errors) : 0;
    }
    return input;
}

/* The width of the outputs as the keys say it; 0: they do not. */
static int64_t intended_width(const struct experiment_layer *layer) {
    const struct layer_options *options = &layer->options;
    const int64_t width = options->projection > 0 ? options->projection : options->hidden;
    return options->direction == DIRECTION_BOTH ? 2 * width : width;
}

void layers_check(const struct experiment_layers *layers, int64_t input, int64_t source, struct registry *registry,
                  struct errors *errors) {
    const int32_t n_encoder = layers->n_encoder;
    int64_t memory = 0;
    if (n_encoder > 0) {
        memory = check_list(layers, 0, n_encoder, source, 0, registry, errors);
        /* After a mistake, the other layers are checked with the width that the encoder is meant to have. */
        memory = memory > 0 ? memory : intended_width(&layers->items[n_encoder - 1]);
    }
    if (memory > 0 || n_encoder == 0) {
        check_list(layers, n_encoder, layers->count, input, memory, registry, errors);
    }
}
