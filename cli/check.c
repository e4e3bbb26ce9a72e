/* cli/check.c: `rondo check`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "run/json.h"
#include "run/section.h"
#include "run/task.h"

/* "optimizer.lr: 0.002   # experiment.yaml:9:30". */
static void print_value(const char *path, const struct yaml_node *node, struct arena *arena, json_t *values) {
    const char *text = yaml_option_text(node, arena);
    const char *from = node->where.file;
    if (node->where.line > 0) {
        from = arena_printf(arena, "%s:%d:%d", node->where.file, node->where.line, node->where.column);
    }
    text = text == NULL ? "" : text;
    from = from == NULL ? "" : from;
    if (values != NULL) {
        json_array_append_new(values, json_pack("{s:o, s:o, s:o}", "key", json_text(path), "value", json_text(text),
                                                "from", json_text(from)));
    } else {
        printf("%-36s %-32s # %s\n", path, text, from);
    }
}

static int is_leaf(const struct yaml_node *node) {
    return node->kind == YAML_SCALAR ||
           (node->kind == YAML_SEQUENCE && (node->first == NULL || node->first->kind == YAML_SCALAR));
}

static void print_values(const char *path, const struct yaml_node *node, struct arena *arena, json_t *values) {
    if (is_leaf(node)) {
        print_value(path, node, arena, values);
        return;
    }
    int32_t index = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next, index++) {
        const char *dot = path[0] == '\0' ? "" : ".";
        const char *below = node->kind == YAML_MAPPING ? arena_printf(arena, "%s%s%s", path, dot, child->key)
                                                       : arena_printf(arena, "%s%s%d", path, dot, index);
        if (below != NULL) {
            print_values(below, child, arena, values);
        }
    }
}

/* Bytes that training needs: parameters, a gradient for each shard, optimizer slots, the best weights; without what the
 * tape holds of a batch. */
static double parameter_megabytes(const struct task *task) {
    const struct experiment *experiment = task->experiment;
    int64_t copies = 2;
    for (const rondo_slot *slot = experiment->optimizer->slots; slot != NULL && slot->name != NULL; slot++) {
        copies += slot->shape == RONDO_SLOT_LIKE_PARAMETER;
    }
    const int64_t shards = network_shard_count(experiment->schedule.batch);
    return (double)(model_size(network_model(task->network)) * (copies + shards)) * sizeof(float) / 1e6;
}

static void print_model(const struct task *task) {
    const struct model *model = network_model(task->network);
    printf("\n");
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct parameter *parameter = &model_parameters(model)[p];
        printf("%-24s %-16s %10lld\n", parameter->name, tensor_shape_text(&parameter->value).text,
               (long long)rondo_count(&parameter->value));
    }
    printf("%-24s %-16s %10lld\n\n", "parameters", "", (long long)model_size(model));
    printf("%lld operations for each row and step, forward\n", (long long)model_step_flops(model));
    printf("%.1f MB for parameters, gradients, optimizer and the best weights\n", parameter_megabytes(task));
    printf("%lld training examples", (long long)task->train->count);
    if (task->valid != NULL) {
        printf(", %lld for validation", (long long)task->valid->count);
    }
    if (task->test != NULL) {
        printf(", %lld for testing", (long long)task->test->count);
    }
    printf("\n");
}

static rondo_status print_json(const struct task *task, struct arena *arena, struct errors *errors) {
    const struct model *model = network_model(task->network);
    json_t *values = json_array(), *parameters = json_array();
    print_values("", task->experiment->root, arena, values);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct parameter *parameter = &model_parameters(model)[p];
        json_t *shape = json_array();
        for (int32_t d = 0; d < parameter->value.ndim; d++) {
            json_array_append_new(shape, json_integer(parameter->value.shape[d]));
        }
        json_array_append_new(parameters, json_pack("{s:s, s:o}", "name", parameter->name, "shape", shape));
    }
    json_t *object = json_pack("{s:o, s:o, s:I, s:I, s:f}", "values", values, "parameters", parameters, "size",
                               (json_int_t)model_size(model), "step_flops", (json_int_t)model_step_flops(model),
                               "parameter_megabytes", parameter_megabytes(task));
    return output_json(object, JSON_INDENT(2), errors);
}

static int run_check(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),    COMMON_FLAG_PLUGIN(common), COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common), COMMON_FLAG_JSON(common),   {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct arena *arena = arena_create();
    struct session *session = arena == NULL ? NULL : open_session(&common, &errors);
    struct experiment *experiment =
        session == NULL ? NULL : experiment_load(arguments.words[0], common.assignments, session, &errors);
    struct task *task =
        experiment == NULL ? NULL
                           : task_create(experiment, session, TASK_TRAIN | TASK_VALID | TASK_TEST, NULL, NULL, &errors);
    if (arena == NULL) {
        errors_no_memory(&errors);
    } else if (task != NULL && common.json) {
        print_json(task, arena, &errors);
    } else if (task != NULL) {
        print_values("", task->experiment->root, arena, NULL);
        print_model(task);
    }
    status = errors.count > 0 ? report_errors(&errors) : finish_output();
    task_destroy(task);
    session_destroy(session);
    arena_destroy(arena);
    return status;
}

const struct command command_check = {"check", "check EXPERIMENT.yaml [--set KEY=VALUE]…",
                                      "find every mistake in an experiment, without training",
                                      "Reads the experiment, its cells, plug-ins and data. Prints every effective "
                                      "value with where it came from, and the\n"
                                      "model's parameters, operations and memory.\n\n"
                                      "  rondo check examples/sentiment/experiment.yaml\n",
                                      run_check};
