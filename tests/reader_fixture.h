/* tests/reader_fixture.h: a reader with options as an experiment gives them, and its files, in a temporary folder. For tests
 * of readers.
 *
 * What goes wrong in the fixture itself fails the running test.
 */
#ifndef RONDO_TESTS_READER_FIXTURE_H
#define RONDO_TESTS_READER_FIXTURE_H

#include "data/reader.h"

struct reader_fixture {
    struct arena *arena;
    struct errors errors;
    char folder[2000];
    struct reader *reader;
    struct reader_column columns[8]; /* of the reader */
    const char *columns_text;        /* of the next reader; NULL: the defaults */
};

/* Before a test, and after it. */
void reader_fixture_open(struct reader_fixture *fixture);
void reader_fixture_close(struct reader_fixture *fixture);

/* Makes the reader, in place of one that was made before. `options` as in "tokens=bytes min_count=2", or, by stream,
 * "target.tokens=bytes"; the check of the reader must accept them. */
void reader_fixture_make(struct reader_fixture *fixture, const char *name, const char *options);
/* The columns of the next reader that is made, as in "target=y ignore=id,name"; those of the list are at
 * experiment.yaml:4:9. A key that is left out has its default. */
void reader_fixture_columns(struct reader_fixture *fixture, const char *columns);
/* The first message of the reader's check of such options; NULL if it accepts them. */
const char *reader_fixture_check(struct reader_fixture *fixture, const char *name, const char *options);

/* The path of a file in the folder; and writes one, as in "a.csv" or "cats/1.png", with the folders of its name. */
const char *reader_fixture_path(struct reader_fixture *fixture, const char *name);
void reader_fixture_write(struct reader_fixture *fixture, const char *name, const void *bytes, size_t length);

/* The paths of files as in "a.csv b.csv" or "input=x.npy target=y.npy", given at experiment.yaml:3:9. Returns their number. */
enum { FIXTURE_PATHS = 8 };
int32_t reader_fixture_paths(struct reader_fixture *fixture, const char *names,
                             struct reader_path paths[FIXTURE_PATHS]);

/* Learns from files, of which the shares `valid` and `test` at the end are other parts. */
rondo_status reader_fixture_learn(struct reader_fixture *fixture, const char *name, double valid, double test);
/* The examples of a file, or of a part for readers without files (name NULL); NULL with errors. Free with
 * dataset_destroy. */
struct dataset *reader_fixture_read(struct reader_fixture *fixture, const char *name, enum part_name part,
                                    int with_targets);

/* The elements of example `index`, "1 0 2" or "0.5,1 -0.25,0", with "-" for no target; the names of classes if
 * `is_named`. */
const char *reader_fixture_show(struct reader_fixture *fixture, const struct dataset *dataset, const char *stream,
                                int64_t index, int is_named);

/* The expected text with the path of the file in place of '%'. */
const char *reader_fixture_expect(struct reader_fixture *fixture, const char *expected, const char *name);

/* The prediction of example `index` as the line that a person sees, with " | " between the texts, and its JSON object. */
struct reader_fixture_rendered {
    const char *line, *json;
};
struct reader_fixture_rendered reader_fixture_render(struct reader_fixture *fixture, const struct dataset *dataset,
                                                     int64_t index, const float *values, int64_t steps, int64_t size);
struct reader_fixture_rendered reader_fixture_render_prediction(struct reader_fixture *fixture,
                                                                const struct reader_prediction *prediction);

/* Encodes a text: its ids, [*count], are decoded to `decoded`, which has the same ids; their pieces, wherever they are cut, put
 * together are that text. */
const int32_t *reader_fixture_check_text(struct reader_fixture *fixture, const char *stream, const char *text,
                                         const char *decoded, int64_t *count);

/* Saves what the reader has learned and loads it into a new one of the same options, which takes its place. */
void reader_fixture_reload(struct reader_fixture *fixture);

#endif
