/* A plug-in object of another size. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("wrong_struct_size");
static const rondo_descriptor *const descriptors[] = {&optimizer.base, NULL};

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info) - 8,
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "wrong_struct_size",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = descriptors,
};
