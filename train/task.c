#include "train/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "store/provenance.h"
#include "train/class_numbers.h"
#include "train/optimizer_stages.h"
#include "train/profile.h"
#include "train/target_check.h"
#include "train/task_check.h"
#include "train/task_rows.h"

static const struct stream *target_of(const struct task *task) {
    return dataset_find(task->data.shape, "target");
}

/* How often each id of a stream occurs in the training data. */
static void count_ids(const struct dataset *train, const struct stream *stream, int64_t *counts) {
    for (int64_t i = 0; i < train->count; i++) {
        for (int64_t k = stream->begin[i]; k < stream->begin[i] + stream->length[i]; k++) {
            const int32_t id = stream_id(stream, k);
            counts[id < 0 ? stream->unknown : id]++; /* a step without a target, in "previous" */
        }
    }
}

/* The probability with which each id is replaced by the unknown one in training. With n occurrences in the training data,
 * it is (Kiperwasser & Goldberg 2016)
 *
 *     max(word_dropout, a / (n + a))      a = rare_word_dropout
 *
 * The start symbol of "previous", the last id, is never replaced. NULL with an error: out of memory. */
static const float *drop_by_count(const struct task *task, const struct batch_input *input,
                                  const struct embedding_options *options, struct errors *errors) {
    const int is_previous = strcmp(input->name, "previous") == 0;
    const struct stream *stream = dataset_find(task->data.train, is_previous ? "target" : input->name);
    float *drop = arena_calloc(task->experiment->arena, (size_t)input->symbols, sizeof *drop);
    int64_t *counts = memory_calloc((size_t)input->symbols, sizeof *counts);
    if (drop != NULL && counts != NULL) {
        count_ids(task->data.train, stream, counts);
    } else {
        errors_no_memory(errors);
        drop = NULL;
    }
    for (int64_t id = 0; drop != NULL && id < stream->size; id++) {
        const double rare = options->rare_word_dropout / ((double)counts[id] + options->rare_word_dropout);
        drop[id] = (float)fmax(options->word_dropout, rare);
    }
    free(counts);
    return drop;
}

/* The inputs of the model, from the streams of the data and the settings of their embeddings. Returns their number; -1 with
 * an error. */
static int32_t model_inputs(const struct task *task, struct model_input inputs[BATCH_MOST_INPUTS],
                            struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    struct batch_input streams[BATCH_MOST_INPUTS];
    const int32_t count = batch_inputs(task->data.shape, &task->plan, streams);
    for (int32_t i = 0; i < count; i++) {
        static const struct embedding_options none;
        const struct embedding_options *options =
            strcmp(streams[i].name, "previous") == 0 ? &experiment->previous_embedding
            : strcmp(streams[i].name, "known") == 0  ? &none
                                                     : &experiment->input_embedding;
        const int has_vectors = streams[i].symbols > 0 || options->is_given;
        inputs[i] = (struct model_input){.name = streams[i].name,
                                         .symbols = streams[i].symbols,
                                         .size = streams[i].size,
                                         .embedding_size = has_vectors ? options->size : 0,
                                         .dropout = has_vectors ? options->dropout : 0,
                                         .word_dropout = streams[i].unknown >= 0 ? options->word_dropout : 0,
                                         .unknown = streams[i].unknown,
                                         .share = -1,
                                         .lazy = streams[i].symbols > 0 && options->lazy,
                                         .every_step = streams[i].every_step};
        const int trains = experiment->optimizer.optimizer.descriptor != NULL && task->data.train != NULL;
        if (trains && streams[i].unknown >= 0 && options->rare_word_dropout > 0) {
            inputs[i].drop = drop_by_count(task, &streams[i], options, errors);
            if (inputs[i].drop == NULL) {
                return -1;
            }
        }
    }
    return count;
}

/* The place of a key of `model` in the experiment. */
static struct location place_in_model(const struct task *task, const char *section, const char *key) {
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    const struct yaml_node *node = yaml_get(section == NULL ? model : yaml_get(model, section), key);
    return node == NULL ? model->where : node->where;
}

/* Refuses a number of steps that the inputs give already. */
static rondo_status check_steps(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int is_given = experiment->architecture.input_every_step && dataset_find(task->data.shape, "input") != NULL;
    return experiment->model.steps > 0 && is_given
               ? errors_add_at(
                     errors, RONDO_INVALID, place_in_model(task, NULL, "steps"),
                     "'model.steps' is not used: the architecture takes input at every step, so the number of "
                     "steps is that of the inputs")
               : RONDO_OK;
}

/* Refuses a model without inputs, and settings of embeddings that no stream of the data uses. */
static rondo_status check_embeddings(const struct task *task, const struct model_input *inputs, int32_t count,
                                     struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const struct embedding_options *own[] = {&experiment->input_embedding, &experiment->previous_embedding};
    static const char *const names[] = {"input", "previous"};
    if (count == 0) {
        const struct yaml_node *model = yaml_get(experiment->root, "model");
        return errors_add_at(
            errors, RONDO_INVALID, model->where,
            "the model reads nothing: reader '%s' gives no stream 'input'; 'model.feedback: true' makes "
            "it read the target of the step before",
            experiment->data.reader->name);
    }
    int is_used = 0, has_unknown = 0;
    for (int32_t i = 0; i < count; i++) {
        is_used |= inputs[i].embedding_size > 0;
        has_unknown |= inputs[i].unknown >= 0;
    }
    if (experiment->embedding.is_given && !is_used) {
        return errors_add_at(
            errors, RONDO_INVALID, experiment->embedding.where,
            "'model.embedding' is not used: the inputs are numbers; model.embedding.input gives them a "
            "linear map");
    }
    for (int k = 0; k < 2; k++) {
        int is_read = 0;
        for (int32_t i = 0; i < count; i++) {
            is_read |= strcmp(inputs[i].name, names[k]) == 0;
        }
        if (own[k]->is_given && !is_read) {
            return errors_add_at(errors, RONDO_INVALID, own[k]->where,
                                 "'model.embedding.%s' is not used: the model does not read the stream '%s'%s",
                                 names[k], names[k], k == 1 ? "; model.feedback makes it do so" : "");
        }
    }
    if (experiment->embedding.word_dropout > 0 && is_used && !has_unknown) {
        return errors_add_at(errors, RONDO_INVALID, place_in_model(task, "embedding", "word_dropout"),
                             "'model.embedding.word_dropout' is not used: it replaces symbols by the unknown one, and "
                             "reader '%s' gives no unknown symbol here",
                             experiment->data.reader->name);
    }
    return RONDO_OK;
}

/* The input whose vectors a tied head uses: the one with the symbols of the targets. -1 with an error: there is none. */
static int32_t tied_input(const struct task *task, const struct model_input *inputs, int32_t count,
                          struct errors *errors) {
    const struct stream *input = dataset_find(task->data.shape, "input"), *target = target_of(task);
    for (int32_t i = count - 1; i >= 0; i--) {
        const int is_previous = strcmp(inputs[i].name, "previous") == 0;
        const int has_names = input != NULL && input->names != NULL && input->names == target->names;
        if (inputs[i].symbols > 0 && (is_previous || has_names)) {
            return i;
        }
    }
    errors_add_at(errors, RONDO_INVALID, task->experiment->head.where,
                  "'model.head.tie' needs an input with the symbols of the targets; model.feedback gives one");
    return -1;
}

/* Converts the model section of the experiment; `layers` has room for all layers. */
static struct model_settings model_settings(const struct task *task, const struct model_input *inputs, int32_t count,
                                            int32_t tied, struct cell_layer_settings *layers) {
    const struct experiment *experiment = task->experiment;
    const struct session *session = task->session;
    layers_settings(&experiment->layers, layers);
    for (int32_t i = 0; i < layers_total(&experiment->layers); i++) {
        layers[i].engine = session->engine;
        layers[i].passes_off = session->passes_off;
        layers[i].probe = session->probe;
        if (session->profile != NULL) {
            layers[i].observe = profile_observe;
            layers[i].observe_arg = profile_layer(session->profile, i);
        }
    }
    return (struct model_settings){.dtype = task->plan.dtype,
                                   .architecture = experiment->architecture,
                                   .tie = experiment->head.tie,
                                   .tied = tied,
                                   .tied_where = experiment->head.where,
                                   .inputs = inputs,
                                   .n_inputs = count,
                                   .layers = layers,
                                   .n_layers = layers_total(&experiment->layers),
                                   .pooling = (enum pooling)experiment->model.pool};
}

const struct vocabulary *task_labels(const struct task *task) {
    return network_predicts_classes(task->network) ? target_of(task)->names : NULL;
}

struct reader_prediction task_prediction(const struct task *task, const struct dataset *dataset, int64_t example,
                                         const float *values) {
    return (struct reader_prediction){.dataset = dataset,
                                      .example = example,
                                      .values = values,
                                      .steps = network_prediction_rows(task->network, dataset, example),
                                      .size = network_prediction_size(task->network),
                                      .by_step = task->plan.architecture.output_every_step,
                                      .is_class = network_predicts_classes(task->network),
                                      .is_list = target_of(task)->kind == STREAM_LIST &&
                                                 network_prediction_size(task->network) == target_of(task)->size + 1,
                                      .names = target_of(task)->names,
                                      .numbers = target_of(task)->size};
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

/* Windows that carry states need a model whose outputs depend only on earlier steps. */
static rondo_status check_carry(const struct task *task, struct errors *errors) {
    const struct data_section *data = &task->experiment->data;
    return data->settings.carry
               ? model_check_causal(network_model(task->network), "data.carry", data->carry_where, errors)
               : RONDO_OK;
}

static rondo_status build_network(struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const int32_t count = layers_total(&experiment->layers);
    struct model_input inputs[BATCH_MOST_INPUTS];
    const int32_t n_inputs = model_inputs(task, inputs, errors);
    if (n_inputs < 0) {
        return errors->status;
    }
    struct cell_layer_settings *layers = memory_calloc((size_t)count, sizeof *layers);
    rondo_status status = layers == NULL ? errors_no_memory(errors) : check_embeddings(task, inputs, n_inputs, errors);
    const int32_t tied = status == RONDO_OK && experiment->head.tie ? tied_input(task, inputs, n_inputs, errors) : 0;
    status = tied < 0 ? RONDO_INVALID : status;
    if (status == RONDO_OK && task->session->profile != NULL) {
        status = profile_set_layers(task->session->profile, count, errors);
    }
    if (status == RONDO_OK) {
        const struct network_settings settings = {.model = model_settings(task, inputs, n_inputs, tied, layers),
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
    free(layers);
    return status == RONDO_OK ? check_carry(task, errors) : status;
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
    return build_network(task, errors);
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

const char *task_class_name(const struct task *task, int64_t k) {
    const struct vocabulary *labels = target_of(task)->names;
    return labels == NULL || k >= vocabulary_size(labels) ? NULL : vocabulary_word(labels, (int32_t)k);
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
