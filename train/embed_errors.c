#include "train/embed_errors.h"

#include <stdio.h>

rondo_status embed_errors(struct errors *errors, char *error, size_t size) {
    const rondo_status status = errors->status;
    size_t used = 0;
    if (size > 0) {
        error[0] = '\0';
    }
    for (int32_t i = 0; i < errors->count && i < ERRORS_MAX && used < size; i++) {
        const int length = snprintf(error + used, size - used, "%s%s", i == 0 ? "" : "\n", errors_text(errors, i));
        used += length < 0 ? size : (size_t)length;
    }
    errors_free(errors);
    return status;
}
