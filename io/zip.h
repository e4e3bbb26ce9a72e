/* io/zip.h: the members of a ZIP archive in memory (PKWARE APPNOTE 6.3.10; ZIP64), such as an .npz file of NumPy.
 *
 * Members are stored or deflated; encrypted members, other methods and archives of several volumes are refused. Sizes that
 * an archive claims are checked against the bytes that it has before memory is requested.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_ZIP_H
#define RONDO_IO_ZIP_H

#include "core/arena.h"

struct zip_member {
    const char *name;
    int64_t header;       /* offset of its local header */
    int64_t packed, size; /* bytes in the archive, and unpacked */
    uint32_t crc;         /* of the unpacked bytes */
    int method;           /* 0: stored, 8: deflated */
    int is_encrypted;
};

struct zip {
    const unsigned char *bytes; /* borrowed */
    int64_t length;
    struct location where; /* for messages */
    const struct zip_member *members;
    int32_t count;
};

/* 1 if the bytes begin as an archive does. */
int zip_is(const void *bytes, size_t length);

/* Reads the list of members; memory from `arena`. RONDO_INVALID, at `where`, for everything that is damaged. */
rondo_status zip_open(struct zip *zip, const void *bytes, size_t length, struct location where, struct arena *arena,
                      struct errors *errors);

/* The member of that name; NULL: there is none. */
const struct zip_member *zip_find(const struct zip *zip, const char *name);

/* The unpacked bytes of a member, of member->size bytes: within the archive if it is stored, else from `arena`. */
rondo_status zip_read(const struct zip *zip, const struct zip_member *member, struct arena *arena,
                      const unsigned char **bytes, struct errors *errors);

#endif
