#include "experiment/optimizer_section.h"

#include <math.h>
#include <string.h>

#include "core/options.h"
#include "core/suggest.h"

struct group_options {
    int32_t frozen;
};
const rondo_option optimizer_group_table[] = {
    RONDO_OPTION_BOOL(struct group_options, frozen, "false", "leave these parameters as they are"), RONDO_OPTION_END};

static const rondo_optimizer *optimizer_of(const struct plugin_section *section) {
    return (const rondo_optimizer *)section->descriptor;
}

static int32_t length_of(const struct yaml_node *list) {
    int32_t length = 0;
    for (const struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        length++;
    }
    return length;
}

/* ---- reading ---- */

/* `match`: a pattern or a list of them. */
static int read_patterns(const struct plugin_reader *reader, const struct yaml_node *group, const char *path,
                         struct optimizer_group *read) {
    const struct yaml_node *match = yaml_get(group, "match");
    const int is_one = match != NULL && match->kind == YAML_SCALAR;
    const int32_t count = is_one ? 1 : length_of(match);
    int ok = match != NULL && match->kind != YAML_MAPPING && count > 0;
    read->patterns = arena_calloc(reader->arena, (size_t)count + 1, sizeof *read->patterns);
    if (read->patterns == NULL) {
        errors_no_memory(reader->errors);
        return 0;
    }
    const struct yaml_node *item = is_one || match == NULL ? match : match->first;
    for (int32_t i = 0; ok && i < count; i++, item = item->next) {
        ok = item->kind == YAML_SCALAR && item->text[0] != '\0';
        read->patterns[i] = ok ? item->text : NULL;
    }
    if (!ok) {
        errors_add_at(reader->errors, RONDO_INVALID, match == NULL ? group->where : match->where,
                      "'%s.match' must be a pattern of parameter names, such as \"embedding.*\", or a list of them",
                      path);
    }
    return ok;
}

/* A group that sets nothing, or an option for parameters that no update reaches, is a mistake. */
static int check_use(const struct plugin_reader *reader, const struct yaml_node *section, const char *path,
                     int frozen) {
    int32_t options = 0;
    for (const struct yaml_node *child = section->first; child != NULL; child = child->next) {
        const int is_option = strcmp(child->key, "match") != 0 && strcmp(child->key, "frozen") != 0;
        options += is_option;
        if (is_option && frozen) {
            errors_add_at(reader->errors, RONDO_INVALID, child->key_where,
                          "'%s.%s' is not used: the parameters of the group are frozen", path, child->key);
            return 0;
        }
    }
    if (options == 0 && !frozen) {
        errors_add_at(reader->errors, RONDO_INVALID, section->where,
                      "'%s' changes nothing: give it options of the optimizer, or frozen: true", path);
        return 0;
    }
    return 1;
}

/* A copy of the optimizer's options, with those of the group in their place. */
static int read_group(const struct plugin_reader *reader, struct yaml_node *section, const char *path,
                      const struct plugin_section *optimizer, struct optimizer_group *group) {
    if (section->kind != YAML_MAPPING) {
        errors_add_at(reader->errors, RONDO_INVALID, section->where,
                      "expected a group: {match: PATTERN, and options of the optimizer or frozen: true}");
        return 0;
    }
    const rondo_descriptor *descriptor = optimizer->descriptor;
    const struct experiment_section *known = experiment_section_find(reader->sections, "optimizer.groups.N");
    const char *const *others = experiment_section_keys(reader->sections, known, reader->arena);
    void *options = arena_calloc(reader->arena, 1, (size_t)descriptor->options_size + 1);
    if (options == NULL || options_copy(descriptor->options, (size_t)descriptor->options_size, optimizer->options,
                                        options, reader->arena) != RONDO_OK) {
        errors_no_memory(reader->errors);
        return 0;
    }
    struct group_options own = {0};
    const struct section_part parts[] = {{descriptor->options, options}, {known->table, &own}};
    int ok = read_patterns(reader, section, path, group);
    ok &= section_override(section, parts, 2, others, path, reader->arena, reader->errors) == RONDO_OK;
    *group = (struct optimizer_group){
        .patterns = group->patterns, .where = section->where, .frozen = own.frozen, .options = options};
    ok &= check_use(reader, section, path, own.frozen);
    const struct plugin_section with_options = {descriptor,     options,        optimizer->origin,
                                                optimizer->log, section->where, section};
    return ok && plugin_section_check(reader, &with_options, optimizer_of(optimizer)->check);
}

static void read_groups(const struct plugin_reader *reader, const struct yaml_node *groups,
                        struct optimizer_section *read) {
    if (groups == NULL) {
        return;
    }
    if (groups->kind != YAML_SEQUENCE) {
        errors_add_at(reader->errors, RONDO_INVALID, groups->where,
                      "'optimizer.groups' must be a list: [{match: \"embedding.*\", frozen: true}, …]");
        return;
    }
    read->groups = arena_calloc(reader->arena, (size_t)length_of(groups) + 1, sizeof *read->groups);
    if (read->groups == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    for (struct yaml_node *group = groups->first; group != NULL; group = group->next) {
        const char *path = arena_printf(reader->arena, "optimizer.groups.%d", read->n_groups);
        if (path == NULL) {
            errors_no_memory(reader->errors);
            return;
        }
        read_group(reader, group, path, &read->optimizer, &read->groups[read->n_groups]);
        read->n_groups++;
    }
}

static int keeps_evaluated(const rondo_optimizer *optimizer) {
    for (const rondo_slot *slot = optimizer->slots; slot != NULL && slot->name != NULL; slot++) {
        if (slot->role == RONDO_SLOT_EVALUATED) {
            return 1;
        }
    }
    return 0;
}

static void read_wrapper(const struct plugin_reader *reader, struct yaml_node *section, const char *path,
                         struct optimizer_section *read) {
    struct plugin_section wrapper;
    if (section->kind != YAML_MAPPING) {
        errors_add_at(reader->errors, RONDO_INVALID, section->where, "expected a wrapper: {plugin: NAME, …}");
        return;
    }
    if (!plugin_section_read(reader, section, "optimizer.wrappers.N", path, NULL, &wrapper)) {
        return;
    }
    const rondo_optimizer *optimizer = optimizer_of(&wrapper);
    if (optimizer->stage == RONDO_STAGE_UPDATE) {
        errors_add_at(reader->errors, RONDO_INVALID, wrapper.where,
                      "'%s' is an optimizer and not a wrapper: name it as 'optimizer.plugin'", optimizer->base.name);
        return;
    }
    for (int32_t i = 0; i < read->n_wrappers; i++) {
        if (read->wrappers[i].descriptor == wrapper.descriptor) {
            errors_add_at(reader->errors, RONDO_INVALID, wrapper.where, "'%s' is a wrapper already",
                          optimizer->base.name);
            return;
        }
        if (keeps_evaluated(optimizer) && keeps_evaluated(optimizer_of(&read->wrappers[i]))) {
            errors_add_at(reader->errors, RONDO_INVALID, wrapper.where,
                          "'%s' and '%s' both keep the weights to evaluate: take one of them", optimizer->base.name,
                          read->wrappers[i].descriptor->name);
            return;
        }
    }
    if (read->n_wrappers == OPTIMIZER_MOST_WRAPPERS) {
        errors_add_at(reader->errors, RONDO_INVALID, wrapper.where, "there are more than %d wrappers",
                      OPTIMIZER_MOST_WRAPPERS);
        return;
    }
    if (plugin_section_check(reader, &wrapper, optimizer->check)) {
        read->wrappers[read->n_wrappers++] = wrapper;
    }
}

static void read_wrappers(const struct plugin_reader *reader, const struct yaml_node *wrappers,
                          struct optimizer_section *read) {
    if (wrappers == NULL) {
        return;
    }
    if (wrappers->kind != YAML_SEQUENCE) {
        errors_add_at(reader->errors, RONDO_INVALID, wrappers->where,
                      "'optimizer.wrappers' must be a list: [{plugin: lookahead}, …]");
        return;
    }
    int32_t index = 0;
    for (struct yaml_node *wrapper = wrappers->first; wrapper != NULL; wrapper = wrapper->next, index++) {
        const char *path = arena_printf(reader->arena, "optimizer.wrappers.%d", index);
        if (path == NULL) {
            errors_no_memory(reader->errors);
            return;
        }
        read_wrapper(reader, wrapper, path, read);
    }
}

/* The learning rate: by convention the option `lr`. */
static double find_lr(const struct plugin_section *optimizer) {
    const rondo_option *option = option_find(optimizer->descriptor->options, "lr");
    double lr = NAN;
    if (option != NULL && option->type == RONDO_REAL) {
        memcpy(&lr, (const char *)optimizer->options + option->offset, sizeof lr);
    }
    return lr;
}

void optimizer_section_read(const struct plugin_reader *reader, struct yaml_node *section,
                            struct optimizer_section *read) {
    read->lr = NAN;
    if (plugin_section_read(reader, section, "optimizer", "optimizer", NULL, &read->optimizer)) {
        const rondo_optimizer *optimizer = optimizer_of(&read->optimizer);
        read->lr = find_lr(&read->optimizer);
        if (optimizer->stage != RONDO_STAGE_UPDATE) {
            errors_add_at(reader->errors, RONDO_INVALID, read->optimizer.where,
                          "'%s' goes around an optimizer: name it under 'optimizer.wrappers'", optimizer->base.name);
        }
        if (plugin_section_check(reader, &read->optimizer, optimizer->check)) {
            read_groups(reader, yaml_get(section, "groups"), read);
        }
    }
    read_wrappers(reader, yaml_get(section, "wrappers"), read);
}

int optimizer_section_draws_targets(const struct optimizer_section *section) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)section->optimizer.descriptor;
    int draws = optimizer != NULL && optimizer->wants_sampled != NULL;
    for (int32_t w = 0; w < section->n_wrappers; w++) {
        draws |= ((const rondo_optimizer *)section->wrappers[w].descriptor)->wants_sampled != NULL;
    }
    return draws;
}
