#include "cli/catalogue_facts.h"

#include <string.h>

#include "core/kind.h"
#include "core/options.h"

/* ---- keys ---- */

const char *key_default(const struct key_row *row) {
    return row->default_text == NULL ? "must be given" : row->default_text[0] == '\0' ? "none" : row->default_text;
}

/* An upper bound of the number of keys: options, other keys, and the sections inside. */
static int32_t count_rows(const struct entry *entry) {
    int32_t count = 0;
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        count++;
    }
    if (entry->section != NULL) {
        for (const struct experiment_key *key = entry->section->keys; key != NULL && key->name != NULL; key++) {
            count++;
        }
        for (int32_t i = 0; experiment_section(i).name != NULL; i++) {
            count++;
        }
    }
    return count;
}

const char *expected_text(const rondo_option *option, struct arena *arena) {
    return option->type == RONDO_INT && option->min == option->max ? arena_printf(arena, "%.0f", option->min)
                                                                   : option_expected(option, arena);
}

/* The same of an option of an entry, whose readers may have some by stream: "integer in [1, 9], or a mapping {source, target}". */
static const char *entry_expected(const struct entry *entry, const rondo_option *option, struct arena *arena) {
    const char *expected = expected_text(option, arena);
    if (entry->reader == NULL || !reader_is_by_stream(entry->reader, option)) {
        return expected;
    }
    const char *names = NULL;
    for (const char *const *stream = entry->reader->by_stream->streams; *stream != NULL; stream++) {
        names = names == NULL ? *stream : arena_printf(arena, "%s, %s", names, *stream);
    }
    return expected == NULL ? NULL : arena_printf(arena, "%s, or a mapping {%s}", expected, names == NULL ? "" : names);
}

static const char *choices_text(const char *const *choices, struct arena *arena) {
    const char *text = choices[1] == NULL ? choices[0] : arena_printf(arena, "one of %s", choices[0]);
    for (int32_t i = 1; text != NULL && choices[i] != NULL; i++) {
        text = arena_printf(arena, "%s, %s", text, choices[i]);
    }
    return text;
}

static const char *key_expected(const struct experiment_section *section, const struct experiment_key *key,
                                struct arena *arena) {
    switch (key->value) {
    case EXPERIMENT_CHOICE:
        return choices_text(key->choices, arena);
    case EXPERIMENT_FILE:
        return "file";
    case EXPERIMENT_FILES:
        return "list of files";
    case EXPERIMENT_READER:
        return "name, see `rondo list reader`";
    case EXPERIMENT_DATA:
        return "file, list of files, or section";
    case EXPERIMENT_COLUMNS:
        return "section, see `rondo list reader`";
    case EXPERIMENT_BATCH:
        return "integer in [1, 65536], or {steps: N}";
    case EXPERIMENT_PATTERNS:
        return "pattern or list of patterns";
    case EXPERIMENT_METRICS:
        return "metric or list of metrics";
    case EXPERIMENT_LABELS:
        return "label or list of labels";
    case EXPERIMENT_SEEDS:
        return "number, or list of integers";
    case EXPERIMENT_VARIANTS:
        return "list of mappings";
    case EXPERIMENT_NUMBER:
        return "number";
    case EXPERIMENT_PLUGIN:
        return (section->flags & SECTION_WRAPPERS) != 0
                   ? "name of a wrapper"
                   : arena_printf(arena, "name, see `rondo list %s`", kind_name(section->plugin_kind));
    case EXPERIMENT_BLOCK:
        return "name, see `rondo list block`, or file";
    default:
        return "name, see `rondo list cell`, or file";
    }
}

static int32_t add_section_rows(const struct entry *entry, struct arena *arena, struct key_row *rows) {
    int32_t count = 0;
    struct experiment_section inner;
    for (int32_t i = 0; (inner = experiment_section(i)).name != NULL; i++) {
        const char *key = NULL;
        if (!section_is_in(&inner, entry->name, arena, &key)) {
            continue;
        }
        rows[count++] = (struct key_row){.key = key,
                                         .default_text = (inner.flags & SECTION_REQUIRED) != 0 ? NULL : "",
                                         .expected = section_is_item(&inner) ? "list" : "section",
                                         .help = inner.summary,
                                         .section = inner.name};
    }
    return count;
}

const struct key_row *entry_keys(const struct entry *entry, struct arena *arena, int32_t *count) {
    struct key_row *rows = arena_calloc(arena, (size_t)count_rows(entry) + 1, sizeof *rows);
    int32_t n = 0;
    if (rows == NULL) {
        return NULL;
    }
    const struct experiment_section *section = entry->section;
    for (const struct experiment_key *key = section == NULL ? NULL : section->keys; key != NULL && key->name != NULL;
         key++) {
        rows[n++] = (struct key_row){.key = key->name,
                                     .default_text = key->default_text,
                                     .expected = key_expected(section, key, arena),
                                     .help = key->help};
    }
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        rows[n++] = (struct key_row){.key = option->key,
                                     .default_text = option->default_text,
                                     .expected = entry_expected(entry, option, arena),
                                     .help = option->help};
    }
    n += section == NULL ? 0 : add_section_rows(entry, arena, rows + n);
    for (int32_t i = 0; i < n; i++) {
        if (rows[i].key == NULL || rows[i].expected == NULL) {
            return NULL;
        }
    }
    *count = n;
    return rows;
}

/* ---- properties ---- */

/* The facts of one entry while they are collected. */
struct telling {
    struct arena *arena;
    struct fact *facts;
    int32_t count;
};

static void tell(struct telling *telling, const char *label, const char *text) {
    telling->facts[telling->count++] = (struct fact){label, text};
}

/* Joins two texts with a comma; NULL if one of them is NULL. */
static const char *join(struct arena *arena, const char *text, const char *more) {
    return text == NULL || more == NULL ? NULL : text[0] == '\0' ? more : arena_printf(arena, "%s, %s", text, more);
}

const char *slot_text(const rondo_slot *slot) {
    static const char *const shapes[] = {"like the parameter", "one number", "a shape that the plug-in chooses"};
    switch (slot->role) {
    case RONDO_SLOT_EVALUATED:
        return "like the parameter, at first a copy of it: validation and the saved weights use it";
    case RONDO_SLOT_COPY:
        return "like the parameter, at first a copy of it";
    default:
        return shapes[slot->shape];
    }
}

/* "first_moment, second_moment (like the parameter), count (one number)": adjacent slots of the same shape share their
 * description. */
static const char *slots_text(const rondo_slot *slot, struct arena *arena) {
    const char *text = "";
    for (; slot != NULL && slot->name != NULL; slot++) {
        const int is_last = slot[1].name == NULL || strcmp(slot_text(&slot[1]), slot_text(slot)) != 0;
        text = join(arena, text, is_last ? arena_printf(arena, "%s (%s)", slot->name, slot_text(slot)) : slot->name);
    }
    return text;
}

static void tell_optimizer(struct telling *telling, const rondo_optimizer *optimizer) {
    if (optimizer->stage != RONDO_STAGE_UPDATE) {
        tell(telling, "wrapper",
             optimizer->stage == RONDO_STAGE_GRADIENT ? "before the optimizer: it rewrites the gradient"
                                                      : "after the optimizer: it reads or rewrites the updated value");
    }
    const int has_slots = optimizer->slots != NULL && optimizer->slots->name != NULL;
    tell(telling, "state", has_slots ? slots_text(optimizer->slots, telling->arena) : "none");
    tell(telling, "works on",
         (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0 ? "each element independently" : "whole parameters");
    if (optimizer->wants_sampled != NULL) {
        tell(telling, "needs",
             "at some updates, the gradient for targets drawn from the model's own predictions; this takes one more "
             "forward and backward pass, and requires a loss that predicts probabilities of classes");
    }
}

static void tell_loss(struct telling *telling, const rondo_loss *loss) {
    const char *metrics = "";
    for (const rondo_metric *metric = loss->metrics; metric != NULL && metric->name != NULL; metric++) {
        metrics = join(telling->arena, metrics,
                       arena_printf(telling->arena, "%s (%s is better)", metric->name,
                                    metric->higher_is_better ? "higher" : "lower"));
    }
    tell(telling, "metrics", metrics != NULL && metrics[0] == '\0' ? "only the loss" : metrics);
    if (loss->prediction_size != NULL) {
        tell(telling, "predictions", "rows whose length differs from that of a target");
    }
    if ((loss->flags & RONDO_LOSS_COUPLES_ROWS) != 0) {
        tell(telling, "rows", "the loss of a row depends on other rows, so a batch is not divided among threads");
    }
    if ((loss->flags & RONDO_LOSS_ANY_UNIT) != 0) {
        tell(telling, "units", "any: the result does not depend on the unit of the targets");
    }
    if (loss->quantile != NULL) {
        tell(telling, "intervals", "the outputs say how the targets are distributed: `rondo predict --interval`");
    }
    if (loss->sample != NULL) {
        tell(telling, "draws", "generation draws from the distribution that the outputs describe");
    }
    if ((loss->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0) {
        tell(telling, "outputs", "in training, only the outputs that the loss needs are computed");
    }
}

static void tell_schedule(struct telling *telling, const rondo_schedule *schedule) {
    if (schedule->n_state > 0) {
        tell(telling, "state",
             arena_printf(telling->arena, "%d number%s", (int)schedule->n_state, schedule->n_state == 1 ? "" : "s"));
    }
    if (schedule->observe != NULL) {
        tell(telling, "needs", "validation data (data.valid): it uses the metric of schedule.early_stopping");
    }
}

const char *target_kind_text(int32_t kind) {
    static const char *const texts[] = {"classes", "numbers", "lists"};
    return kind >= 0 && kind < (int32_t)(sizeof texts / sizeof texts[0]) ? texts[kind] : NULL;
}

static void tell_metric(struct telling *telling, const rondo_metric_plugin *metric) {
    const char *targets = "", *sums = "";
    for (int32_t kind = 0; target_kind_text(kind) != NULL; kind++) {
        if ((metric->targets & RONDO_ACCEPTS(kind)) != 0) {
            targets = join(telling->arena, targets, target_kind_text(kind));
        }
    }
    for (const rondo_accumulator *accumulator = metric->accumulators; accumulator->name != NULL; accumulator++) {
        sums = join(telling->arena, sums, accumulator->name);
    }
    tell(telling, "targets", targets);
    if (metric->finish != NULL) {
        tell(telling, "better", metric->higher_is_better ? "higher" : "lower");
    }
    if (metric->interval != NULL) {
        tell(telling, "needs", "prediction intervals, so a loss that has them");
    }
    if (metric->table != NULL) {
        tell(telling, "table",
             metric->finish == NULL ? "it has only a table, which `rondo eval` prints"
                                    : "`rondo eval` prints one in addition to the value");
    }
    if ((metric->flags & RONDO_METRIC_PROBABILITIES) != 0) {
        tell(telling, "needs", "a loss that predicts probabilities of classes");
    } else if ((metric->flags & RONDO_METRIC_NAIVE) != 0) {
        tell(telling, "needs", "data with the scale of the naive forecast");
    } else if ((metric->flags & RONDO_METRIC_TEXTS) != 0) {
        tell(telling, "needs", "a model that generates: it compares texts");
    }
    tell(telling, "sums", sums);
}

static void tell_op(struct telling *telling, const rondo_op *op) {
    const char *range = op->max_inputs == -1 ? arena_printf(telling->arena, " (%d or more)", (int)op->min_inputs)
                        : op->max_inputs != op->min_inputs
                            ? arena_printf(telling->arena, " (%d to %d)", (int)op->min_inputs, (int)op->max_inputs)
                            : "";
    tell(telling, "inputs", range == NULL ? NULL : arena_printf(telling->arena, "%s%s", op->operands, range));
    if (op->map != NULL) {
        tell(telling, "works on",
             op->max_inputs > 1 ? "each element independently; inputs are broadcast as in NumPy"
                                : "each element independently");
    }
    if ((op->flags & RONDO_OP_SEQUENCES) != 0) {
        tell(telling, "works on", "sequences: an element of the result may depend on all elements of its sequence");
    }
    tell(telling, "gradient", (op->flags & RONDO_OP_NO_GRADIENT) != 0 ? "none" : "yes");
    if ((op->flags & RONDO_OP_RANDOM) != 0) {
        tell(telling, "random", "draws new random numbers each time it is applied");
    }
}

static const char *shape_text(const struct cell_shape *shape, struct arena *arena) {
    const char *text = "";
    for (int32_t d = 0; d < shape->ndim; d++) {
        text = join(arena, text, shape->dimensions[d]);
    }
    return text == NULL ? NULL : arena_printf(arena, "%s [%s]", shape->name, text);
}

static void tell_cell(struct telling *telling, const struct cell_definition *cell) {
    const char *states = "", *candidates = "";
    for (int32_t i = 0; i < cell->n_states; i++) {
        states = join(telling->arena, states, shape_text(&cell->states[i], telling->arena));
    }
    for (int32_t i = 0; i < cell->n_candidates; i++) {
        candidates = join(telling->arena, candidates, cell->candidates[i]);
    }
    if (cell->n_states > 0) {
        tell(telling, "state", states);
    }
    tell(telling, "output",
         cell->output != NULL ? cell->output : arena_printf(telling->arena, "%s'", cell->states[0].name));
    if (cell->n_candidates > 0) {
        tell(telling, "candidate", candidates);
    }
}

static void tell_reader(struct telling *telling, const struct reader_class *reader) {
    const char *columns = "";
    for (const struct reader_column_key *key = reader->columns; key != NULL && key->name != NULL; key++) {
        const char *value = key->default_text == NULL      ? "must be given"
                            : key->default_text[0] == '\0' ? "may be left out"
                                                           : key->default_text;
        columns = join(telling->arena, columns,
                       arena_printf(telling->arena, "%s (%s; default: %s)", key->name, key->help, value));
    }
    if (reader->columns != NULL) {
        tell(telling, "columns", columns);
    }
    tell(telling, "files",
         (reader->flags & READER_NO_FILES) != 0    ? "none: it makes its data"
         : (reader->flags & READER_BY_STREAM) != 0 ? "a file, a list of files, or one for each stream"
                                                   : "a file, or a list of files");
    if ((reader->flags & READER_SEQUENCES) != 0) {
        tell(telling, "sequences", "long: data.window cuts them, data.carry carries states between windows");
    }
}

int32_t entry_facts(const struct entry *entry, struct arena *arena, struct fact facts[FACTS_MOST]) {
    struct telling telling = {arena, facts, 0};
    const rondo_descriptor *descriptor = entry->descriptor;
    if (entry->cell != NULL) {
        tell_cell(&telling, entry->cell);
    } else if (entry->reader != NULL) {
        tell_reader(&telling, entry->reader);
    } else if (descriptor != NULL) {
        switch (descriptor->kind) {
        case RONDO_KIND_OP:
            tell_op(&telling, (const rondo_op *)descriptor);
            break;
        case RONDO_KIND_OPTIMIZER:
            tell_optimizer(&telling, (const rondo_optimizer *)descriptor);
            break;
        case RONDO_KIND_LOSS:
            tell_loss(&telling, (const rondo_loss *)descriptor);
            break;
        case RONDO_KIND_SCHEDULE:
            tell_schedule(&telling, (const rondo_schedule *)descriptor);
            break;
        case RONDO_KIND_METRIC:
            tell_metric(&telling, (const rondo_metric_plugin *)descriptor);
            break;
        default: /* a kind without special facts still has its options */
            break;
        }
    }
    for (int32_t i = 0; i < telling.count; i++) {
        if (facts[i].text == NULL) {
            return -1;
        }
    }
    return telling.count;
}

/* ---- examples ---- */

/* A valid value of a required option: numbers count up from 2, so that `low` is below `high`. */
static const char *some_value(const rondo_option *option, int32_t index, struct arena *arena) {
    double number = index + 2;
    switch (option->type) {
    case RONDO_BOOL:
        return "true";
    case RONDO_CHOICE:
        return option->choices[0];
    case RONDO_STRING:
        return "text";
    default:
        number = number < option->min ? option->min : number;
        number = number > option->max ? option->max : number;
        return arena_printf(arena, "%.15g", number);
    }
}

/* ", lr: 0.001": all options that must be given, or else the first one with a default. */
static const char *example_options(const struct entry *entry, const char *between, struct arena *arena) {
    const char *required = "", *first = NULL; /* an empty text or list is not a useful example */
    int32_t n_required = 0;
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        const char *quote = option->type == RONDO_STRING ? "\"" : "";
        if (option->default_text == NULL) {
            const char *value = some_value(option, n_required++, arena);
            required = required == NULL || value == NULL
                           ? NULL
                           : arena_printf(arena, "%s, %s%s%s%s%s", required, option->key, between, quote, value, quote);
        } else if (first == NULL && option->default_text[0] != '\0' && strcmp(option->default_text, "[]") != 0) {
            first = arena_printf(arena, ", %s%s%s%s%s", option->key, between, quote, option->default_text, quote);
        }
    }
    return n_required > 0 ? required : first == NULL ? "" : first;
}

const char *entry_example(const struct entry *entry, struct arena *arena) {
    const rondo_descriptor *descriptor = entry->descriptor;
    const int is_op = descriptor != NULL && descriptor->kind == RONDO_KIND_OP;
    const char *options = example_options(entry, is_op ? "=" : ": ", arena);
    if (options == NULL) {
        return NULL;
    }
    if (strcmp(entry->kind, KIND_BLOCK) == 0) {
        return arena_printf(arena, "model: {layers: [{cell: gru, hidden: 64}, {block: %s, over: %s%s}]}", entry->name,
                            entry->is_over_self ? "self" : "memory", options);
    }
    if (entry->cell != NULL) {
        const char *encoder = cell_definition_reads_memory(entry->cell, arena)
                                  ? "encoder: [{cell: gru, hidden: 64, direction: both}], "
                                  : "";
        return arena_printf(arena, "model: {%slayers: [{cell: %s, hidden: 64%s}]}", encoder, entry->name, options);
    }
    if (entry->reader != NULL) {
        return arena_printf(arena, "data: {reader: %s%s%s}", entry->name,
                            (entry->reader->flags & READER_NO_FILES) != 0 ? "" : ", train: FILE", options);
    }
    if (is_op) {
        const rondo_op *op = (const rondo_op *)descriptor; /* an op with any number of inputs is shown with two */
        return arena_printf(arena, "y = %s(%s%s)", entry->name, op->max_inputs == -1 ? "x, h" : op->operands, options);
    }
    if (entry_is_wrapper(entry)) {
        return arena_printf(arena, "optimizer: {plugin: adam, wrappers: [{plugin: %s%s}]}", entry->name, options);
    }
    if (descriptor != NULL && descriptor->kind == RONDO_KIND_SCHEDULE) {
        return arena_printf(arena, "schedule: {learning_rate: {plugin: %s%s}}", entry->name, options);
    }
    if (descriptor != NULL && descriptor->kind == RONDO_KIND_METRIC) {
        return arena_printf(arena, "metrics: [{plugin: %s%s}]", entry->name, options);
    }
    return descriptor == NULL ? NULL : arena_printf(arena, "%s: {plugin: %s%s}", entry->kind, entry->name, options);
}
