#include "data/image_convert.h"

#include <string.h>

int64_t image_bytes(struct image_form form) {
    return form.height * form.width * form.channels;
}

/* ---- colours ---- */

static void to_grey(const unsigned char *from, int64_t pixels, unsigned char *to) {
    for (int64_t i = 0; i < pixels; i++) {
        const int sum = 299 * from[3 * i] + 587 * from[3 * i + 1] + 114 * from[3 * i + 2];
        to[i] = (unsigned char)((sum + 500) / 1000);
    }
}

static void to_colour(const unsigned char *from, int64_t pixels, unsigned char *to) {
    for (int64_t i = 0; i < pixels; i++) {
        memset(to + 3 * i, from[i], 3);
    }
}

/* ---- sizes ---- */

/* One side of an image: new number i is the sum of weight[i * most + k] * old number first[i] + k, over k < most. Weights
 * past the end of the side are 0. */
struct side_weights {
    int64_t most;
    int64_t *first; /* [new] */
    float *weight;  /* [new, most] */
};

/* The part of [k, k + 1) that lies in [begin, end). */
static double overlap(int64_t k, double begin, double end) {
    const double left = begin > (double)k ? begin : (double)k, right = end < (double)k + 1 ? end : (double)k + 1;
    return right > left ? right - left : 0;
}

/* New pixel i covers [i * scale, (i + 1) * scale) of the old side, with scale = before / after. */
static void average(struct side_weights *side, int64_t before, int64_t after) {
    const double scale = (double)before / (double)after;
    for (int64_t i = 0; i < after; i++) {
        const double begin = (double)i * scale, end = (double)(i + 1) * scale;
        side->first[i] = (int64_t)begin;
        for (int64_t k = 0; k < side->most; k++) {
            const int64_t old = side->first[i] + k;
            side->weight[i * side->most + k] = old < before ? (float)(overlap(old, begin, end) / scale) : 0;
        }
    }
}

/* The centre of new pixel i is at (i + 0.5) * scale - 0.5 between the centres of old pixels. */
static void interpolate(struct side_weights *side, int64_t before, int64_t after) {
    const double scale = (double)before / (double)after;
    for (int64_t i = 0; i < after; i++) {
        const double at = ((double)i + 0.5) * scale - 0.5;
        const double inside = at < 0 ? 0 : at > (double)(before - 1) ? (double)(before - 1) : at;
        side->first[i] = (int64_t)inside;
        const double share = inside - (double)side->first[i];
        side->weight[i * side->most] = (float)(1 - share);
        side->weight[i * side->most + 1] = (float)share;
    }
}

static int make_side(struct side_weights *side, int64_t before, int64_t after, struct arena *arena) {
    const int is_shorter = after <= before;
    side->most = is_shorter ? before / after + 2 : 2;
    side->first = arena_calloc(arena, (size_t)after, sizeof *side->first);
    side->weight = arena_calloc(arena, (size_t)(after * side->most), sizeof *side->weight);
    if (side->first != NULL && side->weight != NULL) {
        (is_shorter ? average : interpolate)(side, before, after);
    }
    return side->first != NULL && side->weight != NULL;
}

/* Number i of a side of `before` numbers that are `stride` apart. */
static float sum_of(const struct side_weights *side, int64_t i, int64_t before, const float *numbers, int64_t stride) {
    float sum = 0;
    for (int64_t k = 0; k < side->most && side->first[i] + k < before; k++) {
        sum += side->weight[i * side->most + k] * numbers[(side->first[i] + k) * stride];
    }
    return sum;
}

/* First the width of every row, then the height of every column. */
static rondo_status resize(const unsigned char *from, struct image_form before, unsigned char *to,
                           struct image_form after, struct arena *arena, struct errors *errors) {
    struct side_weights across, down;
    const int64_t channels = before.channels, row = after.width * channels;
    float *line = arena_alloc(arena, (size_t)(before.width * channels) * sizeof *line);
    float *wide =
        arena_alloc(arena, (size_t)(before.height * row) * sizeof *wide); /* [before.height, after.width, channels] */
    if (!make_side(&across, before.width, after.width, arena) ||
        !make_side(&down, before.height, after.height, arena) || line == NULL || wide == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t y = 0; y < before.height; y++) {
        for (int64_t k = 0; k < before.width * channels; k++) {
            line[k] = from[y * before.width * channels + k];
        }
        for (int64_t k = 0; k < row; k++) {
            wide[y * row + k] = sum_of(&across, k / channels, before.width, line + k % channels, channels);
        }
    }
    for (int64_t y = 0; y < after.height; y++) {
        for (int64_t k = 0; k < row; k++) {
            const float number = sum_of(&down, y, before.height, wide + k, row) + 0.5F;
            to[y * row + k] = (unsigned char)(number < 0 ? 0 : number > 255 ? 255 : number);
        }
    }
    return RONDO_OK;
}

rondo_status image_convert(const unsigned char *from, struct image_form from_form, unsigned char *to,
                           struct image_form to_form, struct arena *arena, struct errors *errors) {
    const int64_t pixels = from_form.height * from_form.width;
    const int is_same_size = from_form.height == to_form.height && from_form.width == to_form.width;
    if (from_form.channels != to_form.channels) {
        unsigned char *coloured = is_same_size ? to : arena_alloc(arena, (size_t)(pixels * to_form.channels));
        if (coloured == NULL) {
            return errors_no_memory(errors);
        }
        (to_form.channels == 1 ? to_grey : to_colour)(from, pixels, coloured);
        from = coloured;
        from_form.channels = to_form.channels;
    } else if (is_same_size) {
        memcpy(to, from, (size_t)image_bytes(to_form));
    }
    return is_same_size ? RONDO_OK : resize(from, from_form, to, to_form, arena, errors);
}

void image_transpose(const unsigned char *from, struct image_form form, unsigned char *to) {
    for (int64_t y = 0; y < form.height; y++) {
        for (int64_t x = 0; x < form.width; x++) {
            memcpy(to + (x * form.height + y) * form.channels, from + (y * form.width + x) * form.channels,
                   (size_t)form.channels);
        }
    }
}
