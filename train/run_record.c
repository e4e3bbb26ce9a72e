#include "train/run_record.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include "core/suggest.h"
#include "experiment/experiment_changes.h"
#include "io/file.h"
#include "io/json.h"
#include "io/section.h"
#include "store/safetensors.h"
#include "train/profile.h"
#include "train/run_identity.h"

/* ---- writing ---- */

#define ENVIRONMENT_FILE      "environment.json"
#define READER_FILE           "reader.json"
#define READER_FILE_MAX_BYTES ((size_t)256 << 20)

/* The name of the copy of a layer's cell, "cells/lstm.yaml". Layers with the same cell file share a copy. If another
 * file has a cell of the same name, the number of its first layer is appended. NULL: out of memory. */
static const char *cell_copy(const struct experiment *experiment, int32_t index) {
    const struct experiment_layer *layers = experiment->layers.items;
    int32_t first = 0, is_taken = 0;
    while (strcmp(layers[first].file, layers[index].file) != 0) {
        first++;
    }
    for (int32_t k = 0; k < first; k++) {
        is_taken |= strcmp(layers[k].definition->name, layers[first].definition->name) == 0;
    }
    return is_taken ? arena_printf(experiment->arena, "cells/%s-%d.yaml", layers[first].definition->name, first)
                    : arena_printf(experiment->arena, "cells/%s.yaml", layers[first].definition->name);
}

/* The file of a cell: its copy in the run, and its text. */
struct copied_cell {
    const char *copy;
    char *text;
    size_t length;
};

/* Copies the files of the cells, and replaces their names in the tree by those of the copies. All are read before the first is
 * written: a run that is resumed with another cell reads its own copies here. */
static rondo_status write_cells(struct run_folder *run, const struct experiment *experiment, struct errors *errors) {
    struct arena *arena = experiment->arena;
    const int32_t count = experiment->layers.count;
    struct copied_cell *cells = arena_calloc(arena, (size_t)count, sizeof *cells);
    if (cells == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) {
        const char *source = experiment->layers.items[i].file;
        const struct location where = {source, 0, 0};
        cells[i].copy = cell_copy(experiment, i);
        if (cells[i].copy == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(file_read(source, YAML_MAX_BYTES, arena, &cells[i].text, &cells[i].length, where, errors));
    }
    for (int32_t i = 0; i < count; i++) {
        RONDO_TRY(run_folder_write(run, cells[i].copy, cells[i].text, cells[i].length, errors));
        const struct experiment_layer *layer = &experiment->layers.items[i];
        RONDO_TRY(section_put(layer->node, layer->is_block ? "block" : "cell", cells[i].copy, 0, arena, errors));
    }
    return RONDO_OK;
}

/* Writes a text that was allocated with malloc, and frees it. NULL: there was no memory for it. */
static rondo_status write_text(struct run_folder *run, const char *name, char *text, struct errors *errors) {
    const rondo_status status =
        text == NULL ? errors_no_memory(errors) : run_folder_write(run, name, text, strlen(text), errors);
    free(text);
    return status;
}

/* What reader and scaling have learned. */
static rondo_status write_reader(struct run_folder *run, const struct task_data *data, struct errors *errors) {
    json_t *learned = task_data_save(data, errors);
    if (learned == NULL) {
        return errors->status;
    }
    const rondo_status status = write_text(run, READER_FILE, json_write(learned, JSON_ENSURE_ASCII), errors);
    json_decref(learned);
    return status;
}

/* The experiment, with its cells and what it is made from. `environment`: the file that had this until now; NULL: none. */
static rondo_status write_experiment(struct run_folder *run, const struct task *task, const char *environment,
                                     struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    RONDO_TRY(write_cells(run, experiment, errors));
    char *made_from = run_identity_environment(task, environment, errors);
    if (made_from == NULL) {
        return errors->status;
    }
    RONDO_TRY(write_text(run, ENVIRONMENT_FILE, made_from, errors));
    /* Last: a folder that has it is complete. */
    const char *text = yaml_write(experiment->root, experiment->arena);
    return text == NULL ? errors_no_memory(errors)
                        : run_folder_write(run, "experiment.yaml", text, strlen(text), errors);
}

static rondo_status write_start(struct run_folder *run, const struct task *task, struct errors *errors) {
    RONDO_TRY(run_folder_subfolder(run, "cells", errors));
    RONDO_TRY(write_reader(run, &task->data, errors));
    return write_experiment(run, task, NULL, errors);
}

rondo_status run_record_rewrite(struct run_folder *run, const struct task *task, struct errors *errors) {
    const char *before = arena_printf(task->experiment->arena, "%s/" ENVIRONMENT_FILE, run_folder_path(run));
    RONDO_TRY(run_folder_subfolder(run, "cells", errors)); /* perhaps somebody has removed it */
    return before == NULL ? errors_no_memory(errors) : write_experiment(run, task, before, errors);
}

struct run_folder *run_record_create(const char *folder, const struct task *task, struct errors *errors) {
    struct run_folder *run = run_folder_create(folder, task->experiment->name, errors);
    if (run != NULL && write_start(run, task, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

static json_t *finite_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* The first `count` metrics. */
static int add_scores(json_t *object, const struct network *network, const struct scores *scores, int32_t count) {
    int failed = 0;
    for (int32_t m = 0; m < count; m++) {
        const double value = network_metric(network, scores, m);
        failed |= json_object_set_new(object, network_metric_name(network, m), finite_number(value));
    }
    return failed;
}

int run_record_scores(struct json_t *object, const struct network *network, const struct scores *scores) {
    return add_scores(object, network, scores, network_metric_count(network));
}

/* The file with the best weights by a metric other than the first of early stopping. From `arena`; NULL: out of memory. */
static const char *weights_file(const char *metric, struct arena *arena) {
    char *name = arena_printf(arena, "weights.%s.safetensors", metric);
    for (char *at = name; at != NULL && *at != '\0'; at++) {
        const int is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        *at = is_plain || strchr("._-@", *at) != NULL ? *at : '_';
    }
    return name;
}

static rondo_status write_weights(struct run_folder *run, const char *name, const struct network *network, int64_t step,
                                  int64_t epochs, struct errors *errors) {
    const struct model *model = network_model(network);
    const int32_t count = model_parameter_count(model);
    struct named_tensor *tensors = memory_calloc((size_t)count, sizeof *tensors);
    if (tensors == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < count; p++) {
        tensors[p] = (struct named_tensor){model_parameters(model)[p].name, model_parameters(model)[p].value};
    }
    const rondo_status status = run_folder_write_weights(run, name, step, epochs, tensors, count, errors);
    free(tensors);
    return status;
}

rondo_status run_record_weights(struct run_folder *run, const struct network *network, int64_t step, int64_t epochs,
                                struct errors *errors) {
    return write_weights(run, RUN_FOLDER_WEIGHTS, network, step, epochs, errors);
}

/* Writes the present weights to a file for each metric by which they are the best so far. */
static rondo_status write_best(struct run_folder *run, const struct network *network,
                               const struct trainer_progress *progress, struct errors *errors) {
    const int64_t epochs = progress->epoch - (progress->update < progress->updates);
    if (progress->is_best) {
        RONDO_TRY(run_record_weights(run, network, progress->steps, epochs, errors));
    }
    struct arena *arena = arena_create();
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int32_t i = 0; i < progress->n_better && status == RONDO_OK; i++) {
        const char *file = weights_file(network_metric_name(network, progress->better_metrics[i]), arena);
        status = file == NULL ? errors_no_memory(errors)
                              : write_weights(run, file, network, progress->steps, epochs, errors);
    }
    arena_destroy(arena);
    return status;
}

/* Appends a line to a log; takes over the object. `failed`: it is incomplete, because memory ran out. */
static rondo_status append_line(struct run_folder *run, enum run_log log, json_t *line, int failed,
                                struct errors *errors) {
    const rondo_status status =
        failed || line == NULL ? errors_no_memory(errors) : run_folder_append(run, log, line, errors);
    json_decref(line);
    return status;
}

/* Measured values are in a log of their own, so that metrics.jsonl depends on the training only. */
static rondo_status append_timing(struct run_folder *run, int64_t step, double seconds, struct errors *errors) {
    json_t *line = json_pack("{s:I, s:f, s:f}", "step", (json_int_t)step, "seconds", seconds, "memory_megabytes",
                             (double)memory_peak() / 1e6);
    return append_line(run, RUN_TIMINGS, line, line == NULL, errors);
}

/* "diagnostics": an object with a key for each parameter. Not 0: out of memory. */
static int add_diagnostics(json_t *line, const struct network *network,
                           const struct parameter_diagnostics *diagnostics) {
    const struct model *model = network_model(network);
    json_t *all = json_object();
    int failed = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        json_t *object = json_object();
        failed |= json_object_set_new(object, "ratio", finite_number(diagnostics[p].ratio)) |
                  json_object_set_new(object, "gradient_norm", finite_number(diagnostics[p].gradient_norm)) |
                  json_object_set_new(object, "weight_norm", finite_number(diagnostics[p].weight_norm));
        failed |= json_object_set_new(all, model_parameters(model)[p].name, object);
    }
    return failed | json_object_set_new(line, "diagnostics", all);
}

rondo_status run_record_interval(struct run_folder *run, const struct network *network,
                                 const struct trainer_progress *progress, struct errors *errors) {
    json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:b}", "epoch", (json_int_t)progress->epoch, "step",
                             (json_int_t)progress->steps, "gradient_norm", progress->gradient_norm, "lr_scale",
                             progress->lr_scale, "best", progress->is_best);
    json_t *train = json_object();
    int failed =
        line == NULL || train == NULL || add_scores(train, network, progress->train, network_loss_count(network));
    failed |= json_object_set_new(line, "train", train);
    if (progress->valid != NULL) {
        json_t *valid = json_object();
        failed |= valid == NULL || run_record_scores(valid, network, progress->valid);
        failed |= json_object_set_new(line, "valid", valid);
    }
    if (progress->interval_skipped > 0) {
        failed |= json_object_set_new(line, "skipped", json_integer((json_int_t)progress->interval_skipped)) != 0;
    }
    if (progress->n_better > 0) {
        json_t *names = json_array();
        for (int32_t i = 0; i < progress->n_better; i++) {
            const char *name = network_metric_name(network, progress->better_metrics[i]);
            failed |= json_array_append_new(names, json_string(name)) != 0;
        }
        failed |= json_object_set_new(line, "best_by", names);
    }
    if (progress->diagnostics != NULL) {
        failed |= add_diagnostics(line, network, progress->diagnostics);
    }
    /* The weights are written first: no line may call weights the best that were never written. */
    const rondo_status status = write_best(run, network, progress, errors);
    if (status != RONDO_OK) {
        json_decref(line);
        return status;
    }
    RONDO_TRY(append_line(run, RUN_METRICS, line, failed, errors));
    return append_timing(run, progress->steps, progress->interval_seconds, errors);
}

rondo_status run_record_rollback(struct run_folder *run, int64_t rollbacks, int64_t step, double lr_factor,
                                 double seconds, struct errors *errors) {
    json_t *line = json_pack("{s:I, s:I, s:f}", "rollback", (json_int_t)rollbacks, "step", (json_int_t)step,
                             "lr_factor", lr_factor);
    RONDO_TRY(append_line(run, RUN_METRICS, line, line == NULL, errors));
    return append_timing(run, step, seconds, errors);
}

rondo_status run_record_finish(struct run_folder *run, const struct trainer_result *result, double seconds,
                               struct errors *errors) {
    json_t *line = json_pack("{s:b, s:I, s:I, s:I, s:I, s:b}", "finished", 1, "epochs", (json_int_t)result->epochs,
                             "best_epoch", (json_int_t)result->best_epoch, "best_step", (json_int_t)result->best_step,
                             "steps", (json_int_t)result->steps, "stopped_early", result->stopped_early);
    RONDO_TRY(append_line(run, RUN_METRICS, line, line == NULL, errors));
    return append_timing(run, result->steps, seconds, errors);
}

/* ---- reading ---- */

/* Copies the tensors of the file to the parameters. Both must have the same names, shapes and dtypes. */
static rondo_status load_weights(const struct task *task, const char *file, struct errors *errors) {
    const struct model *model = network_model(task->network);
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct named_tensor *tensors = NULL;
    int32_t count = 0;
    rondo_status status = model_allocate(network_model(task->network), errors);
    if (status == RONDO_OK) {
        status = safetensors_read(file, arena, &tensors, &count, NULL, errors);
    }
    if (status == RONDO_OK && count != model_parameter_count(model)) {
        status = errors_add(errors, RONDO_INVALID, "%s: has %d tensors, and the model of the run has %d", file, count,
                            model_parameter_count(model));
    }
    for (int32_t p = 0; status == RONDO_OK && p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        const struct named_tensor *found = NULL;
        for (int32_t i = 0; i < count; i++) {
            found = strcmp(tensors[i].name, parameter->name) == 0 ? &tensors[i] : found;
        }
        if (found == NULL) {
            status = errors_add(errors, RONDO_INVALID, "%s: has no tensor '%s'", file, parameter->name);
        } else if (!tensor_same_shape(&found->tensor, &parameter->value)) {
            status = errors_add(errors, RONDO_INVALID, "%s: '%s' is %s %s, expected %s %s", file, parameter->name,
                                dtype_name(found->tensor.dtype), tensor_shape_text(&found->tensor).text,
                                dtype_name(parameter->value.dtype), tensor_shape_text(&parameter->value).text);
        } else {
            memcpy(parameter->value.data, found->tensor.data, tensor_bytes(&parameter->value));
        }
    }
    arena_destroy(arena);
    return status;
}

/* The JSON of a file; NULL with errors. */
static json_t *read_json(const char *file, struct arena *arena, struct errors *errors) {
    char *text;
    size_t length;
    json_t *root = NULL;
    json_error_t reason;
    if (file_read(file, READER_FILE_MAX_BYTES, arena, &text, &length, (struct location){0}, errors) != RONDO_OK) {
        return NULL;
    }
    const rondo_status status = json_parse(text, length, &root, &reason);
    if (status == RONDO_NO_MEMORY) {
        errors_no_memory(errors);
    } else if (status != RONDO_OK) {
        errors_add_at(errors, RONDO_INVALID, (struct location){file, reason.line, reason.column}, "not JSON: %s",
                      reason.text);
    }
    return root;
}

/* What opens the files of a run. */
struct run_files {
    const char *folder;
    const char *experiment;                          /* a file in place of the run's own; NULL: that */
    const char *const *assignments, *const *metrics; /* as in experiment_load_for_prediction */
    int which;
    int trains; /* the whole experiment, with its optimizer, is read */
};

/* A run may have been copied without its data: adds how files at another place are named, if one of those that are wanted is
 * missing. */
static void hint_at_moved_data(const struct run_files *files, const struct experiment *experiment,
                               struct errors *errors) {
    static const char *const keys[] = {"train", "valid", "test"};
    const struct data_section *section = &experiment->data;
    const struct data_files *parts[] = {&section->train, &section->valid, &section->test};
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        for (int32_t i = 0; (files->which & 1 << part) != 0 && i < parts[part]->count; i++) {
            if (!file_exists(parts[part]->paths[i].text)) {
                const char *stream = parts[part]->paths[i].stream;
                if (stream == NULL) {
                    errors_add(errors, RONDO_NOT_FOUND,
                               files->trains ? "data that was moved can be given with --set data.%s=FILE"
                                             : "data.%s may have been moved: --data FILE evaluates on another file",
                               keys[part]);
                } else {
                    errors_add(errors, RONDO_NOT_FOUND,
                               files->trains ? "data that was moved can be given with --set data.%s.%s=FILE"
                                             : "data.%s may have been moved: --data %s=FILE, and --data for each other "
                                               "stream, evaluates on other files",
                               keys[part], stream);
                }
                break;
            }
        }
    }
}

/* Makes the task from the files of a run; its parameters have no values. */
static struct task *open_files(const struct run_files *files, struct session *session, struct arena *arena,
                               struct errors *errors) {
    const char *experiment_file = arena_printf(arena, "%s/experiment.yaml", files->folder);
    const char *reader_file = arena_printf(arena, "%s/" READER_FILE, files->folder);
    const char *older_file = arena_printf(arena, "%s/vocabulary.json", files->folder); /* its name in older runs */
    if (arena_failed(arena)) {
        errors_no_memory(errors);
        return NULL;
    }
    if (!file_exists(experiment_file)) {
        errors_add(errors, RONDO_NOT_FOUND, "'%s' is not the folder of a run: it has no experiment.yaml",
                   files->folder);
        return NULL;
    }
    experiment_file = files->experiment != NULL ? files->experiment : experiment_file;
    reader_file = !file_exists(reader_file) && file_exists(older_file) ? older_file : reader_file;
    json_t *learned = read_json(reader_file, arena, errors);
    struct experiment *experiment =
        learned == NULL ? NULL
        : files->trains
            ? experiment_load(experiment_file, files->assignments, session, errors)
            : experiment_load_for_prediction(experiment_file, files->assignments, files->metrics, session, errors);
    struct task *task =
        experiment == NULL ? NULL : task_create(experiment, session, files->which, learned, reader_file, errors);
    if (task == NULL && experiment != NULL) {
        hint_at_moved_data(files, experiment, errors);
        experiment_destroy(experiment);
    }
    json_decref(learned);
    return task;
}

/* The name of the file with the weights that are wanted, from `arena`; NULL with an error. */
static const char *choose_weights(const struct run_record_settings *settings, const struct schedule_section *schedule,
                                  struct arena *arena, struct errors *errors) {
    struct suggestion best = {0};
    const char *all = "";
    for (int32_t i = 0; i < schedule->n_stopping_metrics; i++) {
        const char *known = schedule->stopping_metrics[i].name, *name = settings->best == NULL ? known : settings->best;
        const char *short_name = strncmp(known, "valid.", 6) == 0 ? known + 6 : known;
        if (strcmp(name, known) == 0 || strcmp(name, short_name) == 0) {
            const char *file = i == 0 ? RUN_FOLDER_WEIGHTS : weights_file(short_name, arena);
            if (file == NULL) {
                errors_no_memory(errors);
            }
            return file;
        }
        suggest(&best, name, known);
        suggest(&best, name, short_name);
        all = arena_printf(arena, "%s%s%s", all, i == 0 ? "" : ", ", known);
    }
    if (settings->best == NULL) {
        return RUN_FOLDER_WEIGHTS; /* a run without validation data */
    }
    errors_add_at(errors, RONDO_NOT_FOUND, settings->best_where,
                  "the run has no best weights by '%s'%s, expected one of 'schedule.early_stopping.metric': %s",
                  settings->best, suggestion_text(&best).text,
                  schedule->n_stopping_metrics == 0 ? "it has none"
                  : all == NULL                     ? ""
                                                    : all);
    return NULL;
}

/* Opens the task, then its weights. */
static struct task *open_run(const struct run_record_settings *settings, struct session *session, struct arena *arena,
                             struct errors *errors) {
    const struct run_files files = {settings->folder, NULL, settings->assignments, settings->metrics,
                                    settings->which,  0};
    struct task *task = open_files(&files, session, arena, errors);
    const char *name = task == NULL ? NULL : choose_weights(settings, &task->experiment->schedule, arena, errors);
    const char *file = name == NULL ? NULL : arena_printf(arena, "%s/%s", settings->folder, name);
    if (name != NULL && file == NULL) {
        errors_no_memory(errors);
    }
    if (file == NULL || load_weights(task, file, errors) != RONDO_OK) {
        task_destroy(task);
        return NULL;
    }
    return task;
}

struct task *run_record_open(const struct run_record_settings *settings, struct session *session,
                             struct errors *errors) {
    struct arena *arena = arena_create();
    struct task *task = open_run(settings, session, arena, errors);
    arena_destroy(arena);
    return task;
}

struct task *run_record_reopen(const char *folder, const char *experiment, const char *const *assignments,
                               struct session *session, struct errors *errors) {
    const struct run_files files = {folder, experiment, assignments, NULL, TASK_TRAIN | TASK_VALID, 1};
    struct arena *arena = arena_create();
    profile_begin(session->profile, PROFILE_READ);
    struct task *task = arena == NULL ? NULL : open_files(&files, session, arena, errors);
    profile_end(session->profile, PROFILE_READ);
    if (arena == NULL) {
        errors_no_memory(errors);
    }
    arena_destroy(arena);
    return task;
}

rondo_status run_record_key_changes(const char *folder, const struct task *task, struct errors *changes,
                                    struct errors *errors) {
    struct arena *arena = arena_create();
    const char *file = arena == NULL ? NULL : arena_printf(arena, "%s/experiment.yaml", folder);
    const struct yaml_node *was = file == NULL ? NULL : yaml_read(file, arena, errors);
    rondo_status status = file == NULL ? errors_no_memory(errors)
                          : was == NULL
                              ? errors->status
                              : experiment_changes(was, task->experiment->root, CHANGES_OF_RESUME, changes, errors);
    arena_destroy(arena);
    return status;
}

/* From `arena`; NULL with an error. */
static const char *environment_of(const char *folder, struct arena *arena, struct errors *errors) {
    const char *file = arena == NULL ? NULL : arena_printf(arena, "%s/" ENVIRONMENT_FILE, folder);
    if (file == NULL) {
        errors_no_memory(errors);
    }
    return file;
}

void run_record_changes(const char *folder, const struct task *task, int which, struct errors *changes) {
    struct arena *arena = arena_create();
    const char *file = environment_of(folder, arena, changes);
    if (file != NULL) {
        run_identity_changes(file, task, which, changes);
    }
    arena_destroy(arena);
}

void run_record_engine_changes(const char *folder, const struct task *task, struct errors *changes) {
    struct arena *arena = arena_create();
    const char *file = environment_of(folder, arena, changes);
    if (file != NULL) {
        run_identity_engine_changes(file, task, changes);
    }
    arena_destroy(arena);
}
