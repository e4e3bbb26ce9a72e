/* Into how many shards a batch is divided. It depends on nothing that differs between machines. */
#include "train/network_shard.h"

/* Numbers that every shard packs, and whose gradients it clears and adds up: all parameters but the tables of which it reads rows. */
static int64_t dense_size(const struct model *model) {
    const struct model_parameter *parameters = model_parameters(model);
    int64_t size = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        size += parameters[p].by_rows ? 0 : rondo_count(&parameters[p].value);
    }
    return size;
}

int64_t network_shard_count(const struct network *network, int64_t examples) {
    if (heads_have(&network->heads, RONDO_LOSS_COUPLES_ROWS)) {
        return 1;
    }
    const int64_t rows = dense_size(network->model) > NETWORK_LARGE ? NETWORK_LARGE_ROWS : NETWORK_SHARD_ROWS;
    int64_t shards = (examples + rows - 1) / rows;
    shards = shards < 2 && examples > NETWORK_SHARD_ROWS ? 2 : shards; /* shards wait for nothing, threads in one do */
    return shards < NETWORK_MAX_SHARDS ? shards : NETWORK_MAX_SHARDS;
}
