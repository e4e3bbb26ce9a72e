/* experiment/layers.h: the lists `model.encoder` and `model.layers` of an experiment.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_LAYERS_H
#define RONDO_EXPERIMENT_LAYERS_H

#include "experiment/plugin_section.h"
#include "io/yaml.h"
#include "model/block_layer.h"
#include "model/cell_layer.h"

/* The largest number of layers of each list, counted with their copies. */
#define MAX_LAYERS 64

/* Keys of a layer with a cell, in addition to `cell` and the options of the cell. model/cell_layer.h describes what they do. */
struct layer_options {
    int64_t hidden, count, projection;
    int32_t direction; /* enum direction */
    int32_t residual, layer_norm, learn_initial_state;
    double dropout, variational_dropout, recurrent_dropout, weight_drop;
    int64_t recompute;
    double zoneout, zoneout_output; /* zoneout_output < 0: as zoneout */
    double clip;
};
extern const rondo_option layer_table[];

/* The same of a layer with a block: model/block_layer.h. */
struct block_options {
    int64_t hidden, count;
    int32_t over; /* enum block_over */
    int32_t residual;
    double dropout;
};
extern const rondo_option block_table[];

/* One entry of a list. */
struct experiment_layer {
    const char *path; /* "model.layers.0" */
    int is_block;     /* 1: `definition` is that of a block, and of `options` only hidden and count are set */
    const char *file; /* of the cell or block */
    const struct cell_definition *definition; /* NULL: it could not be read */
    const double *option_values;
    struct layer_options options;
    struct block_layer_settings block; /* with is_block */
    struct yaml_node *node;
};

/* The entries of both lists, those of the encoder first. */
struct experiment_layers {
    struct experiment_layer *items;
    int32_t count;     /* of entries */
    int32_t n_encoder; /* of those of the encoder */
};

/* Reads the lists under `model`. Reports every mistake; all memory from the reader's arena. */
void layers_read(const struct plugin_reader *reader, struct yaml_node *model, struct experiment_layers *layers);

/* layers_total: the number of layers, counting the copies of each entry; layers_encoder_total: of those of the encoder.
 * layers_settings writes the settings of all into arrays: of each, `settings` or, if blocks[i] is not NULL, that block. */
int32_t layers_total(const struct experiment_layers *layers);
int32_t layers_encoder_total(const struct experiment_layers *layers);
void layers_settings(const struct experiment_layers *layers, struct cell_layer_settings *settings,
                     const struct block_layer_settings **blocks);

/* Builds every layer once, on inputs of this width, and those of the encoder on a source of its width, so that mistakes in
 * equations, and keys that do not fit the cell, are reported together with all others. Ends with the first entry of a list that
 * has mistakes, because the width of the next layer depends on it. */
void layers_check(const struct experiment_layers *layers, int64_t input, int64_t source, struct registry *registry,
                  struct errors *errors);

#endif
