/* cli/list.c: `rondo list`: everything that experiments and equations can name, from descriptors alone. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "core/options.h"
#include "run/cell_file.h"
#include "run/experiment.h"
#include "run/json.h"

/* One thing that can be listed, whatever its kind. */
struct entry {
    const char *kind, *name, *summary, *source, *origin;
    const rondo_option *options;
    const char *equations; /* of a cell; else NULL */
};

struct listing {
    const char *kind; /* NULL: all */
    const char *name; /* NULL: all of the kind */
    int json;
    int32_t found;
    json_t *objects;
    struct arena *arena;
    struct errors *errors;
    const char *last_kind;
    struct suggestion nearest;
};

static json_t *option_json(const rondo_option *option) {
    static const char *const types[] = {"bool", "int", "real", "choice", "string", "ints"};
    json_t *object = json_pack("{s:s, s:s, s:s?, s:s}", "key", option->key, "type", types[option->type], "default",
                               option->default_text, "help", option->help);
    if (option->type == RONDO_INT || option->type == RONDO_REAL || option->type == RONDO_INTS) {
        json_object_set_new(object, "min", json_real(option->min));
        json_object_set_new(object, "max", json_real(option->max));
    }
    for (int32_t i = 0; option->type == RONDO_CHOICE && option->choices[i] != NULL; i++) {
        if (i == 0) {
            json_object_set_new(object, "choices", json_array());
        }
        json_array_append_new(json_object_get(object, "choices"), json_string(option->choices[i]));
    }
    return object;
}

static void add_json(struct listing *listing, const struct entry *entry) {
    json_t *options = json_array();
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        json_array_append_new(options, option_json(option));
    }
    json_array_append_new(listing->objects,
                          json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:o, s:o}", "kind", entry->kind, "name", entry->name,
                                    "summary", entry->summary, "source", entry->source, "equations", entry->equations,
                                    "origin", json_text(entry->origin), "options", options));
}

static void print_options(struct listing *listing, const rondo_option *option) {
    for (; option != NULL && option->key != NULL; option++) {
        const char *expected = option_expected(option, listing->arena);
        printf("    %-16s %s", option->key, option->help);
        printf(" (%s; %s%s)\n", expected == NULL ? "" : expected,
               option->default_text == NULL ? "must be given" : "default ",
               option->default_text == NULL      ? ""
               : option->default_text[0] == '\0' ? "none"
                                                 : option->default_text);
    }
}

static void print_equations(const char *text) {
    while (text != NULL && *text != '\0') {
        const int length = (int)strcspn(text, "\n");
        printf("    | %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static void add_entry(struct listing *listing, const struct entry *entry) {
    if (listing->kind != NULL && strcmp(listing->kind, entry->kind) != 0) {
        return;
    }
    if (listing->name != NULL && strcmp(listing->name, entry->name) != 0) {
        const char *name = arena_strdup(listing->arena, entry->name);
        if (name != NULL) {
            suggest(&listing->nearest, listing->name, name);
        }
        return;
    }
    listing->found++;
    if (listing->json) {
        add_json(listing, entry);
        return;
    }
    if (listing->name == NULL && (listing->last_kind == NULL || strcmp(listing->last_kind, entry->kind) != 0)) {
        printf("%s%s:\n", listing->last_kind == NULL ? "" : "\n", entry->kind);
        listing->last_kind = entry->kind;
    }
    printf("  %-22s %s\n", entry->name[0] == '\0' ? "(top)" : entry->name, entry->summary);
    if (listing->name != NULL || strcmp(entry->kind, "experiment") == 0) {
        print_options(listing, entry->options);
    }
    if (listing->name != NULL) {
        print_equations(entry->equations);
        if (entry->source != NULL && entry->source[0] != '\0') {
            printf("    source: %s\n", entry->source);
        }
        printf("    from: %s\n", entry->origin);
    }
}

static void list_cell(void *arg, const char *name, const char *file) {
    struct listing *listing = arg;
    if ((listing->kind != NULL && strcmp(listing->kind, "cell") != 0) ||
        (listing->name != NULL && strcmp(listing->name, name) != 0)) {
        const struct entry entry = {.kind = "cell", .name = name};
        add_entry(listing, &entry); /* not wanted, but perhaps what was meant */
        return;
    }
    struct errors own = {0};
    const struct cell_definition *definition = cell_file_read(file, listing->arena, &own);
    if (definition == NULL) { /* a line for each file: a folder may hold other YAML */
        errors_add(listing->errors, own.status, "%s%s", errors_text(&own, 0),
                   own.count > 1 ? " (and more; `rondo check` tells them)" : "");
    }
    errors_free(&own);
    if (definition != NULL) {
        const struct entry entry = {"cell",
                                    name,
                                    definition->summary,
                                    definition->source,
                                    file,
                                    cell_option_table(definition, listing->arena),
                                    definition->equations.text};
        add_entry(listing, &entry);
    }
}

static void list_descriptors(struct listing *listing, const struct session *session) {
    const char *origin;
    const rondo_descriptor *descriptor;
    for (int32_t i = 0; (descriptor = registry_at(session->registry, i, &origin)) != NULL; i++) {
        const struct entry entry = {kind_name(descriptor->kind),
                                    descriptor->name,
                                    descriptor->summary,
                                    NULL,
                                    origin,
                                    descriptor->options,
                                    NULL};
        add_entry(listing, &entry);
    }
}

static void list_sections(struct listing *listing) {
    struct experiment_section section;
    for (int32_t i = 0; (section = experiment_section(i)).name != NULL; i++) {
        const struct entry entry = {"experiment", section.name, section.summary, NULL, "built-in", section.table, NULL};
        add_entry(listing, &entry);
    }
}

/* "optimizer/adam", "optimizer", or nothing; 0 for a kind that does not exist. */
static int parse_wanted(struct listing *listing, const char *wanted) {
    static const char *const kinds[] = {"op", "optimizer", "loss", "cell", "experiment"};
    if (wanted == NULL) {
        return 1;
    }
    const size_t length = strcspn(wanted, "/");
    listing->name = wanted[length] == '/' ? wanted + length + 1 : NULL;
    const char *kind = arena_strndup(listing->arena, wanted, length);
    struct suggestion best = {0};
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i], kind) == 0) {
            listing->kind = kinds[i];
            return 1;
        }
        suggest(&best, kind, kinds[i]);
    }
    errors_add(listing->errors, RONDO_INVALID,
               "unknown kind '%s'%s, expected op, optimizer, loss, cell or experiment, with /NAME behind it for one",
               wanted, suggestion_text(&best).text);
    return 0;
}

static void list(struct listing *listing, struct session *session, const char *wanted) {
    if (!parse_wanted(listing, wanted)) {
        return;
    }
    loader_load_all(session->loader, session->registry, listing->errors);
    list_descriptors(listing, session);
    session_each_cell(session, list_cell, listing, listing->errors);
    list_sections(listing);
    if (listing->found == 0) {
        errors_add(listing->errors, RONDO_NOT_FOUND, "there is no '%s'%s", wanted == NULL ? "anything" : wanted,
                   suggestion_text(&listing->nearest).text);
    } else if (listing->json) {
        output_json(json_incref(listing->objects), JSON_INDENT(2), listing->errors);
    }
}

static int run_list(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const struct flag flags[] = {
        COMMON_FLAG_PLUGIN(common), COMMON_FLAG_JSON(common), {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct session *session = open_session(&common, &errors);
    struct listing listing = {.json = common.json, .arena = arena_create(), .errors = &errors, .objects = json_array()};
    if (session != NULL && (listing.arena == NULL || listing.objects == NULL)) {
        errors_no_memory(&errors);
    } else if (session != NULL) {
        list(&listing, session, arguments.words[0]);
    }
    status = errors.count > 0 ? report_errors(&errors) : finish_output();
    json_decref(listing.objects);
    arena_destroy(listing.arena);
    session_destroy(session);
    return status;
}

const struct command command_list = {"list", "list [KIND[/NAME]]",
                                     "what experiments and equations can name, with options, ranges and defaults",
                                     "KIND is op, optimizer, loss, cell or experiment. No code of a plug-in runs.\n\n"
                                     "  rondo list optimizer/adam\n",
                                     run_list};
