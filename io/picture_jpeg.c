#include <limits.h>
#include <string.h>
#include <turbojpeg.h>

#include "io/picture.h"

/* The interface TurboJPEG of libjpeg-turbo returns errors as a status: no handlers, no jumps, nothing is printed. */
static rondo_status damaged(tjhandle decoder, struct location where, struct errors *errors) {
    return picture_failed("JPEG", tjGetErrorStr2(decoder), where, errors);
}

/* Cameras write bytes between the parts of a file that belong to none; every decoder passes over them. All other warnings
 * mean that pixels are missing or wrong. */
static int is_harmless(tjhandle decoder) {
    return tjGetErrorCode(decoder) == TJERR_WARNING && strstr(tjGetErrorStr2(decoder), "extraneous bytes") != NULL;
}

static rondo_status read_with(tjhandle decoder, const unsigned char *bytes, unsigned long length, struct location where,
                              struct arena *arena, struct picture *picture, struct errors *errors) {
    int width = 0, height = 0, subsampling, colours = -1;
    if (tjDecompressHeader3(decoder, bytes, length, &width, &height, &subsampling, &colours) != 0 &&
        !is_harmless(decoder)) {
        return damaged(decoder, where, errors);
    }
    if (width < 1 || height < 1) { /* only tables: they are no error of the decoder */
        return errors_add_at(errors, RONDO_INVALID, where, "a damaged JPEG file: it has no picture");
    }
    if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "a JPEG file in the colours of print (CMYK), expected grey or RGB; convert it first");
    }
    const int is_grey = colours == TJCS_GRAY;
    *picture = (struct picture){.height = height, .width = width, .channels = is_grey ? 1 : 3};
    RONDO_TRY(picture_reserve(picture, where, arena, errors));
    if (arena == NULL) {
        return RONDO_OK;
    }
    /* The limit of scans: a small progressive file must not keep the decoder busy for hours. */
    const int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    const int result =
        tjDecompress2(decoder, bytes, length, picture->pixels, width, 0, height, is_grey ? TJPF_GRAY : TJPF_RGB, flags);
    return result == 0 || is_harmless(decoder) ? RONDO_OK : damaged(decoder, where, errors);
}

rondo_status picture_read_jpeg(const void *bytes, size_t length, struct location where, struct arena *arena,
                               struct picture *picture, struct errors *errors) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = read_with(decoder, bytes, (unsigned long)length, where, arena, picture, errors);
    tjDestroy(decoder);
    return status;
}
