/* Built for a newer minor version of the ABI. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("newer_abi_minor");
static const rondo_descriptor *const descriptors[] = {&optimizer.base, NULL};

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR + 1,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "newer_abi_minor",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = descriptors,
};
