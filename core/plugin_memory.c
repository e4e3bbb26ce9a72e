#define _GNU_SOURCE /* dl_iterate_phdr */
#include "core/plugin_memory.h"

#include <link.h>
#include <string.h>

/* Bytes from `address` to the end of its segment; 0 if no segment with all of `flags` contains it. */
static size_t bytes_from(const struct plugin_memory *memory, uintptr_t address, uint32_t flags) {
    const ElfW(Phdr) *segments = memory->segments;
    for (size_t i = 0; i < memory->count; i++) {
        const ElfW(Phdr) *segment = &segments[i];
        const uintptr_t offset = address - (memory->base + segment->p_vaddr); /* wraps around below the segment */
        if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags && offset < segment->p_memsz) {
            return segment->p_memsz - offset;
        }
    }
    return 0;
}

struct segment_search {
    uintptr_t address;
    struct plugin_memory *found;
};

static int visit(struct dl_phdr_info *object, size_t size, void *arg) {
    (void)size;
    const struct segment_search *search = arg;
    const struct plugin_memory memory = {object->dlpi_addr, object->dlpi_phdr, object->dlpi_phnum};
    if (bytes_from(&memory, search->address, PF_R) == 0) {
        return 0;
    }
    *search->found = memory;
    return 1;
}

int plugin_memory_find(const void *address, struct plugin_memory *memory) {
    struct segment_search search = {(uintptr_t)address, memory};
    return dl_iterate_phdr(visit, &search) == 1;
}

int plugin_memory_holds(const struct plugin_memory *memory, uintptr_t address, size_t size, size_t alignment) {
    return address % alignment == 0 && bytes_from(memory, address, PF_R) >= size;
}

int plugin_memory_holds_text(const struct plugin_memory *memory, const char *text) {
    const size_t size = bytes_from(memory, (uintptr_t)text, PF_R);
    return size > 0 && memchr(text, '\0', size) != NULL;
}

int plugin_memory_runs(const struct plugin_memory *memory, uintptr_t address) {
    return bytes_from(memory, address, PF_X) > 0;
}
