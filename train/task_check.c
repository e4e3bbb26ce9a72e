#include "train/task_check.h"

#include "train/prompts.h"
#include "train/target_check.h"

/* Lists are not aligned with steps: the loss needs the outputs of all steps, and no step has a target of its own. */
static rondo_status check_lists(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const struct yaml_node *architecture = yaml_get(experiment->root, "architecture");
    if (dataset_find(task->data.shape, "target")->kind != STREAM_LIST) {
        return RONDO_OK;
    }
    if (!experiment->architecture.output_every_step) {
        return errors_add_at(errors, RONDO_INVALID, architecture->where,
                             "targets that are lists need an output at every step; expected \"N:N\"");
    }
    return experiment->model.feedback || experiment->data.settings.window > 0
               ? errors_add_at(errors, RONDO_INVALID, architecture->where,
                               "targets that are lists have no steps, which %s needs",
                               experiment->model.feedback ? "model.feedback" : "data.window")
               : RONDO_OK;
}

/* With several steps to come, the target of the step before has values of steps that are still to come. */
static rondo_status check_horizon(const struct task *task, struct errors *errors) {
    const struct stream *target = dataset_find(task->data.shape, "target");
    if (!task->experiment->model.feedback || target->kind != STREAM_REAL || target->stride == target->size) {
        return RONDO_OK;
    }
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    return errors_add_at(
        errors, RONDO_INVALID, yaml_get(model, "feedback")->where,
        "'model.feedback' would show the model what it is to forecast: the target of the step before has "
        "numbers of later steps; expected data.horizon: 1, or no feedback");
}

/* A prediction would read its own output of a step that has no target, which training never does. */
static rondo_status check_missing(const struct task *task, struct errors *errors) {
    const struct stream *target = dataset_find(task->data.shape, "target");
    if (!task->experiment->model.feedback || target->kind != STREAM_CLASS || !target->has_missing) {
        return RONDO_OK;
    }
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    return errors_add_at(
        errors, RONDO_INVALID, yaml_get(model, "feedback")->where,
        "'model.feedback' reads the target of the step before, which steps with 'data.no_target' do not "
        "have; expected no feedback, or a target at every step");
}

/* Predictions are turned back to the units of the data only if the loss says that they are in the unit of the targets. */
static rondo_status check_scaling(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int32_t kind = experiment->data.settings.scale_target;
    const int is_scaled = kind == SCALING_STANDARD || kind == SCALING_MINMAX;
    if (dataset_find(task->data.shape, "target")->kind != STREAM_REAL ||
        loss_section_all_have(&experiment->loss, RONDO_LOSS_ANY_UNIT)) {
        return RONDO_OK;
    }
    const struct loss_term *loss = &experiment->loss.terms[0];
    if (dataset_find(task->data.shape, "target")->transform != NULL) {
        return errors_add_at(
            errors, RONDO_INVALID, loss->where,
            "'data.transform' needs a loss whose targets may be in any unit, and '%s' is not one; expected "
            "transform: none",
            loss->loss->base.name);
    }
    if (!is_scaled) {
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, loss->where,
                         "'data.scale_target: %s' needs a loss whose targets may be in any unit, and '%s' is not one; "
                         "expected scale_target: none or auto",
                         scaling_target_kinds[kind], loss->loss->base.name);
}

rondo_status task_check_data(const struct task *task, struct errors *errors) {
    RONDO_TRY(check_scaling(task, errors));
    RONDO_TRY(check_lists(task, errors));
    RONDO_TRY(check_missing(task, errors));
    return check_horizon(task, errors);
}

rondo_status task_check_generation(const struct task *task, int reads_valid, struct errors *errors) {
    const struct generate_settings *settings = &task->experiment->generate;
    const char *why_not;
    if (!model_generates(network_model(task->network), &why_not)) {
        return settings->show == 0 ? RONDO_OK
                                   : errors_add_at(errors, RONDO_INVALID, settings->show_where,
                                                   "'show' is %lld, and this model does not generate: %s",
                                                   (long long)settings->show, why_not);
    }
    if (settings->show > 0 && reads_valid && task->data.valid == NULL && task_has_inputs(task)) {
        return errors_add_at(errors, RONDO_INVALID, settings->show_where,
                             "'show' is %lld, and the model writes for examples of validation data, of which there are "
                             "none: give 'data.valid', or --set generate.show=0",
                             (long long)settings->show);
    }
    return prompts_check_settings(task, settings, errors);
}

rondo_status task_check_test(const struct task *task, struct errors *errors) {
    const struct data_section *section = &task->experiment->data;
    const struct reader_source source = {section->test.paths, section->test.count, PART_TEST, &section->parts};
    const char *name = task_data_name(section, PART_TEST, task->experiment->arena);
    if (section->test.count == 0) {
        return RONDO_OK;
    }
    struct dataset *dataset = task_data_read(&task->data, &source, 1, errors);
    const rondo_status status =
        dataset == NULL ? errors->status
        : name == NULL  ? errors_no_memory(errors)
                        : target_check(network_heads(task->network), task->session, dataset, &task->plan, name, errors);
    dataset_destroy(dataset);
    return status;
}
