#define _DEFAULT_SOURCE /* d_type */
#include "store/run_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "store/checkpoint_files.h"
#include "store/event_file.h"

/* Every file that Rondo writes into a run. */
static const struct {
    const char *name;
    int32_t part; /* enum run_part; 0: none */
} own[] = {
    {"experiment.yaml", RUN_HAS_EXPERIMENT},
    {"environment.json", RUN_HAS_ENVIRONMENT},
    {"reader.json", RUN_HAS_READER},
    {"vocabulary.json", RUN_HAS_READER},
    {"metrics.jsonl", RUN_HAS_METRICS},
    {"timings.jsonl", RUN_HAS_TIMINGS},
    {"samples.jsonl", 0},
    {"weights.safetensors", RUN_HAS_WEIGHTS},
    {"weights.*.safetensors", 0},
    {"test.json", RUN_HAS_TEST},
    {"inspect.json", 0},
    {"cells/*.yaml", 0},
    {CHECKPOINT_FOLDER "/step-*.safetensors", RUN_HAS_CHECKPOINTS},
    {EVENT_FILE, 0},
};
enum { OWN = sizeof own / sizeof own[0] };

static int is_digits(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
    }
    return length > 0;
}

/* A name without the ".tmp-4711-0" of the temporary file that becomes it (io/file_writer.c). From `arena`; NULL: out of memory. */
static const char *final_name(const char *name, struct arena *arena) {
    const char *mark = NULL;
    for (const char *next = strstr(name, ".tmp-"); next != NULL; next = strstr(next + 1, ".tmp-")) {
        mark = next;
    }
    const char *number = mark == NULL ? NULL : strchr(mark + 5, '-');
    const int is_temporary =
        number != NULL && is_digits(mark + 5, (size_t)(number - mark - 5)) && is_digits(number + 1, strlen(number + 1));
    return is_temporary ? arena_strndup(arena, name, (size_t)(mark - name)) : name;
}

/* 1 if the name is one of the pattern's, in which '*' stands for one character or more, but no slash. */
static int fits(const char *name, const char *pattern) {
    const size_t before = strcspn(pattern, "*"), length = strlen(name);
    if (pattern[before] == '\0') {
        return strcmp(name, pattern) == 0;
    }
    const char *after = pattern + before + 1;
    const size_t end = strlen(after);
    return length > before + end && memcmp(name, pattern, before) == 0 && strcmp(name + length - end, after) == 0 &&
           strchr(name + before, '/') == NULL;
}

/* The row of the table; -1: the name is not Rondo's. */
static int own_row(const char *name) {
    for (int i = 0; i < OWN; i++) {
        if (fits(name, own[i].name)) {
            return own[i].part != RUN_HAS_CHECKPOINTS || checkpoint_step(name) >= 0 ? i : -1;
        }
    }
    return -1;
}

static int is_own_folder(const char *name) {
    const size_t length = strlen(name);
    for (int i = 0; i < OWN; i++) {
        if (strncmp(own[i].name, name, length) == 0 && own[i].name[length] == '/') {
            return 1;
        }
    }
    return 0;
}

/* A folder while it is listed. */
struct listing {
    struct run_file_list *files;
    struct arena *arena;
    const char *path; /* for messages */
    int32_t capacity;
    struct errors *errors;
};

static rondo_status add(struct listing *listing, const struct run_file *file) {
    struct run_file_list *files = listing->files;
    if (files->count == listing->capacity) {
        listing->capacity = 2 * listing->capacity + 32;
        struct run_file *more = arena_alloc(listing->arena, (size_t)listing->capacity * sizeof *more);
        if (more == NULL) {
            return errors_no_memory(listing->errors);
        }
        if (files->count > 0) {
            memcpy(more, files->items, (size_t)files->count * sizeof *more);
        }
        files->items = more;
    }
    files->items[files->count++] = *file;
    files->bytes += file->bytes;
    files->foreign += !file->is_own;
    return RONDO_OK;
}

static rondo_status list(struct listing *listing, int folder, const char *below);

/* The kind of an entry: DT_DIR, DT_REG, or anything else for what is neither; -1: it is gone. Asks the system only if the folder
 * does not say, or if *bytes is wanted: a folder may have a million pictures. */
static int entry_kind(int folder, const struct dirent *entry, int wants_bytes, int64_t *bytes) {
    struct stat info;
    *bytes = 0;
    if (entry->d_type != DT_UNKNOWN && !(wants_bytes && entry->d_type == DT_REG)) {
        return entry->d_type;
    }
    if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return -1; /* checkpoints come and go while a run is trained */
    }
    *bytes = S_ISREG(info.st_mode) ? (int64_t)info.st_size : 0;
    return S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
}

/* A name in the folder `below` of the run, "" for the run itself. */
static rondo_status add_entry(struct listing *listing, int folder, const char *below, const struct dirent *entry) {
    const char *name = below[0] == '\0' ? arena_strdup(listing->arena, entry->d_name)
                                        : arena_printf(listing->arena, "%s/%s", below, entry->d_name);
    const char *final = name == NULL ? NULL : final_name(name, listing->arena);
    if (final == NULL) {
        return errors_no_memory(listing->errors);
    }
    int64_t bytes;
    const int row = own_row(final), kind = entry_kind(folder, entry, row >= 0, &bytes);
    if (kind < 0) {
        return RONDO_OK;
    }
    if (kind == DT_DIR) {
        const int is_own = below[0] == '\0' && is_own_folder(name);
        RONDO_TRY(add(listing, &(struct run_file){name, 0, is_own, 1}));
        const int inner = is_own ? openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        return inner < 0 ? RONDO_OK : list(listing, inner, name);
    }
    const int is_own = kind == DT_REG && row >= 0;
    listing->files->has |= is_own && strcmp(name, final) == 0 ? own[row].part : 0;
    return add(listing, &(struct run_file){name, bytes, is_own, 0});
}

/* Lists a folder, and closes it. */
static rondo_status list(struct listing *listing, int folder, const char *below) {
    DIR *stream = fdopendir(folder);
    if (stream == NULL) {
        const int error = errno;
        close(folder);
        return file_failed(listing->errors, RONDO_IO, (struct location){0}, "read", listing->path, error);
    }
    rondo_status status = RONDO_OK;
    while (status == RONDO_OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            status = errno == 0
                         ? RONDO_OK
                         : file_failed(listing->errors, RONDO_IO, (struct location){0}, "read", listing->path, errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = add_entry(listing, dirfd(stream), below, entry);
        }
    }
    closedir(stream);
    return status;
}

/* "cells" comes before "cells/gru.yaml", and that before "cells.txt". */
static int by_name(const void *left, const void *right) {
    const unsigned char *a = (const unsigned char *)((const struct run_file *)left)->name;
    const unsigned char *b = (const unsigned char *)((const struct run_file *)right)->name;
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    const int before = *a == '/' ? 1 : *a == '\0' ? 0 : *a + 1, after = *b == '/' ? 1 : *b == '\0' ? 0 : *b + 1;
    return before - after;
}

rondo_status run_files_list(int folder, const char *path, struct run_file_list *files, struct arena *arena,
                            struct errors *errors) {
    struct listing listing = {.files = files, .arena = arena, .path = path, .errors = errors};
    *files = (struct run_file_list){.checkpoint = -1};
    /* Not a duplicate, which would share the place in the folder with the caller's descriptor. */
    const int own_descriptor = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own_descriptor < 0) {
        return file_failed(errors, RONDO_IO, (struct location){0}, "read", path, errno);
    }
    RONDO_TRY(list(&listing, own_descriptor, ""));
    if (files->count > 0) {
        qsort(files->items, (size_t)files->count, sizeof *files->items, by_name);
    }
    for (int32_t i = 0; i < files->count; i++) {
        const int64_t step = checkpoint_step(files->items[i].name);
        files->checkpoint = step > files->checkpoint ? step : files->checkpoint;
    }
    return RONDO_OK;
}

int run_files_are_of_run(int32_t has) {
    const int32_t others = RUN_HAS_EXPERIMENT | RUN_HAS_ENVIRONMENT | RUN_HAS_READER | RUN_HAS_CHECKPOINTS;
    const int32_t made = RUN_HAS_ENVIRONMENT | RUN_HAS_READER;
    return ((has & RUN_HAS_METRICS) != 0 && (has & others) != 0) ||
           ((has & RUN_HAS_EXPERIMENT) != 0 &&
            ((has & (RUN_HAS_WEIGHTS | RUN_HAS_CHECKPOINTS)) != 0 || (has & made) == made));
}
