#include "train/network_reduce.h"

_Static_assert(NETWORK_MAX_SHARDS <= ROW_SUM_MOST, "the rows of all shards can be added");

static rondo_status prepare_shard(struct network *network, enum network_mode set, struct network_shard *shard,
                                  struct errors *errors) {
    const size_t count = (size_t)model_parameter_count(network->model);
    const struct model_parameter *parameters = model_parameters(network->model);
    rondo_tensor *gradients = arena_calloc(network->arena, count, sizeof *gradients);
    struct row_table **rows = arena_calloc(network->arena, count, sizeof(struct row_table *));
    if (gradients == NULL || rows == NULL) {
        return errors_no_memory(errors);
    }
    shard->rows[set] = rows;
    for (size_t p = 0; p < count; p++) {
        if (parameters[p].by_rows) {
            rows[p] = arena_calloc(network->arena, 1, sizeof *rows[p]);
            RONDO_TRY(rows[p] == NULL ? errors_no_memory(errors) : RONDO_OK);
        } else {
            gradients[p] = parameters[p].value;
            RONDO_TRY(tensor_alloc(&gradients[p], network->arena, errors));
        }
    }
    shard->gradients[set] = gradients;
    return RONDO_OK;
}

static rondo_status prepare_set(struct network *network, enum network_mode set, int64_t n_shards,
                                struct errors *errors) {
    const size_t count = (size_t)model_parameter_count(network->model);
    for (int64_t s = 0; s < n_shards; s++) {
        if (network->shards[s].gradients[set] == NULL) {
            RONDO_TRY(prepare_shard(network, set, &network->shards[s], errors));
        }
    }
    if (network->gradients[set] == NULL) {
        network->sums[set] = arena_calloc(network->arena, count, sizeof *network->sums[set]);
        network->gradients[set] = arena_calloc(network->arena, count, sizeof *network->gradients[set]);
        if (network->sums[set] == NULL || network->gradients[set] == NULL) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

rondo_status network_prepare_gradients(struct network *network, enum network_mode set, int64_t n_shards,
                                       struct errors *errors) {
    const rondo_status status = prepare_set(network, set, n_shards, errors);
    return errors_memory_for(errors, status, (struct location){0}, "the gradients of %lld part%s of a batch",
                             (long long)n_shards, n_shards == 1 ? "" : "s");
}

/* The sum of one dense parameter. */
struct dense_sum {
    const struct network *network;
    enum network_mode set;
    int64_t n_shards;
    int32_t parameter;
    double scale;
};

static void add_range(void *arg, int64_t begin, int64_t end) {
    enum { BLOCK = 1024 }; /* elements; partial sums stay in the cache */
    const struct dense_sum *sum = arg;
    rondo_tensor parts[NETWORK_MAX_SHARDS];
    for (int64_t s = 0; s < sum->n_shards; s++) {
        parts[s] = sum->network->shards[s].gradients[sum->set][sum->parameter];
    }
    for (int64_t from = begin; from < end; from += BLOCK) {
        gradient_add_parts(parts, sum->n_shards, from, end - from < BLOCK ? end : from + BLOCK);
    }
    tensor_scale(&parts[0], begin, end, sum->scale);
}

static rondo_status add_rows(struct network *network, enum network_mode set, int64_t n_shards, int32_t parameter,
                             double scale, struct errors *errors) {
    struct row_table *tables[NETWORK_MAX_SHARDS];
    for (int64_t s = 0; s < n_shards; s++) {
        tables[s] = network->shards[s].rows[set][parameter];
    }
    return row_sum_make(&network->sums[set][parameter], tables, n_shards, scale, &network->session->parallel,
                        &network->gradients[set][parameter], errors);
}

rondo_status network_reduce(struct network *network, enum network_mode set, int64_t n_shards, double scale,
                            struct errors *errors) {
    const int64_t grain = 16 * 1024;
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        const struct model_parameter *parameter = &model_parameters(network->model)[p];
        if (parameter->by_rows) {
            RONDO_TRY(add_rows(network, set, n_shards, p, scale, errors));
            continue;
        }
        struct dense_sum sum = {network, set, n_shards, p, scale};
        parallel_for(&network->session->parallel, rondo_count(&parameter->value), grain, add_range, &sum);
        network->gradients[set][p] = (struct gradient){.values = network->shards[0].gradients[set][p]};
    }
    return RONDO_OK;
}

void network_free_gradients(struct network *network) {
    const int32_t count = network->model == NULL ? 0 : model_parameter_count(network->model);
    for (int set = 0; set < NETWORK_GRADIENT_SETS; set++) {
        for (int32_t p = 0; p < count; p++) {
            for (int64_t s = 0; s < NETWORK_MAX_SHARDS; s++) {
                struct row_table **rows = network->shards[s].rows[set];
                if (rows != NULL && rows[p] != NULL) {
                    row_table_free(rows[p]);
                }
            }
            if (network->sums[set] != NULL) {
                row_sum_free(&network->sums[set][p]);
            }
        }
    }
}
