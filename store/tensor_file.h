/* store/tensor_file.h: the safetensors format (Hugging Face, version 0.3 of the format: 8 bytes little-endian length, a
 * JSON header, then the raw data; github.com/huggingface/safetensors). Weights (store/safetensors.h) and checkpoints
 * (store/archive_file.h) are files of this format.
 *
 * Entries of the kinds F32, F64, I32 and I64 are tensors of the file; entries of the kind ARCHIVE_TEXT are its metadata.
 * Reading checks everything before it takes memory for data: lengths, offsets, overlaps, shapes, dtypes and duplicate
 * names. Errors name the file and the tensor.
 *
 * A file may contain a checksum of all its bytes: XXH3 (64 bits, github.com/Cyan4973/xxHash), computed with the digits of
 * the checksum as zeros. Its place is fixed: the header begins with {"__metadata__":{"checksum":"xxh3:0123456789abcdef".
 * It detects damage, and protects from nobody.
 *
 * Threads: any, on different files.
 */
#ifndef RONDO_STORE_TENSOR_FILE_H
#define RONDO_STORE_TENSOR_FILE_H

#include "core/archive.h"

struct file_writer;

enum tensor_file_flags {
    TENSOR_FILE_CHECKSUM = 1, /* the file has a checksum */
    TENSOR_FILE_I64 = 2       /* the file may contain tensors of the kind I64 */
};

/* Writes the entries through a writer that has begun; commits it, or aborts it after a failure. Tensors with 8 bytes per
 * element come first. RONDO_INVALID if a name is taken, or is not UTF-8 text, as texts must be. */
rondo_status tensor_file_write(struct file_writer *writer, const struct archive_entry *entries, int32_t count,
                               int flags, struct errors *errors);

/* A file that is being read. Read-only for the caller. */
struct tensor_file {
    const char *file;
    struct archive_entry
        *entries; /* [count] in the arena of tensor_file_open: texts, then tensors, whose `data` is NULL */
    int32_t count, n_texts;
    uint64_t data_bytes;   /* of all tensors */
    struct errors *errors; /* for all functions */
    int is_opened;         /* the system has opened the file, so a failure is one of its contents */
    int descriptor;
    struct tensor_checksum *checksum; /* of what was read so far; NULL: none */
    char digits[16];                  /* of the checksum in the file */
};
/* Opens a file and reads its header. RONDO_NOT_FOUND if there is no such file, RONDO_INVALID if it cannot be opened or is not
 * valid, RONDO_IO if the system cannot read from it. Close it after success. */
rondo_status tensor_file_open(struct tensor_file *reading, const char *file, struct arena *arena, int flags,
                              struct errors *errors);
/* Reads the data of the next tensor, in the order of the entries, to `data`. */
rondo_status tensor_file_next(struct tensor_file *reading, void *data, size_t bytes);
/* After the last tensor: RONDO_INVALID if the file has not the bytes that were written. */
rondo_status tensor_file_verify(const struct tensor_file *reading);
/* Does nothing if the file was closed. */
void tensor_file_close(struct tensor_file *reading);
/* The text of this name; NULL: there is none. */
const char *tensor_file_text(const struct tensor_file *reading, const char *name);

#endif
