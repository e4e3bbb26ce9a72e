/* plugin.c: the one object that Rondo looks for in noisy_labels.so. A plug-in may hold any number of descriptors, and
 * be made of any number of files. */
#include "parts.h"

RONDO_PLUGIN("noisy_labels", "1.0", "MIT", &sparsemax.base, &yogi.base, &generalised_cross_entropy.base);
