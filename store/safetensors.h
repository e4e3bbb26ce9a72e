/* store/safetensors.h: named tensors in a file, in the safetensors format (store/tensor_file.h): weights.
 *
 * Element types are F32, F64 and I32. A file is written completely or not at all (io/file.h). Reading checks everything, and
 * refuses values that are not finite; errors name the tensor.
 *
 * Threads: any, on different files.
 */
#ifndef RONDO_STORE_SAFETENSORS_H
#define RONDO_STORE_SAFETENSORS_H

#include "core/tensor.h"

struct named_tensor {
    const char *name;
    rondo_tensor tensor;
};

/* Writes `count` tensors. `metadata` is a NULL-terminated list of key, value, key, value, …; may be NULL. */
rondo_status safetensors_write(const char *file, const struct named_tensor *tensors, int32_t count,
                               const char *const *metadata, struct errors *errors);
/* The same through a writer that has begun; commits it, or aborts it after a failure. */
struct file_writer;
rondo_status safetensors_write_to(struct file_writer *writer, const struct named_tensor *tensors, int32_t count,
                                  const char *const *metadata, struct errors *errors);

/* Reads a file; names and data are allocated in `arena`. *metadata (may be NULL) gets a list as above. RONDO_NOT_FOUND if
 * there is no such file, RONDO_INVALID if it is not valid. */
rondo_status safetensors_read(const char *file, struct arena *arena, struct named_tensor **tensors, int32_t *count,
                              const char *const **metadata, struct errors *errors);

#endif
