/* kit/scaffold.c: see kit/scaffold.h. */
#define _POSIX_C_SOURCE 200809L
#include "kit/scaffold.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/kind.h"
#include "core/suggest.h"
#include "io/file.h"
#include "kit/embedded.h"

/* What is written for one kind of plug-in. The experiments differ only in the part that names the plug-in; a row has @
 * in the place of its name. */
struct scaffold_flavour {
    int32_t kind;
    int general, numbers;  /* the flags that select it */
    const char *templates; /* folder in kit/templates */
    const char *cell, *loss, *optimizer, *learning_rate;
    const char *use; /* a line or two for the README; the first @ is the name */
};

#define CELL      "gru"
#define LOSS      "softmax_cross_entropy"
#define OPTIMIZER "adam, lr: 0.01"
#define RATE      "cosine"
static const struct scaffold_flavour flavours[] = {
    {RONDO_KIND_OP, 0, 0, "op", "./cell.yaml", LOSS, OPTIMIZER, RATE, "equations: |\n  h' = @(x @ W + h @ U + b)"},
    {RONDO_KIND_OP, 1, 0, "op_general", "./cell.yaml", LOSS, OPTIMIZER, RATE,
     "equations: |\n  h' = tanh(@(x @ W + h @ U) + b)"},
    {RONDO_KIND_OPTIMIZER, 0, 0, "optimizer", CELL, LOSS, "@, lr: 0.1", RATE, "optimizer: {plugin: @, lr: 0.02}"},
    {RONDO_KIND_LOSS, 0, 0, "loss", CELL, "@", OPTIMIZER, RATE, "loss: {plugin: @, epsilon: 1}"},
    {RONDO_KIND_LOSS, 0, 1, "loss_numbers", CELL, "@", OPTIMIZER, RATE,
     "loss: {plugin: @, scale: 1}   # and under `data`:   target: number"},
    {RONDO_KIND_SCHEDULE, 0, 0, "schedule", CELL, LOSS, OPTIMIZER, "@, floor: 0.1",
     "schedule: {epochs: 20, learning_rate: {plugin: @, floor: 0.1}}"},
    {RONDO_KIND_METRIC, 0, 0, "metric", CELL, LOSS, OPTIMIZER, RATE, "metrics: [{plugin: @, beta: 2}]"},
};
enum { FLAVOURS = sizeof flavours / sizeof flavours[0] };

/* ---- checking the request before anything is written ---- */

static const struct scaffold_flavour *find_flavour(const struct scaffold_wanted *wanted, struct errors *errors) {
    struct suggestion best = {0};
    int is_kind = 0;
    for (int i = 0; i < FLAVOURS; i++) {
        const char *kind = kind_name(flavours[i].kind);
        suggest(&best, wanted->kind, kind);
        is_kind |= strcmp(kind, wanted->kind) == 0;
        if (strcmp(kind, wanted->kind) == 0 && flavours[i].general == (wanted->general != 0) &&
            flavours[i].numbers == (wanted->numbers != 0)) {
            return &flavours[i];
        }
    }
    if (is_kind && wanted->general && strcmp(wanted->kind, kind_name(RONDO_KIND_OP)) != 0) {
        errors_add(errors, RONDO_INVALID, "--general is only for ops, got %s '%s'", wanted->kind, wanted->name);
    } else if (is_kind) {
        errors_add(errors, RONDO_INVALID, "--numbers is only for losses, got %s '%s'", wanted->kind, wanted->name);
    } else {
        errors_add(errors, RONDO_INVALID, "unknown kind '%.80s'%s, expected op, optimizer, loss, schedule or metric",
                   wanted->kind, suggestion_text(&best).text);
    }
    return NULL;
}

/* The rule for names of descriptors (core/descriptor.c), and names that meson reserves for its own targets. */
static rondo_status check_name(const char *name, struct errors *errors) {
    static const char *const kept[] = {"all",     "benchmark", "clean",       "dist", "distcheck",
                                       "install", "phony",     "reconfigure", "test", "uninstall"};
    const size_t length = strlen(name);
    if (length < 1 || length > 63 || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length) {
        return errors_add(errors, RONDO_INVALID,
                          "'%.80s' is not a name for a plug-in, expected lower-case letters, digits and underscores, "
                          "beginning with a letter, at most 63%s",
                          name, strchr(name, '/') == NULL ? "" : "; use --out FOLDER to choose where to write");
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strcmp(kept[i], name) == 0) {
            return errors_add(errors, RONDO_INVALID, "'%s' is a name that meson reserves, expected another name", name);
        }
    }
    return RONDO_OK;
}

/* If the name is not found, it is free. Any other failure means that a plug-in of this name exists, but is broken. */
static rondo_status check_is_free(const struct scaffold_wanted *wanted, int32_t kind, struct errors *errors) {
    struct errors reasons = {0};
    const struct location nowhere = {0};
    rondo_status status = RONDO_OK;
    if (registry_resolve(wanted->registry, kind, wanted->name, nowhere, &reasons) != NULL) {
        const char *origin = registry_origin(wanted->registry, kind, wanted->name);
        const int is_built_in = strcmp(origin, "built-in") == 0;
        status = errors_add(errors, RONDO_INVALID, "%s '%s' exists already, %s%s%s, expected another name",
                            kind_name(kind), wanted->name, is_built_in ? "built in" : "from '",
                            is_built_in ? "" : origin, is_built_in ? "" : "'");
    } else if (reasons.status != RONDO_NOT_FOUND) {
        status = reasons.status;
        errors_move(errors, &reasons);
    }
    errors_free(&reasons);
    return status;
}

/* The folder must not exist yet, or be empty. */
static rondo_status check_folder(const char *folder, struct errors *errors) {
    if (!file_exists(folder)) {
        return RONDO_OK;
    }
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return errors_add(errors, RONDO_INVALID, "cannot write to '%s': %s", folder, strerror(errno));
    }
    const char *found = NULL;
    for (const struct dirent *entry; found == NULL && (entry = readdir(stream)) != NULL;) {
        found = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ? NULL : entry->d_name;
    }
    const rondo_status status = found == NULL ? RONDO_OK
                                              : errors_add(errors, RONDO_INVALID,
                                                           "'%s' exists and is not empty: it has '%s', expected a new "
                                                           "folder or an empty one",
                                                           folder, found);
    closedir(stream);
    return status;
}

/* ---- words to fill in ---- */

enum { VALUES = 20 };
struct scaffold_value {
    const char *word, *text;
};

/* The text with the name in place of its first @; NULL: memory is short. */
static const char *named(const char *text, const char *name, struct arena *arena) {
    const char *at = strchr(text, '@');
    return at == NULL ? text : arena_printf(arena, "%.*s%s%s", (int)(at - text), text, name, at + 1);
}

static rondo_status fill_values(struct scaffold_value values[VALUES], const struct scaffold_flavour *flavour,
                                const char *name, struct arena *arena, struct errors *errors) {
    const int is_op = flavour->kind == RONDO_KIND_OP;
    const int has_vowel = is_op || flavour->kind == RONDO_KIND_OPTIMIZER;
    const struct scaffold_value all[] = {
        {"NAME", name},
        {"KIND", kind_name(flavour->kind)},
        {"GROUP", kind_folder(flavour->kind)},
        {"ARTICLE", has_vowel ? "an" : "a"},
        {"ABI", arena_printf(arena, "%u.%u", RONDO_ABI_MAJOR, RONDO_ABI_MINOR)},
        {"ABI_MAJOR", arena_printf(arena, "%u", RONDO_ABI_MAJOR)},
        {"CELL", flavour->cell},
        {"QUESTION", flavour->numbers ? "How nice is a sentence, from -2 to 2?" : "Is a sentence nice or harsh?"},
        {"TARGET_ROW", flavour->numbers ? "  target: number\n" : ""},
        {"CELL_ROW", is_op ? "| `cell.yaml` | a cell whose equations call the op |\n" : ""},
        {"LOSS", named(flavour->loss, name, arena)},
        {"OPTIMIZER", named(flavour->optimizer, name, arena)},
        {"LEARNING_RATE", named(flavour->learning_rate, name, arena)},
        {"METRICS_ROW", flavour->kind == RONDO_KIND_METRIC ? arena_printf(arena, "metrics: [%s]\n", name) : ""},
        {"USE", named(flavour->use, name, arena)},
    };
    memset(values, 0, VALUES * sizeof *values);
    memcpy(values, all, sizeof all);
    for (const struct scaffold_value *value = values; value->word != NULL; value++) {
        if (value->text == NULL) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

/* The text for the word that begins at `at`, "@NAME@", and its length there; NULL if no word begins there. */
static const char *value_at(const struct scaffold_value *values, const char *at, const char *end, size_t *length) {
    for (; values->word != NULL; values++) {
        const size_t size = strlen(values->word);
        *length = size + 2;
        if ((size_t)(end - at) >= *length && at[0] == '@' && at[size + 1] == '@' &&
            memcmp(at + 1, values->word, size) == 0) {
            return values->text;
        }
    }
    return NULL;
}

/* Writes the file with its words filled in to `out`, unless that is NULL. Returns the size. */
static size_t expand(const struct embedded_file *file, const struct scaffold_value *values, char *out) {
    const char *at = (const char *)file->bytes, *end = at + file->size;
    size_t size = 0;
    while (at < end) {
        size_t taken;
        const char *text = value_at(values, at, end, &taken);
        const char *from = text == NULL ? at : text;
        const char *to = text == NULL ? at + 1 : text + strlen(text);
        if (out != NULL) {
            memcpy(out + size, from, (size_t)(to - from));
        }
        size += (size_t)(to - from);
        at += text == NULL ? 1 : taken;
    }
    return size;
}

/* ---- writing ---- */

/* A file or folder that was created, to be removed if a later step fails. */
struct scaffold_made {
    const char *path;
    struct scaffold_made *before;
};

struct scaffold_writing {
    const char *folder;
    struct scaffold_made *made; /* the last one */
    struct scaffold_written *written;
    struct arena *arena;
    struct errors *errors;
};

static rondo_status remember(struct scaffold_writing *writing, const char *path) {
    struct scaffold_made *made = arena_alloc(writing->arena, sizeof *made);
    if (made == NULL) {
        remove(path);
        return errors_no_memory(writing->errors);
    }
    *made = (struct scaffold_made){path, writing->made};
    writing->made = made;
    return RONDO_OK;
}

/* Makes a folder, and those above it, unless it exists. It must not be writable by everybody, or Rondo would refuse to
 * load plug-ins from it. */
static rondo_status make_folder(struct scaffold_writing *writing, const char *folder) {
    if (file_exists(folder)) {
        return RONDO_OK;
    }
    const char *above = path_folder(writing->arena, folder);
    if (above == NULL) {
        return errors_no_memory(writing->errors);
    }
    RONDO_TRY(make_folder(writing, above)); /* the recursion ends at "." or "/", which exist */
    if (file_exists(folder)) {              /* such as "new/..", which exists after "new" was created */
        return RONDO_OK;
    }
    if (mkdir(folder, 0755) != 0) {
        return errors_add(writing->errors, errno == ENOTDIR ? RONDO_INVALID : RONDO_IO,
                          "cannot make the folder '%s': %s", folder, strerror(errno));
    }
    return remember(writing, folder);
}

static rondo_status write_file(struct scaffold_writing *writing, const struct embedded_file *file, const char *name,
                               const struct scaffold_value *values) {
    const char *path = name == NULL ? NULL : path_join(writing->arena, writing->folder, name);
    const size_t size = expand(file, values, NULL);
    char *text = arena_alloc(writing->arena, size);
    if (path == NULL || text == NULL) {
        return errors_no_memory(writing->errors);
    }
    RONDO_CHECK(writing->written->count < SCAFFOLD_MAX, writing->errors, "SCAFFOLD_MAX has room for all templates");
    expand(file, values, text);
    RONDO_TRY(file_write(path, text, size, writing->errors));
    RONDO_TRY(remember(writing, path));
    writing->written->files[writing->written->count++] = name;
    return RONDO_OK;
}

static int is_below(const struct embedded_file *file, const char *folder) {
    const size_t length = strlen(folder);
    return strncmp(file->path, folder, length) == 0 && file->path[length] == '/';
}

/* 1 if the flavour has its own file in place of this common one. */
static int is_replaced(const struct embedded_file *file, const struct scaffold_flavour *flavour) {
    const char *name = strchr(file->path, '/');
    for (const struct embedded_file *own = embedded_files; own->path != NULL; own++) {
        if (is_below(own, flavour->templates) && strcmp(strchr(own->path, '/'), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* 1 if this file of the table is written for the flavour. */
static int is_wanted(const struct embedded_file *file, const struct scaffold_flavour *flavour) {
    return is_below(file, "rondo") || is_below(file, flavour->templates) ||
           (is_below(file, "common") && !is_replaced(file, flavour));
}

/* The path of the file in the folder of the plug-in; NULL: memory is short. */
static const char *target_of(const struct embedded_file *file, const char *name, struct arena *arena) {
    if (strcmp(file->path, "rondo/plugin.h") == 0) {
        return "include/rondo/plugin.h";
    }
    const char *own = strchr(file->path, '/') + 1;
    return strcmp(own, "plugin.c.in") == 0 ? arena_printf(arena, "%s.c", name) : own;
}

static rondo_status write_all(struct scaffold_writing *writing, const struct scaffold_flavour *flavour,
                              const char *name) {
    static const char *const below[] = {"", "include", "include/rondo"};
    struct scaffold_value values[VALUES];
    RONDO_TRY(fill_values(values, flavour, name, writing->arena, writing->errors));
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        const char *folder = i == 0 ? writing->folder : path_join(writing->arena, writing->folder, below[i]);
        if (folder == NULL) {
            return errors_no_memory(writing->errors);
        }
        RONDO_TRY(make_folder(writing, folder));
    }
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        if (is_wanted(file, flavour)) {
            RONDO_TRY(write_file(writing, file, target_of(file, name, writing->arena), values));
        }
    }
    return RONDO_OK;
}

rondo_status scaffold(const struct scaffold_wanted *wanted, struct scaffold_written *written, struct arena *arena,
                      struct errors *errors) {
    const int32_t before = errors->count;
    const struct scaffold_flavour *flavour = find_flavour(wanted, errors);
    const int is_name = check_name(wanted->name, errors) == RONDO_OK;
    if (flavour != NULL && is_name) {
        check_is_free(wanted, flavour->kind, errors);
    }
    const char *folder = wanted->folder == NULL ? wanted->name : wanted->folder;
    if (is_name || wanted->folder != NULL) {
        check_folder(folder, errors);
    }
    if (errors->count > before) {
        return errors->status;
    }
    *written = (struct scaffold_written){.folder = folder};
    struct scaffold_writing writing = {.folder = folder, .written = written, .arena = arena, .errors = errors};
    const rondo_status status = write_all(&writing, flavour, wanted->name);
    for (const struct scaffold_made *made = writing.made; status != RONDO_OK && made != NULL; made = made->before) {
        remove(made->path);
    }
    return status;
}
