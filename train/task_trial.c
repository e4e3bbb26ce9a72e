#include "train/task_trial.h"

#include <string.h>

#include "train/network_memory.h"
#include "train/train.h"

/* Examples whose order is made in order to find the largest batches. */
enum { MOST_ORDERED = 1 << 20 };

/* The examples of one part of a batch (network_shard_count), in the batches of an update. */
struct task_trial_part {
    int64_t steps, source, rows; /* at most one less than it has of them; rows 0: no batch has such a part */
    int64_t n_shards;            /* of that batch */
    int64_t *examples, *begin;
    int64_t batches;
    struct network_memory memory;
};

/* For every part, the batch that gives it the most steps, and the one that gives it the most rows: what a tape keeps consists of
 * numbers for each step and for each row. A batch of few long examples has few parts with many steps. A step of a source keeps
 * other numbers than one of the decoder, so the most of each, and of both together, are wanted. */
enum trial_most { MOST_STEPS, MOST_ROWS, MOST_SOURCE, MOST_BOTH, MOST_KINDS };
enum { TRIAL_PARTS = MOST_KINDS * NETWORK_MAX_SHARDS }; /* part s of kind k has number k * NETWORK_MAX_SHARDS + s */

struct task_trial {
    struct task *task;
    struct arena *arena;
    struct trainer_settings settings;
    int64_t grouped; /* batches of an update whose rows of tables are in memory together */
    int sampled;     /* 1: the optimizer uses gradients of drawn targets */
    struct task_trial_part train[TRIAL_PARTS], valid[TRIAL_PARTS];
    uint64_t limit; /* of the memory of this process */
};

/* ---- the largest batches ---- */

/* The steps of examples, and of their sources. */
struct trial_steps {
    int64_t own, source;
};

static struct trial_steps steps_of(const struct task_trial *trial, const struct dataset *dataset,
                                   const int64_t *examples, int64_t count) {
    struct trial_steps steps = {0};
    for (int64_t i = 0; i < count; i++) {
        steps.own += example_steps(dataset, examples[i], &trial->task->plan);
        steps.source += example_source_steps(dataset, examples[i]);
    }
    return steps;
}

/* Copies every n-th example of the batches first .. end, which belong to the same part. */
static rondo_status copy_part(const struct task_trial *trial, const struct epoch *epoch, int64_t first, int64_t end,
                              int64_t shard, struct task_trial_part *part, struct errors *errors) {
    const struct network *network = trial->task->network;
    part->batches = end - first;
    part->examples =
        arena_calloc(trial->arena, (size_t)(epoch->begin[end] - epoch->begin[first]) + 1, sizeof *part->examples);
    part->begin = arena_calloc(trial->arena, (size_t)part->batches + 1, sizeof *part->begin);
    int64_t count = 0;
    for (int64_t k = first; k < end && !arena_failed(trial->arena); k++) {
        const int64_t n_shards = network_shard_count(network, epoch->begin[k + 1] - epoch->begin[k]);
        for (int64_t i = epoch->begin[k] + shard; i < epoch->begin[k + 1] && shard < n_shards; i += n_shards) {
            part->examples[count++] = epoch->examples[i];
        }
        part->begin[k - first + 1] = count;
    }
    return arena_failed(trial->arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* 1 if `a` is larger than `b`, or equal and `c` is larger than `d`. */
static int is_more(int64_t a, int64_t b, int64_t c, int64_t d) {
    return a > b || (a == b && c > d);
}

/* 1 if these steps and rows are more than those of the part. */
static int is_larger(struct trial_steps steps, int64_t rows, const struct task_trial_part *part, enum trial_most most) {
    switch (most) {
    case MOST_STEPS:
        return is_more(steps.own, part->steps, rows, part->rows);
    case MOST_ROWS:
        return is_more(rows, part->rows, steps.own, part->steps);
    case MOST_SOURCE:
        return steps.source > 0 && is_more(steps.source, part->source, steps.own, part->steps);
    default:
        return steps.source > 0 && is_more(steps.own + steps.source, part->steps + part->source, rows, part->rows);
    }
}

/* Compares the batches of an epoch with the largest parts so far. */
static rondo_status find_in_epoch(const struct task_trial *trial, const struct dataset *dataset,
                                  const struct epoch *epoch, int64_t grouped, struct task_trial_part *parts,
                                  struct errors *errors) {
    int64_t of_part[TRIAL_PARTS];
    memset(of_part, -1, sizeof of_part);
    for (int64_t k = 0; k < epoch->batches; k++) {
        const int64_t count = epoch->begin[k + 1] - epoch->begin[k];
        const int64_t n_shards = network_shard_count(trial->task->network, count), rows = count / n_shards;
        const struct trial_steps all = steps_of(trial, dataset, epoch->examples + epoch->begin[k], count);
        const struct trial_steps steps = {all.own / n_shards, all.source / n_shards};
        for (int64_t p = 0; p < TRIAL_PARTS; p++) {
            if (p % NETWORK_MAX_SHARDS < n_shards &&
                is_larger(steps, rows, &parts[p], (enum trial_most)(p / NETWORK_MAX_SHARDS))) {
                parts[p].steps = steps.own;
                parts[p].source = steps.source;
                parts[p].rows = rows;
                parts[p].n_shards = n_shards;
                of_part[p] = k;
            }
        }
    }
    for (int64_t p = 0; p < TRIAL_PARTS; p++) {
        if (of_part[p] >= 0) {
            const int64_t first = of_part[p] / grouped * grouped, end = first + grouped;
            RONDO_TRY(copy_part(trial, epoch, first, end < epoch->batches ? end : epoch->batches,
                                p % NETWORK_MAX_SHARDS, &parts[p], errors));
        }
    }
    return RONDO_OK;
}

static int has_equal_lengths(const struct task_trial *trial, const struct dataset *dataset) {
    const struct batch_plan *plan = &trial->task->plan;
    for (int64_t i = 1; i < dataset->count; i++) {
        if (example_steps(dataset, i, plan) != example_steps(dataset, 0, plan) ||
            example_source_steps(dataset, i) != example_source_steps(dataset, 0)) {
            return 0;
        }
    }
    return 1;
}

/* Every epoch of a training has other batches, so the largest one of all epochs is wanted. */
static rondo_status find_training(struct task_trial *trial, struct errors *errors) {
    const struct dataset *train = trial->task->data.train;
    const int is_same = train->lane != NULL || has_equal_lengths(trial, train);
    rondo_status status = RONDO_OK;
    for (int64_t e = 1; e <= trial->settings.epochs && status == RONDO_OK; e++) {
        const struct rng_stream shuffle = rng_substream(rng_stream(trial->settings.seed, "shuffle"), (uint64_t)e);
        struct epoch epoch;
        status = epoch_make(&epoch, train, &trial->task->plan, trial->settings.batch, &shuffle, errors);
        status =
            status == RONDO_OK ? find_in_epoch(trial, train, &epoch, trial->grouped, trial->train, errors) : status;
        epoch_free(&epoch);
        if (is_same || (e + 1) * train->count > MOST_ORDERED) {
            break;
        }
    }
    return status;
}

static rondo_status find_validation(struct task_trial *trial, struct errors *errors) {
    const struct dataset *valid = trial->task->data.valid;
    struct epoch epoch;
    rondo_status status = epoch_make(&epoch, valid, &trial->task->plan, trial->settings.batch, NULL, errors);
    status = status == RONDO_OK ? find_in_epoch(trial, valid, &epoch, 1, trial->valid, errors) : status;
    epoch_free(&epoch);
    return status;
}

/* ---- passes ---- */

static struct network_part network_part_of(const struct task_trial *trial, const struct task_trial_part *part,
                                           int evaluates) {
    const struct session *session = trial->task->session;
    const struct task_data *data = &trial->task->data;
    return (struct network_part){.update = {.dataset = evaluates ? data->valid : data->train,
                                            .examples = part->examples,
                                            .begin = part->begin,
                                            .batches = part->batches,
                                            .stream = rng_substream(rng_stream(trial->settings.seed, "step"), 0),
                                            .sampled = trial->sampled && !evaluates},
                                 .evaluates = evaluates,
                                 .threads = part->n_shards > 1 ? 1 : session->parallel.threads};
}

static int64_t both_steps_of(const struct task_trial *trial, const struct dataset *dataset, const int64_t *examples,
                             int64_t count) {
    const struct trial_steps steps = steps_of(trial, dataset, examples, count);
    return steps.own + steps.source;
}

/* What the part would take, by a straight line through the memory of its first example and that of two. 0 if it has few
 * examples. */
static rondo_status extrapolate(const struct task_trial *trial, const struct task_trial_part *part, int evaluates,
                                struct network_memory *memory, struct errors *errors) {
    const struct network_part whole = network_part_of(trial, part, evaluates);
    const int64_t few = 4;
    struct network_memory measured[2];
    int64_t steps[2];
    *memory = (struct network_memory){0};
    if (part->begin[1] <= few) {
        return RONDO_OK;
    }
    for (int64_t n = 1; n <= 2; n++) {
        const int64_t begin[2] = {0, n};
        struct network_part small = whole;
        small.update.begin = begin;
        small.update.batches = 1;
        steps[n - 1] = both_steps_of(trial, whole.update.dataset, part->examples, n);
        RONDO_TRY(network_measure(trial->task->network, &small, &measured[n - 1], errors));
    }
    const double all = (double)both_steps_of(trial, whole.update.dataset, part->examples, part->begin[1]);
    const double of_step = ((double)measured[1].tape - (double)measured[0].tape) /
                           (double)(steps[1] - steps[0]); /* every example has a step */
    *memory = measured[1];
    memory->tape += of_step > 0 ? (uint64_t)(of_step * (all - (double)steps[1])) : 0;
    return RONDO_OK;
}

/* Moves the errors of something that may run out of memory; then they are dropped, and an estimate remains. */
static rondo_status unless_no_memory(rondo_status status, struct errors *own, struct errors *errors) {
    if (status == RONDO_NO_MEMORY) {
        errors_free(own);
        return RONDO_OK;
    }
    errors_move(errors, own);
    return status;
}

/* Measures a part, if it fits in memory. */
static rondo_status measure_part(const struct task_trial *trial, struct task_trial_part *part, int evaluates,
                                 struct errors *errors) {
    struct network *network = trial->task->network;
    const struct network_part whole = network_part_of(trial, part, evaluates);
    RONDO_TRY(extrapolate(trial, part, evaluates, &part->memory, errors));
    if (part->memory.tape == 0) {
        return network_measure(network, &whole, &part->memory, errors);
    }
    struct network_memory measured;
    struct errors own = {0};
    if (memory_used() + part->memory.tape > trial->limit) {
        return RONDO_OK;
    }
    const rondo_status status = network_measure(network, &whole, &measured, &own);
    part->memory = status == RONDO_OK ? measured : part->memory;
    return unless_no_memory(status, &own, errors);
}

/* 1 if both parts have the same number of steps in the same number of examples: they take the same memory. */
static int are_alike(const struct task_trial *trial, const struct dataset *dataset, const struct task_trial_part *a,
                     const struct task_trial_part *b) {
    const struct batch_plan *plan = &trial->task->plan;
    const int64_t n_a = a->begin[a->batches], n_b = b->begin[b->batches];
    const struct trial_steps steps_a = steps_of(trial, dataset, a->examples, n_a);
    const struct trial_steps steps_b = steps_of(trial, dataset, b->examples, n_b);
    return n_a == n_b && a->n_shards == b->n_shards && a->batches == b->batches && steps_a.own == steps_b.own &&
           steps_a.source == steps_b.source &&
           example_steps(dataset, a->examples[0], plan) == example_steps(dataset, b->examples[0], plan);
}

static rondo_status measure_parts(struct task_trial *trial, struct task_trial_part *parts, int evaluates,
                                  struct errors *errors) {
    const struct dataset *dataset = evaluates ? trial->task->data.valid : trial->task->data.train;
    for (int64_t p = 0; p < TRIAL_PARTS; p++) {
        if (network_is_interrupted(trial->task->network)) {
            return errors_add(errors, RONDO_INTERRUPTED, "interrupted while the memory of training was measured");
        }
        if (parts[p].rows == 0) {
            continue;
        }
        int64_t same = 0;
        while (same < p && (parts[same].rows == 0 || !are_alike(trial, dataset, &parts[same], &parts[p]))) {
            same++;
        }
        if (same < p) {
            parts[p].memory = parts[same].memory;
        } else {
            RONDO_TRY(measure_part(trial, &parts[p], evaluates, errors));
        }
    }
    return RONDO_OK;
}

/* ---- the rest ---- */

/* Bytes of an update: slots, and what the plug-ins use meanwhile. */
static rondo_status measure_update(const struct task_trial *trial, struct task_memory *memory, struct errors *errors) {
    struct network *network = trial->task->network;
    struct errors own = {0};
    struct updater *updater = updater_create(&trial->task->updater, &own);
    const int sampled = updater != NULL && updater_wants_sampled(updater);
    rondo_status status = updater == NULL ? own.status : network_measured_gradients(network, sampled, &own);
    if (status == RONDO_OK) {
        const struct updater_step step = {.gradients = network_gradients(network),
                                          .sampled = sampled ? network_sampled_gradients(network) : NULL,
                                          .rows = 1,
                                          .lr_scale = 1,
                                          .stream = rng_stream(trial->settings.seed, "optimizer")};
        status = updater_step(updater, &step, &own);
    }
    memory->optimizer = status == RONDO_OK ? updater_resident(updater) : memory->optimizer;
    updater_destroy(updater);
    return unless_no_memory(status, &own, errors);
}

/* The arrays of epoch_make, and those that it uses meanwhile. */
static uint64_t order_bytes(const struct dataset *dataset, int64_t pool, uint64_t *meanwhile) {
    const uint64_t word = sizeof(int64_t), count = dataset == NULL ? 0 : (uint64_t)dataset->count;
    *meanwhile = dataset == NULL || dataset->lane != NULL ? 0 : 4 * word * (uint64_t)pool + word * count;
    return word * count;
}

static uint64_t orders_bytes(const struct task_trial *trial) {
    const struct task_data *data = &trial->task->data;
    const int64_t pool = 32 * trial->settings.batch.examples, train_count = data->train->count;
    uint64_t train_meanwhile, valid_meanwhile;
    const uint64_t train =
        order_bytes(data->train, pool > 0 && pool < train_count ? pool : train_count, &train_meanwhile);
    const uint64_t valid = order_bytes(data->valid, data->valid == NULL ? 0 : data->valid->count, &valid_meanwhile);
    return train + (train_meanwhile > valid + valid_meanwhile ? train_meanwhile : valid + valid_meanwhile);
}

/* Carried states: of training before and after the last batch, and of a validation. */
static rondo_status states_bytes(const struct task_trial *trial, uint64_t *bytes, struct errors *errors) {
    const struct task_data *data = &trial->task->data;
    *bytes = 0;
    if (data->train->lane == NULL) {
        return RONDO_OK;
    }
    struct states *states = model_states_create(network_model(trial->task->network), 1, errors);
    if (states == NULL) {
        return errors->status;
    }
    uint64_t of_lane = 0;
    for (int32_t s = 0; s < states_count(states); s++) {
        of_lane += tensor_bytes(states_tensor(states, s));
    }
    states_destroy(states);
    *bytes = of_lane * (uint64_t)(2 * data->train->lanes + (data->valid == NULL ? 0 : data->valid->lanes));
    return RONDO_OK;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* A tape belongs to a part of a batch, in training and in validation. The first blocks of a tape, which it replaces by a large
 * one, are too small for pages of their own (cli/main.c): the heap keeps their memory. */
static void add_tapes(const struct task_trial *trial, struct task_memory *memory) {
    const uint64_t first_blocks = 256 * 1024;
    for (int64_t s = 0; s < NETWORK_MAX_SHARDS; s++) {
        uint64_t tape = 0, rows = 0;
        for (int64_t p = s; p < TRIAL_PARTS; p += NETWORK_MAX_SHARDS) {
            const struct network_memory *train = &trial->train[p].memory, *valid = &trial->valid[p].memory;
            tape = larger(tape, larger(train->tape, valid->tape));
            rows = larger(rows, train->rows + train->listed);
        }
        memory->tapes += tape;
        memory->gradients += rows;
        memory->other += tape > first_blocks ? first_blocks : 0;
    }
}

static rondo_status run_trial(struct task_trial *trial, struct task_memory *memory, struct errors *errors) {
    struct task *task = trial->task;
    const uint64_t dense = memory->gradients / (uint64_t)memory->n_shards; /* of one part */
    uint64_t states;
    RONDO_TRY(find_training(trial, errors));
    RONDO_TRY(task->data.valid == NULL ? RONDO_OK : find_validation(trial, errors));
    RONDO_TRY(model_initialise(network_model(task->network), trial->settings.seed, &task->session->interrupt, errors));
    RONDO_TRY(states_bytes(trial, &states, errors));
    RONDO_TRY(measure_parts(trial, trial->valid, 1, errors));
    RONDO_TRY(measure_parts(trial, trial->train, 0, errors));
    RONDO_TRY(measure_update(trial, memory, errors));
    RONDO_TRY(network_forget_measured(task->network, errors));
    add_tapes(trial, memory);
    /* What is in memory now beside the data, parameters and gradients stays there: code, metrics, threads. */
    const uint64_t used = memory_used(), known = memory->data + memory->parameters / 2 + dense;
    memory->other += (used > known ? used - known : 0) + states + orders_bytes(trial);
    memory->is_measured = 1;
    return RONDO_OK;
}

rondo_status task_trial_memory(struct task *task, struct task_memory *memory, struct errors *errors) {
    dataset_destroy(task->data.test);
    task->data.test = NULL;
    RONDO_TRY(task_memory_plan(task, memory, errors));
    memory->data = memory_used();
    const struct memory_limit limit = memory_limit();
    if (memory->data == 0 || task_memory_total(memory) > limit.bytes || task->data.train->count == 0) {
        return RONDO_OK;
    }
    struct task_trial trial = {.task = task,
                               .arena = arena_create(),
                               .settings = train_settings(task),
                               .grouped = 1,
                               .sampled = optimizer_section_draws_targets(&task->experiment->optimizer),
                               .limit = limit.bytes};
    const struct model *model = network_model(task->network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        trial.grouped = model_parameters(model)[p].by_rows && trial.settings.accumulate > 1 ? trial.settings.accumulate
                                                                                            : trial.grouped;
    }
    const rondo_status status = trial.arena == NULL ? errors_no_memory(errors) : run_trial(&trial, memory, errors);
    arena_destroy(trial.arena);
    return status;
}
