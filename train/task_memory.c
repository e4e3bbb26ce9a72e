#include "train/task_memory.h"

#include "core/memory_limit.h"

/* Bytes of the slots of one parameter in one stage. */
static void add_slots(struct task_memory *memory, const struct updater_stage *stage, uint64_t bytes, size_t element) {
    const rondo_slot *slot = stage->optimizer->slots;
    for (; slot != NULL && slot->name != NULL; slot++) {
        memory->chosen += slot->shape == RONDO_SLOT_CHOSEN ? bytes : 0;
        memory->slots += slot->shape == RONDO_SLOT_CHOSEN ? 0 : slot->shape == RONDO_SLOT_SCALAR ? element : bytes;
    }
}

struct task_memory task_memory(const struct task *task) {
    const struct model *model = network_model(task->network);
    struct task_memory memory = {.n_shards = network_shard_count(task->network, task->largest_batch)};
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        const uint64_t bytes = tensor_bytes(value);
        memory.parameters += 2 * bytes;
        memory.gradients += !model_parameters(model)[p].by_rows               ? (uint64_t)memory.n_shards * bytes
                            : updater_needs_whole_gradient(&task->updater, p) ? bytes
                                                                              : 0;
        const int is_frozen = task->updater.frozen != NULL && task->updater.frozen[p];
        for (int32_t stage = 0; stage < task->updater.n_stages && !is_frozen; stage++) {
            add_slots(&memory, &task->updater.stages[stage], bytes, dtype_size(value->dtype));
        }
    }
    return memory;
}

/* "; ..." if most parameters are in a table of words whose size the reader can limit, else "". */
static const char *words_hint(const struct task *task, const struct task_memory *memory) {
    const struct model *model = network_model(task->network);
    if (!reader_has_option(task->data.reader->class, "max_words")) {
        return "";
    }
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        if (parameter->by_rows && 4 * tensor_bytes(&parameter->value) > memory->parameters) {
            return "; data.max_words and data.min_count make the vocabulary smaller";
        }
    }
    return "";
}

rondo_status task_check_memory(const struct task *task, struct errors *errors) {
    const struct task_memory memory = task_memory(task);
    const struct memory_limit limit = memory_limit();
    const uint64_t total = memory.parameters + memory.gradients + memory.slots;
    if (total <= limit.bytes) {
        return RONDO_OK;
    }
    const double giga = 1e9;
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    const struct yaml_node *layers = model == NULL ? NULL : yaml_get(model, "layers");
    const struct location nowhere = {.file = task->experiment->file};
    return errors_add_at(errors, RONDO_INVALID, layers == NULL ? nowhere : layers->where,
                         "training this model takes at least %.1f GB: %.1f GB for the parameters and the best ones so "
                         "far, %.1f GB for the gradients of %lld part%s of a batch, and %.1f GB for the optimizer; "
                         "expected at most %.1f GB, which is %s%s",
                         (double)total / giga, (double)memory.parameters / giga, (double)memory.gradients / giga,
                         (long long)memory.n_shards, memory.n_shards == 1 ? "" : "s", (double)memory.slots / giga,
                         (double)limit.bytes / giga, limit.source, words_hint(task, &memory));
}
