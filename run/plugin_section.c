#include "run/plugin_section.h"

#include "core/host.h"
#include "core/options.h"

enum { MOST_KEYS = 8 };

int plugin_section_read(const struct plugin_reader *reader, struct yaml_node *section, const char *path, int32_t kind,
                        const char *const *others, struct plugin_section *found) {
    static const char *const whats[RONDO_KIND_COUNT] = {"the name of an op", "the name of an optimizer",
                                                        "the name of a loss", "the name of a schedule"};
    const char *keys[MOST_KEYS + 2] = {"plugin"};
    for (int32_t i = 0; others != NULL && others[i] != NULL && i < MOST_KEYS; i++) {
        keys[i + 1] = others[i];
    }
    *found = (struct plugin_section){.where = section->where};
    const char *name = section_text(section, "plugin", whats[kind], section->where, reader->errors);
    if (name == NULL) {
        return 0;
    }
    found->where = yaml_get(section, "plugin")->where;
    const rondo_descriptor *descriptor =
        registry_resolve(reader->session->registry, kind, name, found->where, reader->errors);
    void *options = descriptor == NULL ? NULL
                                       : options_create(descriptor->options, (size_t)descriptor->options_size,
                                                        reader->arena, reader->errors);
    if (options == NULL) {
        return 0;
    }
    const struct section_part part = {descriptor->options, options};
    if (section_read(section, &part, 1, keys, path, section->where, reader->arena, reader->errors) != RONDO_OK) {
        return 0;
    }
    found->descriptor = descriptor;
    found->options = options;
    found->origin = registry_origin(reader->session->registry, kind, name);
    return 1;
}

int plugin_section_check(const struct plugin_reader *reader, const struct plugin_section *section,
                         rondo_status (*check)(rondo_context *ctx, const void *options)) {
    if (check == NULL) {
        return 1;
    }
    struct host_call call = host_call(reader->arena, reader->errors, NULL, section->descriptor->name);
    call.where = section->where;
    return host_result(&call, check(&call.base, section->options)) == RONDO_OK;
}
