/* cli/check.c: `rondo check`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_compare.h"
#include "cli/command.h"
#include "cli/plot.h"
#include "cli/print.h"
#include "data/dates.h"
#include "data/origins.h"
#include "io/json.h"
#include "io/section.h"
#include "train/task_rows.h"
#include "train/task_trial.h"

/* A column of `width` bytes, and a blank. */
static void print_padded(const char *text, int width) {
    print_text(stdout, text);
    printf("%*s ", width > (int)strlen(text) ? width - (int)strlen(text) : 0, "");
}

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
        print_padded(path, 36);
        print_padded(text, 32);
        printf("# ");
        print_text(stdout, from);
        printf("\n");
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

static const double mega = 1e6;

/* Megabytes that training needs for parameters, gradients, optimizer slots and the best weights; NaN with errors. */
static double parameter_megabytes(const struct task *task, struct errors *errors) {
    struct task_memory memory;
    return task_memory_plan(task, &memory, errors) == RONDO_OK
               ? (double)(memory.parameters + memory.gradients + memory.optimizer) / mega
               : NAN;
}

/* "embedding.W: every update processes all 6753 rows, because of 'adam'": what makes large vocabularies slow. */
static void print_whole_tables(const struct task *task) {
    const struct model *model = network_model(task->network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_optimizer *stage = task_whole_stage(task, p);
        if (stage != NULL) {
            const struct model_parameter *parameter = &model_parameters(model)[p];
            printf("%s: every update processes all %lld rows, because of '%s'%s\n", parameter->name,
                   (long long)parameter->value.shape[0], stage->base.name,
                   task_lazy_helps(stage) ? "; with model.embedding.lazy, only those that occur" : "");
        }
    }
}

/* The parts of the memory of training, with the names that --json has. */
struct memory_part {
    const char *name, *purpose;
    uint64_t bytes;
};
enum { MEMORY_PARTS = 7 };

static void list_memory(const struct task_memory *memory, struct memory_part parts[MEMORY_PARTS]) {
    const struct memory_part all[MEMORY_PARTS] = {
        {"data", "program and data", memory->data},
        {"parameters", "parameters and the best ones so far", memory->parameters},
        {"gradients", "gradients", memory->gradients},
        {"optimizer", "optimizer", memory->optimizer},
        {"tapes", "kept for the backward pass", memory->tapes},
        {"checkpoint", "checkpoint", memory->checkpoint},
        {"other", "other", memory->other},
    };
    memcpy(parts, all, sizeof all);
}

/* "117 MB of memory for training: 20 program and data, …". */
static void print_parts(const struct task_memory *memory) {
    struct memory_part parts[MEMORY_PARTS];
    list_memory(memory, parts);
    printf("%s%s of memory for training: ", memory->is_measured ? "" : "at least ",
           memory_text(task_memory_total(memory)).text);
    int32_t printed = 0;
    for (int32_t i = 0; i < MEMORY_PARTS; i++) {
        if (parts[i].bytes >= 1000000) {
            printf("%s%s %s", printed++ > 0 ? ", " : "", memory_text(parts[i].bytes).text, parts[i].purpose);
        }
    }
    if (memory->reading == task_memory_total(memory)) {
        printf("; at most while the data were read");
    }
    const struct memory_limit limit = memory_limit();
    if (task_memory_total(memory) > limit.bytes) {
        printf("; that is more than %s, which is %s", memory_text(limit.bytes).text, limit.source);
    }
    printf("\n");
}

/* Predicts the memory, and prints it unless `memory` is for JSON. An update that fails is no mistake of the experiment:
 * training reports it, with its step. RONDO_INVALID if `most` (0: no limit) is less than training takes. */
static rondo_status predict_memory(struct task *task, uint64_t most, int prints, struct task_memory *memory,
                                   struct errors *errors) {
    struct errors failed = {0};
    const rondo_status status = task_trial_memory(task, memory, &failed);
    if (prints && status == RONDO_OK) {
        print_parts(memory);
    } else if (prints) {
        printf("memory for training: unknown, since the first update fails: ");
        print_text(stdout, errors_text(&failed, 0));
        printf("\n");
    }
    errors_free(&failed);
    memory->is_measured = status == RONDO_OK && memory->is_measured;
    return most == 0 ? RONDO_OK
                     : task_memory_check(task, memory, (struct memory_limit){.bytes = most, .source = "--max-memory"},
                                         errors);
}

/* The labels, in the order that options such as class_weights use. */
static void print_labels(const struct vocabulary *labels) {
    enum { MOST = 20 };
    const int32_t count = labels == NULL ? 0 : (int32_t)vocabulary_size(labels);
    for (int32_t k = 0; k < count && k < MOST; k++) {
        printf("%s", k == 0 ? "labels, in their order: " : ", ");
        print_text(stdout, vocabulary_word(labels, k));
    }
    printf("%s", count > MOST ? ", …\n" : count > 0 ? "\n" : "");
}

/* "input: 7 to 26 elements per example, of 12 numbers": shows whether the file was understood as its author meant it. */
static void print_stream(const struct stream *stream, int64_t examples) {
    int64_t least = INT64_MAX, most = 0;
    for (int64_t i = 0; i < examples; i++) {
        least = stream->length[i] < least ? stream->length[i] : least;
        most = stream->length[i] > most ? stream->length[i] : most;
    }
    printf("%s: %lld", stream->name, (long long)least);
    if (most != least) {
        printf(" to %lld", (long long)most);
    }
    printf(" element%s per example, ", most == 1 ? "" : "s");
    if (stream->kind == STREAM_REAL) {
        printf("of %lld number%s%s%s%s\n", (long long)stream->size, stream->size == 1 ? "" : "s",
               stream->scale == NULL ? "" : ", scaled", stream->form == NULL ? "" : ": ",
               stream->form == NULL ? "" : stream->form);
    } else {
        const int is_target = strcmp(stream->name, "target") == 0;
        printf("one of %lld %s\n", (long long)stream->size, is_target ? "classes" : "symbols");
    }
}

static void print_streams(const struct dataset *dataset) {
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        print_stream(&dataset->streams[s], dataset->count);
    }
}

/* " of 3 of 4 series", if there are several. */
static void print_series_count(const struct dataset *dataset) {
    struct errors errors = {0};
    const int32_t all = dataset->timeline->n_series, some = all > 1 ? origins_series(dataset, &errors) : all;
    if (some == all && all > 1) {
        printf(", of %d series", all);
    } else if (some >= 0 && some < all) {
        printf(", of %d of %d series", some, all);
    }
    errors_free(&errors); /* without memory there is no count */
}

/* "training: forecasts of 2011-01-29 to 2012-05-31": the times of the targets, of series. */
static void print_times(const char *part, const struct dataset *dataset) {
    int64_t first = INT64_MAX, last = INT64_MIN;
    const struct stream *target = dataset == NULL ? NULL : dataset_find(dataset, "target");
    for (int64_t i = 0; dataset != NULL && dataset->timeline != NULL && i < dataset->count; i++) {
        const int64_t *time = dataset->timeline->time + target->begin[i];
        const int64_t end = target->length[i] - 1 + dataset->timeline->horizon - 1;
        first = time[dataset->context[i]] < first ? time[dataset->context[i]] : first;
        last = time[end] > last ? time[end] : last;
    }
    if (first <= last) {
        const int has_clock = first % DATE_DAY != 0 || last % DATE_DAY != 0;
        printf("%s: forecasts of %s to %s", part, date_text(first, DATE_NO_ZONE, has_clock, "").text,
               date_text(last, DATE_NO_ZONE, has_clock, "").text);
        print_series_count(dataset);
        if (dataset->left_out > 0) {
            printf("; %lld are left out, because numbers to forecast are missing", (long long)dataset->left_out);
        }
        printf("\n");
    }
}

/* The classes without a training example: classes numbered from 1 leave out class 0, and a part may leave out a label. Not of
 * the symbols of a text, which are also the input, or have one that replaces the others: a part has only some of them. */
static void print_unused_classes(const struct dataset *train, struct arena *arena) {
    enum { MOST = 20 };
    const struct stream *target = dataset_find(train, "target"), *input = dataset_find(train, "input");
    const int is_input = target->names != NULL && (input == NULL || input->names == target->names);
    const int are_symbols = is_input || target->unknown >= 0;
    const int are_classes = target->kind != STREAM_REAL && !are_symbols;
    unsigned char *is_used = are_classes ? arena_calloc(arena, (size_t)target->size, 1) : NULL;
    for (int64_t i = 0; is_used != NULL && i < train->count; i++) {
        for (int64_t at = target->begin[i]; at < target->begin[i] + target->length[i]; at++) {
            if (stream_has_target(target, at)) {
                is_used[stream_id(target, at)] = 1;
            }
        }
    }
    int64_t unused = 0;
    for (int64_t k = 0; is_used != NULL && k < target->size; k++) {
        if (!is_used[k] && unused++ < MOST) {
            printf("%s", unused == 1 ? "classes without a training example: " : ", ");
            if (target->names != NULL && k < vocabulary_size(target->names)) {
                print_text(stdout, vocabulary_word(target->names, (int32_t)k));
            } else {
                printf("%lld", (long long)k);
            }
        }
    }
    if (unused > MOST) {
        printf(", … (%lld of %lld classes)", (long long)unused, (long long)target->size);
    }
    printf("%s", unused > 0 ? "\n" : "");
}

/* Why a model that reads its own outputs cannot write sequences; NULL: it can, or does not read them. */
static const char *why_not_generate(const struct task *task) {
    const char *why_not = NULL;
    return task->experiment->model.feedback && !model_generates(network_model(task->network), &why_not) ? why_not
                                                                                                        : NULL;
}

static void print_model(const struct task *task, struct arena *arena) {
    const struct model *model = network_model(task->network);
    printf("\n");
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        printf("%-24s %-16s %10lld\n", parameter->name, tensor_shape_text(&parameter->value).text,
               (long long)rondo_count(&parameter->value));
    }
    printf("%-24s %-16s %10lld\n\n", "parameters", "", (long long)model_size(model));
    printf("%lld operations for each row and step, forward\n", (long long)model_step_flops(model));
    if (model_encoder_count(model) > 0) {
        printf("%lld operations of the encoder for each row and step of its source\n",
               (long long)model_encoder_flops(model));
    }
    struct errors unused = {0}; /* of a plug-in; the prediction of memory reports them */
    printf("%.1f MB for parameters, gradients, optimizer and the best weights\n", parameter_megabytes(task, &unused));
    errors_free(&unused);
    print_whole_tables(task);
    if (why_not_generate(task) != NULL) {
        printf("the model cannot generate: %s\n", why_not_generate(task));
    }
    printf("%lld training examples", (long long)task->data.train->count);
    if (task->data.valid != NULL) {
        printf(", %lld for validation", (long long)task->data.valid->count);
    }
    if (task->data.test != NULL) {
        printf(", %lld for testing", (long long)task->data.test->count);
    }
    printf("\n");
    print_times("training", task->data.train);
    print_times("validation", task->data.valid);
    print_times("test", task->data.test);
    print_streams(task->data.train);
    print_unused_classes(task->data.train, arena);
    print_labels(dataset_find(task->data.shape, "target")->names);
}

/* The largest number of points of the curve: more than the drawing has columns. */
enum { MOST_POINTS = 4096 };

/* The learning rate over the run, at `count` updates from the first to the last; if the optimizer has
 * no learning rate, the factor of the schedule. */
struct rates {
    struct schedule_settings settings;
    double *values;  /* from an arena, like `updates` */
    double *updates; /* counted from 1 */
    int64_t count;   /* 0: the rate is constant */
};

static rondo_status find_rates(const struct task *task, struct arena *arena, struct rates *rates,
                               struct errors *errors) {
    *rates = (struct rates){.settings = task_schedule(task)};
    const struct schedule_settings *settings = &rates->settings;
    if (settings->plugin == NULL && settings->warmup == 0) {
        return RONDO_OK;
    }
    const int64_t count = settings->steps < MOST_POINTS ? settings->steps : MOST_POINTS;
    rates->values = arena_calloc(arena, (size_t)count, sizeof *rates->values);
    rates->updates = arena_calloc(arena, (size_t)count, sizeof *rates->updates);
    struct schedule *schedule = arena_failed(arena) ? NULL : schedule_create(settings, errors);
    if (schedule == NULL) {
        return arena_failed(arena) ? errors_no_memory(errors) : errors->status;
    }
    rondo_status status = RONDO_OK;
    for (; rates->count < count && status == RONDO_OK; rates->count++) {
        const int64_t done = count == 1 ? 0 : rates->count * (settings->steps - 1) / (count - 1);
        double *value = &rates->values[rates->count];
        status = schedule_factor(schedule, done, value, errors);
        *value *= isnan(settings->lr) ? 1 : settings->lr;
        rates->updates[rates->count] = (double)done + 1;
    }
    schedule_destroy(schedule);
    return status;
}

static rondo_status print_schedule(const struct task *task, struct arena *arena, struct errors *errors) {
    struct rates rates;
    RONDO_TRY(find_rates(task, arena, &rates, errors));
    if (rates.count == 0) {
        return RONDO_OK;
    }
    const struct schedule_settings *settings = &rates.settings;
    const int watches = settings->plugin != NULL && settings->plugin->observe != NULL;
    struct plot plot = {.title = watches               ? "learning rate, if the metric always improves"
                                 : isnan(settings->lr) ? "factor of the schedule"
                                                       : "learning rate",
                        .x.label =
                            arena_printf(arena, "update (%lld per epoch)", (long long)settings->steps_per_epoch)};
    plot_add(&plot, (struct plot_series){.x = rates.updates, .y = rates.values, .count = rates.count});
    printf("\n");
    plot_print(stdout, &plot, NULL);
    return RONDO_OK;
}

/* {"data": 20.1, …}, in megabytes. */
static json_t *memory_json(const struct task_memory *memory) {
    struct memory_part parts[MEMORY_PARTS];
    list_memory(memory, parts);
    json_t *object = json_object();
    for (int32_t i = 0; i < MEMORY_PARTS; i++) {
        json_object_set_new(object, parts[i].name, json_real((double)parts[i].bytes / mega));
    }
    json_object_set_new(object, "reading", json_real((double)memory->reading / mega));
    return object;
}

static rondo_status print_json(struct task *task, const struct checked_comparison *comparison, uint64_t most,
                               struct arena *arena, struct errors *errors) {
    const struct model *model = network_model(task->network);
    json_t *values = json_array(), *parameters = json_array();
    print_values("", task->experiment->root, arena, values);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        json_t *shape = json_array();
        for (int32_t d = 0; d < parameter->value.ndim; d++) {
            json_array_append_new(shape, json_integer(parameter->value.shape[d]));
        }
        json_array_append_new(parameters, json_pack("{s:s, s:o}", "name", parameter->name, "shape", shape));
    }
    struct rates rates;
    const rondo_status status = find_rates(task, arena, &rates, errors);
    json_t *learning_rate = json_array(), *labels = json_array();
    for (int64_t i = 0; i < rates.count; i++) {
        json_array_append_new(learning_rate, json_real(rates.values[i]));
    }
    const struct vocabulary *vocabulary = dataset_find(task->data.shape, "target")->names;
    for (int32_t k = 0; vocabulary != NULL && k < (int32_t)vocabulary_size(vocabulary); k++) {
        json_array_append_new(labels, json_text(vocabulary_word(vocabulary, k)));
    }
    json_t *streams = json_array();
    for (int32_t s = 0; s < task->data.train->n_streams; s++) {
        const struct stream *stream = &task->data.train->streams[s];
        json_array_append_new(streams, json_pack("{s:s, s:s, s:I}", "name", stream->name, "kind",
                                                 stream->kind == STREAM_REAL ? "numbers" : "ids", "size",
                                                 (json_int_t)stream->size));
    }
    struct errors unused = {0};
    const double megabytes = parameter_megabytes(task, &unused);
    errors_free(&unused);
    struct task_memory memory;
    const rondo_status fits = predict_memory(task, most, 0, &memory, errors);
    const double total = (double)task_memory_total(&memory) / mega;
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:f, s:o, s:o}", "streams", streams, "labels",
                               labels, "learning_rate", learning_rate, "values", values, "parameters", parameters,
                               "size", (json_int_t)model_size(model), "step_flops", (json_int_t)model_step_flops(model),
                               "encoder_step_flops", (json_int_t)model_encoder_flops(model), "parameter_megabytes",
                               isnan(megabytes) ? 0 : megabytes, "memory_megabytes",
                               memory.is_measured ? json_real(total) : json_null(), "memory", memory_json(&memory));
    if (why_not_generate(task) != NULL) {
        json_object_set_new(object, "cannot_generate", json_text(why_not_generate(task)));
    }
    if (comparison->variants > 0) {
        json_object_set_new(object, "comparison", checked_comparison_json(comparison));
    }
    const rondo_status written = output_json(object, JSON_INDENT(2), errors);
    return status != RONDO_OK ? status : fits != RONDO_OK ? fits : written;
}

static int run_check(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    uint64_t max_memory = 0;
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),        COMMON_FLAG_PLUGIN(common), COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_ENGINE(common),     COMMON_FLAG_PASSES(common), COMMON_FLAG_THREADS(common),
        FLAG_MAX_MEMORY_OF(max_memory), COMMON_FLAG_JSON(common),   {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct arena *arena = arena_create();
    struct session *session = arena == NULL ? NULL : session_from_flags(&common, &errors);
    struct checked_comparison comparison = {0};
    struct task *task = session == NULL
                            ? NULL
                            : check_open(arguments.words[0], common.assignments, session, &comparison, arena, &errors);
    if (task != NULL) {
        report_data(task, common.json);
    }
    if (arena == NULL) {
        errors_no_memory(&errors);
    } else if (task != NULL && common.json) {
        print_json(task, &comparison, max_memory, arena, &errors);
    } else if (task != NULL) {
        print_values("", task->experiment->root, arena, NULL);
        print_model(task, arena);
        struct task_memory memory;
        predict_memory(task, max_memory, 1, &memory, &errors);
        print_schedule(task, arena, &errors);
        checked_comparison_print(&comparison);
    }
    status = finish_command(&errors, common.json);
    task_destroy(task);
    session_destroy(session);
    arena_destroy(arena);
    return status;
}

const struct command command_check = {
    "check", "check EXPERIMENT.yaml [--set KEY=VALUE]…",
    "check an experiment without training, and report every mistake",
    "Reads the experiment, its cells, plug-ins and data. Prints every effective value with its origin, and the\n"
    "model's parameters and operations, and draws the schedule of the learning rate. The memory that training\n"
    "takes is predicted: the parts of the largest batches are trained once, one after the other, and nothing is\n"
    "written. With --max-memory, more than that is an error (exit status 2).\n\n"
    "Of an experiment with a section 'compare', every variant is checked, and the first one is printed.\n\n"
    "  rondo check examples/sentiment/experiment.yaml\n",
    run_check};
