/* Readers that run out of memory: wherever one allocation fails, learning, saving, loading, reading and rendering end with the
 * status RONDO_NO_MEMORY and the name of the file; and nothing is used that was not allocated. */
#include <jansson.h>
#include <string.h>

#include "data/references.h"
#include "tests/array_goldens.h"
#include "tests/failing_allocator.h"
#include "tests/reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

/* Files of the lists of goldens. The size of the first picture is that of all others. */
static const struct {
    const char *name, *list, *golden;
} goldens[] = {
    {"images.gz", "pictures.txt", "images.gz"},      {"labels.npy", "pictures.txt", "labels.npy"},
    {"d/a/1.png", "pictures.txt", "interlaced.png"}, {"d/a/2.jpg", "pictures.txt", "progressive.jpg"},
    {"d/b/1.jpg", "pictures.txt", "rgb.jpg"},        {"d/b/2.jpg", "pictures.txt", "grey.jpg"},
    {"packed.npz", "arrays.txt", "packed.npz"},      {"padded_other.npz", "arrays.txt", "padded_other.npz"},
    {"lists.npz", "arrays.txt", "lists.npz"},
};

static void store_goldens(void) {
    for (int g = 0; g < ROWS(goldens); g++) {
        struct array_goldens list;
        size_t length;
        array_goldens_open_list(&list, goldens[g].list, fixture.arena);
        const unsigned char *bytes = array_goldens_file(&list, goldens[g].golden, fixture.arena, &length);
        reader_fixture_write(&fixture, goldens[g].name, bytes, length);
    }
}

static const struct {
    const char *reader, *options, *columns;
    const char *files, *text; /* of a single file; NULL: a golden, or the reader needs none */
    const char *line;         /* to predict; NULL: the reader reads no lines */
} rows[] = {
    {"characters", "", NULL, "a.txt", "In the beginning.\n", "In t"},
    {"characters", "tokens=bytes", NULL, "a.txt", "In the beg\xFFinning.\n", "In t"},
    {"characters", "documents=lines", NULL, "a.txt", "one\ntwo\nthree\n", ""},
    {"synthetic", "task=recall train=20", NULL, NULL, NULL, NULL},
    {"synthetic", "task=sine train=20 spread=3", NULL, NULL, NULL, NULL},
    {"text", "", NULL, "a.tsv", "good one\tgreat\nbad one\tother\n", "bad"},
    {"text", "target=number", NULL, "a.csv", "good one,1\nbad one,2\n", "bad"},
    {"series", "window=1 horizon=2 gaps=missing", "time=d target=y past=t known=h series=s calendar=weekday", "a.csv",
     "s,d,y,t,h\na,2012-01-01,1,,1\nb,2012-01-01,2,5,1\na,2012-01-03,3,4,0\nb,2012-01-02,,5,1\n", NULL},
    {"words", "", NULL, "a.txt", "one two\nthree one\n", "one"},
    {"words", "documents=lines tokens=whitespace line_ends=false", NULL, "a.txt", "one two\nthree <unk>\n", ""},
    {"pairs", "", NULL, "a.tsv", "one two\tein zwei\nthree\tdrei\n", "two ?"},
    {"pairs", "shared=true empty=leave_out max_length=2 too_long=cut", NULL, "a.jsonl",
     "{\"source\": \"a b c\", \"target\": \"b\"}\n{\"source\": \"\", \"target\": \"b\"}\n", "b"},
    {"pairs", "tokens=characters", "input=0", "a.tsv", "de\tja\nen\tyes\n", "en"},
    {"table", "", "target=y", "a.csv", "x,y\n1,a\n2,b\n3,a\n", NULL},
    {"images", "as=columns", NULL, "input=images.gz target=labels.npy", NULL, NULL},
    {"images", "", NULL, "d", NULL, NULL},
    {"arrays", "", NULL, "packed.npz", NULL, NULL},
    {"arrays", "", NULL, "padded_other.npz", NULL, NULL},
    {"arrays", "", NULL, "lists.npz", NULL, NULL},
};

/* What one run of the work below makes; freed after it. */
struct reader_life {
    struct reader *learned, *loaded;
    json_t *saved;
    struct dataset *examples, *lines;
    struct errors errors;
};

static void free_life(struct reader_life *life) {
    dataset_destroy(life->examples);
    dataset_destroy(life->lines);
    json_decref(life->saved);
    reader_destroy(life->learned);
    reader_destroy(life->loaded);
    errors_free(&life->errors);
    *life = (struct reader_life){0};
}

/* The prediction of the last example of a dataset, with the same probability of each class. */
static rondo_status render(struct reader_life *life, const struct dataset *dataset) {
    static float values[4096];
    const struct stream *target = dataset_find(dataset, "target");
    const int64_t last = dataset->count - 1, length = target->length[last];
    const int by_step = length > 1;
    const int64_t steps = by_step ? length : 1;
    /* No assertion of Check: it allocates. */
    RONDO_CHECK(steps * target->size <= ROWS(values), &life->errors, "the predictions fit");
    for (int64_t i = 0; i < steps * target->size; i++) {
        values[i] = 1.0F / (float)target->size;
    }
    const struct reader_prediction prediction = {.dataset = dataset,
                                                 .example = last,
                                                 .values = values,
                                                 .steps = steps,
                                                 .size = target->size,
                                                 .by_step = by_step,
                                                 .is_class = target->kind != STREAM_REAL,
                                                 .names = target->names};
    struct arena *arena = arena_create();
    struct fields fields;
    fields_open(&fields, arena);
    const rondo_status status = fields_failed(&fields)
                                    ? errors_no_memory(&life->errors)
                                    : reader_render(life->loaded, &prediction, &fields, &life->errors);
    fields_close(&fields);
    arena_destroy(arena);
    return status;
}

/* A text to ids and back. */
static rondo_status write_text(struct reader_life *life) {
    const struct reader *reader = life->loaded;
    struct arena *arena = arena_create();
    int32_t *ids = NULL;
    int64_t count = 0;
    const char *text;
    rondo_status status = arena == NULL
                              ? errors_no_memory(&life->errors)
                              : reader->class->encode(reader, "target", "one two", arena, &ids, &count, &life->errors);
    if (status == RONDO_OK) {
        status = reader->class->decode(reader, "target", ids, count, 0, arena, &text, &life->errors);
    }
    arena_destroy(arena);
    return status;
}

static rondo_status group(struct reader_life *life) {
    struct references references;
    const rondo_status status = references_find(&references, life->examples, &life->errors);
    references_free(&references);
    return status;
}

static rondo_status live(struct reader_life *life, const struct reader_source *source, const char *line) {
    const struct reader *model = fixture.reader;
    struct errors *errors = &life->errors;
    life->learned = reader_create(model->class, model->options, model->columns, model->interrupt, errors);
    life->loaded = reader_create(model->class, model->options, model->columns, model->interrupt, errors);
    if (life->learned == NULL || life->loaded == NULL) {
        return errors->status;
    }
    RONDO_TRY(reader_learn(life->learned, source, errors));
    life->saved = reader_save(life->learned, errors);
    if (life->saved == NULL) {
        return errors->status;
    }
    RONDO_TRY(reader_load(life->loaded, life->saved, "reader.json", errors));
    life->examples = reader_read(life->loaded, source, 1, errors);
    life->lines = life->examples == NULL ? NULL : reader_describe(life->loaded, errors);
    if (life->lines == NULL) {
        return errors->status;
    }
    RONDO_TRY(render(life, life->examples));
    RONDO_TRY(group(life));
    if (life->loaded->class->encode != NULL) {
        RONDO_TRY(write_text(life));
    }
    if (line == NULL) {
        return RONDO_OK;
    }
    /* A line that cannot be added for lack of memory leaves those before it as they were; 16 are full arrays. */
    const int lines = 20;
    rondo_status status = RONDO_OK;
    for (int i = 0; i < lines && status == RONDO_OK; i++) {
        status = reader_add(life->loaded, line, (struct location){"standard input", i + 1, 0}, life->lines, errors);
    }
    const rondo_status rendered = life->lines->count == 0 ? RONDO_OK : render(life, life->lines);
    return status == RONDO_OK ? rendered : status;
}

START_TEST(a_reader_that_runs_out_of_memory_says_so) {
    reader_fixture_columns(&fixture, rows[_i].columns);
    reader_fixture_make(&fixture, rows[_i].reader, rows[_i].options);
    store_goldens();
    if (rows[_i].text != NULL) {
        reader_fixture_write(&fixture, rows[_i].files, rows[_i].text, strlen(rows[_i].text));
    }
    struct reader_path paths[FIXTURE_PATHS];
    const int32_t count = reader_fixture_paths(&fixture, rows[_i].files, paths);
    const struct parts parts = {{.rule = PART_NONE}, {.rule = PART_NONE}};
    const struct reader_source source = {paths, count, PART_TRAIN, &parts};
    struct reader_life life = {0};
    rondo_status status = live(&life, &source, rows[_i].line);
    ck_assert_msg(status == RONDO_OK, "%s", life.errors.count > 0 ? errors_text(&life.errors, 0) : "failed");
    free_life(&life);
    long left = 0; /* 1: the work needs fewer allocations */
    for (long number = 1; ALLOCATOR_COUNTS && left <= 0; number++) {
        allocator_fail(number);
        status = live(&life, &source, rows[_i].line);
        left = allocator_fail(0);
        /* libjpeg asks for less when it is refused */
        const int may_go_on = left > 0 || strcmp(rows[_i].reader, "images") == 0;
        ck_assert_msg(status == RONDO_NO_MEMORY ? left <= 0 : status == RONDO_OK && may_go_on,
                      "%s: status %d after allocation %ld failed: %s", rows[_i].reader, (int)status, number,
                      life.errors.count > 0 ? errors_text(&life.errors, 0) : "no message");
        free_life(&life);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reader_memory");
    TCase *cases = add_case(suite, "reader_memory", 60, setup, teardown);
    tcase_add_loop_test(cases, a_reader_that_runs_out_of_memory_says_so, 0, ROWS(rows));
    return run_suite(suite);
}
