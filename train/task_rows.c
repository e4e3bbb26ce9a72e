#include "train/task_rows.h"

/* The key `lazy` that is set to true, with its path; NULL: none is. */
static const struct yaml_node *find_lazy(const struct task *task, const char **path) {
    const struct experiment *experiment = task->experiment;
    const struct yaml_node *embedding = yaml_get(yaml_get(experiment->root, "model"), "embedding");
    const struct {
        const char *path, *stream;
        int is_lazy;
    } keys[] = {
        {"model.embedding.lazy", NULL, experiment->embedding.lazy},
        {"model.embedding.input.lazy", "input", experiment->input_embedding.lazy},
        {"model.embedding.previous.lazy", "previous", experiment->previous_embedding.lazy},
        {"model.embedding.source.lazy", "source", experiment->source_embedding.lazy},
    };
    for (size_t k = 0; embedding != NULL && k < sizeof keys / sizeof keys[0]; k++) {
        const struct yaml_node *section = keys[k].stream == NULL ? embedding : yaml_get(embedding, keys[k].stream);
        const struct yaml_node *node = section == NULL || !keys[k].is_lazy ? NULL : yaml_get(section, "lazy");
        if (node != NULL) {
            *path = keys[k].path;
            return node;
        }
    }
    return NULL;
}

static int is_elementwise(const rondo_optimizer *optimizer) {
    return (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0;
}

int task_lazy_helps(const rondo_optimizer *stage) {
    return is_elementwise(stage) && stage->stage != RONDO_STAGE_VALUE;
}

rondo_status task_check_lazy(const struct task *task, struct errors *errors) {
    const struct model *model = network_model(task->network);
    const char *path = "";
    const struct yaml_node *lazy = find_lazy(task, &path);
    int has_lazy = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        has_lazy |= model_parameters(model)[p].is_lazy;
    }
    if (lazy != NULL && !has_lazy) {
        return errors_add_at(errors, RONDO_INVALID, lazy->where, "'%s' is not used: %s", path,
                             task->experiment->head.tie ? "the head uses the same vectors (model.head.tie), so all of "
                                                          "them have a gradient in every update"
                                                        : "the inputs are numbers, which select no rows of a table");
    }
    for (int32_t stage = 0; lazy != NULL && stage < task->updater.n_stages; stage++) {
        const rondo_optimizer *optimizer = task->updater.stages[stage].optimizer;
        if (!task_lazy_helps(optimizer) && optimizer->stage != RONDO_STAGE_VALUE) {
            return errors_add_at(errors, RONDO_INVALID, lazy->where,
                                 "'%s' needs an optimizer and wrappers that process each element by itself, and '%s' "
                                 "needs whole parameters",
                                 path, optimizer->base.name);
        }
    }
    return RONDO_OK;
}

const rondo_optimizer *task_whole_stage(const struct task *task, int32_t p) {
    const int is_frozen = task->updater.frozen != NULL && task->updater.frozen[p];
    const int by_rows = model_parameters(network_model(task->network))[p].by_rows;
    for (int32_t stage = 0; by_rows && !is_frozen && stage < task->updater.n_stages; stage++) {
        if (!updater_lists_rows(&task->updater, stage, p)) {
            return task->updater.stages[stage].optimizer;
        }
    }
    return NULL;
}
