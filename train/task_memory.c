#include "train/task_memory.h"

#include <string.h>

#include "core/number.h"

static uint64_t sum_of(const struct task_memory *memory) {
    return memory->data + memory->parameters + memory->gradients + memory->optimizer + memory->tapes +
           memory->checkpoint + memory->other;
}

uint64_t task_memory_total(const struct task_memory *memory) {
    const uint64_t sum = sum_of(memory);
    return sum > memory->reading ? sum : memory->reading;
}

/* A checkpoint has the parameters, the slots and the best parameters once more (train/checkpoint_writer.h); its memory stays
 * allocated. */
static uint64_t checkpoint_bytes(uint64_t parameters_and_best, uint64_t slots) {
    return parameters_and_best + slots;
}

rondo_status task_memory_plan(const struct task *task, struct task_memory *memory, struct errors *errors) {
    const struct model *model = network_model(task->network);
    const int n_sets = optimizer_section_draws_targets(&task->experiment->optimizer) ? 2 : 1;
    *memory = (struct task_memory){.n_shards = network_shard_count(task->network, task->largest_batch),
                                   .reading = task->data.reading_peak};
    uint64_t slots;
    RONDO_TRY(updater_slot_bytes(&task->updater, &slots, errors));
    memory->optimizer = slots;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        const uint64_t bytes = tensor_bytes(&parameter->value);
        memory->parameters += 2 * bytes;
        memory->gradients += parameter->by_rows ? 0 : (uint64_t)(memory->n_shards * n_sets) * bytes;
        memory->optimizer += updater_needs_whole_gradient(&task->updater, p) ? bytes : 0;
        memory->other += task->experiment->schedule.options.diagnostics ? bytes : 0;
    }
    memory->checkpoint = checkpoint_bytes(memory->parameters, slots);
    return RONDO_OK;
}

/* ---- refusal ---- */

/* 1 if most parameters are in a table of words whose size the reader can limit. */
static int is_mostly_words(const struct task *task, const struct task_memory *memory) {
    const struct model *model = network_model(task->network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        if (parameter->by_rows && 4 * tensor_bytes(&parameter->value) > memory->parameters) {
            return reader_has_option(task->data.reader->class, "max_words");
        }
    }
    return 0;
}

/* What makes the largest part smaller. */
static const char *hint_for(const struct task *task, const struct task_memory *memory) {
    const struct experiment *experiment = task->experiment;
    const uint64_t by_batch = memory->tapes + memory->gradients;
    const uint64_t by_model = memory->parameters + memory->optimizer + memory->checkpoint;
    if (memory->reading > sum_of(memory) || (memory->data > by_batch && memory->data > by_model)) {
        return "; less data makes it smaller";
    }
    if (by_batch > by_model && task->largest_batch > 1) {
        return experiment->data.settings.window > 0
                   ? "; a smaller schedule.batch, with schedule.accumulate for updates of the same size, or a shorter "
                     "data.window makes it smaller"
                   : "; a smaller schedule.batch, with schedule.accumulate for updates of the same size, makes it "
                     "smaller";
    }
    return is_mostly_words(task, memory) ? "; data.max_words and data.min_count make the vocabulary smaller"
                                         : "; layers of a smaller width make it smaller";
}

/* Appends "A GB for WHAT" to the list of parts, unless the part is less than a megabyte. */
static void add_part(char *text, size_t size, uint64_t bytes, const char *what) {
    const size_t length = strlen(text);
    if (bytes >= 1000000) {
        number_print(text + length, size - length, "%s%s for %s", length == 0 ? "" : ", ", memory_text(bytes).text,
                     what);
    }
}

rondo_status task_memory_check(const struct task *task, const struct task_memory *memory, struct memory_limit limit,
                               struct errors *errors) {
    const uint64_t total = task_memory_total(memory);
    if (total <= limit.bytes) {
        return RONDO_OK;
    }
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    const struct yaml_node *layers = model == NULL ? NULL : yaml_get(model, "layers");
    const struct location nowhere = {.file = task->experiment->file};
    char parts[600] = "", gradients[80];
    number_print(gradients, sizeof gradients, "the gradients of %lld part%s of a batch", (long long)memory->n_shards,
                 memory->n_shards == 1 ? "" : "s");
    add_part(parts, sizeof parts, memory->data, "the program and the data");
    add_part(parts, sizeof parts, memory->parameters, "the parameters and the best ones so far");
    add_part(parts, sizeof parts, memory->gradients, gradients);
    add_part(parts, sizeof parts, memory->optimizer, "the optimizer");
    add_part(parts, sizeof parts, memory->tapes, "what a batch keeps for the backward pass");
    add_part(parts, sizeof parts, memory->checkpoint, "the checkpoint that is written");
    add_part(parts, sizeof parts, memory->other, "everything else");
    if (memory->reading > sum_of(memory)) {
        number_print(parts, sizeof parts, "so much was in use while the data were read");
    }
    return errors_add_at(errors, RONDO_INVALID, layers == NULL ? nowhere : layers->where,
                         "training this model takes %s%s of memory: %s; expected at most %s, which is %s%s",
                         memory->is_measured ? "" : "at least ", memory_text(total).text, parts,
                         memory_text(limit.bytes).text, limit.source, hint_for(task, memory));
}

rondo_status task_check_memory(const struct task *task, struct errors *errors) {
    struct task_memory memory;
    RONDO_TRY(task_memory_plan(task, &memory, errors));
    return task_memory_check(task, &memory, memory_limit(), errors);
}
