#include <png.h>
#include <string.h>

#include "io/picture.h"

/* The simplified interface of libpng (libpng manual, chapter VI) returns errors as a text: no jumps, nothing is printed. */
static rondo_status failed(png_image *image, struct location where, struct errors *errors) {
    const rondo_status status = picture_failed("PNG", image->message, where, errors);
    png_image_free(image);
    return status;
}

rondo_status picture_read_png(const void *bytes, size_t length, struct location where, struct arena *arena,
                              struct picture *picture, struct errors *errors) {
    static const png_color white = {255, 255, 255};
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, bytes, length)) {
        return failed(&image, where, errors);
    }
    const int is_colour = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
    *picture = (struct picture){.height = image.height, .width = image.width, .channels = is_colour ? 3 : 1};
    const rondo_status status = picture_reserve(picture, where, arena, errors);
    if (status != RONDO_OK || arena == NULL) {
        png_image_free(&image);
        return status;
    }
    image.format = is_colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    /* Without this, 16 bits without a gamma chunk would be taken for linear light, and not as other programs take them. */
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    if (!png_image_finish_read(&image, &white, picture->pixels, 0, NULL)) {
        return failed(&image, where, errors);
    }
    png_image_free(&image);
    return RONDO_OK;
}
