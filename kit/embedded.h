/* kit/embedded.h: the templates of `rondo plugin new`, and the page that `rondo plugin check --explain` reads, as parts of the
 * program: the files that kit/meson.build lists.
 */
#ifndef RONDO_KIT_EMBEDDED_H
#define RONDO_KIT_EMBEDDED_H

#include "io/embedded.h"

/* "op/plugin.c.in", "common/Makefile", "rondo/plugin.h", "docs/plugin-abi.md". Ends with a NULL path. */
extern const struct embedded_file embedded_files[];

#endif
