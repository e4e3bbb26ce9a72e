/* io/embedded.h: files that are embedded in a program, so that an installation does not need them. scripts/embed.py makes a
 * table of them at build time.
 */
#ifndef RONDO_IO_EMBEDDED_H
#define RONDO_IO_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path; /* as scripts/embed.py describes it */
    const unsigned char *bytes;
    size_t size;
};

#endif
