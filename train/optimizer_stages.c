#include "train/optimizer_stages.h"

#include <fnmatch.h>

#include "core/suggest.h"

static const rondo_optimizer *descriptor_of(const struct plugin_section *section) {
    return (const rondo_optimizer *)section->descriptor;
}

static int group_has(const struct optimizer_group *group, const char *name) {
    for (const char *const *pattern = group->patterns; *pattern != NULL; pattern++) {
        if (fnmatch(*pattern, name, 0) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Index of the first group that has the parameter; -1: none. */
static int32_t group_of(const struct optimizer_section *section, const char *name) {
    for (int32_t g = 0; g < section->n_groups; g++) {
        if (group_has(&section->groups[g], name)) {
            return g;
        }
    }
    return -1;
}

/* 1 if the name of a parameter matches the pattern; otherwise `best` gets the nearest name. */
static int fits_some(const char *pattern, const struct model *model, struct suggestion *best) {
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        if (fnmatch(pattern, model_parameters(model)[p].name, 0) == 0) {
            return 1;
        }
        suggest(best, pattern, model_parameters(model)[p].name);
    }
    return 0;
}

/* A group without parameters is a mistake: its pattern has a typing error, or an earlier pattern matches all of them. */
static rondo_status check_group(const struct optimizer_section *section, int32_t index, const struct model *model,
                                struct errors *errors) {
    const struct optimizer_group *group = &section->groups[index];
    for (const char *const *pattern = group->patterns; *pattern != NULL; pattern++) {
        struct suggestion best = {0};
        if (!fits_some(*pattern, model, &best)) {
            return errors_add_at(errors, RONDO_INVALID, group->where,
                                 "no parameter's name fits '%s'%s; `rondo check` without the group lists the names",
                                 *pattern, suggestion_text(&best).text);
        }
    }
    int32_t taken_by = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const char *name = model_parameters(model)[p].name;
        if (group_of(section, name) == index) {
            return RONDO_OK;
        }
        taken_by = group_has(group, name) ? group_of(section, name) : taken_by;
    }
    return errors_add_at(errors, RONDO_INVALID, group->where,
                         "every parameter of optimizer.groups.%d belongs to an earlier group, such as number %d", index,
                         taken_by);
}

/* The same options for every parameter, or those of its group. */
static const void **options_by_parameter(const struct optimizer_section *section, const struct plugin_section *plugin,
                                         const struct model *model, struct arena *arena) {
    const int32_t count = model_parameter_count(model);
    const void **options = arena_calloc(arena, (size_t)count + 1, sizeof *options);
    for (int32_t p = 0; options != NULL && p < count; p++) {
        const int32_t group = plugin == &section->optimizer ? group_of(section, model_parameters(model)[p].name) : -1;
        options[p] = group < 0 ? plugin->options : section->groups[group].options;
    }
    return options;
}

static rondo_status add_stage(const struct optimizer_section *section, const struct plugin_section *plugin,
                              const struct model *model, struct arena *arena, struct updater_stage *stages,
                              struct updater_settings *settings, struct errors *errors) {
    const void **options = options_by_parameter(section, plugin, model, arena);
    if (options == NULL) {
        return errors_no_memory(errors);
    }
    stages[settings->n_stages++] = (struct updater_stage){descriptor_of(plugin), plugin->origin, plugin->log, options};
    return RONDO_OK;
}

static rondo_status add_wrappers(const struct optimizer_section *section, int32_t stage, const struct model *model,
                                 struct arena *arena, struct updater_stage *stages, struct updater_settings *settings,
                                 struct errors *errors) {
    for (int32_t w = 0; w < section->n_wrappers; w++) {
        if (descriptor_of(&section->wrappers[w])->stage == stage) {
            RONDO_TRY(add_stage(section, &section->wrappers[w], model, arena, stages, settings, errors));
        }
    }
    return RONDO_OK;
}

rondo_status optimizer_stages(const struct optimizer_section *section, const struct model *model,
                              const struct parallel *parallel, struct arena *arena, struct updater_settings *settings,
                              struct errors *errors) {
    const int32_t count = model_parameter_count(model);
    struct updater_stage *stages = arena_calloc(arena, UPDATER_MOST_STAGES, sizeof *stages);
    unsigned char *frozen = arena_calloc(arena, (size_t)count + 1, 1);
    if (stages == NULL || frozen == NULL) {
        return errors_no_memory(errors);
    }
    *settings = (struct updater_settings){.model = model, .stages = stages, .frozen = frozen, .parallel = parallel};
    rondo_status first = RONDO_OK;
    for (int32_t g = 0; g < section->n_groups; g++) {
        const rondo_status status = check_group(section, g, model, errors);
        first = first == RONDO_OK ? status : first;
    }
    RONDO_TRY(first);
    int32_t n_frozen = 0;
    for (int32_t p = 0; p < count; p++) {
        const int32_t group = group_of(section, model_parameters(model)[p].name);
        frozen[p] = group >= 0 && section->groups[group].frozen;
        n_frozen += frozen[p];
    }
    if (n_frozen == count) {
        return errors_add_at(errors, RONDO_INVALID, section->groups[0].where,
                             "all parameters are frozen: there is nothing to train");
    }
    RONDO_TRY(add_wrappers(section, RONDO_STAGE_GRADIENT, model, arena, stages, settings, errors));
    RONDO_TRY(add_stage(section, &section->optimizer, model, arena, stages, settings, errors));
    return add_wrappers(section, RONDO_STAGE_VALUE, model, arena, stages, settings, errors);
}
