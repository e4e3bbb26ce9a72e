#define _POSIX_C_SOURCE 200809L
#include "experiment/session.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "io/file.h"

static int ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* The prefix of an installation, given the folder of its program or library; NULL if the folder has another name. */
static const char *prefix_of(struct arena *arena, const char *folder) {
    static const char *const ends[] = {"/bin", "/" RONDO_LIBDIR};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(folder, ends[i])) {
            return arena_strndup(arena, folder, strlen(folder) - strlen(ends[i]));
        }
    }
    return NULL;
}

/* The folders of `what` ("plugins", "cells"), joined by colons: those of the variable, then the first of these that
 * exists: the folder of an installation, found relative to the program or librondo.so, so that an installation can be
 * moved; the folder beside the program, as in a build; otherwise the configured one. NULL with errors. */
static const char *search_path(struct arena *arena, const char *variable, const char *what, const char *installed,
                               struct errors *errors) {
    const char *given = getenv(variable);
    const char *found = arena_printf(arena, "%s/%s/rondo/%s", RONDO_PREFIX, installed, what);
    const char *own = loader_own_file(arena);
    const char *folder = own == NULL ? NULL : path_folder(arena, own);
    const char *beside = folder == NULL ? NULL : arena_printf(arena, "%s/%s", folder, what);
    const char *prefix = folder == NULL ? NULL : prefix_of(arena, folder);
    const char *below = prefix == NULL ? NULL : arena_printf(arena, "%s/%s/rondo/%s", prefix, installed, what);
    if (below != NULL && file_exists(below)) {
        found = below;
    } else if (beside != NULL && file_exists(beside)) {
        found = beside;
    }
    if (found == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    if (strchr(found, ':') != NULL) {
        errors_add(errors, RONDO_INVALID,
                   "Rondo's %s are in '%s', and a folder with ':' in its name cannot be part of a search path; move or "
                   "install Rondo elsewhere",
                   what, found);
        return NULL;
    }
    const char *path = given == NULL || given[0] == '\0' ? found : arena_printf(arena, "%s:%s", given, found);
    if (path == NULL) {
        errors_no_memory(errors);
    }
    return path;
}

/* Loads the files of --plugin and remembers them. */
static rondo_status load_given_plugins(struct session *session, const char *const *files, struct errors *errors) {
    const struct location where = {"--plugin", 0, 0};
    size_t count = 0;
    while (files != NULL && files[count] != NULL) {
        count++;
    }
    const char **absolute = arena_calloc(session->arena, count + 1, sizeof *absolute);
    if (absolute == NULL) {
        return errors_no_memory(errors);
    }
    session->plugin_files = absolute;
    rondo_status first = RONDO_OK;
    for (size_t i = 0; i < count; i++) {
        absolute[i] = path_absolute(session->arena, files[i]);
        if (absolute[i] == NULL) {
            return errors_no_memory(errors);
        }
        const rondo_status status = loader_load(session->loader, session->registry, files[i], where, errors);
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

/* A folder of a search path that cannot be used is an error: otherwise a plug-in or a cell would be missing without an
 * explanation. */
static rondo_status check_path(const char *variable, int has_programs, struct arena *arena, struct errors *errors) {
    const struct location where = {variable, 0, 0};
    const char *given = getenv(variable);
    while (given != NULL && *given != '\0') {
        const size_t length = strcspn(given, ":");
        const char *folder = arena_strndup(arena, given, length);
        struct stat found;
        if (folder == NULL) {
            return errors_no_memory(errors);
        }
        if (length > 0 && folder[0] != '/') {
            return errors_add_at(errors, RONDO_INVALID, where,
                                 "'%s' is relative: what is found must not depend on the working directory", folder);
        }
        if (length > 0 && (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode))) {
            return errors_add_at(errors, RONDO_NOT_FOUND, where, "there is no folder '%s'", folder);
        }
        if (length > 0 && has_programs && (found.st_mode & S_IWOTH) != 0) {
            return errors_add_at(errors, RONDO_INVALID, where, "everybody may write to '%s', so it is not used",
                                 folder);
        }
        given += length + (given[length] == ':');
    }
    return RONDO_OK;
}

static rondo_status open_session(struct session *session, const struct session_settings *settings,
                                 struct errors *errors) {
    RONDO_TRY(check_path("RONDO_PLUGIN_PATH", 1, session->arena, errors));
    RONDO_TRY(check_path("RONDO_CELL_PATH", 0, session->arena, errors));
    RONDO_TRY(check_path("RONDO_BLOCK_PATH", 0, session->arena, errors));
    session->plugin_path = search_path(session->arena, "RONDO_PLUGIN_PATH", "plugins", RONDO_LIBDIR, errors);
    if (session->plugin_path == NULL) {
        return errors->status;
    }
    session->file_path[SESSION_CELLS] = search_path(session->arena, "RONDO_CELL_PATH", "cells", RONDO_DATADIR, errors);
    session->file_path[SESSION_BLOCKS] =
        search_path(session->arena, "RONDO_BLOCK_PATH", "blocks", RONDO_DATADIR, errors);
    if (session->file_path[SESSION_CELLS] == NULL || session->file_path[SESSION_BLOCKS] == NULL) {
        return errors->status;
    }
    session->parallel.threads = settings->threads > 0 ? settings->threads : parallel_processors();
    session->engine = settings->engine;
    session->passes_off = settings->passes_off;
    session->interrupt = settings->interrupt;
    session->profile = settings->profile;
    session->registry = registry_create(builtin_ops, errors);
    session->loader = session->registry == NULL ? NULL : loader_create(session->plugin_path, errors);
    if (session->loader == NULL) {
        return errors->status;
    }
    registry_set_log(session->registry, settings->log);
    registry_set_finder(session->registry, loader_finder(session->loader));
    log_line(&settings->log, LOG_LEVEL_DEBUG, NULL, "plug-ins are searched in '%s'", session->plugin_path);
    log_line(&settings->log, LOG_LEVEL_DEBUG, NULL, "cells are searched in '%s'", session->file_path[SESSION_CELLS]);
    return load_given_plugins(session, settings->plugins, errors);
}

struct session *session_create(const struct session_settings *settings, struct errors *errors) {
    struct arena *arena = arena_create();
    struct session *session = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *session);
    if (session == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    session->arena = arena;
    if (open_session(session, settings, errors) != RONDO_OK) {
        session_destroy(session);
        return NULL;
    }
    return session;
}

void session_destroy(struct session *session) {
    if (session == NULL) {
        return;
    }
    registry_destroy(session->registry);
    loader_destroy(session->loader);
    arena_destroy(session->arena);
}

/* The next folder of a path, copied; *path moves on. NULL at its end. */
static const char *next_folder(const char **path, struct arena *arena) {
    while (**path == ':') {
        (*path)++;
    }
    const size_t length = strcspn(*path, ":");
    if (length == 0) {
        return NULL;
    }
    const char *folder = arena_strndup(arena, *path, length);
    *path += length;
    return folder;
}

const char *session_find(const struct session *session, enum session_files files, const char *name, const char *folder,
                         struct arena *arena) {
    if (strchr(name, '/') != NULL || ends_with(name, ".yaml")) {
        const char *file = path_join(arena, folder, name);
        return file != NULL && file_exists(file) ? file : NULL;
    }
    const char *path = session->file_path[files], *entry;
    while ((entry = next_folder(&path, arena)) != NULL) {
        const char *file = arena_printf(arena, "%s/%s.yaml", entry, name);
        if (file != NULL && file_exists(file)) {
            return file;
        }
    }
    return NULL;
}

struct file_entry {
    const char *name, *file;
    int32_t order; /* of its folder in the path, so that the first one comes first */
};

static int compare_entries(const void *a, const void *b) {
    const struct file_entry *first = a, *second = b;
    const int by_name = strcmp(first->name, second->name);
    return by_name != 0 ? by_name : (first->order > second->order) - (first->order < second->order);
}

struct file_list {
    struct file_entry *entries;
    size_t count, capacity;
};

static rondo_status add_folder(struct file_list *list, const char *folder, int32_t order, struct arena *arena,
                               struct errors *errors) {
    DIR *stream = opendir(folder);
    if (stream == NULL) { /* a folder of the path need not exist */
        return errno == ENOMEM ? errors_no_memory(errors) : RONDO_OK;
    }
    rondo_status status = RONDO_OK;
    for (struct dirent *item; status == RONDO_OK && (item = readdir(stream)) != NULL;) {
        if (!ends_with(item->d_name, ".yaml")) {
            continue;
        }
        if (list->count == list->capacity) {
            const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
            struct file_entry *entries = realloc(list->entries, capacity * sizeof *entries);
            if (entries == NULL) {
                status = errors_no_memory(errors);
                break;
            }
            list->entries = entries;
            list->capacity = capacity;
        }
        struct file_entry *entry = &list->entries[list->count++];
        entry->name = arena_strndup(arena, item->d_name, strlen(item->d_name) - strlen(".yaml"));
        entry->file = arena_printf(arena, "%s/%s", folder, item->d_name);
        entry->order = order;
        if (entry->name == NULL || entry->file == NULL) {
            status = errors_no_memory(errors);
        }
    }
    closedir(stream);
    return status;
}

rondo_status session_each(const struct session *session, enum session_files files,
                          void (*visit)(void *arg, const char *name, const char *file), void *arg,
                          struct errors *errors) {
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct file_list list = {0};
    rondo_status status = RONDO_OK;
    const char *path = session->file_path[files], *folder;
    for (int32_t order = 0; status == RONDO_OK && (folder = next_folder(&path, arena)) != NULL; order++) {
        status = add_folder(&list, folder, order, arena, errors);
    }
    if (status == RONDO_OK && list.count > 0) {
        qsort(list.entries, list.count, sizeof *list.entries, compare_entries);
        for (size_t i = 0; i < list.count; i++) {
            if (i == 0 || strcmp(list.entries[i - 1].name, list.entries[i].name) != 0) {
                visit(arg, list.entries[i].name, list.entries[i].file);
            }
        }
    }
    free(list.entries);
    arena_destroy(arena);
    return status;
}

struct name_guess {
    const char *word;
    struct suggestion best;
    struct arena *arena;
};

static void consider_name(void *arg, const char *name, const char *file) {
    struct name_guess *guess = arg;
    const char *copy = arena_strdup(guess->arena, name);
    (void)file;
    if (copy != NULL) {
        suggest(&guess->best, guess->word, copy);
    }
}

struct suggestion session_suggest(const struct session *session, enum session_files files, const char *name,
                                  struct arena *arena) {
    struct name_guess guess = {.word = name, .arena = arena};
    struct errors ignored = {0}; /* without a list of names there is no suggestion */
    session_each(session, files, consider_name, &guess, &ignored);
    errors_free(&ignored);
    return guess.best;
}
