#include "compare/size.h"

#include <string.h>

#include "compare/widths.h"

/* A variant while its widths are searched. */
struct sized_variant {
    const struct task *task;
    int by_flops;
    int32_t
        entries[2 * MAX_LAYERS]; /* [count] of encoder and layers (struct experiment_layers): those that are compared */
    int64_t given[2 * MAX_LAYERS]; /* [count] their widths */
    int32_t count;
};

/* What `equal` makes equal. */
static int64_t size_of(const struct model *model, int by_flops) {
    return by_flops ? model_step_flops(model) + model_encoder_flops(model) : model_size(model);
}

/* The size of the model with these widths of the compared layers. */
static rondo_status measure(void *arg, const int64_t *widths, int32_t count, int64_t *value, struct errors *errors) {
    const struct sized_variant *sized = arg;
    const struct experiment_layers *layers = &sized->task->experiment->layers;
    int64_t all[2 * MAX_LAYERS]; /* of layers, counted with their copies */
    int32_t n = 0, compared = 0;
    for (int32_t i = 0; i < layers->count; i++) {
        const int is_compared = compared < count && sized->entries[compared] == i;
        const int64_t width = is_compared ? widths[compared] : layers->items[i].options.hidden;
        compared += is_compared;
        for (int64_t copy = 0; copy < layers->items[i].options.count; copy++) {
            all[n++] = width;
        }
    }
    struct model *model = network_model_of_widths(sized->task->network, all, errors);
    if (model == NULL) {
        return errors->status;
    }
    *value = size_of(model, sized->by_flops);
    model_destroy(model);
    return RONDO_OK;
}

/* 1 if an entry is compared: it, or the whole list that it is in. */
static int is_compared(const struct comparison_plan *plan, const struct experiment_layer *entry) {
    const char *const *layer = plan->section.layers;
    const size_t list = (size_t)(strrchr(entry->path, '.') - entry->path);
    while (*layer != NULL && strcmp(*layer, entry->path) != 0 &&
           !(strlen(*layer) == list && strncmp(*layer, entry->path, list) == 0)) {
        layer++;
    }
    return *layer != NULL;
}

static void find_layers(const struct comparison_plan *plan, struct sized_variant *sized) {
    const struct experiment_layers *layers = &sized->task->experiment->layers;
    for (int32_t i = 0; i < layers->count; i++) {
        /* a block without a width of its own has that of its input */
        if (layers->items[i].options.hidden > 0 && is_compared(plan, &layers->items[i])) {
            sized->entries[sized->count] = i;
            sized->given[sized->count++] = layers->items[i].options.hidden;
        }
    }
}

/* Adds the widths to the settings of the variant. */
static rondo_status put_widths(struct comparison_plan *plan, int32_t variant, const struct sized_variant *sized,
                               const int64_t *widths, struct errors *errors) {
    struct planned_variant *planned = &plan->variants[variant];
    struct compared_variant *compared = &plan->comparison.variants[variant];
    struct arena *arena = plan->arena;
    const size_t n = (size_t)sized->count;
    struct compare_setting *settings = arena_calloc(arena, (size_t)planned->n_settings + n, sizeof *settings);
    struct compared_setting *texts = arena_calloc(arena, n, sizeof *texts);
    struct yaml_node *nodes = arena_calloc(arena, n, sizeof *nodes);
    if (settings == NULL || texts == NULL || nodes == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(settings, planned->settings, (size_t)planned->n_settings * sizeof *settings);
    for (int32_t i = 0; i < sized->count; i++) {
        const struct experiment_layer *entry = &sized->task->experiment->layers.items[sized->entries[i]];
        const char *key = arena_printf(arena, "%s.hidden", entry->path);
        const char *text = arena_printf(arena, "%lld", (long long)widths[i]);
        nodes[i] =
            (struct yaml_node){.kind = YAML_SCALAR, .where = plan->section.equal_where, .text = text, .folder = "."};
        settings[planned->n_settings + i] = (struct compare_setting){key, &nodes[i]};
        texts[i] = (struct compared_setting){.key = key, .text = text};
    }
    planned->settings = settings;
    planned->n_settings += sized->count;
    compared->widths = texts;
    compared->n_widths = sized->count;
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status comparison_size(struct comparison_plan *plan, int32_t variant, const struct task *given,
                             struct errors *errors) {
    struct comparison *comparison = &plan->comparison;
    const struct compare_section *section = &plan->section;
    struct sized_variant sized = {.task = given, .by_flops = section->equal == COMPARE_EQUAL_FLOPS};
    const struct model *model = network_model(given->network);
    if (section->equal == COMPARE_AS_GIVEN) {
        return RONDO_OK;
    }
    if (variant == 0) {
        comparison->budget = section->budget > 0 ? section->budget : size_of(model, sized.by_flops);
    }
    find_layers(plan, &sized);
    if (sized.count == 0 || comparison->budget == 0) {
        return RONDO_OK; /* the first variant has mistakes, and there is no budget */
    }
    const struct widths_question question = {.given = sized.given,
                                             .count = sized.count,
                                             .budget = comparison->budget,
                                             .measure = measure,
                                             .arg = &sized,
                                             .variant = comparison->variants[variant].name,
                                             .unit = sized.by_flops ? "operations per step" : "parameters",
                                             .where = section->equal_where};
    int64_t widths[2 * MAX_LAYERS], value;
    RONDO_TRY(widths_solve(&question, widths, &value, errors));
    comparison->variants[variant].budget_ratio = (double)value / (double)comparison->budget;
    return put_widths(plan, variant, &sized, widths, errors);
}
