/* kit/scaffold_files.h: the files that `rondo plugin new` starts from, inside the program.
 *
 * scripts/embed.py makes the table at build time from kit/templates/ and include/rondo/plugin.h.
 */
#ifndef RONDO_KIT_SCAFFOLD_FILES_H
#define RONDO_KIT_SCAFFOLD_FILES_H

#include <stddef.h>

struct scaffold_file {
    const char *path; /* "op/plugin.c.in", "common/Makefile", "rondo/plugin.h" */
    const unsigned char *bytes;
    size_t size;
};

/* Ends with a NULL path. */
extern const struct scaffold_file scaffold_files[];

#endif
