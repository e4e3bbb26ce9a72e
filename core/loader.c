#define _GNU_SOURCE /* dladdr; realpath */
#include "core/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/folders.h"
#include "core/kind.h"
#include "core/memory_limit.h"
#include "core/number.h"
#include "core/plugin_layout.h"
#include "core/suggest.h"

/* A file that was loaded. Device and inode identify it, under any path. */
struct loaded_file {
    dev_t device;
    ino_t inode;
    const char *path; /* absolute, without links */
    const rondo_plugin_info *info;
};

struct loader {
    struct arena *arena; /* paths */
    struct folders folders;
    struct loaded_file *files;
    size_t count, capacity;
};

/* The arguments of one attempt to load a file. */
struct load_attempt {
    struct loader *loader;
    struct registry *registry;
    const char *file; /* the path as given by the user or the search */
    struct location where;
    struct errors *errors;
    int32_t kind;     /* of the descriptor that the file is expected to have */
    const char *name; /* of that descriptor; NULL: any descriptors are accepted */
};

/* Adds "plug-in 'FILE' reason". */
static rondo_status refuse(const struct load_attempt *attempt, rondo_status status, const char *format, ...)
    RONDO_PRINTF(3, 4);
static rondo_status refuse(const struct load_attempt *attempt, rondo_status status, const char *format, ...) {
    char reason[1024];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return errors_add_at(attempt->errors, status, attempt->where, "plug-in '%s' %s", attempt->file, reason);
}

/* ---- the file, before any of its code runs ---- */

/* Anybody who may write to a folder can replace a file in it. A sticky bit prevents that, but not that they create the
 * file in the first place. */
static rondo_status check_folder(const struct load_attempt *attempt, const char *path) {
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? strdup(".") : length == 0 ? strdup("/") : strndup(path, length);
    if (folder == NULL) {
        return errors_no_memory(attempt->errors);
    }
    struct stat found;
    rondo_status status = RONDO_OK;
    if (stat(folder, &found) != 0) {
        status = refuse(attempt, RONDO_IO, "cannot be checked: folder '%s': %s", folder, strerror(errno));
    } else if ((found.st_mode & S_IWOTH) != 0) {
        status = refuse(attempt, RONDO_INVALID, "is refused: everybody may write to its folder '%s'", folder);
    }
    free(folder);
    return status;
}

static rondo_status check_file(const struct load_attempt *attempt, const struct stat *found, const char *path) {
    if (S_ISDIR(found->st_mode)) {
        return refuse(attempt, RONDO_INVALID, "is a folder, expected a shared object");
    }
    if (!S_ISREG(found->st_mode)) {
        return refuse(attempt, RONDO_INVALID, "is not a regular file");
    }
    if ((found->st_mode & S_IWOTH) != 0) {
        return refuse(attempt, RONDO_INVALID, "is refused: everybody may write to it");
    }
    /* Of a symbolic link, both its own folder and that of its target. */
    RONDO_TRY(check_folder(attempt, attempt->file));
    return check_folder(attempt, path);
}

static int read_at(int fd, void *buffer, size_t size, uint64_t offset) {
    return pread(fd, buffer, size, (off_t)offset) == (ssize_t)size;
}

/* The dynamic linker maps segments without checking the size of the file; in a truncated file it dies of SIGBUS. */
static rondo_status check_segments(const struct load_attempt *attempt, int fd, const Elf64_Ehdr *header,
                                   uint64_t size) {
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > size) {
        return refuse(attempt, RONDO_INVALID, "has a damaged ELF header");
    }
    for (uint64_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment)) {
            return refuse(attempt, RONDO_INVALID, "is cut short: its program headers end early");
        }
        if (segment.p_filesz > 0 && (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)) {
            return refuse(attempt, RONDO_INVALID, "is cut short: it has %" PRIu64 " bytes, segment %d ends later", size,
                          (int)i);
        }
    }
    return RONDO_OK;
}

/* Linkers write the section headers last, and a tool that removes them sets their offset to 0. They are not mapped, but a
 * file that ends before they do is not the file that was built. */
static rondo_status check_sections(const struct load_attempt *attempt, const Elf64_Ehdr *header, uint64_t size) {
    const uint64_t bytes = (uint64_t)header->e_shnum * header->e_shentsize;
    if (header->e_shoff > size || bytes > size - header->e_shoff) {
        return refuse(attempt, RONDO_INVALID, "is cut short: it has %" PRIu64 " bytes, its section headers end later",
                      size);
    }
    return RONDO_OK;
}

static const char *machine_name(uint64_t machine) {
    switch (machine) {
    case EM_386:
        return " (x86)";
    case EM_X86_64:
        return " (x86-64)";
    case EM_ARM:
        return " (ARM)";
    case EM_AARCH64:
        return " (AArch64)";
    case EM_RISCV:
        return " (RISC-V)";
    default:
        return "";
    }
}

/* For a file of another machine, the dynamic linker's message is that the file does not exist. The expected machine is
 * that of this code, whose ELF header is at the start of its mapping. */
static rondo_status check_machine(const struct load_attempt *attempt, const Elf64_Ehdr *header) {
    Dl_info info;
    const Elf64_Ehdr *own = dladdr((const void *)&builtin_ops, &info) != 0 ? info.dli_fbase : NULL;
    if (own == NULL || memcmp(own->e_ident, ELFMAG, SELFMAG) != 0) {
        return RONDO_OK; /* unknown: the dynamic linker decides */
    }
    if (header->e_ident[EI_DATA] != own->e_ident[EI_DATA]) {
        return refuse(attempt, RONDO_INVALID, "has ELF byte order %d, expected %d", header->e_ident[EI_DATA],
                      own->e_ident[EI_DATA]);
    }
    if (header->e_machine != own->e_machine) {
        return refuse(attempt, RONDO_INVALID, "is built for ELF machine %d%s, expected %d%s, as Rondo is",
                      header->e_machine, machine_name(header->e_machine), own->e_machine, machine_name(own->e_machine));
    }
    return RONDO_OK;
}

static rondo_status check_elf(const struct load_attempt *attempt, int fd, uint64_t size) {
    Elf64_Ehdr header;
    const int has_ident = read_at(fd, header.e_ident, EI_NIDENT, 0);
    if (!has_ident || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return refuse(attempt, RONDO_INVALID, "is not an ELF shared object");
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64) {
        return refuse(attempt, RONDO_INVALID, "has ELF class %d, expected %d (64 bits)", header.e_ident[EI_CLASS],
                      ELFCLASS64);
    }
    if (!read_at(fd, &header, sizeof header, 0)) {
        return refuse(attempt, RONDO_INVALID, "is cut short: its ELF header ends early");
    }
    RONDO_TRY(check_machine(attempt, &header));
    if (header.e_type != ET_DYN) {
        return refuse(attempt, RONDO_INVALID, "has ELF type %d, expected %d (a shared object)", header.e_type, ET_DYN);
    }
    RONDO_TRY(check_segments(attempt, fd, &header, size));
    return check_sections(attempt, &header, size);
}

/* ---- the plug-in object, before any of its functions is called ---- */

static rondo_status mismatch(const struct load_attempt *attempt, const char *field, uint64_t found, uint64_t expected,
                             const char *hint) {
    return refuse(attempt, RONDO_INVALID, "has %s %" PRIu64 ", expected %" PRIu64 "%s", field, found, expected, hint);
}

/* In this order: each field may be read only if the one before is right. */
static rondo_status check_info(const struct load_attempt *attempt, const rondo_plugin_info *info) {
    if (info->magic != RONDO_PLUGIN_MAGIC) {
        return refuse(attempt, RONDO_INVALID, "has magic 0x%08" PRIx32 ", expected 0x%08" PRIx32, info->magic,
                      (uint32_t)RONDO_PLUGIN_MAGIC);
    }
    if (info->struct_size != sizeof *info) {
        return mismatch(attempt, "struct_size", info->struct_size, sizeof *info, "");
    }
    if (info->abi_major != RONDO_ABI_MAJOR) {
        return mismatch(attempt, "abi_major", info->abi_major, RONDO_ABI_MAJOR, ": build it against this Rondo");
    }
    if (info->abi_minor > RONDO_ABI_MINOR) {
        return mismatch(attempt, "abi_minor", info->abi_minor, RONDO_ABI_MINOR, " or less: it needs a newer Rondo");
    }
    if (info->fingerprint != RONDO_ABI_FINGERPRINT) {
        return refuse(attempt, RONDO_INVALID,
                      "has fingerprint 0x%016" PRIx64 ", expected 0x%016" PRIx64
                      ": it was built with another compiler model or an edited header",
                      info->fingerprint, RONDO_ABI_FINGERPRINT);
    }
    if (info->name == NULL || info->version == NULL || info->licence == NULL) {
        return refuse(attempt, RONDO_INVALID, "has no %s",
                      info->name == NULL      ? "name"
                      : info->version == NULL ? "version"
                                              : "licence");
    }
    return info->descriptors != NULL ? RONDO_OK : refuse(attempt, RONDO_INVALID, "has no descriptors");
}

/* Called before any pointer of the object is followed. */
static rondo_status check_layout(const struct load_attempt *attempt, const struct plugin_memory *memory,
                                 const rondo_plugin_info *info) {
    struct errors reasons = {0};
    const rondo_status status = plugin_layout_check(memory, info, &reasons);
    if (status != RONDO_OK) {
        refuse(attempt, status, "is refused: %s", errors_text(&reasons, 0));
    }
    errors_free(&reasons);
    RONDO_TRY(status);
    return info->descriptors[0] != NULL ? RONDO_OK : refuse(attempt, RONDO_INVALID, "has no descriptors");
}

/* Checked before anything is registered: a file that was found by name but does not provide it must not register its
 * other names. */
static rondo_status check_provides(const struct load_attempt *attempt, const rondo_plugin_info *info) {
    for (const rondo_descriptor *const *at = info->descriptors; attempt->name != NULL; at++) {
        if (*at == NULL) {
            return refuse(attempt, RONDO_INVALID, "does not provide %s '%s', which its path promises",
                          kind_name(attempt->kind), attempt->name);
        }
        if ((*at)->kind == attempt->kind && (*at)->name != NULL && strcmp((*at)->name, attempt->name) == 0) {
            break;
        }
    }
    return RONDO_OK;
}

/* ---- loading ---- */

static rondo_status reserve(struct loader *loader, struct errors *errors) {
    if (loader->count < loader->capacity) {
        return RONDO_OK;
    }
    const size_t capacity = loader->capacity == 0 ? 16 : 2 * loader->capacity;
    struct loaded_file *files = realloc(loader->files, capacity * sizeof *files);
    if (files == NULL) {
        return errors_no_memory(errors);
    }
    loader->files = files;
    loader->capacity = capacity;
    return RONDO_OK;
}

/* Registers the descriptors; adds `where` to the errors of the registry, which does not know it. */
static rondo_status add_descriptors(const struct load_attempt *attempt, const rondo_plugin_info *info) {
    struct errors reasons = {0};
    const rondo_status status = registry_add_all(attempt->registry, info->descriptors, attempt->file, &reasons);
    for (int32_t i = 0; i < reasons.count && i < ERRORS_MAX; i++) {
        errors_add_at(attempt->errors, status, attempt->where, "%s", errors_text(&reasons, i));
    }
    errors_free(&reasons);
    return status;
}

/* Runs the dynamic linker on a file that has passed check_file and check_elf, and registers what is in it. */
static rondo_status link_file(const struct load_attempt *attempt, const struct stat *found, const char *path) {
    struct loader *loader = attempt->loader;
    /* Memory first: after the names have been registered nothing may fail. */
    RONDO_TRY(reserve(loader, attempt->errors));
    const char *copy = arena_strdup(loader->arena, path);
    if (copy == NULL) {
        return errors_no_memory(attempt->errors);
    }
    /* NODELETE: pointers into the plug-in are kept until the process ends, so it is never closed. */
    errno = 0;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        const int is_short = errno == ENOMEM;
        const char *reason = dlerror();
        /* The linker "failed to map segment" for want of addresses, and on a file system without executables. Numbers that
         * start as 0 are not in the file. */
        const uint64_t slack = 64 * 1024;
        if (is_short || !memory_has_addresses((uint64_t)found->st_size + slack)) {
            return errors_memory_for(attempt->errors, errors_no_memory(attempt->errors), attempt->where, "plug-in '%s'",
                                     path);
        }
        return refuse(attempt, RONDO_INVALID, "cannot be linked: %s", reason == NULL ? "no reason given" : reason);
    }
    const rondo_plugin_info *info = dlsym(handle, "rondo_plugin");
    if (info == NULL) {
        return refuse(attempt, RONDO_INVALID, "has no symbol 'rondo_plugin', expected one made by RONDO_PLUGIN");
    }
    struct plugin_memory memory = {0};
    if (!plugin_memory_find(info, &memory) ||
        !plugin_memory_holds(&memory, (uintptr_t)info, sizeof *info, _Alignof(rondo_plugin_info))) {
        return refuse(attempt, RONDO_INVALID, "has a symbol 'rondo_plugin' that is not a rondo_plugin_info");
    }
    RONDO_TRY(check_info(attempt, info));
    RONDO_TRY(check_layout(attempt, &memory, info));
    RONDO_TRY(check_provides(attempt, info));
    RONDO_TRY(add_descriptors(attempt, info));
    loader->files[loader->count++] = (struct loaded_file){found->st_dev, found->st_ino, copy, info};
    log_line(registry_log(attempt->registry), LOG_LEVEL_INFO, NULL, "loaded plug-in '%s' %s (%s) from '%s'", info->name,
             info->version, info->licence, copy);
    return RONDO_OK;
}

static const struct loaded_file *find_loaded(const struct loader *loader, const struct stat *found) {
    for (size_t i = 0; i < loader->count; i++) {
        if (loader->files[i].device == found->st_dev && loader->files[i].inode == found->st_ino) {
            return &loader->files[i];
        }
    }
    return NULL;
}

static rondo_status load_open(const struct load_attempt *attempt, int fd, const char *path) {
    struct stat found;
    if (fstat(fd, &found) != 0) {
        return refuse(attempt, RONDO_IO, "cannot be read: %s", strerror(errno));
    }
    RONDO_TRY(check_file(attempt, &found, path));
    const struct loaded_file *loaded = find_loaded(attempt->loader, &found);
    if (loaded != NULL) {
        return check_provides(attempt, loaded->info);
    }
    RONDO_TRY(check_elf(attempt, fd, (uint64_t)found.st_size));
    return link_file(attempt, &found, path);
}

static rondo_status load(const struct load_attempt *attempt) {
    /* NONBLOCK: opening a pipe would wait for its other end. */
    const int fd = open(attempt->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const int is_missing = errno == ENOENT || errno == ENOTDIR;
        return refuse(attempt, is_missing ? RONDO_NOT_FOUND : RONDO_IO, "cannot be opened: %s", strerror(errno));
    }
    /* An absolute path: dlopen searches LD_LIBRARY_PATH for a name without a slash. */
    char *path = realpath(attempt->file, NULL);
    rondo_status status;
    if (path == NULL) {
        status = errno == ENOMEM ? errors_no_memory(attempt->errors)
                                 : refuse(attempt, RONDO_IO, "cannot be opened: %s", strerror(errno));
    } else {
        status = load_open(attempt, fd, path);
    }
    free(path);
    close(fd);
    return status;
}

rondo_status loader_load(struct loader *loader, struct registry *registry, const char *file, struct location where,
                         struct errors *errors) {
    return load(&(struct load_attempt){loader, registry, file, where, errors, 0, NULL});
}

struct loader *loader_create(const char *paths, struct errors *errors) {
    struct loader *loader = calloc(1, sizeof *loader);
    struct arena *arena = loader == NULL ? NULL : arena_create();
    if (arena == NULL || folders_parse(&loader->folders, paths, arena) != RONDO_OK) {
        arena_destroy(arena);
        free(loader);
        errors_no_memory(errors);
        return NULL;
    }
    loader->arena = arena;
    return loader;
}

void loader_destroy(struct loader *loader) {
    if (loader != NULL) {
        arena_destroy(loader->arena);
        free(loader->files);
        free(loader);
    }
}

int loader_plugin(const struct loader *loader, int32_t index, struct loaded_plugin *plugin) {
    if (index < 0 || (size_t)index >= loader->count) {
        return 0;
    }
    const struct loaded_file *loaded = &loader->files[index];
    *plugin = (struct loaded_plugin){loaded->path, loaded->info->name, loaded->info->version, loaded->info->licence,
                                     loaded->info->descriptors};
    return 1;
}

/* ---- searching ---- */

static rondo_status load_folder(struct loader *loader, struct registry *registry, const char *folder, int32_t kind,
                                struct arena *arena, struct errors *errors) {
    struct plugin_names names;
    if (folder_names(folder, kind_folder(kind), arena, &names) != RONDO_OK) {
        return errors_no_memory(errors);
    }
    rondo_status first = RONDO_OK;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        if (registry_find(registry, kind, name) != NULL) {
            log_line(registry_log(registry), LOG_LEVEL_DEBUG, NULL,
                     "%s '%s' in '%s' is not loaded: the name is registered already, from '%s'", kind_name(kind), name,
                     folder, registry_origin(registry, kind, name));
            continue;
        }
        const char *file = folder_file(folder, kind_folder(kind), name, arena);
        if (file == NULL) {
            return errors_no_memory(errors);
        }
        const rondo_status status = load(&(struct load_attempt){loader, registry, file, {0}, errors, kind, name});
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

rondo_status loader_load_all(struct loader *loader, struct registry *registry, struct errors *errors) {
    struct arena *arena = arena_create();
    rondo_status first = RONDO_OK;
    for (size_t i = 0; i < loader->folders.count; i++) {
        for (int32_t kind = 0; kind < RONDO_KIND_COUNT; kind++) {
            const rondo_status status = load_folder(loader, registry, loader->folders.items[i], kind, arena, errors);
            first = first == RONDO_OK ? status : first;
        }
    }
    arena_destroy(arena);
    return first;
}

/* 1 if a path made of this name stays inside its folder. */
static int is_plain(const char *name) {
    const size_t length = strlen(name);
    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length;
}

static rondo_status find(void *self, struct registry *registry, int32_t kind, const char *name, struct location where,
                         struct errors *errors) {
    struct loader *loader = self;
    if (!is_plain(name)) {
        return RONDO_NOT_FOUND;
    }
    struct arena *arena = arena_create();
    rondo_status status = RONDO_NOT_FOUND;
    for (size_t i = 0; i < loader->folders.count; i++) {
        const char *file = folder_file(loader->folders.items[i], kind_folder(kind), name, arena);
        struct stat found;
        if (file == NULL) {
            status = errors_no_memory(errors);
            break;
        }
        /* The first folder that has the file decides, even if the file is refused: continuing would hide that. */
        if (stat(file, &found) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
            status = load(&(struct load_attempt){loader, registry, file, where, errors, kind, name});
            break;
        }
    }
    arena_destroy(arena);
    return status;
}

static void suggest_names(void *self, int32_t kind, const char *name, struct suggestion *best, struct arena *arena) {
    const struct loader *loader = self;
    for (size_t i = 0; i < loader->folders.count; i++) {
        struct plugin_names names;
        /* If memory is short there are only fewer suggestions. */
        (void)folder_names(loader->folders.items[i], kind_folder(kind), arena, &names);
        for (size_t k = 0; k < names.count; k++) {
            suggest(best, name, names.items[k]);
        }
    }
}

struct registry_finder loader_finder(struct loader *loader) {
    return (struct registry_finder){find, suggest_names, loader, loader->folders.text};
}

const char *loader_own_file(struct arena *arena) {
    /* For the program itself dladdr returns the name that it was started by, which may be relative; for a library, the
     * path. */
    Dl_info info;
    const int is_library = dladdr((const void *)&builtin_ops, &info) != 0 && info.dli_fname != NULL &&
                           strstr(info.dli_fname, ".so") != NULL;
    char *resolved = realpath(is_library ? info.dli_fname : "/proc/self/exe", NULL);
    const char *copy = resolved == NULL ? NULL : arena_strdup(arena, resolved);
    free(resolved);
    return copy;
}
