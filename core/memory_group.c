#define _POSIX_C_SOURCE 200809L
#include "core/memory_group.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 8192, PATH_BYTES = 4096 };

/* The files of one version of control groups. */
struct group_files {
    const char *folder;
    const char *limit, *used, *files[2]; /* `files`: lines of memory.stat, pages of files that can be read again */
    const char *swap_limit, *swap_used;
    int swap_is_total; /* the figures of swap are those of memory and swap together */
};

static const struct group_files versions[] = {
    {"/sys/fs/cgroup/memory",
     "memory.limit_in_bytes",
     "memory.usage_in_bytes",
     {"total_inactive_file", "total_active_file"},
     "memory.memsw.limit_in_bytes",
     "memory.memsw.usage_in_bytes",
     1},
    {"/sys/fs/cgroup",
     "memory.max",
     "memory.current",
     {"inactive_file", "active_file"},
     "memory.swap.max",
     "memory.swap.current",
     0},
};

/* Reads the beginning of a file as a text, without stdio, which allocates. 0: it cannot be read. */
static int read_beginning(const char *path, char text[FILE_BYTES]) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return 0;
    }
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < FILE_BYTES - 1;) {
        got = read(descriptor, text + length, FILE_BYTES - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    close(descriptor);
    text[length] = '\0';
    return length > 0;
}

/* The text after "NAME" or "NAME:" at the beginning of a line; NULL: no such line. */
static const char *find_line(const char *text, const char *name) {
    const size_t length = strlen(name);
    while (*text != '\0') {
        if (strncmp(text, name, length) == 0 && (text[length] == ':' || text[length] == ' ')) {
            return text + length + 1;
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return NULL;
}

uint64_t memory_file_number(const char *path, const char *name) {
    const uint64_t unit = 1024;
    char text[FILE_BYTES];
    if (!read_beginning(path, text)) {
        return MEMORY_NO_NUMBER;
    }
    const char *at = name == NULL ? text : find_line(text, name);
    if (at == NULL) {
        return MEMORY_NO_NUMBER;
    }
    if (strncmp(at, "max", 3) == 0) {
        return UINT64_MAX;
    }
    char *end;
    const uint64_t number = strtoull(at, &end, 10);
    if (end == at) {
        return MEMORY_NO_NUMBER;
    }
    return strncmp(end, " kB", 3) == 0 ? number * unit : number;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t group_number(const char *folder, const char *file, const char *name) {
    char path[PATH_BYTES];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    return length < 0 || length >= (int)sizeof path ? MEMORY_NO_NUMBER : memory_file_number(path, name);
}

static uint64_t number_or(uint64_t number, uint64_t otherwise) {
    return number == MEMORY_NO_NUMBER ? otherwise : number;
}

/* Takes the limit of one group into account. */
static void add_group(struct memory_group *all, const struct group_files *files, const char *folder, uint64_t swap) {
    uint64_t limit = number_or(group_number(folder, files->limit, NULL), UINT64_MAX);
    if (limit > UINT64_MAX - swap) {
        return;
    }
    const uint64_t memory = number_or(group_number(folder, files->used, NULL), 0);
    const uint64_t cache = number_or(group_number(folder, "memory.stat", files->files[0]), 0) +
                           number_or(group_number(folder, "memory.stat", files->files[1]), 0);
    const uint64_t swap_limit = number_or(group_number(folder, files->swap_limit, NULL), UINT64_MAX);
    const uint64_t swap_used =
        number_or(group_number(folder, files->swap_used, NULL), files->swap_is_total ? memory : 0);
    uint64_t used = files->swap_is_total ? swap_used : memory + swap_used;
    limit = files->swap_is_total ? smaller(limit + swap, swap_limit) : limit + smaller(swap, swap_limit);
    used -= smaller(used, cache);
    if (limit < all->limit) {
        all->limit = limit;
        all->used = used;
    }
    all->room = smaller(all->room, limit - smaller(limit, used));
}

/* The path of the memory group in a line of /proc/self/cgroup, "NUMBER:CONTROLLERS:PATH"; NULL: the line is that of others. */
static const char *path_of_line(const char *line, const struct group_files **files) {
    const char *controllers = strchr(line, ':');
    const char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (path == NULL) {
        return NULL;
    }
    if (path == controllers + 1) { /* version 2 has no controllers here */
        *files = &versions[1];
        return path + 1;
    }
    const size_t length = strlen("memory");
    for (const char *name = controllers; name < path; name += 1 + strcspn(name + 1, ",:")) {
        if (strncmp(name + 1, "memory", length) == 0 && (name[1 + length] == ',' || name[1 + length] == ':')) {
            *files = &versions[0];
            return path + 1;
        }
    }
    return NULL;
}

struct memory_group memory_group(const char *root, uint64_t swap) {
    struct memory_group all = {UINT64_MAX, 0, UINT64_MAX};
    char text[FILE_BYTES], folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s/proc/self/cgroup", root);
    if (!read_beginning(folder, text)) {
        return all;
    }
    for (char *line = text, *next; *line != '\0'; line = next) {
        const size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        const struct group_files *files = NULL;
        const char *path = path_of_line(line, &files);
        if (path == NULL) {
            continue;
        }
        const int top = snprintf(folder, sizeof folder, "%s%s", root, files->folder);
        if (top < 0 || (size_t)top + strlen(path) >= sizeof folder) {
            continue;
        }
        snprintf(folder + top, sizeof folder - (size_t)top, "%s", strcmp(path, "/") == 0 ? "" : path);
        /* In a container, the path may be that of the host, and only the outermost folder exists. */
        for (char *end = folder + strlen(folder); end != NULL; end = strrchr(folder + top, '/')) {
            *end = '\0';
            add_group(&all, files, folder, swap);
        }
    }
    return all;
}
