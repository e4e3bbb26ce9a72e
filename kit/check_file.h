/* kit/check_file.h: what the checks of a plug-in's file share (check_elf.c); check_file.c lists them. */
#ifndef RONDO_KIT_CHECK_FILE_H
#define RONDO_KIT_CHECK_FILE_H

#include "kit/check.h"
#include "kit/elf_file.h"

/* The file as an ELF object; NULL with the reason. */
struct elf_file *check_open_elf(const struct trial *trial);
/* 1 if the compiler adds calls of its own to the file: it is built with a sanitizer, or counts coverage. */
int check_is_instrumented(const struct elf_file *elf);

/* check_imports.c */
kit_check_function file_imports;

#endif
