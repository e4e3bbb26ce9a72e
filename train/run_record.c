#include "train/run_record.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/section.h"
#include "store/environment.h"
#include "store/safetensors.h"
#include "store/vocabulary_file.h"

/* The data files of an experiment that `which` names (enum task_data), ended by an empty entry. */
enum { DATA_FILES = 3 };

static void list_data(const struct experiment *experiment, int which, struct data_file *files) {
    const struct {
        int data;
        const char *part, *file;
    } all[DATA_FILES] = {{TASK_TRAIN, "train", experiment->train.text},
                         {TASK_VALID, "valid", experiment->valid.text},
                         {TASK_TEST, "test", experiment->test.text}};
    for (int i = 0; i < DATA_FILES; i++) {
        if ((which & all[i].data) && all[i].file != NULL) {
            *files++ = (struct data_file){all[i].part, all[i].file};
        }
    }
    *files = (struct data_file){NULL, NULL};
}

/* ---- writing ---- */

/* The name of the copy of a layer's cell, "cells/lstm.yaml". Layers with the same cell file share a copy. If another
 * file has a cell of the same name, the number of its first layer is appended. NULL: out of memory. */
static const char *cell_copy(const struct experiment *experiment, int32_t index) {
    const struct experiment_layer *layers = experiment->layers.items;
    int32_t first = 0, is_taken = 0;
    while (strcmp(layers[first].cell_file, layers[index].cell_file) != 0) {
        first++;
    }
    for (int32_t k = 0; k < first; k++) {
        is_taken |= strcmp(layers[k].cell->name, layers[first].cell->name) == 0;
    }
    return is_taken ? arena_printf(experiment->arena, "cells/%s-%d.yaml", layers[first].cell->name, first)
                    : arena_printf(experiment->arena, "cells/%s.yaml", layers[first].cell->name);
}

/* Copies the files of the cells, and replaces their names in the tree by those of the copies. */
static rondo_status write_cells(struct run_folder *run, const struct experiment *experiment, struct errors *errors) {
    struct arena *arena = experiment->arena;
    struct yaml_node *layer = yaml_get(yaml_get(experiment->root, "model"), "layers")->first;
    for (int32_t i = 0; i < experiment->layers.count; i++, layer = layer->next) {
        const char *source = experiment->layers.items[i].cell_file;
        const char *file = cell_copy(experiment, i);
        char *text;
        size_t length;
        const struct location where = {source, 0, 0};
        if (file == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(file_read(source, YAML_MAX_BYTES, arena, &text, &length, where, errors));
        RONDO_TRY(run_folder_write(run, file, text, length, errors));
        RONDO_TRY(section_put(layer, "cell", file, 0, arena, errors));
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

static rondo_status write_start(struct run_folder *run, const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    RONDO_TRY(run_folder_subfolder(run, "cells", errors));
    RONDO_TRY(write_cells(run, experiment, errors));
    const char *text = yaml_write(experiment->root, experiment->arena);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(run_folder_write(run, "experiment.yaml", text, strlen(text), errors));
    RONDO_TRY(
        write_text(run, "vocabulary.json", vocabulary_file_text(task->reader.words, task->reader.labels), errors));
    struct data_file files[DATA_FILES + 1];
    list_data(experiment, TASK_TRAIN | TASK_VALID | TASK_TEST, files);
    return write_text(run, "environment.json",
                      environment_text(task->session->loader, files, task->session->parallel.threads,
                                       experiment->schedule.options.seed),
                      errors);
}

struct run_folder *run_record_create(const char *folder, const struct task *task, struct errors *errors) {
    struct run_folder *run = run_folder_create(folder, task->experiment->name, errors);
    if (run != NULL && write_start(run, task, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

/* The first `count` metrics. */
static int add_scores(json_t *object, const struct network *network, const struct scores *scores, int32_t count) {
    int failed = 0;
    for (int32_t m = 0; m < count; m++) {
        const double value = network_metric(network, scores, m);
        json_t *number = isfinite(value) ? json_real(value) : json_null();
        failed |= json_object_set_new(object, network_metric_name(network, m), number);
    }
    return failed;
}

int run_record_scores(struct json_t *object, const struct network *network, const struct scores *scores) {
    return add_scores(object, network, scores, network_metric_count(network));
}

rondo_status run_record_weights(struct run_folder *run, const struct network *network, int64_t epoch,
                                struct errors *errors) {
    const struct model *model = network_model(network);
    const int32_t count = model_parameter_count(model);
    struct named_tensor *tensors = calloc((size_t)count, sizeof *tensors);
    if (tensors == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < count; p++) {
        tensors[p] = (struct named_tensor){model_parameters(model)[p].name, model_parameters(model)[p].value};
    }
    const rondo_status status = run_folder_write_weights(run, epoch, tensors, count, errors);
    free(tensors);
    return status;
}

/* Appends a line to metrics.jsonl; takes over the object. `failed`: it is incomplete, because memory ran out. */
static rondo_status append_line(struct run_folder *run, json_t *line, int failed, struct errors *errors) {
    const rondo_status status =
        failed || line == NULL ? errors_no_memory(errors) : run_folder_append(run, line, errors);
    json_decref(line);
    return status;
}

rondo_status run_record_epoch(struct run_folder *run, const struct network *network,
                              const struct trainer_progress *progress, struct errors *errors) {
    json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:f, s:b}", "epoch", (json_int_t)progress->epoch, "step",
                             (json_int_t)progress->steps, "seconds", progress->seconds, "gradient_norm",
                             progress->gradient_norm, "lr_scale", progress->lr_scale, "best", progress->is_best);
    json_t *train = json_object();
    int failed =
        line == NULL || train == NULL || add_scores(train, network, progress->train, network_loss_count(network));
    failed |= json_object_set_new(line, "train", train);
    if (progress->valid != NULL) {
        json_t *valid = json_object();
        failed |= valid == NULL || run_record_scores(valid, network, progress->valid);
        failed |= json_object_set_new(line, "valid", valid);
    }
    /* The weights are written first: no line may call an epoch the best if its weights were never written. */
    const rondo_status status =
        progress->is_best ? run_record_weights(run, network, progress->epoch, errors) : RONDO_OK;
    if (status != RONDO_OK) {
        json_decref(line);
        return status;
    }
    return append_line(run, line, failed, errors);
}

rondo_status run_record_finish(struct run_folder *run, const struct trainer_result *result, double seconds,
                               struct errors *errors) {
    json_t *line = json_pack("{s:b, s:I, s:I, s:I, s:b, s:f}", "finished", 1, "epochs", (json_int_t)result->epochs,
                             "best_epoch", (json_int_t)result->best_epoch, "steps", (json_int_t)result->steps,
                             "stopped_early", result->stopped_early, "seconds", seconds);
    return append_line(run, line, line == NULL, errors);
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

/* A run has labels if and only if its target is a label. */
static rondo_status check_labels(const char *file, const struct experiment *experiment, const struct vocabulary *labels,
                                 struct errors *errors) {
    const int is_number = experiment->text.target != 0;
    if (is_number == (labels == NULL)) {
        return RONDO_OK;
    }
    return errors_add(errors, RONDO_INVALID, "%s: %s", file,
                      is_number ? "has labels, and the target of the run is a number"
                                : "has no labels, which the target of the run needs");
}

/* Makes the task from the files of a run; its parameters are zero. */
static struct task *open_files(const char *experiment_file, const char *vocabulary_file, const char *const *assignments,
                               const char *const *metrics, struct session *session, int which, struct errors *errors) {
    struct vocabulary *words = NULL, *labels = NULL;
    if (vocabulary_file_read(vocabulary_file, &words, &labels, errors) != RONDO_OK) {
        return NULL;
    }
    struct experiment *experiment =
        experiment_load_for_prediction(experiment_file, assignments, metrics, session, errors);
    struct task *task = NULL;
    if (experiment != NULL && check_labels(vocabulary_file, experiment, labels, errors) == RONDO_OK) {
        task = task_create(experiment, session, which, words, labels, errors);
    }
    if (task == NULL) {
        experiment_destroy(experiment);
        vocabulary_destroy(words);
        vocabulary_destroy(labels);
    }
    return task;
}

struct task *run_record_open(const char *folder, const char *const *assignments, const char *const *metrics,
                             struct session *session, int which, struct errors *errors) {
    struct arena *arena = arena_create();
    const char *experiment_file = arena_printf(arena, "%s/experiment.yaml", folder);
    const char *vocabulary_file = arena_printf(arena, "%s/vocabulary.json", folder);
    const char *weights_file = arena_printf(arena, "%s/weights.safetensors", folder);
    struct task *task = NULL;
    if (arena_failed(arena)) {
        errors_no_memory(errors);
    } else if (!file_exists(experiment_file)) {
        errors_add(errors, RONDO_NOT_FOUND, "'%s' is no folder of a run: it has no experiment.yaml", folder);
    } else {
        task = open_files(experiment_file, vocabulary_file, assignments, metrics, session, which, errors);
    }
    if (task != NULL && load_weights(task, weights_file, errors) != RONDO_OK) {
        task_destroy(task);
        task = NULL;
    }
    arena_destroy(arena);
    return task;
}

void run_record_changes(const char *folder, const struct task *task, int which, struct errors *changes) {
    struct arena *arena = arena_create();
    const char *file = arena == NULL ? NULL : arena_printf(arena, "%s/environment.json", folder);
    struct data_file files[DATA_FILES + 1];
    list_data(task->experiment, which, files);
    if (file != NULL) {
        environment_compare(file, files, changes);
    }
    arena_destroy(arena);
}
