#include "train/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/class_numbers.h"
#include "train/optimizer_stages.h"
#include "train/profile.h"
#include "train/target_check.h"

/* Converts the model section of the experiment; `layers` has room for all layers. */
static struct model_settings model_settings(const struct experiment *experiment, const struct session *session,
                                            const struct dataset *dataset, struct layer_settings *layers) {
    layers_settings(&experiment->layers, layers);
    for (int32_t i = 0; i < layers_total(&experiment->layers); i++) {
        layers[i].engine = session->engine;
        layers[i].passes_off = session->passes_off;
        if (session->profile != NULL) {
            layers[i].observe = profile_observe;
            layers[i].observe_arg = profile_layer(session->profile, i);
        }
    }
    return (struct model_settings){.dtype = RONDO_F32,
                                   .architecture = experiment->architecture,
                                   .vocabulary = dataset->input_kind == INPUT_TOKEN ? dataset->input_size : 0,
                                   .input_size = dataset->input_size,
                                   .embedding_size = experiment->embedding.size,
                                   .embedding_dropout = experiment->embedding.dropout,
                                   .word_dropout = experiment->embedding.word_dropout,
                                   .layers = layers,
                                   .n_layers = layers_total(&experiment->layers),
                                   .pooling = (enum pooling)experiment->model.pool};
}

static const char *class_name(const void *arg, int64_t k) {
    return task_class_name(arg, k);
}

/* Counts the targets of each class in the training data; NULL: it was not read, or out of memory. */
static int64_t *count_classes(const struct task *task, int64_t classes) {
    const struct dataset *train = task->train;
    int64_t *rows = train == NULL ? NULL : arena_calloc(task->experiment->arena, (size_t)classes, sizeof *rows);
    for (int64_t i = 0; rows != NULL && i < train->target_begin[train->count]; i++) {
        rows[train->target_classes[i]]++;
    }
    return rows;
}

/* Options of losses and metrics with a number for each class. */
static rondo_status resolve_class_numbers(struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int64_t classes = task->reader.labels == NULL ? 0 : vocabulary_size(task->reader.labels);
    const struct class_facts facts = {classes, class_name, task, classes == 0 ? NULL : count_classes(task, classes)};
    rondo_status first = RONDO_OK;
    for (int32_t t = 0; t < experiment->loss.count; t++) {
        const struct loss_term *term = &experiment->loss.terms[t];
        const rondo_status status = class_numbers_resolve(&facts, term->section, term->loss->base.options,
                                                          term->options, experiment->arena, errors);
        first = first == RONDO_OK ? status : first;
    }
    for (int32_t m = 0; m < experiment->metrics.count; m++) {
        const struct plugin_section *metric = &experiment->metrics.entries[m].plugin;
        const rondo_status status = class_numbers_resolve(&facts, metric->section, metric->descriptor->options,
                                                          metric->options, experiment->arena, errors);
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

static rondo_status build_network(struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    struct dataset *shape = text_reader_dataset(&task->reader);
    struct layer_settings *layers = calloc((size_t)layers_total(&experiment->layers), sizeof *layers);
    rondo_status status = shape == NULL || layers == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK && task->session->profile != NULL) {
        status = profile_set_layers(task->session->profile, layers_total(&experiment->layers), errors);
    }
    if (status == RONDO_OK) {
        const struct network_settings settings = {.model = model_settings(experiment, task->session, shape, layers),
                                                  .loss = experiment->loss,
                                                  .metrics = experiment->metrics,
                                                  .target_kind = shape->target_kind,
                                                  .target_size = shape->target_size};
        task->network = network_create(&settings, task->session, errors);
        status = task->network == NULL ? errors->status : RONDO_OK;
    }
    dataset_destroy(shape);
    free(layers);
    return status;
}

rondo_status task_read(const struct task *task, const char *file, struct location where, struct dataset **dataset,
                       struct errors *errors) {
    *dataset = NULL;
    RONDO_TRY(text_reader_read(&task->reader, file, where, dataset, errors));
    const struct architecture architecture = task->experiment->architecture;
    const rondo_status status = dataset_fits(*dataset, architecture, 1, file, errors);
    if (status != RONDO_OK) {
        dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

/* Reads the files that `which` names. Continues after a mistake, so that those of all files are reported together. */
static rondo_status read_all(struct task *task, int which, struct errors *errors) {
    const struct {
        int data;
        const struct experiment_path *path;
        struct dataset **dataset;
    } files[] = {{TASK_TRAIN, &task->experiment->train, &task->train},
                 {TASK_VALID, &task->experiment->valid, &task->valid},
                 {TASK_TEST, &task->experiment->test, &task->test}};
    rondo_status first = RONDO_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && first != RONDO_INTERRUPTED; i++) {
        if ((which & files[i].data) && files[i].path->text != NULL) {
            const rondo_status status =
                task_read(task, files[i].path->text, files[i].path->where, files[i].dataset, errors);
            first = first == RONDO_OK ? status : first;
        }
    }
    return first;
}

static rondo_status open_task(struct task *task, int which, struct vocabulary *words, struct vocabulary *labels,
                              struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    task->reader.options = experiment->text;
    task->reader.text = experiment->text_column;
    task->reader.label = experiment->label_column;
    task->reader.interrupt = task->session->interrupt;
    task->reader.words = words;
    task->reader.labels = labels;
    if (words == NULL) {
        RONDO_TRY(text_reader_learn(&task->reader, experiment->train.text, experiment->train.where, errors));
    }
    RONDO_TRY(read_all(task, which, errors));
    RONDO_TRY(resolve_class_numbers(task, errors));
    return build_network(task, errors);
}

/* The number of a metric of early stopping; -1 with an error. */
static int32_t find_metric(const struct task *task, const struct stopping_metric *wanted, struct errors *errors) {
    const int on_valid = strncmp(wanted->name, "valid.", 6) == 0;
    const char *name = on_valid ? wanted->name + 6 : wanted->name;
    struct suggestion best = {0};
    const char *all = "";
    for (int32_t m = 0; m < network_metric_count(task->network); m++) {
        const char *known = network_metric_name(task->network, m);
        if (on_valid && strcmp(name, known) == 0) {
            return m;
        }
        suggest(&best, name, known);
        all = arena_printf(task->experiment->arena, "%s%svalid.%s", all, m == 0 ? "" : ", ", known);
    }
    if (best.name != NULL) {
        errors_add_at(errors, RONDO_INVALID, wanted->where, "there is no metric '%s' (did you mean 'valid.%s'?)",
                      wanted->name, best.name);
    } else {
        errors_add_at(errors, RONDO_INVALID, wanted->where,
                      "there is no metric '%s', expected one of the loss '%s' or of 'metrics': %s", wanted->name,
                      task->experiment->loss.terms[0].loss->base.name, all == NULL ? "" : all);
    }
    return -1;
}

/* The metrics of early stopping must be those of the loss or of the experiment. */
static rondo_status choose_metric(struct task *task, struct errors *errors) {
    const struct schedule_section *section = &task->experiment->schedule;
    for (int32_t i = 0; i < section->n_stopping_metrics; i++) {
        const int32_t metric = find_metric(task, &section->stopping_metrics[i], errors);
        if (metric < 0) {
            return RONDO_INVALID;
        }
        if (i == 0) {
            task->metric = metric;
        } else {
            task->more_metrics[task->n_more_metrics++] = metric;
        }
    }
    return RONDO_OK;
}

/* Applies the optimizer to the parameters. Does nothing for prediction, which has no optimizer. */
static rondo_status apply_optimizer(struct task *task, struct errors *errors) {
    const struct optimizer_section *section = &task->experiment->optimizer;
    if (section->optimizer.descriptor == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(optimizer_stages(section, network_model(task->network), &task->session->parallel, task->experiment->arena,
                               &task->updater, errors));
    network_freeze(task->network, task->updater.frozen);
    for (int32_t stage = 0; stage < task->updater.n_stages; stage++) {
        const rondo_optimizer *optimizer = task->updater.stages[stage].optimizer;
        if (optimizer->wants_sampled != NULL && !network_predicts_classes(task->network)) {
            return errors_add_at(errors, RONDO_INVALID, section->optimizer.where,
                                 "'%s' draws targets from predictions, so it needs a loss that predicts probabilities "
                                 "of classes, and '%s' does not",
                                 optimizer->base.name, task->experiment->loss.terms[0].loss->base.name);
        }
    }
    return RONDO_OK;
}

/* Checks the targets of all files, so that the loss does not reject one in the middle of a run. */
static rondo_status check_targets(const struct task *task, struct errors *errors) {
    const struct {
        const struct experiment_path *path;
        const struct dataset *dataset;
    } files[] = {{&task->experiment->train, task->train},
                 {&task->experiment->valid, task->valid},
                 {&task->experiment->test, task->test}};
    rondo_status first = RONDO_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].dataset != NULL) {
            const rondo_status status = target_check(network_heads(task->network), task->session, files[i].dataset,
                                                     files[i].path->text, errors);
            first = first == RONDO_OK ? status : first;
        }
    }
    return first;
}

/* A warm-up as long as the run would leave the learning rate, or its schedule, unused. */
static rondo_status check_warmup(const struct task *task, struct errors *errors) {
    const struct schedule_section *section = &task->experiment->schedule;
    const int trains = task->experiment->optimizer.optimizer.descriptor != NULL && task->train != NULL;
    if (!trains || section->warmup.length == 0) {
        return RONDO_OK;
    }
    const struct schedule_settings settings = task_schedule(task);
    const int64_t most = settings.plugin == NULL ? settings.steps : settings.steps - 1;
    if (settings.warmup <= most) {
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, section->warmup_where,
                         "'schedule.warmup' is %lld updates long and the run %lld (%lld per epoch): %s",
                         (long long)settings.warmup, (long long)settings.steps, (long long)settings.steps_per_epoch,
                         settings.plugin == NULL ? "the learning rate would never be reached"
                                                 : "nothing is left for 'schedule.learning_rate'");
}

/* Checks the settings that depend on data and model. Continues after a mistake, so that all are reported together. */
static rondo_status check_task(struct task *task, struct errors *errors) {
    const rondo_status metric = choose_metric(task, errors);
    const rondo_status optimizer = apply_optimizer(task, errors);
    const rondo_status warmup = check_warmup(task, errors);
    const rondo_status targets = check_targets(task, errors);
    return metric != RONDO_OK ? metric : optimizer != RONDO_OK ? optimizer : warmup != RONDO_OK ? warmup : targets;
}

struct task *task_create(struct experiment *experiment, struct session *session, int which, struct vocabulary *words,
                         struct vocabulary *labels, struct errors *errors) {
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    task->experiment = experiment;
    task->session = session;
    if (open_task(task, which, words, labels, errors) != RONDO_OK || check_task(task, errors) != RONDO_OK) {
        /* The arguments still belong to the caller. */
        task->experiment = NULL;
        if (words != NULL) {
            task->reader.words = task->reader.labels = NULL;
        }
        task_destroy(task);
        return NULL;
    }
    return task;
}

struct task *task_open(const char *file, const char *const *assignments, struct session *session, int which,
                       struct errors *errors) {
    profile_begin(session->profile, PROFILE_READ);
    struct experiment *experiment = experiment_load(file, assignments, session, errors);
    struct task *task = experiment == NULL ? NULL : task_create(experiment, session, which, NULL, NULL, errors);
    profile_end(session->profile, PROFILE_READ);
    if (task == NULL) {
        experiment_destroy(experiment);
    }
    return task;
}

const char *task_class_name(const struct task *task, int64_t k) {
    const struct vocabulary *labels = task->reader.labels;
    return labels == NULL || k >= vocabulary_size(labels) ? NULL : vocabulary_word(labels, (int32_t)k);
}

struct schedule_settings task_schedule(const struct task *task) {
    const struct schedule_section *section = &task->experiment->schedule;
    const int64_t batches = (task->train->count + section->options.batch - 1) / section->options.batch;
    const int64_t steps_per_epoch = batches > 0 ? batches : 1;
    const double unit = section->warmup.unit == WARMUP_EPOCHS ? (double)steps_per_epoch : 1;
    return (struct schedule_settings){.plugin = (const rondo_schedule *)section->learning_rate.descriptor,
                                      .options = section->learning_rate.options,
                                      .origin = section->learning_rate.origin,
                                      .log = section->learning_rate.log,
                                      .warmup = llround(section->warmup.length * unit),
                                      .warmup_from = section->warmup.from,
                                      .lr = task->experiment->optimizer.lr,
                                      .steps = steps_per_epoch * section->options.epochs,
                                      .steps_per_epoch = steps_per_epoch,
                                      .higher_is_better = network_higher_is_better(task->network, task->metric)};
}

void task_destroy(struct task *task) {
    if (task == NULL) {
        return;
    }
    network_destroy(task->network);
    dataset_destroy(task->train);
    dataset_destroy(task->valid);
    dataset_destroy(task->test);
    text_reader_clear(&task->reader);
    experiment_destroy(task->experiment);
    free(task);
}
