#include "train/network_memory.h"

#include <string.h>

#include "train/network_reduce.h"

static struct network_shard *measured_shard(struct network *network) {
    return &network->shards[0];
}

/* Frees the row tables: their memory grows with the largest number of rows so far. */
static void free_rows(struct network *network) {
    for (int set = 0; set < NETWORK_GRADIENT_SETS; set++) {
        struct row_table **rows = measured_shard(network)->rows[set];
        for (int32_t p = 0; rows != NULL && p < model_parameter_count(network->model); p++) {
            if (rows[p] != NULL) {
                row_table_free(rows[p]);
            }
        }
    }
}

/* As row_sum_make uses it: a row of the list, an id, a range, and the values. */
static uint64_t sum_bytes(const struct row_table *rows) {
    const size_t of_row = 16 + sizeof(int32_t) + sizeof(int64_t);
    return (uint64_t)rows->count * of_row + tensor_bytes(&rows->gradients);
}

static void add_rows(const struct network *network, struct network_memory *memory) {
    for (int set = 0; set < NETWORK_GRADIENT_SETS; set++) {
        struct row_table *const *rows = network->shards[0].rows[set];
        for (int32_t p = 0; rows != NULL && p < model_parameter_count(network->model); p++) {
            memory->rows += rows[p] == NULL ? 0 : arena_resident(rows[p]->arena);
            memory->listed += rows[p] == NULL ? 0 : sum_bytes(rows[p]);
        }
    }
}

static rondo_status run_part(struct network *network, const struct network_part *part, enum network_mode mode,
                             const struct states *carried, struct states *kept, uint64_t *most, struct errors *errors) {
    struct network_shard *shard = measured_shard(network);
    const struct network_update *update = &part->update;
    int is_first = 1;
    for (int64_t k = 0; k < update->batches; k++) {
        const struct network_work work = {.network = network,
                                          .dataset = update->dataset,
                                          .examples = update->examples + update->begin[k],
                                          .count = update->begin[k + 1] - update->begin[k],
                                          .n_shards = 1,
                                          .n_summed = is_first ? 0 : 1,
                                          .mode = mode,
                                          .stream = update->stream,
                                          .carried = carried,
                                          .kept = mode == NETWORK_SAMPLE ? NULL : kept};
        if (work.count > 0) {
            RONDO_TRY(network_prepare_examples(shard, work.count, errors));
            if (is_first) {
                memset(&shard->scores, 0, sizeof shard->scores);
            }
            if (network_run_shard(&work, shard, 0) != RONDO_OK) {
                const rondo_status status = shard->errors.status;
                errors_move(errors, &shard->errors);
                return status;
            }
            /* The next batch may leave less: a tape that has grown gets a new block. */
            const uint64_t tape = tape_resident(shard->tape);
            *most = tape > *most ? tape : *most;
            is_first = 0;
        }
    }
    return RONDO_OK;
}

static rondo_status run_modes(struct network *network, const struct network_part *part, const struct states *carried,
                              struct states *kept, uint64_t *most, struct errors *errors) {
    if (part->evaluates) {
        RONDO_TRY(metrics_begin(network->metrics, errors));
        return run_part(network, part, NETWORK_EVALUATE, carried, kept, most, errors);
    }
    RONDO_TRY(network_prepare_gradients(network, NETWORK_TRAIN, 1, errors));
    RONDO_TRY(run_part(network, part, NETWORK_TRAIN, carried, kept, most, errors));
    if (part->update.sampled) {
        RONDO_TRY(network_prepare_gradients(network, NETWORK_SAMPLE, 1, errors));
        RONDO_TRY(run_part(network, part, NETWORK_SAMPLE, carried, kept, most, errors));
    }
    return RONDO_OK;
}

/* Settings of the session that the passes change. */
struct measured_session {
    int32_t threads;
    struct profile *profile;
};

rondo_status network_measure(struct network *network, const struct network_part *part, struct network_memory *memory,
                             struct errors *errors) {
    struct session *session = network->session;
    struct network_shard *shard = measured_shard(network);
    const struct measured_session before = {session->parallel.threads, session->profile};
    const struct dataset *dataset = part->update.dataset;
    struct states *carried = NULL, *kept = NULL;
    *memory = (struct network_memory){0};
    free_rows(network);
    RONDO_TRY(network_open_tape(network, shard, errors)); /* without memory of earlier passes */
    if (dataset->lane != NULL) {
        carried = model_states_create(network->model, dataset->lanes, errors);
        kept = carried == NULL ? NULL : model_states_create(network->model, dataset->lanes, errors);
        if (kept == NULL) {
            states_destroy(carried);
            return errors->status;
        }
    }
    session->parallel.threads = part->threads;
    session->profile = NULL;
    const rondo_status status = run_modes(network, part, carried, kept, &memory->tape, errors);
    session->parallel.threads = before.threads;
    session->profile = before.profile;
    states_destroy(carried);
    states_destroy(kept);
    add_rows(network, memory);
    return status;
}

/* 1 if the last pass failed before it had gradients, or had gathered the rows of some table. */
static int lacks_rows(const struct network *network, enum network_mode set) {
    if (network->gradients[set] == NULL || network->shards[0].gradients[set] == NULL) {
        return 1;
    }
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        if (model_parameters(network->model)[p].by_rows && network->shards[0].rows[set][p]->table.ndim == 0) {
            return 1;
        }
    }
    return 0;
}

rondo_status network_measured_gradients(struct network *network, int sampled, struct errors *errors) {
    if (lacks_rows(network, NETWORK_TRAIN) || (sampled && lacks_rows(network, NETWORK_SAMPLE))) {
        return errors_no_memory(errors);
    }
    const double weight = network->shards[0].scores.weight;
    const double scale = weight > 0 ? 1 / weight : 0;
    RONDO_TRY(network_reduce(network, NETWORK_TRAIN, 1, scale, errors));
    return sampled ? network_reduce(network, NETWORK_SAMPLE, 1, scale, errors) : RONDO_OK;
}

rondo_status network_forget_measured(struct network *network, struct errors *errors) {
    free_rows(network);
    for (int set = 0; set < NETWORK_GRADIENT_SETS; set++) {
        for (int32_t p = 0; network->sums[set] != NULL && p < model_parameter_count(network->model); p++) {
            row_sum_free(&network->sums[set][p]);
        }
    }
    return network_open_tape(network, measured_shard(network), errors);
}
