/* data/readers/pairs.c: parts by source, examples of the same source, and texts to ids and back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/references.h"
#include "tests/reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static void store(const char *name, const char *text) {
    reader_fixture_write(&fixture, name, text, strlen(text));
}

/* The second text is that of the second file, "b.txt", if there is one. */
static void store_both(const char *files, const char *text, const char *second) {
    const char *first = strchr(files, '=') == NULL ? files : "a.txt";
    store(first, text);
    if (second != NULL) {
        store("b.txt", second);
    }
}

static void learn(const char *options, const char *columns, const char *files, const char *text, const char *second) {
    reader_fixture_columns(&fixture, columns);
    reader_fixture_make(&fixture, "pairs", options);
    store_both(files, text, second);
    ck_assert_msg(reader_fixture_learn(&fixture, files, 0, 0) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
}

/* "a b > c d <end>; …": the pairs by the names of their tokens. */
static const char *show(const struct dataset *dataset) {
    const char *first = dataset->streams[0].name, *text = "";
    for (int64_t i = 0; i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s > %s; ", text, reader_fixture_show(&fixture, dataset, first, i, 1),
                            reader_fixture_show(&fixture, dataset, "target", i, 1));
    }
    return text;
}

#define PARALLEL "source=a.txt target=b.txt"

/* ---- parts ---- */

enum { SOURCES = 500, TARGETS = 3 };

/* Each source has several targets; lines of the same source are far from each other. `is_class`: the source is one of two
 * classes. */
static void store_many(int is_class) {
    char *text = arena_alloc(fixture.arena, (size_t)SOURCES * TARGETS * 40), *to = text;
    for (int k = 0; k < TARGETS; k++) {
        for (int s = 0; s < SOURCES; s++) {
            to += is_class ? sprintf(to, "c%d\tt%d\n", s % 2, s) : sprintf(to, "s%d x\tt%d k%d\n", s, s, k);
        }
    }
    store("many.tsv", text);
}

static uint64_t name_hash(const struct stream *stream, int64_t example) {
    uint64_t hash = 0;
    for (int64_t t = 0; t < stream->length[example]; t++) {
        hash = hash * 1000003 + (uint64_t)stream_id(stream, stream->begin[example] + t);
    }
    return hash;
}

static int has_hash(const uint64_t *hashes, int64_t count, uint64_t hash) {
    for (int64_t i = 0; i < count; i++) {
        if (hashes[i] == hash) {
            return 1;
        }
    }
    return 0;
}

START_TEST(a_random_part_has_all_targets_of_its_sources) {
    const int is_class = _i;
    const char *stream = is_class ? "target" : "source";
    static uint64_t hashes[SOURCES * TARGETS];
    const struct parts parts = {.valid = {.rule = PART_SHARE, .value = 0.1},
                                .test = {.rule = PART_SHARE, .value = 0.2}};
    store_many(is_class);
    reader_fixture_columns(&fixture, is_class ? "input=0" : NULL);
    reader_fixture_make(&fixture, "pairs", "");
    const struct reader_path path = {.text = reader_fixture_path(&fixture, "many.tsv")};
    const struct reader_source source = {&path, 1, PART_TRAIN, &parts};
    ck_assert_int_eq(reader_learn(fixture.reader, &source, &fixture.errors), RONDO_OK);
    struct dataset *whole = reader_read(fixture.reader, &source, 1, &fixture.errors);
    ck_assert_ptr_nonnull(whole);
    int64_t seen = 0, count = 0;
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        struct dataset *view = part_view(whole, &parts, (enum part_name)part, "many.tsv", &fixture.errors);
        ck_assert_ptr_nonnull(view);
        const struct stream *own = dataset_find(view, stream);
        const int64_t before = count;
        for (int64_t i = 0; i < view->count; i++) {
            const uint64_t hash = name_hash(own, i);
            /* what training never saw is unknown: the parts of learning are the same */
            const int is_known = stream_id(own, own->begin[i]) != 0;
            ck_assert_int_eq(is_known, part == PART_TRAIN);
            ck_assert(!is_known || !has_hash(hashes, before, hash));
            hashes[count++] = hash;
        }
        seen += view->count;
        ck_assert_int_eq(view->count % TARGETS, 0);
        ck_assert_int_gt(view->count, part == PART_VALID ? 60 : 150);
        dataset_destroy(view);
    }
    ck_assert_int_eq(seen, SOURCES * TARGETS);
    dataset_destroy(whole);
}
END_TEST

/* The last part is that of the pairs that are not left out, also for the vocabulary. */
START_TEST(the_last_pairs_are_those_that_are_left) {
    store("a.tsv", "a\tx\nb\ty\n\tz\nc\tw\nd\tv\n");
    reader_fixture_make(&fixture, "pairs", "empty=leave_out");
    const struct parts parts = {.valid = {.rule = PART_LAST, .value = 0.5}};
    const struct reader_path path = {.text = reader_fixture_path(&fixture, "a.tsv")};
    const struct reader_source source = {&path, 1, PART_TRAIN, &parts};
    ck_assert_int_eq(reader_learn(fixture.reader, &source, &fixture.errors), RONDO_OK);
    struct dataset *whole = reader_read(fixture.reader, &source, 1, &fixture.errors);
    struct dataset *train = part_view(whole, &parts, PART_TRAIN, "a.tsv", &fixture.errors);
    struct dataset *valid = part_view(whole, &parts, PART_VALID, "a.tsv", &fixture.errors);
    ck_assert_str_eq(show(train), "a > x <end>; b > y <end>; ");
    ck_assert_str_eq(show(valid), "<unk> > <unk> <end>; <unk> > <unk> <end>; ");
    dataset_destroy(train);
    dataset_destroy(valid);
    dataset_destroy(whole);
}
END_TEST

/* One pair is not cut along its steps, as one long text would be. */
START_TEST(one_pair_has_no_parts) {
    learn("", NULL, "a.tsv", "a b c\tx y z\n", NULL);
    struct dataset *whole = reader_fixture_read(&fixture, "a.tsv", PART_TRAIN, 1);
    const struct parts parts = {.valid = {.rule = PART_LAST, .value = 0.5}};
    ck_assert_ptr_null(part_view(whole, &parts, PART_VALID, "a.tsv", &fixture.errors));
    ck_assert_str_eq(errors_text(&fixture.errors, 0), "a.tsv: 1 examples leave none for the validation part");
    dataset_destroy(whole);
}
END_TEST

/* ---- references ---- */

static const struct {
    const char *columns, *text, *groups;
} references[] = {
    {NULL, "a\tx\nb\ty\na\tz\nc\tw\nb\tv\na\tu\n", "0 2 5; 1 4; 3; "},
    {NULL, "a a\tx\na\ty\naa\tz\na\tw\n", "0; 1 3; 2; "},
    {"input=0", "de\tx\nen\ty\nde\tz\n", "0 2; 1; "},
    /* only `a` is known: `rare`, `odd` and `new` are unknown, and different */
    {NULL, "a rare\tx\na odd\ty\na\tz\nrare\tw\na odd\tv\nnew\tu\n", "0; 1 4; 2; 3; 5; "},
};

START_TEST(examples_of_the_same_source_are_one_group) {
    learn(_i == 3 ? "max_words=1" : "", references[_i].columns, "a.tsv", references[_i].text, NULL);
    struct dataset *dataset = reader_fixture_read(&fixture, "a.tsv", PART_TRAIN, 1);
    struct references found;
    ck_assert_int_eq(references_find(&found, dataset, &fixture.errors), RONDO_OK);
    const char *text = "";
    for (int64_t g = 0; g < found.groups; g++) {
        for (int64_t i = found.begin[g]; i < found.begin[g + 1]; i++) {
            ck_assert_int_eq(found.group[found.examples[i]], g);
            text = arena_printf(fixture.arena, "%s%s%d", text, i == found.begin[g] ? "" : " ", (int)found.examples[i]);
        }
        text = arena_printf(fixture.arena, "%s; ", text);
    }
    ck_assert_str_eq(text, references[_i].groups);
    references_free(&found);
    dataset_destroy(dataset);
}
END_TEST

/* ---- texts to ids and back ---- */

/* Each text is the target of the training file, and so are its ids. */
static const struct {
    const char *tokens, *text, *decoded; /* decoded NULL: the text */
} texts[] = {
    {"words", "Come in (please)!", NULL},
    {"words", "a , b", "a, b"},
    {"words", "well-known and/or \xC2\xABnot\xC2\xBB; 5% [of it].", NULL},
    {"words", "don't \xE2\x80\x9Cstop\xE2\x80\x9D", NULL},
    {"words", "dogs ' tails 'tis", "dogs' tails' tis"}, /* an apostrophe joins no words */
    {"words", "x ' y", "x' y"},
    {"words", "3.5 kg at 12:30, not 2. Then 1, 2 and x. 5.", NULL}, /* points and colons in numbers */
    {"words", "3 . 5 1 :2 v1.2.3 a.5", "3.5 1:2 v1.2.3 a. 5"},
    {"words", "say \" no \" now", NULL},
    {"whitespace", "AE1  T ,", "AE1 T ,"},
    {"characters", "a  b\xC3\xA9.", NULL},
    {"bytes", "a\xC3\xA9 <0x41>", NULL},
};

START_TEST(texts_become_ids_and_ids_texts) {
    const char *options = arena_printf(fixture.arena, "tokens=%s", texts[_i].tokens);
    const char *decoded = texts[_i].decoded == NULL ? texts[_i].text : texts[_i].decoded;
    learn(options, NULL, PARALLEL, "s\n", arena_printf(fixture.arena, "%s\n", texts[_i].text));
    struct dataset *dataset = reader_fixture_read(&fixture, PARALLEL, PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    int64_t count;
    const int32_t *ids = reader_fixture_check_text(&fixture, "target", texts[_i].text, decoded, &count);
    ck_assert_int_eq(count + 1, target->length[0]); /* without the end */
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(ids[i], stream_id(target, i));
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_class_has_one_id) {
    int32_t *ids;
    int64_t count;
    const char *text;
    learn("", "input=0", "a.tsv", "de\tja\nen\tyes\n", NULL);
    const struct reader *reader = fixture.reader;
    ck_assert_int_eq(reader->class->encode(reader, "input", "en", fixture.arena, &ids, &count, &fixture.errors),
                     RONDO_OK);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(ids[0], 1);
    ck_assert_int_eq(reader->class->decode(reader, "input", ids, 1, 0, fixture.arena, &text, &fixture.errors),
                     RONDO_OK);
    ck_assert_str_eq(text, "en");
    ck_assert_int_eq(reader->class->encode(reader, "input", "fr", fixture.arena, &ids, &count, &fixture.errors),
                     RONDO_INVALID);
}
END_TEST

START_TEST(an_empty_text_has_no_ids) {
    int64_t count = -1;
    learn("", NULL, "a.tsv", "a\tb\n", NULL);
    reader_fixture_check_text(&fixture, "target", "", "", &count);
    ck_assert_int_eq(count, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pair_texts");
    TCase *cases = add_case(suite, "pair_texts", 60, setup, teardown);
    tcase_add_loop_test(cases, a_random_part_has_all_targets_of_its_sources, 0, 2);
    tcase_add_test(cases, the_last_pairs_are_those_that_are_left);
    tcase_add_test(cases, one_pair_has_no_parts);
    tcase_add_loop_test(cases, examples_of_the_same_source_are_one_group, 0, ROWS(references));
    tcase_add_loop_test(cases, texts_become_ids_and_ids_texts, 0, ROWS(texts));
    tcase_add_test(cases, a_class_has_one_id);
    tcase_add_test(cases, an_empty_text_has_no_ids);
    return run_suite(suite);
}
