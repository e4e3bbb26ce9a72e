/* Into how many shards a batch is divided. It depends on nothing that differs between machines. */
#include "train/network_shard.h"

/* Parameters of a layer that are read at every step of a loop over time; 0 of a layer without one. */
static int64_t step_size(const struct layer *layer) {
    const struct layer_shape *shape = layer_shape(layer);
    int64_t size = 0;
    for (int32_t p = 0; p < shape->n_parameters; p++) {
        size += rondo_count(&shape->parameters[p].shape);
    }
    const int has_both = shape->backward > 0 && shape->backward < shape->width; /* each direction has its own loop */
    return shape->n_states == 0 ? 0 : has_both ? size / 2 : size;
}

static int is_wide(const struct model *model) {
    int64_t most = 0;
    for (int32_t i = 0; i < model_encoder_count(model) + model_layer_count(model); i++) {
        const int32_t own = i - model_encoder_count(model);
        const int64_t size = step_size(own < 0 ? model_encoder_layer(model, i) : model_layer(model, own));
        most = size > most ? size : most;
    }
    return most > NETWORK_WIDE;
}

int64_t network_shard_count(const struct network *network, int64_t examples) {
    if (heads_have(&network->heads, RONDO_LOSS_COUPLES_ROWS)) {
        return 1;
    }
    const int64_t rows = is_wide(network->model) ? NETWORK_WIDE_ROWS : NETWORK_SHARD_ROWS;
    int64_t shards = (examples + rows - 1) / rows;
    shards = shards < 2 && examples > NETWORK_SHARD_ROWS ? 2 : shards; /* shards wait for nothing, threads in one do */
    return shards < NETWORK_MAX_SHARDS ? shards : NETWORK_MAX_SHARDS;
}
