/* kit/check_file.h: the checks of a file that stand in a file of their own; check_file.c lists them. */
#ifndef RONDO_KIT_CHECK_FILE_H
#define RONDO_KIT_CHECK_FILE_H

#include "kit/check.h"
#include "kit/elf_file.h"

/* The file as an ELF object; NULL with the reason. */
struct elf_file *check_open_elf(struct kit *kit, char *reason, size_t size);
/* 1 where the compiler, not the author, decides what the file calls: it is built with a sanitizer, or counts lines. */
int check_is_instrumented(const struct elf_file *elf);

/* Functions that a plug-in should leave to the host: check_imports.c */
enum verdict file_imports(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

#endif
