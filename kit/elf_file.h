/* kit/elf_file.h: what the dynamic linker sees in a shared object, read from its bytes, so that none of its code runs.
 *
 * Every offset is compared with the size of the file first. Source: System V ABI, chapter 5; elf(5).
 */
#ifndef RONDO_KIT_ELF_FILE_H
#define RONDO_KIT_ELF_FILE_H

#include "core/arena.h"

struct elf_file;

/* Maps the file; it stays mapped until the process ends. NULL with errors if it is not a 64-bit object with this
 * machine's byte order and a dynamic section. */
struct elf_file *elf_open(const char *file, struct arena *arena, struct errors *errors);

/* Library number `index` that it needs, "libm.so.6"; NULL after the last. */
const char *elf_needed(const struct elf_file *elf, int32_t index);

/* A symbol of the dynamic symbol table: one that other objects can use, or one that they must provide. */
struct elf_symbol {
    const char *name;
    int is_defined;
    int is_weak; /* weak or unique: if several objects define it, one definition is used */
};
/* Symbol number `index`; 0 after the last. */
int elf_symbol(const struct elf_file *elf, int32_t index, struct elf_symbol *symbol);

/* The number of functions that run when it is loaded: entries of DT_INIT_ARRAY. */
int32_t elf_constructors(const struct elf_file *elf);
/* 1 if DT_INIT is a function of the object itself, not the section .init of the compiler's start files. 0 also if this
 * is not known, as in a file without sections. */
int elf_has_own_init(const struct elf_file *elf);

#endif
