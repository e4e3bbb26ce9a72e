#include "cli/catalogue.h"

#include <string.h>

#include "core/kind.h"
#include "core/options.h"
#include "io/file.h"
#include "lang/cell_file.h"
#include "model/block_layer.h"

/* State while entries are added. */
struct collecting {
    struct catalogue *catalogue;
    struct session *session;
    const char *kind, *name; /* the request; name NULL: all entries */
    struct errors *errors;
};

/* ---- kinds ---- */

const char *catalogue_kind(int32_t index) {
    if (index >= 0 && index < RONDO_KIND_COUNT) {
        return kind_name(index);
    }
    static const char *const others[] = {KIND_CELL, KIND_BLOCK, KIND_READER, KIND_EXPERIMENT};
    const int32_t other = index - RONDO_KIND_COUNT;
    return other >= 0 && other < (int32_t)(sizeof others / sizeof others[0]) ? others[other] : NULL;
}

const char *catalogue_kinds(struct arena *arena) {
    const char *text = catalogue_kind(0);
    for (int32_t i = 1; text != NULL && catalogue_kind(i) != NULL; i++) {
        text = arena_printf(arena, "%s%s%s", text, catalogue_kind(i + 1) == NULL ? " or " : ", ", catalogue_kind(i));
    }
    return text;
}

/* ---- entries ---- */

/* 1 if the entry was requested; if not, its name is considered as a suggestion. */
static int is_wanted(const struct collecting *collecting, const char *name) {
    struct catalogue *catalogue = collecting->catalogue;
    if (collecting->name == NULL || strcmp(collecting->name, name) == 0) {
        return 1;
    }
    const char *copy = arena_strdup(catalogue->arena, name);
    if (copy != NULL) {
        suggest(&catalogue->nearest, collecting->name, copy);
    }
    return 0;
}

static void add(const struct collecting *collecting, const struct entry *entry) {
    struct catalogue *catalogue = collecting->catalogue;
    if (catalogue->count == catalogue->capacity) {
        const int32_t capacity = catalogue->capacity == 0 ? 64 : 2 * catalogue->capacity;
        struct entry *entries = arena_calloc(catalogue->arena, (size_t)capacity, sizeof *entries);
        if (entries == NULL) {
            errors_no_memory(collecting->errors);
            return;
        }
        for (int32_t i = 0; i < catalogue->count; i++) {
            entries[i] = catalogue->entries[i];
        }
        catalogue->entries = entries;
        catalogue->capacity = capacity;
    }
    catalogue->entries[catalogue->count++] = *entry;
}

/* Finds the plug-in that was loaded from the file `origin`; 0: there is none. */
static int find_plugin(const struct session *session, const char *origin, struct arena *arena,
                       struct loaded_plugin *plugin) {
    const char *file = path_absolute(arena, origin);
    for (int32_t i = 0; file != NULL && loader_plugin(session->loader, i, plugin); i++) {
        if (strcmp(plugin->file, file) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_descriptors(const struct collecting *collecting, const struct session *session) {
    const char *origin;
    const rondo_descriptor *descriptor;
    for (int32_t i = 0; (descriptor = registry_at(session->registry, i, &origin)) != NULL; i++) {
        struct loaded_plugin plugin;
        if (strcmp(kind_name(descriptor->kind), collecting->kind) != 0 || !is_wanted(collecting, descriptor->name)) {
            continue;
        }
        struct entry entry = {.kind = kind_name(descriptor->kind),
                              .name = descriptor->name,
                              .summary = descriptor->summary,
                              .source = "",
                              .origin = origin,
                              .options = descriptor->options,
                              .descriptor = descriptor};
        if (find_plugin(session, origin, collecting->catalogue->arena, &plugin)) {
            entry.origin = plugin.file; /* the file itself, even if it was loaded through a link */
            entry.plugin = plugin.name;
            entry.version = plugin.version;
            entry.licence = plugin.licence;
        }
        add(collecting, &entry);
    }
}

/* The options of a cell. Defaults are written with the fewest digits that read back the same: 0.1, not
 * 0.10000000000000001. */
static const rondo_option *cell_options(const struct cell_definition *definition, struct arena *arena,
                                        struct errors *errors) {
    const rondo_option *table = cell_option_table(definition, arena);
    const size_t size = sizeof(double) * ((size_t)definition->n_options + 1);
    const void *values = table == NULL ? NULL : options_create(table, size, arena, errors);
    rondo_option *rows = values == NULL ? NULL : arena_calloc(arena, (size_t)definition->n_options + 1, sizeof *rows);
    for (int32_t i = 0; rows != NULL && i < definition->n_options; i++) {
        rows[i] = table[i];
        rows[i].default_text = option_text(&table[i], values, arena);
        rows[i].type = definition->options[i].is_integer ? RONDO_INT : RONDO_REAL; /* as it is shown */
    }
    return rows;
}

/* Whether the equations of a block are for its own steps, at the width of the example in its description. */
static int looks_at_itself(const struct cell_definition *block, const struct collecting *collecting) {
    const struct cell_settings sizes = {.dtype = RONDO_F32, .input = 64, .hidden = 64, .memory = 64};
    return block_over_of(block, &sizes, collecting->session->registry) == BLOCK_OVER_SELF;
}

/* A cell or a block. */
static void add_definition(void *arg, const char *name, const char *file) {
    const struct collecting *collecting = arg;
    const int is_block = strcmp(collecting->kind, KIND_BLOCK) == 0;
    struct arena *arena = collecting->catalogue->arena;
    if (!is_wanted(collecting, name)) {
        return;
    }
    struct errors own = {0};
    const struct cell_definition *definition =
        is_block ? block_file_read(file, arena, &own) : cell_file_read(file, arena, &own);
    const rondo_option *options = definition == NULL ? NULL : cell_options(definition, arena, &own);
    const struct entry entry = {.kind = is_block ? KIND_BLOCK : KIND_CELL,
                                .name = arena_strdup(arena, name),
                                .summary = definition == NULL ? NULL : definition->summary,
                                .source = definition == NULL ? NULL : definition->source,
                                .origin = arena_strdup(arena, file),
                                .options = options,
                                .cell = definition,
                                .is_over_self =
                                    is_block && definition != NULL && looks_at_itself(definition, collecting)};
    if (definition != NULL && (options == NULL || entry.name == NULL || entry.origin == NULL)) {
        errors_no_memory(&own);
    }
    if (own.count > 0) { /* one line per file: a folder may contain other YAML files */
        errors_add(collecting->errors, own.status, "%s%s", errors_text(&own, 0),
                   own.count <= 1 ? ""
                   : is_block     ? " (and more)"
                                  : " (and more; `rondo cells show` reports them)");
    } else {
        add(collecting, &entry);
    }
    errors_free(&own);
}

static void add_readers(const struct collecting *collecting) {
    const struct reader_class *reader;
    for (int32_t i = 0; (reader = reader_at(i)) != NULL; i++) {
        const struct entry entry = {.kind = KIND_READER,
                                    .name = reader->name,
                                    .summary = reader->summary,
                                    .source = "",
                                    .origin = "built-in",
                                    .options = reader->options,
                                    .reader = reader};
        if (is_wanted(collecting, reader->name)) {
            add(collecting, &entry);
        }
    }
}

static void add_sections(const struct collecting *collecting) {
    struct arena *arena = collecting->catalogue->arena;
    struct experiment_section section;
    for (int32_t i = 0; (section = experiment_section(i)).name != NULL; i++) {
        if (!is_wanted(collecting, section.name)) {
            continue;
        }
        struct experiment_section *copy = arena_calloc(arena, 1, sizeof *copy);
        if (copy == NULL) {
            errors_no_memory(collecting->errors);
            return;
        }
        *copy = section;
        const struct entry entry = {.kind = KIND_EXPERIMENT,
                                    .name = section.name,
                                    .summary = section.summary,
                                    .source = "",
                                    .origin = "built-in",
                                    .options = section.table,
                                    .section = copy};
        add(collecting, &entry);
    }
}

rondo_status catalogue_collect(struct catalogue *catalogue, struct session *session, const char *kind, const char *name,
                               struct errors *errors) {
    const int32_t before = errors->count;
    struct collecting collecting = {catalogue, session, kind, name, errors};
    if (strcmp(kind, KIND_CELL) == 0) {
        session_each(session, SESSION_CELLS, add_definition, &collecting, errors);
    } else if (strcmp(kind, KIND_BLOCK) == 0) {
        session_each(session, SESSION_BLOCKS, add_definition, &collecting, errors);
    } else if (strcmp(kind, KIND_READER) == 0) {
        add_readers(&collecting);
    } else if (strcmp(kind, KIND_EXPERIMENT) == 0) {
        add_sections(&collecting);
    } else {
        add_descriptors(&collecting, session);
    }
    return errors->count == before ? RONDO_OK : errors->status;
}

/* ---- which entry fits which section ---- */

int entry_is_wrapper(const struct entry *entry) {
    const rondo_descriptor *descriptor = entry->descriptor;
    return descriptor != NULL && descriptor->kind == RONDO_KIND_OPTIMIZER &&
           ((const rondo_optimizer *)descriptor)->stage != RONDO_STAGE_UPDATE;
}

int entry_fits(const struct entry *entry, const struct experiment_section *section) {
    return entry->descriptor != NULL && entry->descriptor->kind == section->plugin_kind &&
           entry_is_wrapper(entry) == ((section->flags & SECTION_WRAPPERS) != 0);
}

int section_is_item(const struct experiment_section *section) {
    const char *last = strrchr(section->name, '.');
    return last != NULL && experiment_is_item(last);
}

int section_is_in(const struct experiment_section *section, const char *outer, struct arena *arena, const char **key) {
    const size_t length = experiment_inner_key(outer, section->name, key);
    if (length == 0) {
        return 0;
    }
    *key = arena_strndup(arena, *key, length);
    return 1;
}
