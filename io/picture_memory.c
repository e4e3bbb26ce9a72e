#include <string.h>

#include "io/picture.h"

rondo_status picture_reserve(struct picture *picture, struct location where, struct arena *arena,
                             struct errors *errors) {
    enum { MOST_BYTES = 1 << 30 };
    if (picture->height < 1 || picture->width < 1 ||
        picture->width > MOST_BYTES / picture->channels / picture->height) {
        return errors_add_at(errors, RONDO_INVALID, where, "a picture of %lld x %lld pixels, expected at most %d bytes",
                             (long long)picture->height, (long long)picture->width, MOST_BYTES);
    }
    if (arena == NULL) {
        return RONDO_OK;
    }
    picture->pixels = arena_alloc(arena, (size_t)(picture->height * picture->width * picture->channels));
    return picture->pixels == NULL ? errors_no_memory(errors) : RONDO_OK;
}

/* libpng: "out of memory", "insufficient memory"; libjpeg-turbo: "Insufficient memory (case 4)", "Memory allocation failure". */
rondo_status picture_failed(const char *format, const char *message, struct location where, struct errors *errors) {
    const int is_memory = strstr(message, "memory") != NULL || strstr(message, "Memory") != NULL;
    return is_memory ? errors_no_memory(errors)
                     : errors_add_at(errors, RONDO_INVALID, where, "a damaged %s file: %s", format, message);
}
