/* A list of descriptors without the NULL that ends it: what follows it is not a pointer. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("descriptors_without_end");

static const struct {
    const rondo_descriptor *list[1];
    const void *after[2];
} table = {{&optimizer.base}, {(const void *)8, (const void *)8}};

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "descriptors_without_end",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = table.list,
};
