/* A wrong magic number. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("wrong_magic");
static const rondo_descriptor *const descriptors[] = {&optimizer.base, NULL};

const rondo_plugin_info rondo_plugin = {
    .magic = 0x12345678u,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "wrong_magic",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = descriptors,
};
