#include "compare/plan_hash.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"

/* Settings as [key, value, key, value, …]. NULL: out of memory. */
static json_t *settings_json(const struct compare_setting *settings, int32_t count, struct arena *arena) {
    json_t *list = json_array();
    int failed = list == NULL;
    for (int32_t i = 0; i < count && !failed; i++) {
        const char *value = yaml_line(settings[i].value, arena);
        failed = value == NULL || json_array_append_new(list, json_text(settings[i].key)) != 0 ||
                 json_array_append_new(list, json_text(value)) != 0;
    }
    if (failed) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *plan_json(const struct comparison_plan *plan, struct arena *arena) {
    const struct compare_section *section = &plan->section;
    json_t *list = json_array();
    const char *experiment = yaml_write(plan->tree, arena);
    int failed = list == NULL || experiment == NULL || json_array_append_new(list, json_text(experiment)) != 0;
    for (int32_t v = 0; v < plan->comparison.n_variants && !failed; v++) {
        const struct planned_variant *variant = &plan->variants[v];
        failed = json_array_append_new(list, json_text(plan->comparison.variants[v].folder)) != 0 ||
                 json_array_append_new(list, settings_json(variant->settings, variant->n_settings, arena)) != 0;
    }
    for (int32_t s = 0; s < section->n_seeds && !failed; s++) {
        failed = json_array_append_new(list, json_integer(section->seeds[s])) != 0;
    }
    for (int32_t t = 0; t < section->trials && !failed; t++) {
        const struct compare_variant *trial = &section->trial_settings[t];
        failed = json_array_append_new(list, settings_json(trial->settings, trial->n_settings, arena)) != 0;
    }
    if (!failed && section->trials > 0) {
        failed = json_array_append_new(list, json_pack("[i, i]", section->tune_seeds, section->halving)) != 0;
    }
    if (failed) {
        json_decref(list);
        return NULL;
    }
    return list;
}

rondo_status comparison_plan_hash(const struct comparison_plan *plan, struct fingerprint *hash, struct errors *errors) {
    struct arena *arena = arena_create();
    json_t *value = plan_json(plan, arena);
    char *text = json_write(value, JSON_COMPACT);
    if (text != NULL) {
        *hash = fingerprint_of_bytes(text, strlen(text));
    }
    const rondo_status status = text == NULL ? errors_no_memory(errors) : RONDO_OK;
    free(text);
    json_decref(value);
    arena_destroy(arena);
    return status;
}
