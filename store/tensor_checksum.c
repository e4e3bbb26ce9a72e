#include "store/tensor_checksum.h"

#include <stdio.h>
#include <xxhash.h>

struct tensor_checksum *tensor_checksum_create(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state != NULL) {
        XXH3_64bits_reset(state);
    }
    return (struct tensor_checksum *)state;
}

void tensor_checksum_destroy(struct tensor_checksum *checksum) {
    XXH3_freeState((XXH3_state_t *)checksum);
}

void tensor_checksum_add(struct tensor_checksum *checksum, const void *bytes, size_t count) {
    XXH3_64bits_update((XXH3_state_t *)checksum, bytes, count);
}

struct tensor_checksum_digits tensor_checksum_digits(const struct tensor_checksum *checksum) {
    struct tensor_checksum_digits digits;
    snprintf(digits.text, sizeof digits.text, "%016llx",
             (unsigned long long)XXH3_64bits_digest((const XXH3_state_t *)checksum));
    return digits;
}
