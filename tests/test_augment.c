/* data/augment.h: what training may change in an image, and that shards do not matter. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "data/augment.h"
#include "data/batch.h"
#include "reader_fixture.h"
#include "suite.h"

static struct reader_fixture fixture;
static int by_column; /* the elements are columns */

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

enum { SIDE = 5, IMAGES = 24 };

/* A dataset of IMAGES images of SIDE x SIDE pixels, all different. */
static struct dataset *read_squares(const char *options) {
    unsigned char squares[16 + IMAGES * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    unsigned char labels[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES, 1};
    for (int i = 0; i < IMAGES * SIDE * SIDE; i++) {
        squares[16 + i] = (unsigned char)(i * 7 + i / 256);
    }
    reader_fixture_write(&fixture, "squares.idx", squares, sizeof squares);
    reader_fixture_write(&fixture, "labels.idx", labels, sizeof labels);
    by_column = strstr(options, "columns") != NULL;
    reader_fixture_make(&fixture, "images", options);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "input=squares.idx target=labels.idx", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "input=squares.idx target=labels.idx", PART_TRAIN, 1);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    return dataset;
}

/* Packs examples; pixel (y, x) of example e goes to pixels[e][y][x]. */
static void pack(const struct dataset *dataset, const int64_t *examples, int64_t count, const struct rng_stream *update,
                 float pixels[IMAGES][SIDE][SIDE]) {
    const int every_step = dataset->streams[0].length[0] > 1;
    const struct batch_plan plan = {.architecture = {every_step, 0}, .dtype = RONDO_F32, .update = update};
    struct batch batch;
    ck_assert_int_eq(batch_pack(dataset, examples, count, &plan, 1, fixture.arena, &batch, &fixture.errors), RONDO_OK);
    const int64_t size = dataset->streams[0].size, steps = dataset->streams[0].length[0];
    for (int64_t row = 0; row < count; row++) {
        for (int64_t n = 0; n < SIDE * SIDE; n++) {
            const int64_t step = n / size, at = ((steps > 1 ? batch.time.begin[step] : 0) + row) * size + n % size;
            const float number = ((const float *)batch.inputs[0].data)[at];
            *(by_column ? &pixels[batch.example[row]][n % SIDE][n / SIDE]
                        : &pixels[batch.example[row]][n / SIDE][n % SIDE]) = number;
        }
    }
}

static int clamp(int at) {
    return at < 0 ? 0 : at < SIDE ? at : SIDE - 1;
}

/* 1 if `changed` is `stored` moved down and to the right, mirrored before if is_mirrored. */
static int is_moved(float changed[SIDE][SIDE], float stored[SIDE][SIDE], int down, int right, int is_mirrored) {
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const int column = clamp(x - right);
            if (changed[y][x] != stored[clamp(y - down)][is_mirrored ? SIDE - 1 - column : column]) {
                return 0;
            }
        }
    }
    return 1;
}

static int64_t all_examples[IMAGES];

static void fill_examples(void) {
    for (int i = 0; i < IMAGES; i++) {
        all_examples[i] = i;
    }
}

static const struct {
    const char *options;
    int shift, flip;
} changes[] = {
    {"as=rows shift=1", 1, 0},
    {"as=vector shift=2 flip=true", 2, 1},
    {"as=columns shift=1 flip=true", 1, 1},
    {"as=pixels shift=1 flip=true", 1, 1},
    {"as=rows flip=true", 0, 1},
};

START_TEST(training_moves_and_mirrors_images_at_random) {
    struct dataset *dataset = read_squares(changes[_i].options);
    static float stored[IMAGES][SIDE][SIDE], changed[IMAGES][SIDE][SIDE];
    const struct rng_stream update = rng_stream(7, "update");
    fill_examples();
    pack(dataset, all_examples, IMAGES, NULL, stored);
    pack(dataset, all_examples, IMAGES, &update, changed);
    int kinds = 0; /* different changes that were seen */
    int seen[5][5][2] = {{{0}}};
    for (int i = 0; i < IMAGES; i++) {
        int found = 0;
        for (int down = -changes[_i].shift; down <= changes[_i].shift; down++) {
            for (int right = -changes[_i].shift; right <= changes[_i].shift; right++) {
                for (int mirrored = 0; mirrored <= changes[_i].flip; mirrored++) {
                    if (is_moved(changed[i], stored[i], down, right, mirrored)) {
                        found = 1;
                        kinds += !seen[down + 2][right + 2][mirrored];
                        seen[down + 2][right + 2][mirrored] = 1;
                    }
                }
            }
        }
        ck_assert_msg(found, "image %d is not one that the options allow", i);
    }
    ck_assert_int_ge(kinds, changes[_i].shift > 0 ? 6 : 2);
    dataset_destroy(dataset);
}
END_TEST

/* Shards pack other examples together: an image must not depend on them. */
START_TEST(an_image_changes_alike_in_every_shard) {
    static float whole[IMAGES][SIDE][SIDE], parts[IMAGES][SIDE][SIDE], other[IMAGES][SIDE][SIDE];
    static const char *const options[] = {"as=rows shift=2 flip=true", "as=vector shift=2 flip=true",
                                          "as=columns shift=2 flip=true", "as=pixels shift=2 flip=true"};
    const struct rng_stream update = rng_stream(7, "update"), next = rng_stream(8, "update");
    struct dataset *dataset = read_squares(options[_i]);
    fill_examples();
    pack(dataset, all_examples, IMAGES, &update, whole);
    pack(dataset, all_examples + 10, IMAGES - 10, &update, parts);
    pack(dataset, all_examples, 10, &update, parts);
    ck_assert_mem_eq(whole, parts, sizeof whole);
    pack(dataset, all_examples, IMAGES, &next, other);
    ck_assert_int_ne(memcmp(whole, other, sizeof whole), 0);
    dataset_destroy(dataset);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("augment");
    TCase *cases = add_case(suite, "augment", 60, setup, teardown);
    tcase_add_loop_test(cases, training_moves_and_mirrors_images_at_random, 0, ROWS(changes));
    tcase_add_loop_test(cases, an_image_changes_alike_in_every_shard, 0, 4);
    return run_suite(suite);
}
