#include "inspect/chain.h"

int32_t chain_count(const struct model *model) {
    return model_encoder_count(model) + model_layer_count(model);
}

int chain_is_encoder(const struct model *model, int32_t index) {
    return index < model_encoder_count(model);
}

const struct layer *chain_layer(const struct model *model, int32_t index) {
    return chain_is_encoder(model, index) ? model_encoder_layer(model, index)
                                          : model_layer(model, index - model_encoder_count(model));
}

const char *chain_name(const struct model *model, int32_t index, struct arena *arena) {
    return chain_is_encoder(model, index) ? arena_printf(arena, "encoder.%d", (int)index)
                                          : arena_printf(arena, "layers.%d", (int)(index - model_encoder_count(model)));
}

int32_t chain_directions(const struct model *model, int32_t index) {
    const struct layer *layer = chain_layer(model, index);
    return !layer_is_cell(layer) ? 0 : cell_layer_direction(layer) == DIRECTION_BOTH ? 2 : 1;
}

int chain_is_backward(const struct model *model, int32_t index, int32_t d) {
    const struct layer *layer = chain_layer(model, index);
    return d == 1 || (layer_is_cell(layer) && cell_layer_direction(layer) == DIRECTION_BACKWARD);
}

int chain_reads_only(const struct model *model, int32_t index, int is_backward) {
    const int32_t end = chain_is_encoder(model, index) ? model_encoder_count(model) : chain_count(model);
    for (int32_t i = index; i < end; i++) {
        if (chain_directions(model, i) == 2 || chain_is_backward(model, i, 0) != is_backward) {
            return 0;
        }
    }
    return 1;
}
