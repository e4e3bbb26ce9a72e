#include "inspect/inspect.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"
#include "inspect/chain.h"
#include "inspect/decay.h"
#include "inspect/findings.h"
#include "inspect/inspect_sums.h"
#include "inspect/matrices.h"
#include "inspect/updates.h"

/* ---- the sample ---- */

/* Batches of so many examples take little memory if they have no more steps than this together. */
static const int64_t least_batch = 2 * NETWORK_SHARD_ROWS, least_steps = 1 << 14;

/* The examples that are inspected, longest first, and their batches: each at most as large as one of training. */
struct sample {
    int64_t count, steps, source_steps;
    int64_t *examples, *lengths, *begin;
    int64_t batches;
};

struct sampled {
    int64_t example, steps;
};

static int compare_sampled(const void *a, const void *b) {
    const struct sampled *left = a, *right = b;
    return left->steps != right->steps ? (left->steps < right->steps) - (left->steps > right->steps)
                                       : (left->example > right->example) - (left->example < right->example);
}

/* Divides the examples into batches of at most `size`, or of two full shards if they are small: small batches are slow. */
static void divide(struct sample *sample, struct batch_size size) {
    for (int64_t i = 0; i < sample->count;) {
        const int64_t small = least_steps / sample->lengths[i] < least_batch ? 0 : least_batch;
        int64_t fits = size.examples > 0 ? size.examples : size.steps / sample->lengths[i];
        fits = fits < small ? small : fits;
        sample->begin[sample->batches++] = i;
        i += fits < 1 ? 1 : fits;
    }
    sample->begin[sample->batches] = sample->count;
}

static rondo_status choose(struct sample *sample, const struct task *task, const struct inspect_settings *settings,
                           struct arena *arena, struct errors *errors) {
    const struct dataset *dataset = settings->dataset;
    const int64_t count = dataset->count < settings->examples ? dataset->count : settings->examples;
    if (count == 0) {
        return errors_add(errors, RONDO_INVALID, "%s has no examples", settings->part);
    }
    struct sampled *sampled = arena_calloc(arena, (size_t)count, sizeof *sampled);
    sample->count = count;
    sample->examples = arena_calloc(arena, (size_t)count, sizeof *sample->examples);
    sample->lengths = arena_calloc(arena, (size_t)count, sizeof *sample->lengths);
    sample->begin = arena_calloc(arena, (size_t)count + 1, sizeof *sample->begin);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t example = (int64_t)((double)i * ((double)dataset->count / (double)count));
        sampled[i] = (struct sampled){example, example_steps(dataset, example, &task->plan)};
    }
    qsort(sampled, (size_t)count, sizeof *sampled, compare_sampled);
    for (int64_t i = 0; i < count; i++) {
        sample->examples[i] = sampled[i].example;
        sample->lengths[i] = sampled[i].steps;
        const int64_t source_steps = example_source_steps(dataset, sampled[i].example);
        sample->source_steps = source_steps > sample->source_steps ? source_steps : sample->source_steps;
    }
    sample->steps = sample->lengths[0];
    divide(sample, task->experiment->schedule.batch);
    return RONDO_OK;
}

/* ---- the passes ---- */

struct inspect_pass {
    const struct model *model;
    struct inspect_sums shards[NETWORK_MAX_SHARDS];
};

static rondo_status add_shard(void *arg, int64_t shard, struct tape *tape, const struct batch *batch,
                              const struct model_probe *probe) {
    struct inspect_pass *pass = arg;
    return inspect_sums_shard(&pass->shards[shard], pass->model, tape, batch, probe);
}

/* Runs all batches; the sums of all shards are then those of number 0. */
static rondo_status run(const struct task *task, const struct dataset *dataset, const struct sample *sample,
                        struct inspect_pass *pass, double *loss, struct arena *arena, struct errors *errors) {
    struct scores scores = {0};
    int64_t largest = 0;
    for (int64_t k = 0; k < sample->batches; k++) {
        const int64_t size = sample->begin[k + 1] - sample->begin[k];
        largest = size > largest ? size : largest;
    }
    const int64_t shards = network_shard_count(task->network, largest);
    for (int64_t s = 0; s < shards; s++) {
        RONDO_TRY(inspect_sums_open(&pass->shards[s], pass->model, sample->steps, sample->source_steps, arena, errors));
    }
    const struct network_inspection inspection = {.dataset = dataset,
                                                  .examples = sample->examples,
                                                  .begin = sample->begin,
                                                  .batches = sample->batches,
                                                  .values_every = 1 + sample->count / INSPECT_VALUES,
                                                  .inspect = add_shard,
                                                  .arg = pass};
    RONDO_TRY(network_inspect(task->network, &inspection, &scores, errors));
    for (int64_t s = 1; s < shards; s++) {
        inspect_sums_add(&pass->shards[0], &pass->shards[s]);
    }
    *loss = network_metric(task->network, &scores, 0);
    return RONDO_OK;
}

/* ---- results ---- */

static const struct inspect_curve mixed = {
    .missing = "layers above it read in the other direction too, so a step has no single distance from the loss"};
static const struct inspect_curve both = {
    .missing = "the first layer reads in both directions, so an input has no single distance from the loss"};
static const struct inspect_curve first_only = {.missing = "only the first step has an input"};

/* The variance of a unit over the sample: mean of squares - square of mean. */
static double variance_of(const struct unit_sums *unit, double positions) {
    const double mean = unit->sum / positions;
    return unit->square / positions - mean * mean;
}

/* Units that do not vary, by their standard deviations. */
static void count_dead(struct inspect_state *state, const struct unit_sums *units, int64_t positions) {
    const double count = (double)positions, least = INSPECT_DEAD * INSPECT_DEAD;
    double largest = 0;
    for (int64_t k = 0; k < state->width; k++) {
        largest = fmax(largest, variance_of(&units[k], count));
    }
    for (int64_t k = 0; k < state->width; k++) {
        /* The variance of a constant is not 0, because of rounding. */
        const double limit = fmax(least * largest, 1e-12 * units[k].square / count);
        if (!(variance_of(&units[k], count) > limit)) {
            state->dead++;
            state->saturated += fabs(units[k].sum) > 0.9 * count;
        }
    }
}

static struct inspect_gate gate_of(const struct probe_gate *gate, const struct gate_unit_sums *units,
                                   int64_t positions) {
    struct inspect_gate result = {.name = gate->name, .op = gate->op, .low = gate->low, .high = gate->high};
    const double values = (double)positions * (double)gate->width, width = (double)gate->width;
    for (int64_t k = 0; k < gate->width; k++) {
        result.below += (double)units[k].below / values;
        result.above += (double)units[k].above / values;
        result.shut += ((double)units[k].below > 0.99 * (double)positions) / width;
        result.open += ((double)units[k].above > 0.99 * (double)positions) / width;
    }
    return result;
}

/* Copies the numbers of one direction. */
static rondo_status fill_numbers(struct inspect_layer *layer, const struct layer_sums *sums, int has_curves,
                                 struct arena *arena, struct errors *errors) {
    const struct cell_probe *probe = sums->probe;
    struct inspect_state *states = arena_calloc(arena, (size_t)probe->n_states, sizeof *states);
    struct inspect_gate *gates = arena_calloc(arena, (size_t)probe->n_gates + 1, sizeof *gates);
    if (states == NULL || gates == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < probe->n_states; s++) {
        const struct probe_state *from = &probe->states[s];
        states[s] = (struct inspect_state){.name = from->name, .width = from->width, .curve = mixed};
        if (has_curves) {
            states[s].curve = decay_curve(sums->norms + s * sums->steps, sums->reaching, sums->steps, arena);
        }
        count_dead(&states[s], sums->units + from->zeros, sums->positions);
    }
    for (int32_t g = 0; g < probe->n_gates; g++) {
        gates[g] =
            gate_of(&probe->gates[g], sums->gates + probe->gates[g].column - probe->gates[0].column, sums->positions);
    }
    layer->states = states;
    layer->n_states = probe->n_states;
    layer->gates = gates;
    layer->n_gates = probe->n_gates;
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* Whether the curves of a layer have distances: only if the layers above it read in the same direction. */
static int has_curves(const struct model *model, int32_t index, int is_backward) {
    const int is_last = index + 1 == model_encoder_count(model) || index + 1 == chain_count(model);
    return is_last || chain_reads_only(model, index + 1, is_backward);
}

static rondo_status fill_layer(struct inspect_layer *layer, const struct task *task, const struct layer_sums *sums,
                               struct arena *arena, struct errors *errors) {
    static const char *const directions[] = {".forward", ".backward"};
    const struct model *model = network_model(task->network);
    const char *name = chain_name(model, sums->index, arena);
    if (name != NULL && chain_directions(model, sums->index) == 2) {
        name = arena_printf(arena, "%s%s", name, directions[sums->d]);
    }
    *layer = (struct inspect_layer){.name = name,
                                    .cell = cell_layer_cell(chain_layer(model, sums->index))->name,
                                    .is_encoder = chain_is_encoder(model, sums->index),
                                    .is_backward = chain_is_backward(model, sums->index, sums->d)};
    RONDO_TRY(fill_numbers(layer, sums, has_curves(model, sums->index, layer->is_backward), arena, errors));
    return inspect_matrices(task, sums->index, sums->d, arena, layer, errors);
}

static rondo_status fill_layers(struct inspection *inspection, const struct task *task, const struct inspect_sums *sums,
                                struct arena *arena, struct errors *errors) {
    const struct model *model = network_model(task->network);
    struct inspect_layer *layers = arena_calloc(arena, (size_t)sums->n_layers + 1, sizeof *layers);
    struct inspect_block *blocks = arena_calloc(arena, (size_t)chain_count(model), sizeof *blocks);
    if (layers == NULL || blocks == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < sums->n_layers; i++) {
        RONDO_TRY(fill_layer(&layers[i], task, &sums->layers[i], arena, errors));
    }
    for (int32_t i = 0; i < chain_count(model); i++) {
        if (chain_directions(model, i) == 0) {
            blocks[inspection->n_blocks++] =
                (struct inspect_block){chain_name(model, i, arena), block_layer_name(chain_layer(model, i))};
        }
    }
    inspection->layers = layers;
    inspection->n_layers = sums->n_layers;
    inspection->blocks = blocks;
    return RONDO_OK;
}

/* Of what the layers from `first` on read. */
static struct inspect_curve input_curve(const struct model *model, int32_t first, const struct input_sums *sums,
                                        struct arena *arena) {
    if (sums->reaching[0] == 0) {
        return first_only;
    }
    return chain_reads_only(model, first, 0) || chain_reads_only(model, first, 1)
               ? decay_curve(sums->norms, sums->reaching, sums->steps, arena)
               : both;
}

/* Where the gradient begins, in words. */
static const char *anchor_text(const struct task *task) {
    const struct model *model = network_model(task->network);
    return chain_reads_only(model, model_encoder_count(model), 1) ? "the first step, which is read last"
           : task->plan.architecture.output_every_step            ? "the last step that has a target"
                                                                  : "the last step";
}

rondo_status inspect_task(const struct task *task, const struct inspect_settings *settings, struct arena *arena,
                          struct inspection *inspection, struct errors *errors) {
    const struct model *model = network_model(task->network);
    struct sample sample = {0};
    struct inspect_pass *pass = arena_calloc(arena, 1, sizeof *pass);
    if (pass == NULL) {
        return errors_no_memory(errors);
    }
    pass->model = model;
    *inspection = (struct inspection){.part = settings->part, .of = settings->dataset->count, .reach = -1, .most = -1};
    RONDO_TRY(choose(&sample, task, settings, arena, errors));
    RONDO_TRY(run(task, settings->dataset, &sample, pass, &inspection->loss, arena, errors));
    const struct inspect_sums *sums = &pass->shards[0];
    inspection->examples = sample.count;
    inspection->steps = sample.steps;
    inspection->source_steps = sample.source_steps;
    inspection->gradient_from = anchor_text(task);
    RONDO_TRY(fill_layers(inspection, task, sums, arena, errors));
    inspection->input = input_curve(model, model_encoder_count(model), &sums->input, arena);
    if (inspection->input.missing == NULL) {
        inspection->reach = decay_reach(&inspection->input, INSPECT_REACH_SHARE);
        inspection->most = decay_most(&inspection->input, INSPECT_MOST_SHARE);
    }
    if (model_encoder_count(model) > 0) {
        inspection->source = input_curve(model, 0, &sums->source, arena);
    }
    if (settings->folder != NULL) {
        RONDO_TRY(inspect_updates(model, settings->folder, arena, inspection, errors));
    }
    inspect_find(inspection, arena);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}
