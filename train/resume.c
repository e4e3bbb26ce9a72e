#include "train/resume.h"

#include <string.h>

#include "train/run_identity.h"
#include "train/run_record.h"
#include "train/schedule.h"

static const struct archive_range any_epochs = {1, 1000000}; /* as of schedule.epochs */

/* What was trained cannot be taken away, with --accept-changes neither. */
static rondo_status check_epochs(const struct resume *resume, struct errors *errors) {
    const struct yaml_node *schedule = yaml_get(resume->task->experiment->root, "schedule");
    const int64_t epochs = resume->task->experiment->schedule.options.epochs;
    int64_t epoch = 0;
    RONDO_TRY(archive_take_count(resume->archive, &epoch, any_epochs, errors, "trainer.epoch"));
    return epochs >= epoch ? RONDO_OK
                           : errors_add_at(errors, RONDO_INVALID, yaml_get(schedule, "epochs")->where,
                                           "'schedule.epochs' is %lld, and the run is already in epoch %lld",
                                           (long long)epochs, (long long)epoch);
}

/* Adds a difference if the learning rate of the updates before the checkpoint depends on the length of the run. */
static rondo_status compare_epochs(const struct resume *resume, struct errors *differences, struct errors *errors) {
    const struct task *task = resume->task;
    const int64_t epochs = task->experiment->schedule.options.epochs;
    int64_t planned = 0, update = -1;
    RONDO_TRY(archive_take_count(resume->archive, &planned, any_epochs, errors, "trainer.epochs"));
    if (epochs == planned) {
        return RONDO_OK;
    }
    const struct schedule_settings settings = task_schedule(task);
    struct schedule *schedule = schedule_create(&settings, errors);
    if (schedule == NULL) {
        return errors->status;
    }
    rondo_status status = schedule_load(schedule, resume->archive, errors);
    if (status == RONDO_OK) {
        status = schedule_find_change(schedule, task->updates_per_epoch * planned, resume->step, &update, errors);
    }
    schedule_destroy(schedule);
    if (status == RONDO_OK && update >= 0) {
        errors_add(differences, RONDO_INVALID,
                   "schedule.epochs was %lld and is %lld: '%s' spreads the learning rate over the whole run, so update "
                   "%lld would have had another one",
                   (long long)planned, (long long)epochs, settings.plugin->base.name, (long long)update + 1);
    }
    return status;
}

rondo_status resume_take_lengths(struct archive *archive, int64_t lengths[RUN_LOG_COUNT], struct errors *errors) {
    const struct archive_range any = {0, ARCHIVE_MOST};
    lengths[RUN_METRICS] = lengths[RUN_TIMINGS] = lengths[RUN_SAMPLES] = 0;
    if (archive == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(archive_take_count(archive, &lengths[RUN_METRICS], any, errors, "files.metrics"));
    RONDO_TRY(archive_take_count(archive, &lengths[RUN_TIMINGS], any, errors, "files.timings"));
    return archive_take_count(archive, &lengths[RUN_SAMPLES], any, errors, "files.samples");
}

/* Lines that are missing in metrics.jsonl are a difference, as they are a result; what was measured is not worth a refusal. */
static rondo_status compare_logs(const struct resume *resume, struct errors *differences, struct errors *notes,
                                 struct errors *errors) {
    int64_t lengths[RUN_LOG_COUNT];
    RONDO_TRY(resume_take_lengths(resume->archive, lengths, errors));
    run_folder_compare_log(resume->run, RUN_METRICS, lengths[RUN_METRICS], differences);
    run_folder_compare_log(resume->run, RUN_TIMINGS, lengths[RUN_TIMINGS], notes);
    run_folder_compare_log(resume->run, RUN_SAMPLES, lengths[RUN_SAMPLES], notes);
    return RONDO_OK;
}

/* ---- what cannot be accepted ---- */

/* The name of the parameter whose values an entry of the checkpoint has; NULL: it has something else. */
static const char *parameter_of(const struct archive_entry *entry) {
    return strncmp(entry->name, "model.", 6) == 0 ? entry->name + 6 : NULL;
}

/* The entry of a parameter; NULL: there is none. */
static const struct archive_entry *find_parameter(const struct archive *archive, const char *name) {
    for (int32_t i = 0; i < archive_count(archive); i++) {
        const char *found = parameter_of(archive_entry(archive, i));
        if (found != NULL && strcmp(found, name) == 0) {
            return archive_entry(archive, i);
        }
    }
    return NULL;
}

/* Adds an error for the first parameter that is another one than in the checkpoint. */
static rondo_status compare_parameters(const struct archive *archive, const struct model *model,
                                       struct errors *errors) {
    int32_t count = 0;
    for (int32_t i = 0; i < archive_count(archive); i++) {
        count += parameter_of(archive_entry(archive, i)) != NULL;
    }
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        const struct archive_entry *entry = find_parameter(archive, parameter->name);
        if (entry == NULL) {
            return errors_add(errors, RONDO_INVALID, "the parameter '%s' is not in the checkpoint", parameter->name);
        }
        rondo_tensor was = {.dtype = parameter->value.dtype, .ndim = entry->ndim};
        memcpy(was.shape, entry->shape, sizeof was.shape);
        if (!tensor_same_shape(&was, &parameter->value)) {
            return errors_add(errors, RONDO_INVALID, "the parameter '%s' is %s in the checkpoint, and would be %s",
                              parameter->name, tensor_shape_text(&was).text, tensor_shape_text(&parameter->value).text);
        }
    }
    return count == model_parameter_count(model)
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "the checkpoint has %d parameters, and there would be %d", count,
                            model_parameter_count(model));
}

/* Refuses differences with which the parameters would be others than in the checkpoint, and moves them to the errors. */
static rondo_status check_parameters(struct resume *resume, struct errors *differences, struct errors *errors) {
    struct errors found = {0};
    if (compare_parameters(resume->archive, network_model(resume->task->network), &found) == RONDO_OK) {
        return RONDO_OK;
    }
    resume->is_unfit = 1;
    errors_add(
        errors, RONDO_INVALID,
        "'%s' cannot go on with these changes: a resume cannot change the number or the shapes of the parameters",
        run_folder_path(resume->run));
    errors_move(errors, differences);
    errors_move(errors, &found);
    return RONDO_INVALID;
}

/* The plug-in of the optimizer in a tree; NULL: it has none. */
static const struct yaml_node *optimizer_of(const struct yaml_node *root) {
    const struct yaml_node *plugin = yaml_get(yaml_get(root, "optimizer"), "plugin");
    return plugin != NULL && plugin->kind == YAML_SCALAR ? plugin : NULL;
}

/* Refuses another optimizer before the experiment is loaded, since the options of the earlier one would be errors then. What is
 * wrong with the file itself is reported when it is loaded. */
static rondo_status check_optimizer(struct resume *resume, const struct resume_settings *settings,
                                    struct errors *errors) {
    struct arena *arena = arena_create();
    struct errors ignored = {0};
    const char *own = arena_printf(arena, "%s/experiment.yaml", settings->folder);
    const char *file = settings->experiment != NULL ? settings->experiment : own;
    const char *text = archive_take_text(resume->archive, &ignored, "meta.experiment");
    const struct yaml_node *recorded =
        arena == NULL || text == NULL ? NULL : yaml_parse(file, text, strlen(text), arena, &ignored);
    struct yaml_node *root = recorded == NULL || file == NULL ? NULL : yaml_read(file, arena, &ignored);
    const char *const *assignment = settings->assignments;
    for (; root != NULL && assignment != NULL && *assignment != NULL; assignment++) {
        yaml_set(root, *assignment, arena, &ignored);
    }
    const struct yaml_node *was = optimizer_of(recorded), *now = optimizer_of(root);
    rondo_status status = RONDO_OK;
    if (was != NULL && now != NULL && strcmp(was->text, now->text) != 0) {
        resume->is_unfit = 1;
        status = errors_add_at(errors, RONDO_INVALID, now->where,
                               "'optimizer.plugin' was %s when the run was trained, and is %s: a resume cannot change "
                               "the optimizer, since the checkpoint has the state of the one before",
                               was->text, now->text);
    }
    errors_free(&ignored);
    arena_destroy(arena);
    return status;
}

/* For a run that is begun again, since it has no checkpoint. One that was killed before its first gets the same weights and lines
 * again. Whether it had one that was removed cannot be told, except if metrics.jsonl is missing, too: the first weights come
 * after it. */
static void compare_start(const struct resume *resume, struct errors *differences, struct errors *notes) {
    const int64_t lines = run_folder_count_lines(resume->run, RUN_METRICS);
    const int has_weights = run_folder_has(resume->run, RUN_FOLDER_WEIGHTS);
    if (lines > 0 || has_weights) {
        errors_add(has_weights && !run_folder_has(resume->run, "metrics.jsonl") ? differences : notes, RONDO_INVALID,
                   "'%s' has no checkpoint, so its training begins again: the weights and %lld line%s of metrics.jsonl "
                   "that are there will be replaced",
                   run_folder_path(resume->run), (long long)lines, lines == 1 ? "" : "s");
    }
}

/* Compares what the run was made from with what there is now. */
static rondo_status compare(struct resume *resume, const struct resume_settings *settings, struct errors *notes,
                            struct errors *errors) {
    struct errors differences = {0};
    rondo_status status = RONDO_OK;
    if (resume->archive != NULL) {
        status = check_epochs(resume, errors);
        status =
            status == RONDO_OK ? run_identity_compare(resume->task, resume->archive, &differences, errors) : status;
        /* With another schedule, its state does not fit. */
        const int goes_on = status == RONDO_OK && (differences.count == 0 || settings->accepts_changes);
        status = goes_on ? compare_epochs(resume, &differences, errors) : status;
        status = status == RONDO_OK ? compare_logs(resume, &differences, notes, errors) : status;
    } else {
        status = run_record_key_changes(settings->folder, resume->task, &differences, errors);
        run_record_changes(settings->folder, resume->task, TASK_TRAIN | TASK_VALID, &differences);
        compare_start(resume, &differences, notes);
    }
    resume->is_other = differences.count > 0;
    if (status == RONDO_OK && resume->is_other && resume->archive != NULL) {
        status = check_parameters(resume, &differences, errors);
    }
    if (status == RONDO_OK && resume->is_other && !settings->accepts_changes) {
        status = errors_add(errors, RONDO_INVALID, "'%s' would not go on as it began:", settings->folder);
        errors_move(errors, &differences);
    }
    errors_move(notes, &differences);
    errors_free(&differences);
    return status;
}

/* A finished run always has one, unless it was removed, or the run is of a version that wrote none: to begin again would
 * replace its weights by those of a training that may not end. */
static rondo_status check_checkpoint(struct resume *resume, struct errors *errors) {
    int64_t step = 0;
    if (resume->archive != NULL) {
        const struct archive_range named = {resume->step, resume->step}; /* by the file: it may have been renamed */
        return archive_take_count(resume->archive, &step, named, errors, "trainer.steps");
    }
    resume->step = 0;
    return run_folder_is_finished(resume->run)
               ? errors_add(errors, RONDO_INVALID,
                            "the run '%s' has finished, and has no checkpoint from which it could go on",
                            run_folder_path(resume->run))
               : RONDO_OK;
}

/* The checkpoint has the experiment, too. */
static rondo_status restore_experiment(struct resume *resume, struct errors *notes, struct errors *errors) {
    static const char name[] = "experiment.yaml";
    if (resume->archive == NULL || run_folder_has(resume->run, name)) {
        return RONDO_OK;
    }
    const char *text = archive_take_text(resume->archive, errors, "meta.experiment");
    if (text == NULL) {
        return errors->status;
    }
    RONDO_TRY(run_folder_write(resume->run, name, text, strlen(text), errors));
    errors_add(notes, RONDO_NOT_FOUND, "'%s' had no %s: it is written again from the checkpoint",
               run_folder_path(resume->run), name);
    return RONDO_OK;
}

rondo_status resume_open(struct resume *resume, const struct resume_settings *settings, struct session *session,
                         struct errors *notes, struct errors *errors) {
    *resume = (struct resume){.run = run_folder_open(settings->folder, errors)};
    if (resume->run == NULL) {
        return errors->status;
    }
    RONDO_TRY(run_folder_read_checkpoint(resume->run, &resume->archive, &resume->step, notes, errors));
    RONDO_TRY(check_checkpoint(resume, errors));
    RONDO_TRY(restore_experiment(resume, notes, errors));
    if (resume->archive != NULL) {
        RONDO_TRY(check_optimizer(resume, settings, errors));
    }
    resume->task = run_record_reopen(settings->folder, settings->experiment, settings->assignments, session, errors);
    if (resume->task == NULL) {
        return errors->status;
    }
    RONDO_TRY(compare(resume, settings, notes, errors));
    const int has_assignments = settings->assignments != NULL && settings->assignments[0] != NULL;
    resume->has_changed = resume->is_other || has_assignments || settings->experiment != NULL;
    return RONDO_OK;
}

void resume_close(struct resume *resume) {
    run_folder_close(resume->run);
    archive_destroy(resume->archive);
    task_destroy(resume->task);
    *resume = (struct resume){0};
}
