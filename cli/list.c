/* cli/list.c: `rondo list`: everything that experiments and equations can name (cli/catalogue.h). */
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/catalogue_write.h"
#include "cli/command.h"

/* The arguments of the command. */
struct wanted {
    const char *kind; /* NULL: all */
    const char *name; /* NULL: all entries of the kind */
    const char *text; /* the argument as the user wrote it */
    int json;
};

/* Continues after a file that cannot be loaded or read, so that the other entries are still listed. */
static void collect(struct catalogue *catalogue, struct session *session, const struct wanted *wanted,
                    struct errors *errors) {
    if (wanted->kind == NULL || (strcmp(wanted->kind, KIND_CELL) != 0 && strcmp(wanted->kind, KIND_BLOCK) != 0 &&
                                 strcmp(wanted->kind, KIND_EXPERIMENT) != 0)) {
        loader_load_all(session->loader, session->registry, errors);
    }
    for (int32_t i = 0; catalogue_kind(i) != NULL; i++) {
        if (wanted->kind == NULL || strcmp(wanted->kind, catalogue_kind(i)) == 0) {
            catalogue_collect(catalogue, session, catalogue_kind(i), wanted->name, errors);
        }
    }
}

/* An entry of any kind with this name; NULL if there is none. */
static const struct entry *find_by_name(const char *name, struct session *session, struct arena *arena) {
    struct catalogue found = {.arena = arena};
    struct errors ignored = {0};
    collect(&found, session, &(struct wanted){.name = name}, &ignored);
    errors_free(&ignored);
    return found.count > 0 ? &found.entries[0] : NULL;
}

/* Parses "optimizer/adam", "optimizer", or nothing. RONDO_INVALID if the kind does not exist. */
static rondo_status parse_wanted(struct wanted *wanted, struct session *session, struct arena *arena,
                                 struct errors *errors) {
    if (wanted->text == NULL) {
        return RONDO_OK;
    }
    const size_t length = strcspn(wanted->text, "/");
    wanted->name = wanted->text[length] == '/' ? wanted->text + length + 1 : NULL;
    const char *kind = arena_strndup(arena, wanted->text, length), *kinds = catalogue_kinds(arena);
    if (kind == NULL || kinds == NULL) {
        return errors_no_memory(errors);
    }
    struct suggestion best = {0};
    for (int32_t i = 0; catalogue_kind(i) != NULL; i++) {
        if (strcmp(catalogue_kind(i), kind) == 0) {
            wanted->kind = catalogue_kind(i);
            return RONDO_OK;
        }
        suggest(&best, kind, catalogue_kind(i));
    }
    const struct entry *entry = wanted->name == NULL ? find_by_name(kind, session, arena) : NULL;
    if (entry != NULL) {
        return errors_add(errors, RONDO_INVALID, "unknown kind '%s' (did you mean '%s/%s'?)", kind, entry->kind,
                          entry->name);
    }
    return errors_add(errors, RONDO_INVALID, "unknown kind '%s'%s, expected %s, or KIND/NAME for one entry", kind,
                      suggestion_text(&best).text, kinds);
}

static void list(struct catalogue *catalogue, struct session *session, struct wanted *wanted, struct errors *errors) {
    if (parse_wanted(wanted, session, catalogue->arena, errors) != RONDO_OK) {
        return;
    }
    collect(catalogue, session, wanted, errors);
    if (catalogue->count == 0) {
        errors_add(errors, RONDO_NOT_FOUND, "there is no '%s'%s", wanted->text == NULL ? "anything" : wanted->text,
                   suggestion_text(&catalogue->nearest).text);
    } else if (wanted->json) {
        output_json(catalogue_json(catalogue), JSON_INDENT(2), errors);
    } else {
        const int is_experiment = wanted->kind != NULL && strcmp(wanted->kind, KIND_EXPERIMENT) == 0;
        catalogue_print(stdout, catalogue, wanted->name != NULL || is_experiment, errors);
    }
}

/* The pages describe everything that ships with Rondo, so any error is fatal. */
static void write_reference(struct catalogue *catalogue, struct session *session, const char *folder,
                            struct errors *errors) {
    collect(catalogue, session, &(struct wanted){0}, errors);
    if (errors->count == 0) {
        catalogue_reference(catalogue, folder, errors);
    }
}

/* 1 if --reference is the only flag. The pages describe what is in the folders of the build or the installation; the
 * user's own folders are not searched. */
static int prepare_reference(const struct common_flags *common, const struct wanted *wanted, struct errors *errors) {
    if (common->plugins[0] != NULL || common->json || wanted->text != NULL) {
        errors_add(errors, RONDO_INVALID,
                   "--reference writes the pages of everything that ships with Rondo, and cannot be combined with "
                   "KIND, --json or --plugin");
        return 0;
    }
    unsetenv("RONDO_PLUGIN_PATH");
    unsetenv("RONDO_CELL_PATH");
    unsetenv("RONDO_BLOCK_PATH");
    return 1;
}

static int run_list(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *folder = NULL;
    const struct flag flags[] = {
        COMMON_FLAG_PLUGIN(common),
        COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_JSON(common),
        {"reference", "FOLDER", FLAG_TEXT, &folder, "write the reference pages and the JSON Schema of experiments"},
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct wanted wanted = {.text = arguments.words[0], .json = common.json};
    const int is_fit = folder == NULL || prepare_reference(&common, &wanted, &errors);
    struct session *session = is_fit ? session_from_flags(&common, &errors) : NULL;
    struct catalogue catalogue = {.arena = arena_create()};
    if (catalogue.arena == NULL) {
        errors_no_memory(&errors);
    } else if (session != NULL && folder != NULL) {
        write_reference(&catalogue, session, folder, &errors);
    } else if (session != NULL) {
        list(&catalogue, session, &wanted, &errors);
    }
    status = finish_command(&errors, common.json);
    arena_destroy(catalogue.arena);
    session_destroy(session);
    return status;
}

const struct command command_list = {
    "list", "list [KIND[/NAME]]",
    "list everything that experiments and equations can name, with options, ranges and defaults",
    "KIND is op, optimizer, loss, schedule, metric, cell, block, reader or experiment; without it, all kinds are "
    "listed. KIND/NAME\n"
    "prints everything about one entry. Listing runs no code of a plug-in.\n\n"
    "  rondo list optimizer/adam\n"
    "  rondo list --reference docs/reference\n",
    run_list};
