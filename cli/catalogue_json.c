/* cli/catalogue_json.c: the catalogue as JSON. */
#include "cli/catalogue_facts.h"
#include "cli/catalogue_write.h"
#include "cli/json_builder.h"
#include "core/options.h"
#include "io/json.h"

static json_t *text_or_null(const char *text) {
    return text == NULL || text[0] == '\0' ? json_null() : json_text(text);
}

static json_t *option_json(struct json_builder *builder, const struct entry *entry, const rondo_option *option) {
    static const char *const types[] = {"bool", "int", "real", "choice", "string", "ints", "reals", "class_reals"};
    json_t *object = json_pack("{s:s, s:s, s:s?, s:s}", "key", option->key, "type", types[option->type], "default",
                               option->default_text, "help", option->help);
    if (option_has_range(option)) {
        json_set(builder, object, "min", json_real(option->min));
        json_set(builder, object, "max", json_real(option->max));
    }
    if (option->type == RONDO_CHOICE) {
        json_set(builder, object, "choices", json_texts(builder, option->choices));
    }
    if (entry->reader != NULL && reader_is_by_stream(entry->reader, option)) {
        json_set(builder, object, "by_stream", json_texts(builder, entry->reader->by_stream->streams));
    }
    return object;
}

/* The keys of a section that are not options, and the sections inside it. */
static json_t *keys_json(struct json_builder *builder, const struct entry *entry) {
    json_t *array = json_array();
    int32_t count = 0;
    const struct key_row *rows = entry_keys(entry, builder->arena, &count);
    builder->failed |= rows == NULL;
    for (int32_t i = 0; rows != NULL && i < count; i++) {
        if (option_find(entry->options, rows[i].key) == NULL) {
            json_append(builder, array,
                        json_pack("{s:s, s:s?, s:s, s:s, s:s?}", "key", rows[i].key, "default", rows[i].default_text,
                                  "expected", rows[i].expected, "help", rows[i].help, "section", rows[i].section));
        }
    }
    return array;
}

static void add_op(struct json_builder *builder, json_t *object, const rondo_op *op) {
    json_set(builder, object, "operands", json_string(op->operands));
    json_set(builder, object, "min_inputs", json_integer(op->min_inputs));
    json_set(builder, object, "max_inputs", op->max_inputs == -1 ? json_null() : json_integer(op->max_inputs));
    json_set(builder, object, "elementwise", json_boolean(op->map != NULL));
    json_set(builder, object, "gradient", json_boolean((op->flags & RONDO_OP_NO_GRADIENT) == 0));
    json_set(builder, object, "random", json_boolean((op->flags & RONDO_OP_RANDOM) != 0));
}

static void add_optimizer(struct json_builder *builder, json_t *object, const rondo_optimizer *optimizer) {
    static const char *const stages[] = {"update", "gradient", "value"};
    json_t *slots = json_array();
    for (const rondo_slot *slot = optimizer->slots; slot != NULL && slot->name != NULL; slot++) {
        json_append(builder, slots, json_pack("{s:s, s:s}", "name", slot->name, "state", slot_text(slot)));
    }
    json_set(builder, object, "wrapper", json_boolean(optimizer->stage != RONDO_STAGE_UPDATE));
    json_set(builder, object, "stage", json_string(stages[optimizer->stage]));
    json_set(builder, object, "elementwise", json_boolean((optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0));
    json_set(builder, object, "slots", slots);
}

static void add_loss(struct json_builder *builder, json_t *object, const rondo_loss *loss) {
    json_t *metrics = json_array();
    for (const rondo_metric *metric = loss->metrics; metric != NULL && metric->name != NULL; metric++) {
        json_append(builder, metrics,
                    json_pack("{s:s, s:b}", "name", metric->name, "higher_is_better", metric->higher_is_better));
    }
    json_set(builder, object, "metrics", metrics);
    json_set(builder, object, "couples_rows", json_boolean((loss->flags & RONDO_LOSS_COUPLES_ROWS) != 0));
}

static void add_metric(struct json_builder *builder, json_t *object, const rondo_metric_plugin *metric) {
    json_t *targets = json_array(), *accumulators = json_array();
    for (int32_t kind = 0; target_kind_text(kind) != NULL; kind++) {
        if ((metric->targets & RONDO_ACCEPTS(kind)) != 0) {
            json_append(builder, targets, json_string(target_kind_text(kind)));
        }
    }
    for (const rondo_accumulator *accumulator = metric->accumulators; accumulator->name != NULL; accumulator++) {
        json_append(builder, accumulators,
                    json_pack("{s:s, s:s}", "name", accumulator->name, "help", accumulator->help));
    }
    json_set(builder, object, "targets", targets);
    json_set(builder, object, "probabilities", json_boolean((metric->flags & RONDO_METRIC_PROBABILITIES) != 0));
    json_set(builder, object, "texts", json_boolean((metric->flags & RONDO_METRIC_TEXTS) != 0));
    json_set(builder, object, "higher_is_better", json_boolean(metric->higher_is_better));
    json_set(builder, object, "value", json_boolean(metric->finish != NULL));
    json_set(builder, object, "table", json_boolean(metric->table != NULL));
    json_set(builder, object, "accumulators", accumulators);
}

static void add_descriptor(struct json_builder *builder, json_t *object, const rondo_descriptor *descriptor) {
    switch (descriptor->kind) {
    case RONDO_KIND_OP:
        add_op(builder, object, (const rondo_op *)descriptor);
        break;
    case RONDO_KIND_OPTIMIZER:
        add_optimizer(builder, object, (const rondo_optimizer *)descriptor);
        break;
    case RONDO_KIND_LOSS:
        add_loss(builder, object, (const rondo_loss *)descriptor);
        break;
    case RONDO_KIND_SCHEDULE:
        json_set(builder, object, "needs_validation",
                 json_boolean(((const rondo_schedule *)descriptor)->observe != NULL));
        break;
    case RONDO_KIND_METRIC:
        add_metric(builder, object, (const rondo_metric_plugin *)descriptor);
        break;
    default:
        break;
    }
}

static json_t *entry_json(struct json_builder *builder, const struct entry *entry) {
    json_t *object = json_pack("{s:s, s:s, s:s}", "kind", entry->kind, "name", entry->name, "summary", entry->summary);
    json_t *options = json_array();
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        json_append(builder, options, option_json(builder, entry, option));
    }
    json_set(builder, object, "source", text_or_null(entry->source));
    json_set(builder, object, "equations", text_or_null(entry->cell == NULL ? NULL : entry->cell->equations.text));
    json_set(builder, object, "origin", json_text(entry->origin));
    json_set(builder, object, "options", options);
    if (entry->plugin != NULL) {
        json_set(
            builder, object, "plugin",
            json_pack("{s:s, s:s, s:s}", "name", entry->plugin, "version", entry->version, "licence", entry->licence));
    }
    if (entry->descriptor != NULL) {
        add_descriptor(builder, object, entry->descriptor);
    }
    if (entry->section != NULL) {
        json_set(builder, object, "keys", keys_json(builder, entry));
    } else {
        json_set(builder, object, "example", text_or_null(entry_example(entry, builder->arena)));
    }
    return object;
}

json_t *catalogue_json(const struct catalogue *catalogue) {
    struct json_builder builder = {catalogue->arena, 0};
    json_t *array = json_array();
    for (int32_t i = 0; i < catalogue->count; i++) {
        json_append(&builder, array, entry_json(&builder, &catalogue->entries[i]));
    }
    return json_built(&builder, array);
}
