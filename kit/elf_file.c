/* kit/elf_file.c: see kit/elf_file.h. */
#define _POSIX_C_SOURCE 200809L
#include "kit/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct elf_file {
    const unsigned char *bytes;
    uint64_t size;
    Elf64_Ehdr header;
    uint64_t dynamic; /* offset of the dynamic section */
    uint64_t n_dynamic;
    uint64_t strings, strings_size; /* offset and size of its string table */
    uint64_t symbols, n_symbols;    /* offset and number of its symbols */
};

/* ---- reading within bounds ---- */

static int read_at(const struct elf_file *elf, void *to, uint64_t size, uint64_t offset) {
    if (offset > elf->size || size > elf->size - offset) {
        return 0;
    }
    memcpy(to, elf->bytes + offset, size);
    return 1;
}

static int read_segment(const struct elf_file *elf, uint64_t index, Elf64_Phdr *segment) {
    return index < elf->header.e_phnum && elf->header.e_phentsize == sizeof *segment &&
           read_at(elf, segment, sizeof *segment, elf->header.e_phoff + index * sizeof *segment);
}

/* The offset in the file of an address of the loaded object; an offset after the end of the file if there is none. */
static uint64_t offset_of(const struct elf_file *elf, uint64_t address) {
    Elf64_Phdr segment;
    for (uint64_t i = 0; read_segment(elf, i, &segment); i++) {
        if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
            return segment.p_offset + (address - segment.p_vaddr);
        }
    }
    return UINT64_MAX;
}

/* Finds entry number `index` with this tag; 0 if there is none. */
static int find_dynamic(const struct elf_file *elf, int64_t tag, int32_t index, uint64_t *value) {
    Elf64_Dyn entry;
    for (uint64_t i = 0; i < elf->n_dynamic; i++) {
        if (!read_at(elf, &entry, sizeof entry, elf->dynamic + i * sizeof entry) || entry.d_tag == DT_NULL) {
            return 0;
        }
        if (entry.d_tag == tag && index-- == 0) {
            *value = entry.d_un.d_val;
            return 1;
        }
    }
    return 0;
}

/* A text of the string table; NULL if it does not end inside the table. */
static const char *string_at(const struct elf_file *elf, uint64_t index) {
    if (index >= elf->strings_size) {
        return NULL;
    }
    const char *text = (const char *)elf->bytes + elf->strings + index;
    return memchr(text, '\0', elf->strings_size - index) == NULL ? NULL : text;
}

/* ---- opening ---- */

/* The GNU hash table does not store the number of symbols: the last symbol ends the chain of the last bucket. Buckets
 * begin after the Bloom filter. Source: "GNU Hash ELF Sections", Oracle Linker and Libraries Guide (A. Ali 2006). */
static uint64_t count_gnu_hash(const struct elf_file *elf, uint64_t table) {
    uint32_t head[4]; /* buckets, first symbol, words of the filter, shift */
    uint32_t last = 0, bucket, hash;
    if (!read_at(elf, head, sizeof head, table)) {
        return 0;
    }
    const uint64_t buckets = table + sizeof head + 8 * (uint64_t)head[2];
    for (uint64_t i = 0; i < head[0] && read_at(elf, &bucket, sizeof bucket, buckets + 4 * i); i++) {
        last = bucket > last ? bucket : last;
    }
    if (last < head[1]) {
        return head[1];
    }
    const uint64_t chains = buckets + 4 * (uint64_t)head[0];
    do {
        if (!read_at(elf, &hash, sizeof hash, chains + 4 * (uint64_t)(last - head[1]))) {
            break;
        }
        last++;
    } while ((hash & 1) == 0);
    return last;
}

static uint64_t count_symbols(const struct elf_file *elf) {
    uint64_t address;
    uint32_t counts[2]; /* the numbers of buckets and of chains; there is one chain per symbol */
    if (find_dynamic(elf, DT_HASH, 0, &address) && read_at(elf, counts, sizeof counts, offset_of(elf, address))) {
        return counts[1];
    }
    return find_dynamic(elf, DT_GNU_HASH, 0, &address) ? count_gnu_hash(elf, offset_of(elf, address)) : 0;
}

static int find_tables(struct elf_file *elf) {
    Elf64_Phdr segment;
    for (uint64_t i = 0; elf->dynamic == 0 && read_segment(elf, i, &segment); i++) {
        if (segment.p_type == PT_DYNAMIC) {
            elf->dynamic = segment.p_offset;
            elf->n_dynamic = segment.p_filesz / sizeof(Elf64_Dyn);
        }
    }
    uint64_t strings, symbols;
    if (!find_dynamic(elf, DT_STRTAB, 0, &strings) || !find_dynamic(elf, DT_STRSZ, 0, &elf->strings_size) ||
        !find_dynamic(elf, DT_SYMTAB, 0, &symbols)) {
        return 0;
    }
    elf->strings = offset_of(elf, strings);
    elf->symbols = offset_of(elf, symbols);
    elf->n_symbols = count_symbols(elf);
    return elf->strings <= elf->size && elf->strings_size <= elf->size - elf->strings && elf->symbols <= elf->size;
}

static const void *map_file(const char *file, uint64_t *size, struct errors *errors) {
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat found;
    if (fd < 0 || fstat(fd, &found) != 0) {
        errors_add(errors, RONDO_IO, "cannot be read: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    *size = (uint64_t)found.st_size;
    const void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        errors_add(errors, RONDO_IO, "cannot be read: %s", strerror(errno));
        bytes = NULL;
    }
    close(fd);
    return bytes;
}

struct elf_file *elf_open(const char *file, struct arena *arena, struct errors *errors) {
    static const unsigned char wanted[] = {
        ELFMAG0,
        ELFMAG1,
        ELFMAG2,
        ELFMAG3,
        ELFCLASS64,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        ELFDATA2LSB
#else
        ELFDATA2MSB
#endif
    };
    struct elf_file *elf = arena_calloc(arena, 1, sizeof *elf);
    if (elf == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    elf->bytes = map_file(file, &elf->size, errors);
    if (elf->bytes == NULL) {
        return NULL;
    }
    if (!read_at(elf, &elf->header, sizeof elf->header, 0) || memcmp(elf->header.e_ident, wanted, sizeof wanted) != 0 ||
        !find_tables(elf)) {
        errors_add(errors, RONDO_INVALID, "is not a 64-bit shared object for this machine, or is damaged");
        return NULL;
    }
    return elf;
}

/* ---- asking ---- */

const char *elf_needed(const struct elf_file *elf, int32_t index) {
    uint64_t name;
    return find_dynamic(elf, DT_NEEDED, index, &name) ? string_at(elf, name) : NULL;
}

int elf_symbol(const struct elf_file *elf, int32_t index, struct elf_symbol *symbol) {
    Elf64_Sym found;
    if ((uint64_t)index >= elf->n_symbols ||
        !read_at(elf, &found, sizeof found, elf->symbols + (uint64_t)index * sizeof found)) {
        return 0;
    }
    const int binding = ELF64_ST_BIND(found.st_info), visibility = ELF64_ST_VISIBILITY(found.st_other);
    const int is_local = binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL;
    const char *name = is_local ? "" : string_at(elf, found.st_name);
    *symbol = (struct elf_symbol){.name = name == NULL ? "" : name,
                                  .is_defined = !is_local && found.st_shndx != SHN_UNDEF,
                                  .is_weak = binding == STB_WEAK || binding == STB_GNU_UNIQUE};
    return 1;
}

int32_t elf_constructors(const struct elf_file *elf) {
    uint64_t size = 0;
    return find_dynamic(elf, DT_INIT_ARRAYSZ, 0, &size) ? (int32_t)(size / sizeof(Elf64_Addr)) : 0;
}

/* Finds the section called `name`; 0 if there is none. */
static int find_section(const struct elf_file *elf, const char *name, Elf64_Shdr *section) {
    const Elf64_Ehdr *header = &elf->header;
    Elf64_Shdr names;
    if (header->e_shentsize != sizeof names ||
        !read_at(elf, &names, sizeof names, header->e_shoff + (uint64_t)header->e_shstrndx * sizeof names)) {
        return 0;
    }
    for (uint64_t i = 0; i < header->e_shnum; i++) {
        char text[32] = "";
        if (!read_at(elf, section, sizeof *section, header->e_shoff + i * sizeof *section) ||
            section->sh_name >= names.sh_size) {
            return 0;
        }
        if (read_at(elf, text, strlen(name) + 1, names.sh_offset + section->sh_name) && strcmp(text, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int elf_has_own_init(const struct elf_file *elf) {
    uint64_t address;
    Elf64_Shdr section;
    return find_dynamic(elf, DT_INIT, 0, &address) && elf->header.e_shnum > 0 &&
           (!find_section(elf, ".init", &section) || section.sh_addr != address);
}
