/* kit/embedded.h: files that are embedded in the program, so that an installation does not need them: the templates of
 * `rondo plugin new`, and the page that `rondo plugin check --explain` reads.
 *
 * scripts/embed.py makes the table at build time from the files that kit/meson.build lists.
 */
#ifndef RONDO_KIT_EMBEDDED_H
#define RONDO_KIT_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path; /* "op/plugin.c.in", "common/Makefile", "rondo/plugin.h", "docs/plugin-abi.md" */
    const unsigned char *bytes;
    size_t size;
};

/* Ends with a NULL path. */
extern const struct embedded_file embedded_files[];

#endif
