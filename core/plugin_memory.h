/* core/plugin_memory.h: the addresses that belong to a loaded shared object, by its program headers (ELF, System V ABI,
 * chapter 5).
 *
 * Used before a pointer of a plug-in is dereferenced, so that a wrong pointer causes an error message, not a SIGSEGV.
 * Threads: any; the object must stay loaded as long as these functions are called for it.
 */
#ifndef RONDO_CORE_PLUGIN_MEMORY_H
#define RONDO_CORE_PLUGIN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* The segments of one object; borrowed from the dynamic linker. */
struct plugin_memory {
    uintptr_t base;       /* added to the addresses of the program headers */
    const void *segments; /* [count] program headers */
    size_t count;
};

/* Finds the object that has `address` in a readable segment; 0 if there is none. */
int plugin_memory_find(const void *address, struct plugin_memory *memory);

/* 1 if `size` bytes from `address` are in one readable segment, and `address` is a multiple of `alignment`. */
int plugin_memory_holds(const struct plugin_memory *memory, uintptr_t address, size_t size, size_t alignment);
/* 1 if `text` is in one readable segment, including the NUL that ends it. */
int plugin_memory_holds_text(const struct plugin_memory *memory, const char *text);
/* 1 if `address` is in an executable segment. */
int plugin_memory_runs(const struct plugin_memory *memory, uintptr_t address);

#endif
