/* kit/globals.c: see kit/globals.h. */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "kit/globals.h"

#include <link.h>

struct globals_search {
    const unsigned char *address, *own; /* in the plug-in; in this file, to recognise the program itself */
    struct globals *globals;
};

static int lies_in(const struct dl_phdr_info *object, const unsigned char *address) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const unsigned char *start = (const unsigned char *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr);
        if (segment->p_type == PT_LOAD && address >= start && address < start + segment->p_memsz) {
            return 1;
        }
    }
    return 0;
}

/* Collects the writable segments. The part that becomes read-only after relocation does not change. */
static int visit(struct dl_phdr_info *object, size_t size, void *arg) {
    (void)size;
    struct globals_search *search = arg;
    struct globals *globals = search->globals;
    if (!lies_in(object, search->address)) {
        return 0;
    }
    for (int i = 0; i < object->dlpi_phnum && !lies_in(object, search->own); i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) != 0 && globals->count < GLOBALS_SEGMENTS) {
            globals->segments[globals->count].data =
                (const unsigned char *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr);
            globals->segments[globals->count].bytes = segment->p_memsz;
            globals->count++;
        }
    }
    return 1;
}

/* The address sanitizer forbids reading the gaps that it puts between variables. The two functions that read all bytes
 * are not instrumented; volatile keeps the compiler from turning them into memcpy or memcmp, which are. */
#define NOT_WATCHED __attribute__((no_sanitize("address")))

NOT_WATCHED static void copy_bytes(unsigned char *to, const volatile unsigned char *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
}

int globals_copy(const void *address, struct arena *arena, struct globals *globals) {
    static const unsigned char own = 0;
    struct globals_search search = {address, &own, globals};
    *globals = (struct globals){.count = 0};
    dl_iterate_phdr(visit, &search);
    for (int32_t i = 0; i < globals->count; i++) {
        globals->segments[i].copy = arena_alloc(arena, globals->segments[i].bytes);
        if (globals->segments[i].copy == NULL) {
            return 0;
        }
        copy_bytes(globals->segments[i].copy, globals->segments[i].data, globals->segments[i].bytes);
    }
    return globals->count > 0;
}

NOT_WATCHED size_t globals_changed(const struct globals *globals, const void **first) {
    size_t changed = 0;
    for (int32_t i = 0; i < globals->count; i++) {
        const volatile unsigned char *data = globals->segments[i].data;
        for (size_t at = 0; at < globals->segments[i].bytes; at++) {
            if (data[at] != globals->segments[i].copy[at]) {
                *first = changed++ == 0 ? globals->segments[i].data + at : *first;
            }
        }
    }
    return changed;
}
