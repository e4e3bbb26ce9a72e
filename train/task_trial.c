#include "train/task_trial.h"

#include "core/memory_limit.h"
#include "train/task_memory.h"
#include "train/train.h"

/* Examples of the part of a batch that is tried first. */
enum { FEW = 16 };

/* Batches of one part of the data, as datasets, and its epoch, which takes memory in a training as well. */
struct task_trial_part {
    struct epoch epoch;
    struct dataset *batches[NETWORK_MAX_SHARDS];
    int32_t count;
};

struct task_trial {
    struct task *task;
    struct trainer_settings settings;
    struct task_trial_part train, valid; /* count 0: no such data */
    uint64_t used;                       /* memory with everything that the updates and validations need */
};

/* Finds, for each shard, the batch that gives it the most steps: a batch of few long examples has few shards with many steps.
 * of_shard[s] gets its number; -1: no batch has such a shard. */
static void find_largest(const struct task_trial *trial, const struct dataset *dataset, const struct epoch *epoch,
                         int64_t of_shard[NETWORK_MAX_SHARDS]) {
    int64_t most[NETWORK_MAX_SHARDS] = {0};
    for (int32_t s = 0; s < NETWORK_MAX_SHARDS; s++) {
        of_shard[s] = -1;
    }
    for (int64_t k = 0; k < epoch->batches; k++) {
        int64_t steps = 0;
        for (int64_t i = epoch->begin[k]; i < epoch->begin[k + 1]; i++) {
            steps += example_steps(dataset, epoch->examples[i], &trial->task->plan);
        }
        const int64_t shards = network_shard_count(trial->task->network, epoch->begin[k + 1] - epoch->begin[k]);
        for (int64_t s = 0; s < shards; s++) {
            of_shard[s] = steps / shards > most[s] ? k : of_shard[s];
            most[s] = steps / shards > most[s] ? steps / shards : most[s];
        }
    }
}

static rondo_status find_batches(const struct task_trial *trial, struct task_trial_part *part,
                                 const struct dataset *dataset, const struct rng_stream *shuffle,
                                 struct errors *errors) {
    struct epoch *epoch = &part->epoch;
    int64_t of_shard[NETWORK_MAX_SHARDS];
    RONDO_TRY(epoch_make(epoch, dataset, &trial->task->plan, trial->settings.batch, shuffle, errors));
    find_largest(trial, dataset, epoch, of_shard);
    for (int32_t s = 0; s < NETWORK_MAX_SHARDS && of_shard[s] >= 0; s++) {
        const int64_t k = of_shard[s];
        if (s > 0 && k == of_shard[s - 1]) { /* those of one batch are adjacent */
            continue;
        }
        part->batches[part->count] =
            dataset_view(dataset, epoch->examples + epoch->begin[k], epoch->begin[k + 1] - epoch->begin[k], errors);
        if (part->batches[part->count] == NULL) {
            return errors->status;
        }
        part->count++;
    }
    return RONDO_OK;
}

static rondo_status find_all_batches(struct task_trial *trial, struct errors *errors) {
    const struct task_data *data = &trial->task->data;
    const struct rng_stream shuffle = rng_substream(rng_stream(trial->settings.seed, "shuffle"), 1); /* of epoch 1 */
    RONDO_TRY(find_batches(trial, &trial->train, data->train, &shuffle, errors));
    return data->valid == NULL ? RONDO_OK : find_batches(trial, &trial->valid, data->valid, NULL, errors);
}

static void free_part(struct task_trial_part *part) {
    for (int32_t i = 0; i < part->count; i++) {
        dataset_destroy(part->batches[i]);
    }
    epoch_free(&part->epoch);
}

static rondo_status observe(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct task_trial *trial = arg;
    (void)progress;
    (void)errors;
    const uint64_t used = memory_used();
    trial->used = used > trial->used ? used : trial->used;
    return RONDO_OK;
}

/* One update with these examples, and a validation. */
static rondo_status run(struct task_trial *trial, const struct dataset *train, const struct dataset *valid,
                        struct errors *errors) {
    struct trainer_settings settings = trial->settings;
    const int64_t n_valid = valid == NULL ? 0 : valid->count;
    settings.epochs = 1;
    settings.accumulate = 1;
    settings.validate_every = 0;
    settings.batch = (struct batch_size){.examples = train->count > n_valid ? train->count : n_valid};
    const struct trainer_observer observer = {.update_end = observe, .interval_end = observe, .arg = trial};
    struct trainer_result result;
    return trainer_run(trial->task->network, train, valid, &settings, &observer, &result, errors);
}

/* The memory of the whole batch by a few of its examples: parameters and slots are the same, the rest is proportional. */
static rondo_status run_few(struct task_trial *trial, uint64_t *bytes, struct errors *errors) {
    const struct dataset *train = trial->train.batches[0];
    int64_t examples[FEW];
    for (int64_t i = 0; i < FEW; i++) {
        examples[i] = i * train->count / FEW;
    }
    struct dataset *few = dataset_view(train, examples, FEW, errors);
    if (few == NULL) {
        return errors->status;
    }
    const uint64_t before = memory_used();
    const rondo_status status = run(trial, few, NULL, errors);
    dataset_destroy(few);
    const uint64_t after = memory_used(); /* without slots and best weights, which are freed; with gradients and tape */
    const struct task_memory memory = task_memory(trial->task);
    const uint64_t rest = after > before ? after - before : 0;
    *bytes = after + (uint64_t)((double)rest * ((double)train->count / FEW - 1)) + memory.parameters / 2 + memory.slots;
    return status;
}

static rondo_status run_trial(struct task_trial *trial, uint64_t *bytes, struct errors *errors) {
    const struct task_trial_part *train = &trial->train, *valid = &trial->valid;
    uint64_t expected = 0;
    if (train->count == 0) {
        return RONDO_OK;
    }
    if (train->batches[0]->count > FEW) {
        RONDO_TRY(run_few(trial, &expected, errors));
    }
    if (expected <= memory_limit().bytes) {
        for (int32_t i = 0; i < train->count || i < valid->count; i++) {
            RONDO_TRY(run(trial, train->batches[i < train->count ? i : 0], i < valid->count ? valid->batches[i] : NULL,
                          errors));
        }
        expected = trial->used;
    }
    const uint64_t reading = trial->task->data.reading_peak;
    *bytes = expected > reading ? expected : reading;
    return RONDO_OK;
}

rondo_status task_trial_memory(struct task *task, uint64_t *bytes, struct errors *errors) {
    *bytes = 0;
    dataset_destroy(task->data.test);
    task->data.test = NULL;
    if (memory_used() == 0) {
        return RONDO_OK;
    }
    RONDO_TRY(task_check_memory(task, errors));
    RONDO_TRY(model_initialise(network_model(task->network), (uint64_t)task->experiment->schedule.options.seed,
                               &task->session->interrupt, errors));
    struct task_trial trial = {.task = task, .settings = train_settings(task)};
    rondo_status status = find_all_batches(&trial, errors);
    status = status == RONDO_OK ? run_trial(&trial, bytes, errors) : status;
    free_part(&trial.train);
    free_part(&trial.valid);
    return status;
}
