#define _POSIX_C_SOURCE 200809L
#include "store/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/section.h"
#include "store/environment.h"
#include "store/safetensors.h"
#include "store/vocabulary_file.h"

enum { MAX_RUNS = 100000 };

struct run_folder {
    struct arena *arena;
    const struct task *task;
    const char *path; /* NULL: not made yet */
    int existed;      /* the folder was there before, and empty */
    int metrics;      /* descriptor of metrics.jsonl */
    int64_t weights;  /* the epoch whose weights are written; 0: none are */
};

const char *run_folder_path(const struct run_folder *run) {
    return run->path;
}

int64_t run_folder_weights(const struct run_folder *run) {
    return run->weights;
}

static const char *in_folder(const struct run_folder *run, const char *name) {
    return arena_printf(run->arena, "%s/%s", run->path, name);
}

static void remove_entry(const struct run_folder *run, const char *name) {
    const char *path = name == NULL ? NULL : in_folder(run, name);
    if (path != NULL) {
        remove(path);
    }
}

static int is_empty_folder(const char *path) {
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return 0;
    }
    int entries = 0;
    while (readdir(stream) != NULL) {
        entries++; /* . and .. among them */
    }
    closedir(stream);
    return entries <= 2;
}

/* Makes the folder that was asked for. */
static rondo_status make_folder(struct run_folder *run, const char *folder, struct errors *errors) {
    const int existed = file_exists(folder);
    if (existed && !is_empty_folder(folder)) {
        return errors_add(errors, RONDO_INVALID,
                          "'%s' exists and is not empty; a run never overwrites another, so name a new folder", folder);
    }
    const char *path = arena_strdup(run->arena, folder);
    if (path == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(folder_create(path, errors));
    run->path = path;
    run->existed = existed;
    return RONDO_OK;
}

/* Makes runs/NAME, or the next runs/NAME-K that is free. To look first and make it then would let two runs that start
 * at the same time take the same one. */
static rondo_status make_next_folder(struct run_folder *run, struct errors *errors) {
    RONDO_TRY(folder_create("runs", errors));
    const char *name = run->task->experiment->name;
    for (int k = 1; k < MAX_RUNS; k++) {
        const char *path =
            k == 1 ? arena_printf(run->arena, "runs/%s", name) : arena_printf(run->arena, "runs/%s-%d", name, k);
        if (path == NULL) {
            return errors_no_memory(errors);
        }
        if (mkdir(path, 0777) == 0) {
            run->path = path;
            return RONDO_OK;
        }
        if (errno != EEXIST) {
            return errors_add(errors, RONDO_IO, "cannot make the folder '%s': %s", path, strerror(errno));
        }
    }
    return errors_add(errors, RONDO_INVALID, "there are %d runs of this name in 'runs', name a folder with --out",
                      MAX_RUNS);
}

/* The name of the copy of a layer's cell, "cells/lstm.yaml". Layers of one cell file share a copy; another file with a
 * cell of the same name gets the number of its first layer behind the name. From the run's arena; NULL: no memory. */
static const char *cell_copy(const struct run_folder *run, int32_t index) {
    const struct experiment_layer *layers = run->task->experiment->layers.items;
    int32_t first = 0, is_taken = 0;
    while (strcmp(layers[first].cell_file, layers[index].cell_file) != 0) {
        first++;
    }
    for (int32_t k = 0; k < first; k++) {
        is_taken |= strcmp(layers[k].cell->name, layers[first].cell->name) == 0;
    }
    return is_taken ? arena_printf(run->arena, "cells/%s-%d.yaml", layers[first].cell->name, first)
                    : arena_printf(run->arena, "cells/%s.yaml", layers[first].cell->name);
}

/* Copies the files of the cells, and has the tree name the copies. */
static rondo_status write_cells(struct run_folder *run, struct errors *errors) {
    const struct experiment *experiment = run->task->experiment;
    struct arena *arena = experiment->arena;
    struct yaml_node *layer = yaml_get(yaml_get(experiment->root, "model"), "layers")->first;
    for (int32_t i = 0; i < experiment->layers.count; i++, layer = layer->next) {
        const char *source = experiment->layers.items[i].cell_file;
        const char *file = cell_copy(run, i);
        char *text;
        size_t length;
        const struct location where = {source, 0, 0};
        if (file == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(file_read(source, YAML_MAX_BYTES, arena, &text, &length, where, errors));
        RONDO_TRY(file_write(in_folder(run, file), text, length, errors));
        RONDO_TRY(section_put(layer, "cell", file, 0, arena, errors));
    }
    return RONDO_OK;
}

static rondo_status write_start(struct run_folder *run, struct errors *errors) {
    const struct task *task = run->task;
    RONDO_TRY(folder_create(in_folder(run, "cells"), errors));
    RONDO_TRY(write_cells(run, errors));
    const char *text = yaml_write(task->experiment->root, run->arena);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(file_write(in_folder(run, "experiment.yaml"), text, strlen(text), errors));
    RONDO_TRY(
        vocabulary_file_write(in_folder(run, "vocabulary.json"), task->reader.words, task->reader.labels, errors));
    RONDO_TRY(environment_write(in_folder(run, "environment.json"), task->session,
                                task->experiment->schedule.options.seed, errors));
    const char *metrics = in_folder(run, "metrics.jsonl");
    run->metrics = open(metrics, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (run->metrics < 0) {
        return errors_add(errors, RONDO_IO, "cannot write '%s': %s", metrics, strerror(errno));
    }
    return RONDO_OK;
}

struct run_folder *run_folder_create(const char *folder, const struct task *task, struct errors *errors) {
    struct arena *arena = arena_create();
    struct run_folder *run = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *run);
    if (run == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    *run = (struct run_folder){.arena = arena, .task = task, .metrics = -1};
    const rondo_status made = folder == NULL ? make_next_folder(run, errors) : make_folder(run, folder, errors);
    if (made != RONDO_OK || write_start(run, errors) != RONDO_OK) {
        run_folder_close(run);
        return NULL;
    }
    return run;
}

/* Failures are passed over: what cannot be removed stays, and why the run failed is told already. */
static void remove_all(const struct run_folder *run) {
    static const char *const files[] = {"experiment.yaml", "vocabulary.json", "environment.json", "metrics.jsonl"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        remove_entry(run, files[i]);
    }
    for (int32_t i = 0; i < run->task->experiment->layers.count; i++) {
        remove_entry(run, cell_copy(run, i));
    }
    remove_entry(run, "cells");
    if (!run->existed) {
        rmdir(run->path);
    }
}

void run_folder_close(struct run_folder *run) {
    if (run == NULL) {
        return;
    }
    if (run->metrics >= 0) {
        close(run->metrics);
    }
    if (run->path != NULL && run->weights == 0) {
        remove_all(run);
    }
    arena_destroy(run->arena);
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

int run_folder_scores(struct json_t *object, const struct network *network, const struct scores *scores) {
    return add_scores(object, network, scores, network_metric_count(network));
}

/* One line, in one write: a reader never sees half of it. Takes the object. */
static rondo_status append_line(struct run_folder *run, json_t *object, int failed, struct errors *errors) {
    char *text = failed || object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the end: the line is written by its length */
    const ssize_t written = write(run->metrics, text, length + 1);
    free(text);
    if (written != (ssize_t)length + 1) {
        return errors_add(errors, RONDO_IO, "cannot write to '%s/metrics.jsonl': %s", run->path,
                          written < 0 ? strerror(errno) : "the disk is full");
    }
    return RONDO_OK;
}

static rondo_status write_weights(struct run_folder *run, int64_t epoch, struct errors *errors) {
    const struct model *model = network_model(run->task->network);
    const int32_t count = model_parameter_count(model);
    struct named_tensor *tensors = calloc((size_t)count, sizeof *tensors);
    if (tensors == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t p = 0; p < count; p++) {
        tensors[p] = (struct named_tensor){model_parameters(model)[p].name, model_parameters(model)[p].value};
    }
    char epoch_text[24];
    snprintf(epoch_text, sizeof epoch_text, "%lld", (long long)epoch);
    const char *const metadata[] = {"format", "rondo", "epoch", epoch_text, NULL};
    const struct arena_mark mark = arena_mark(run->arena);
    const rondo_status status =
        safetensors_write(in_folder(run, "weights.safetensors"), tensors, count, metadata, errors);
    arena_release(run->arena, mark);
    free(tensors);
    return status;
}

rondo_status run_folder_epoch(struct run_folder *run, const struct trainer_progress *progress, struct errors *errors) {
    const struct network *network = run->task->network;
    json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:f, s:b}", "epoch", (json_int_t)progress->epoch, "step",
                             (json_int_t)progress->steps, "seconds", progress->seconds, "gradient_norm",
                             progress->gradient_norm, "lr_scale", progress->lr_scale, "best", progress->is_best);
    json_t *train = json_object();
    int failed =
        line == NULL || train == NULL || add_scores(train, network, progress->train, network_loss_count(network));
    failed |= json_object_set_new(line, "train", train);
    if (progress->valid != NULL) {
        json_t *valid = json_object();
        failed |= valid == NULL || run_folder_scores(valid, network, progress->valid);
        failed |= json_object_set_new(line, "valid", valid);
    }
    RONDO_TRY(append_line(run, line, failed, errors));
    if (progress->is_best) {
        RONDO_TRY(write_weights(run, progress->epoch, errors));
        run->weights = progress->epoch;
    }
    return RONDO_OK;
}

rondo_status run_folder_finish(struct run_folder *run, const struct trainer_result *result, double seconds,
                               struct errors *errors) {
    json_t *line = json_pack("{s:b, s:I, s:I, s:I, s:b, s:f}", "finished", 1, "epochs", (json_int_t)result->epochs,
                             "best_epoch", (json_int_t)result->best_epoch, "steps", (json_int_t)result->steps,
                             "stopped_early", result->stopped_early, "seconds", seconds);
    return append_line(run, line, line == NULL, errors);
}

/* Every parameter of the model has its tensor in the file, of its shape, and the file holds no other. */
static rondo_status load_weights(const struct task *task, const char *file, struct errors *errors) {
    const struct model *model = network_model(task->network);
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct named_tensor *tensors = NULL;
    int32_t count = 0;
    rondo_status status = safetensors_read(file, arena, &tensors, &count, NULL, errors);
    if (status == RONDO_OK && count != model_parameter_count(model)) {
        status = errors_add(errors, RONDO_INVALID, "%s: has %d tensors, and the model of the run has %d", file, count,
                            model_parameter_count(model));
    }
    for (int32_t p = 0; status == RONDO_OK && p < model_parameter_count(model); p++) {
        const struct parameter *parameter = &model_parameters(model)[p];
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

/* Labels are there exactly where they are what is predicted. */
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

struct task *run_folder_open(const char *folder, const char *const *assignments, struct session *session, int which,
                             struct errors *errors) {
    struct arena *arena = arena_create();
    const char *experiment_file = arena == NULL ? NULL : arena_printf(arena, "%s/experiment.yaml", folder);
    const char *vocabulary_file = arena == NULL ? NULL : arena_printf(arena, "%s/vocabulary.json", folder);
    const char *weights_file = arena == NULL ? NULL : arena_printf(arena, "%s/weights.safetensors", folder);
    struct task *task = NULL;
    struct vocabulary *words = NULL, *labels = NULL;
    if (weights_file == NULL || vocabulary_file == NULL || experiment_file == NULL) {
        errors_no_memory(errors);
    } else if (!file_exists(experiment_file)) {
        errors_add(errors, RONDO_NOT_FOUND, "'%s' is no folder of a run: it has no experiment.yaml", folder);
    } else if (vocabulary_file_read(vocabulary_file, &words, &labels, errors) == RONDO_OK) {
        struct experiment *experiment = experiment_load_for_prediction(experiment_file, assignments, session, errors);
        if (experiment != NULL && check_labels(vocabulary_file, experiment, labels, errors) != RONDO_OK) {
            experiment_destroy(experiment);
        } else if (experiment != NULL) {
            task = task_create(experiment, session, which, words, labels, errors);
            words = labels = NULL;
        }
        if (task != NULL && load_weights(task, weights_file, errors) != RONDO_OK) {
            task_destroy(task);
            task = NULL;
        }
    }
    vocabulary_destroy(words);
    vocabulary_destroy(labels);
    arena_destroy(arena);
    return task;
}
