/* core/plugin_memory.h: which addresses belong to a shared object that was loaded, by its program headers (ELF, System
 * V ABI, chapter 5).
 *
 * Whoever reads what somebody else's pointers point at asks here first: a wrong one then is a text, not a SIGSEGV.
 * Threads: pure but for its arguments; an object must stay loaded as long as its memory is asked about.
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

/* The object that has the byte at `address` in a readable segment; 0 where none has. */
int plugin_memory_find(const void *address, struct plugin_memory *memory);

/* 1 where `size` bytes from `address` lie in one readable segment, and `address` is a multiple of `alignment`. */
int plugin_memory_holds(const struct plugin_memory *memory, uintptr_t address, size_t size, size_t alignment);
/* 1 where `text` lies in one readable segment, with the NUL that ends it. */
int plugin_memory_holds_text(const struct plugin_memory *memory, const char *text);
/* 1 where `address` lies in an executable segment. */
int plugin_memory_runs(const struct plugin_memory *memory, uintptr_t address);

#endif
