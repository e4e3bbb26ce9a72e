#include "io/picture.h"

#include <string.h>

int32_t picture_format(const void *bytes, size_t length) {
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
    return length >= sizeof png && memcmp(bytes, png, sizeof png) == 0      ? PICTURE_PNG
           : length >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0 ? PICTURE_JPEG
                                                                            : PICTURE_NONE;
}

rondo_status picture_read(const void *bytes, size_t length, struct location where, struct arena *arena,
                          struct picture *picture, struct errors *errors) {
    switch (picture_format(bytes, length)) {
    case PICTURE_PNG:
        return picture_read_png(bytes, length, where, arena, picture, errors);
    case PICTURE_JPEG:
        return picture_read_jpeg(bytes, length, where, arena, picture, errors);
    default:
        return errors_add_at(errors, RONDO_INVALID, where,
                             length == 0 ? "the file is empty, expected a PNG or JPEG file"
                                         : "neither a PNG nor a JPEG file");
    }
}
