#include "train/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "store/provenance.h"
#include "train/class_numbers.h"
#include "train/generated_texts.h"
#include "train/optimizer_stages.h"
#include "train/profile.h"
#include "train/target_check.h"
#include "train/task_check.h"
#include "train/task_model.h"
#include "train/task_rows.h"

static const struct stream *target_of(const struct task *task) {
    return dataset_find(task->data.shape, "target");
}

/* Refuses a number of steps that the inputs give already. */
static rondo_status check_steps(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int is_given = experiment->architecture.input_every_step && dataset_find(task->data.shape, "input") != NULL;
    return experiment->model.steps > 0 && is_given
               ? errors_add_at(
                     errors, RONDO_INVALID, yaml_get(yaml_get(experiment->root, "model"), "steps")->where,
                     "'model.steps' is not used: the architecture takes input at every step, so the number of "
                     "steps is that of the inputs")
               : RONDO_OK;
}

static const char *class_name(const void *arg, int64_t k) {
    return task_class_name(arg, k);
}

/* Counts the targets of each class in the training data; NULL: it was not read, or out of memory. */
static const int64_t *count_classes(const void *arg, int64_t classes) {
    const struct task *task = arg;
    const struct dataset *train = task->data.train;
    const struct stream *target = train == NULL ? NULL : dataset_find(train, "target");
    int64_t *rows = train == NULL ? NULL : arena_calloc(task->experiment->arena, (size_t)classes, sizeof *rows);
    for (int64_t i = 0; rows != NULL && i < train->count; i++) {
        for (int64_t at = target->begin[i]; at < target->begin[i] + target->length[i]; at++) {
            if (stream_has_target(target, at)) {
                rows[stream_id(target, at)]++;
            }
        }
    }
    return rows;
}

/* Options of losses and metrics with a number for each class, and classes that metrics leave out. */
static rondo_status resolve_class_numbers(struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int64_t classes = target_of(task)->kind == STREAM_CLASS ? target_of(task)->size : 0;
    const struct class_facts facts = {classes, class_name, task, count_classes,
                                      experiment->data.reader->target_as[STREAM_CLASS]};
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
        const rondo_status without =
            class_numbers_without(&facts, &experiment->metrics.entries[m], experiment->arena, errors);
        first = first != RONDO_OK ? first : status != RONDO_OK ? status : without;
    }
    return first;
}

_Static_assert((int)STREAM_CLASS == (int)RONDO_TARGET_CLASS && (int)STREAM_REAL == (int)RONDO_TARGET_REAL &&
                   (int)STREAM_LIST == (int)RONDO_TARGET_LIST,
               "the kinds of streams are those of targets");

/* Windows that carry states, and feedback, need a model whose outputs depend only on earlier steps. */
static rondo_status check_causal(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const struct data_section *data = &experiment->data;
    if (experiment->model.feedback) {
        const struct yaml_node *feedback = yaml_get(yaml_get(experiment->root, "model"), "feedback");
        RONDO_TRY(model_check_feedback(network_model(task->network), feedback->where, errors));
    }
    return data->settings.carry
               ? model_check_causal(network_model(task->network), "data.carry", data->carry_where, errors)
               : RONDO_OK;
}

static rondo_status build_network(struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    struct task_model model = {.layers = NULL};
    rondo_status status = task_model_make(task, &model, errors);
    if (status == RONDO_OK) {
        const struct network_settings settings = {.model = model.settings,
                                                  .plan = task->plan,
                                                  .loss = experiment->loss,
                                                  .metrics = experiment->metrics,
                                                  .target_kind = target_of(task)->kind,
                                                  .target_size = target_of(task)->size,
                                                  .has_naive = scaling_has_naive(&task->data.scaling),
                                                  .target_as = experiment->data.reader->target_as,
                                                  .draws_targets =
                                                      optimizer_section_draws_targets(&experiment->optimizer)};
        task->network = network_create(&settings, task->session, errors);
        status = task->network == NULL ? errors->status : RONDO_OK;
    }
    task_model_free(&model);
    status = status == RONDO_OK ? check_causal(task, errors) : status;
    return status == RONDO_OK ? generated_texts_open(task, errors) : status;
}

/* Batches with a limit on steps are counted by making an epoch: every epoch has the same sizes, whatever its order. */
static rondo_status measure_epoch(struct task *task, struct errors *errors) {
    const struct schedule_section *schedule = &task->experiment->schedule;
    const struct dataset *train = task->data.train;
    struct epoch epoch = {0};
    int64_t batches = 0, largest = 1;
    if (train != NULL && train->lane == NULL && schedule->batch.examples > 0) {
        const int64_t size = schedule->batch.examples;
        batches = (train->count + size - 1) / size;
        largest = train->count < size ? train->count : size;
    } else if (train != NULL) {
        const rondo_status status = epoch_make(&epoch, train, &task->plan, schedule->batch, NULL, errors);
        batches = epoch.batches;
        for (int64_t k = 0; k < batches && status == RONDO_OK; k++) {
            const int64_t size = epoch.begin[k + 1] - epoch.begin[k];
            largest = size > largest ? size : largest;
        }
        epoch_free(&epoch);
        RONDO_TRY(status);
    }
    const int64_t updates = (batches + schedule->options.accumulate - 1) / schedule->options.accumulate;
    task->updates_per_epoch = updates > 0 ? updates : 1;
    task->largest_batch = largest > 0 ? largest : 1;
    return RONDO_OK;
}

/* Where a task has its data from. */
struct task_source {
    int which;
    const struct json_t *learned;
    const char *file;
    const struct task *donor; /* its data are used if the task would read the same; NULL: none */
};

static rondo_status open_task(struct task *task, const struct task_source *source, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    task->plan = (struct batch_plan){.architecture = experiment->architecture,
                                     .dtype = RONDO_F32,
                                     .feedback = experiment->model.feedback,
                                     .steps = experiment->model.steps};
    const struct task_data_settings settings = {.section = &experiment->data,
                                                .plan = &task->plan,
                                                .lanes = experiment->schedule.batch.examples,
                                                .target_has_units =
                                                    loss_section_all_have(&experiment->loss, RONDO_LOSS_ANY_UNIT),
                                                .which = source->which,
                                                .learned = source->learned,
                                                .file = source->file,
                                                .interrupt = task->session->interrupt,
                                                .progress = task->session->reading};
    if (source->donor != NULL && task_data_is_same(&source->donor->data, &settings)) {
        task_data_share(&task->data, &source->donor->data);
        task->donor = source->donor;
    } else {
        RONDO_TRY(task_data_open(&task->data, &settings, errors));
    }
    RONDO_TRY(check_steps(task, errors));
    RONDO_TRY(task_check_data(task, errors));
    RONDO_TRY(measure_epoch(task, errors));
    RONDO_TRY(resolve_class_numbers(task, errors));
    RONDO_TRY(build_network(task, errors));
    const int trains = experiment->optimizer.optimizer.descriptor != NULL;
    return trains ? task_check_generation(task, (source->which & TASK_VALID) != 0, errors) : RONDO_OK;
}

/* 1 if this is a metric of the experiment without a value. */
static int has_only_table(const struct task *task, const char *name) {
    const struct metrics_section *section = &task->experiment->metrics;
    for (int32_t m = 0; m < section->count; m++) {
        if (strcmp(section->entries[m].name, name) == 0) {
            return section->entries[m].metric->finish == NULL;
        }
    }
    return 0;
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
    if (on_valid && has_only_table(task, name)) {
        errors_add_at(errors, RONDO_INVALID, wanted->where, "the metric '%s' has only a table, expected one of: %s",
                      name, all == NULL ? "" : all);
    } else if (best.name != NULL) {
        errors_add_at(errors, RONDO_INVALID, wanted->where, "there is no metric '%s' (did you mean 'valid.%s'?)",
                      wanted->name, best.name);
    } else {
        errors_add_at(errors, RONDO_INVALID, wanted->where,
                      "there is no metric '%s', expected one of the loss '%s' or of 'metrics': %s", wanted->name,
                      task->experiment->loss.terms[0].loss->base.name, all == NULL ? "" : all);
    }
    return -1;
}

/* The metrics of early stopping must be those of the loss or of the experiment. A task without an optimizer does not
 * train: it observes none, and a prediction has no plug-ins of metrics. */
static rondo_status choose_metric(struct task *task, struct errors *errors) {
    const struct schedule_section *section = &task->experiment->schedule;
    if (task->experiment->optimizer.optimizer.descriptor == NULL) {
        return RONDO_OK;
    }
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
    return task_check_lazy(task, errors);
}

/* Checks the targets of all data, so that the loss does not reject one in the middle of a run. */
static rondo_status check_targets(const struct task *task, struct errors *errors) {
    const struct dataset *datasets[] = {task->data.train, task->data.valid, task->data.test};
    rondo_status first = RONDO_OK;
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        if (datasets[part] != NULL) {
            const char *name = task_data_name(&task->experiment->data, (enum part_name)part, task->experiment->arena);
            const rondo_status status = name == NULL ? errors_no_memory(errors)
                                                     : target_check(network_heads(task->network), task->session,
                                                                    datasets[part], &task->plan, name, errors);
            first = first == RONDO_OK ? status : first;
        }
    }
    return first;
}

/* A warm-up as long as the run would leave the learning rate, or its schedule, unused. */
static rondo_status check_warmup(const struct task *task, struct errors *errors) {
    const struct schedule_section *section = &task->experiment->schedule;
    const int trains = task->experiment->optimizer.optimizer.descriptor != NULL && task->data.train != NULL;
    if (!trains || duration_updates(&section->warmup.length, 1) == 0) {
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
static rondo_status check_task(struct task *task, const struct task *donor, struct errors *errors) {
    const rondo_status metric = choose_metric(task, errors);
    const rondo_status optimizer = apply_optimizer(task, errors);
    const rondo_status warmup = check_warmup(task, errors);
    const int has_same_targets = task->data.is_shared && yaml_is_same(yaml_get(donor->experiment->root, "loss"),
                                                                      yaml_get(task->experiment->root, "loss"));
    const rondo_status targets = has_same_targets ? RONDO_OK : check_targets(task, errors);
    return metric != RONDO_OK ? metric : optimizer != RONDO_OK ? optimizer : warmup != RONDO_OK ? warmup : targets;
}

static struct task *create(struct experiment *experiment, struct session *session, const struct task_source *source,
                           struct errors *errors) {
    struct task *task = memory_calloc(1, sizeof *task);
    if (task == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    task->experiment = experiment;
    task->session = session;
    task->provenance = arena_calloc(experiment->arena, 1, sizeof *task->provenance);
    const rondo_status status = task->provenance == NULL ? errors_no_memory(errors) : open_task(task, source, errors);
    if (status != RONDO_OK || check_task(task, source->donor, errors) != RONDO_OK) {
        task->experiment = NULL; /* it still belongs to the caller */
        task_destroy(task);
        return NULL;
    }
    return task;
}

struct task *task_create(struct experiment *experiment, struct session *session, int which,
                         const struct json_t *learned, const char *file, struct errors *errors) {
    const struct task_source source = {.which = which, .learned = learned, .file = file};
    return create(experiment, session, &source, errors);
}

struct task *task_create_sharing(struct experiment *experiment, struct session *session, const struct task *donor,
                                 struct errors *errors) {
    const struct task_source source = {.which = TASK_TRAIN | TASK_VALID, .donor = donor};
    return create(experiment, session, &source, errors);
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

struct schedule_settings task_schedule(const struct task *task) {
    const struct schedule_section *section = &task->experiment->schedule;
    const int64_t steps_per_epoch = task->updates_per_epoch;
    return (struct schedule_settings){.plugin = (const rondo_schedule *)section->learning_rate.descriptor,
                                      .options = section->learning_rate.options,
                                      .origin = section->learning_rate.origin,
                                      .log = section->learning_rate.log,
                                      .warmup = llround(duration_updates(&section->warmup.length, steps_per_epoch)),
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
    task_data_close(&task->data);
    provenance_clear(task->provenance);
    experiment_destroy(task->experiment);
    free(task);
}
