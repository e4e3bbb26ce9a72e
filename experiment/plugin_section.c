#include "experiment/plugin_section.h"

#include <string.h>

#include "core/host.h"
#include "core/options.h"

struct yaml_node *plugin_section_child(const struct plugin_reader *reader, struct yaml_node *mapping, const char *key) {
    const struct yaml_node *child = yaml_get(mapping, key);
    if (child != NULL && child->kind == YAML_SCALAR && child->text[0] != '\0') {
        errors_add_at(reader->errors, RONDO_INVALID, child->where,
                      "'%s' is a single value, expected a mapping with the name of the plug-in: {plugin: %s}", key,
                      child->text);
        return NULL;
    }
    return section_child(mapping, key, reader->arena, reader->errors);
}

int plugin_section_read(const struct plugin_reader *reader, struct yaml_node *section, const char *name,
                        const char *path, void *own, struct plugin_section *found) {
    static const char *const whats[RONDO_KIND_COUNT] = {"the name of an op", "the name of an optimizer",
                                                        "the name of a loss", "the name of a schedule",
                                                        "the name of a metric"};
    const struct experiment_section *known = experiment_section_find(reader->sections, name);
    const char *const *others = known == NULL ? NULL : experiment_section_keys(reader->sections, known, reader->arena);
    *found = (struct plugin_section){.where = section->where, .section = section};
    if (others == NULL) {
        errors_no_memory(reader->errors);
        return 0;
    }
    const char *plugin =
        section_text(section, path, "plugin", whats[known->plugin_kind], section->where, reader->errors);
    if (plugin == NULL) {
        return 0;
    }
    found->where = yaml_get(section, "plugin")->where;
    const rondo_descriptor *descriptor =
        registry_resolve(reader->session->registry, known->plugin_kind, plugin, found->where, reader->errors);
    void *options = descriptor == NULL ? NULL
                                       : options_create(descriptor->options, (size_t)descriptor->options_size,
                                                        reader->arena, reader->errors);
    if (options == NULL) {
        return 0;
    }
    const struct section_part parts[] = {{descriptor->options, options}, {known->table, own}};
    if (section_read(section, parts, own == NULL ? 1 : 2, others, path, section->where, reader->arena,
                     reader->errors) != RONDO_OK) {
        return 0;
    }
    found->descriptor = descriptor;
    found->options = options;
    found->origin = registry_origin(reader->session->registry, known->plugin_kind, plugin);
    found->log = registry_log(reader->session->registry);
    return 1;
}

/* The child whose key is in the first single quotes of the text, if it was given; NULL: there is none. */
static const struct yaml_node *named_option(const struct yaml_node *section, const char *text) {
    const char *begin = strchr(text, '\'');
    const size_t length = begin == NULL ? 0 : strcspn(begin + 1, "'");
    const struct yaml_node *child = section == NULL || begin == NULL ? NULL : section->first;
    while (child != NULL && (strncmp(child->key, begin + 1, length) != 0 || child->key[length] != '\0')) {
        child = child->next;
    }
    return child != NULL && strcmp(child->where.file, SECTION_DEFAULT) != 0 ? child : NULL;
}

void plugin_section_errors(const struct yaml_node *section, struct location where, const char *remedy,
                           struct errors *from, struct errors *errors) {
    for (int32_t i = 0; i < from->count && i < ERRORS_MAX; i++) {
        const char *text = errors_text(from, i);
        if (errors_place(from, i).file_length > 0) { /* it has a place of its own */
            errors_move_one(errors, from, i);
            continue;
        }
        const struct yaml_node *option = named_option(section, text);
        errors_add_at(errors, from->status, option == NULL ? where : option->where, "%s%s%s", text,
                      remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
    }
    errors_free(from);
}

int plugin_section_check(const struct plugin_reader *reader, const struct plugin_section *section,
                         rondo_status (*check)(rondo_context *ctx, const void *options)) {
    if (check == NULL) {
        return 1;
    }
    struct errors own = {0};
    struct host_call call = host_call(reader->arena, &own, NULL, section->descriptor->name);
    call.log = section->log;
    call.origin = section->origin;
    const rondo_status status = host_result(&call, check(&call.base, section->options));
    plugin_section_errors(section->section, section->where, NULL, &own, reader->errors);
    return status == RONDO_OK;
}
