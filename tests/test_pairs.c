/* data/readers/pairs.c: files of pairs in all forms, what is learned from them, lines to predict, and what is refused where.
 * tests/test_pair_texts.c has parts, and texts to ids and back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- forms of files ---- */

#define PARALLEL "source=a.txt target=b.txt"

static const struct {
    const char *options, *columns, *files, *text, *second, *expected;
} good[] = {
    /* Two columns, by number or by name. */
    {"", NULL, "a.tsv", "ein Haus\ta house\nja\tyes", NULL, "ein Haus > a house <end>; ja > yes <end>; "},
    {"", NULL, "a.csv", "\"ja, ja\",yes\n", NULL, "ja , ja > yes <end>; "},
    {"", "source=2 target=0", "a.tsv", "yes\t1\tja\n", NULL, "ja > yes <end>; "},
    {"header=true", "source=de target=en", "a.tsv", "en\tde\nyes\tja\n", NULL, "ja > yes <end>; "},
    {"separator=bar", NULL, "a.txt", "ja|yes\r\nnein|no\r\n", NULL, "ja > yes <end>; nein > no <end>; "},
    {"format=tsv", NULL, "a.txt", "ja\tyes", NULL, "ja > yes <end>; "},
    /* Two parallel files. */
    {"", NULL, PARALLEL, "ja\nnein doch\n", "yes\nno\n", "ja > yes <end>; nein doch > no <end>; "},
    {"", NULL, PARALLEL, "\xEF\xBB\xBFja\r\nnein\r\n", "yes\nno", "ja > yes <end>; nein > no <end>; "},
    {"", NULL, "target=b.txt source=a.txt", "ja\n", "yes\n", "ja > yes <end>; "},
    {"", NULL, PARALLEL, "a\tb\n", "\"c\n", "a b > \" c <end>; "}, /* tabs and quotes have no meaning */
    /* JSON lines. */
    {"", NULL, "a.jsonl",
     "{\"source\": \"ja\", \"target\": \"yes\"}\n\n{\"target\":\"no\",\"x\":1,\"source\":\"nein\"}", NULL,
     "ja > yes <end>; nein > no <end>; "},
    {"format=json_lines", "source=de target=en", "a.txt", "{\"de\": \"\\u0061\\n\", \"en\": \"b\"}\n", NULL,
     "a > b <end>; "},
    /* A class in place of the source. */
    {"", "input=0 target=1", "a.tsv", "de\tja\n en \tyes\nde\tnein\n", NULL,
     "de > ja <end>; en > yes <end>; de > nein <end>; "},
    {"target.tokens=characters", "input=0", "a.tsv", "de\tja\nen\tno\n", NULL, "de > j a <end>; en > n o <end>; "},
    {"", NULL, "input=a.txt target=b.txt", "de\nen\n", "ja\nyes\n", "de > ja <end>; en > yes <end>; "},
    {"", "input=input", "a.jsonl", "{\"input\":\"de\",\"target\":\"ja\"}\n{\"input\":\"en\",\"target\":\"yes\"}\n",
     NULL, "de > ja <end>; en > yes <end>; "},
    /* Tokens, the same on both sides or not. */
    {"tokens=characters", NULL, "a.tsv", "ab\t\xC3\xA9 c\n", NULL, "a b > \xC3\xA9   c <end>; "},
    {"tokens=bytes", NULL, "a.tsv", "a\t\xC3\xA9\n", NULL, "a > <0xC3> <0xA9> <end>; "},
    {"source.tokens=characters target.tokens=whitespace", NULL, "a.tsv", "AT\tAE1 T\n", NULL, "A T > AE1 T <end>; "},
    {"tokens=whitespace target.tokens=words", NULL, "a.tsv", "a, b\ta, b\n", NULL, "a, b > a , b <end>; "},
    {"lowercase=true target.lowercase=false", NULL, "a.tsv", "A\tA\n", NULL, "a > A <end>; "},
    /* What is rare is unknown; the end is not. */
    {"min_count=2", NULL, "a.tsv", "a a b\tx x y\n", NULL, "a a <unk> > x x <unk> <end>; "},
    {"max_words=1 target.max_words=0", NULL, "a.tsv", "a a b\tx x y\n", NULL, "a a <unk> > x x y <end>; "},
    {"shared=true min_count=2", NULL, "a.tsv", "a b\tb c\n", NULL, "<unk> b > b <unk> <end>; "},
    /* Pairs that are left out, and texts that are cut. */
    {"empty=leave_out", NULL, "a.tsv", "a\tb\n\tc\nd\t \n", NULL, "a > b <end>; "},
    {"max_length=2 too_long=leave_out", NULL, "a.tsv", "a a\tb b\na a a\tb\na\tb b b\n", NULL, "a a > b b <end>; "},
    {"max_length=2 too_long=cut", NULL, "a.tsv", "a a c\tb b d\n", NULL, "a a > b b <end>; "},
    {"max_length=2 too_long=cut target.max_length=0", NULL, "a.tsv", "a a c\tb b d\n", NULL, "a a > b b d <end>; "},
    {"max_length=1 source.too_long=cut target.too_long=leave_out", NULL, "a.tsv", "a a\tb\na\tb b\n", NULL,
     "a > b <end>; "},
    /* A target for each token of the source, or none. */
    {"aligned=true", NULL, "a.tsv", "the cat\tD N\na\tD\n", NULL, "the cat > D N; a > D; "},
    {"aligned=true", NULL, PARALLEL, "the cat\n", "D N\n", "the cat > D N; "},
    {"aligned=true max_length=2 too_long=cut", NULL, "a.tsv", "a b c\tx y z\n", NULL, "a b > x y; "},
    {"aligned=true no_target=-", NULL, "a.tsv", "a ? b ?\t- x - y\n", NULL, "a ? b ? > - x - y; "},
    {"aligned=true no_target=n lowercase=true", NULL, "a.tsv", "a b\tN x\n", NULL, "a b > - x; "},
    {"aligned=true no_target=A shared=true lowercase=true", NULL, "a.tsv", "a b\tA b\n", NULL, "a b > - b; "},
    {"aligned=true no_target=a shared=true", NULL, "a.tsv", "a b\ta b\n", NULL, "a b > - b; "},
    {"aligned=true no_target=- target.min_count=2", NULL, "a.tsv", "a b c\tx - x\nd e f\ty - x\n", NULL,
     "a b c > x - x; d e f > <unk> - x; "},
};

/* A reader that was loaded reads exactly as the one that learned. */
START_TEST(pairs_are_read_from_every_form_of_file) {
    learn(good[_i].options, good[_i].columns, good[_i].files, good[_i].text, good[_i].second);
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_fixture_read(&fixture, good[_i].files, PART_TRAIN, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset), good[_i].expected);
        const struct stream *target = dataset_find(dataset, "target");
        ck_assert_str_eq(target->end < 0 ? "none" : vocabulary_word(target->names, target->end),
                         strstr(good[_i].options, "aligned") != NULL ? "none" : "<end>");
        ck_assert_int_eq(target->unknown, 0);
        ck_assert_str_eq(vocabulary_word(target->names, 0), "<unk>");
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

START_TEST(a_shared_vocabulary_is_the_same_for_both_streams) {
    learn(_i == 1 ? "shared=true" : "", NULL, "a.tsv", "a b\tb c\n", NULL);
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
        const struct stream *source = dataset_find(dataset, "source"), *target = dataset_find(dataset, "target");
        ck_assert_int_eq(source->names == target->names, _i);
        ck_assert_int_eq(source->size, _i == 1 ? 5 : 3); /* <unk> <end> a b c, or <unk> a b */
        ck_assert_int_eq(target->size, _i == 1 ? 5 : 4);
        ck_assert_int_eq(source->unknown, 0);
        ck_assert_int_eq(source->end, -1);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

/* Notes are counted, so that a person sees what was left out. */
START_TEST(what_is_left_out_is_counted) {
    learn("empty=leave_out max_length=2 source.too_long=leave_out target.too_long=cut", NULL, "a.tsv",
          "a\tb\n\tc\na a a\tb\na a a a\tb\na\tb b b\n", NULL);
    struct dataset *dataset = reader_fixture_read(&fixture, "a.tsv", PART_TRAIN, 1);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_eq(dataset->count, 2);
    ck_assert_int_eq(dataset->n_notes, 3);
    static const int64_t counts[] = {1, 2, 1};
    static const char *const texts[] = {"left out, because the source or the target is empty",
                                        "left out, because the source or the target is longer than 'data.max_length'",
                                        "cut to 'data.max_length'"};
    for (int n = 0; n < 3; n++) {
        ck_assert_int_eq(dataset->notes[n].count, counts[n]);
        ck_assert_str_eq(dataset->notes[n].text, texts[n]);
    }
    dataset_destroy(dataset);
}
END_TEST

/* ---- lines to predict ---- */

static const struct {
    const char *columns, *line, *expected, *message; /* expected NULL: refused with the message */
} lines[] = {
    {NULL, "ein Haus", "ein Haus", NULL},
    {NULL, "ein ?", "ein <unk>", NULL},
    {NULL, " ", NULL, "standard input:4: the source is empty, expected a text"},
    {NULL, "a b c d", NULL,
     "standard input:4: the source has more than 3 tokens, which is data.max_length; 'data.too_long: cut' takes such "
     "texts"},
    {NULL, "a \xFF", NULL, "standard input:4:3: byte 0xff is not valid UTF-8, expected text as UTF-8"},
    {"input=0", " en ", "en", NULL},
    {"input=0", "dee", NULL,
     "standard input:4: the input 'dee' is not among those of the training file (did you mean 'de'?)"},
    {"input=0", "", NULL, "standard input:4: the input is empty, expected a text"},
};

START_TEST(a_line_is_a_source_without_target) {
    learn("max_length=3 too_long=leave_out empty=leave_out", lines[_i].columns, "a.tsv",
          lines[_i].columns == NULL ? "ein Haus\ta house\n" : "de\tja\nen\tyes\n", NULL);
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 4, 0};
    const rondo_status status = reader_add(fixture.reader, lines[_i].line, where, dataset, &fixture.errors);
    if (lines[_i].expected == NULL) {
        ck_assert_int_eq(status, RONDO_INVALID);
        ck_assert_str_eq(errors_text(&fixture.errors, 0), lines[_i].message);
        ck_assert_int_eq(dataset->count, 0);
    } else {
        ck_assert_msg(status == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(reader_fixture_show(&fixture, dataset, dataset->streams[0].name, 0, 1), lines[_i].expected);
        ck_assert_int_eq(dataset_find(dataset, "target")->length[0], 0);
        ck_assert_str_eq(dataset->texts[0], lines[_i].line);
    }
    dataset_destroy(dataset);
}
END_TEST

/* The targets of a file to predict may be missing, and its pairs have one answer each. */
START_TEST(a_file_to_predict_needs_no_targets) {
    learn("empty=leave_out", NULL, "a.tsv", "ein Haus\ta house\n", NULL);
    store("b.tsv", "Haus\nein\n");
    struct dataset *dataset = reader_fixture_read(&fixture, "b.tsv", PART_TEST, 0);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_str_eq(show(dataset), "Haus > ; ein > ; ");
    ck_assert_str_eq(dataset->texts[1], "ein");
    dataset_destroy(dataset);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *options, *columns, *files, *text, *second, *message; /* '%' is the path of a.tsv, a.txt or a.jsonl */
} bad[] = {
    {"", NULL, PARALLEL, "a\nb\nc\n", "x\ny\n",
     "%:3: '%' has 3 lines and '&' 2, expected a line of one for each line of "
     "the other"},
    {"", NULL, PARALLEL, "a\n", "x\ny\n",
     "&:2: '%' has 1 lines and '&' 2, expected a line of one for each line of the other"},
    {"", NULL, PARALLEL, "a\n\nb\n", "x\ny\nz\n",
     "%:2: the source is empty; 'data.empty: leave_out' leaves such pairs out"},
    {"", NULL, PARALLEL, "a\nb\n", "x\n  \n",
     "&:2: the target is empty; 'data.empty: leave_out' leaves such pairs out"},
    {"", NULL, PARALLEL, "a\n\xC3\xA9\xFF\n", "x\ny\n", "%:2:2: byte 0xff is not valid UTF-8, expected text as UTF-8"},
    {"", NULL, PARALLEL, "", "x\n", "%: the file is empty, expected a text on each line"},
    {"", NULL, "source=a.txt goal=b.txt", "a\n", "x\n",
     "experiment.yaml:3:9: there is no stream 'goal', expected a file for 'source' and one for 'target'"},
    {"", NULL, "source=a.txt", "a\n", "x\n",
     "experiment.yaml:3:9: there is no file for 'target', expected one for 'source' and one for 'target'"},
    {"aligned=true no_target=-", NULL, "input=a.txt target=b.txt", "a b\nc d\n", "x -\n- y\n",
     "'data.aligned' needs the files 'source' and 'target': those of 'input' are classes of whole targets"},
    {"", "source=0", PARALLEL, "a\n", "x\n",
     "experiment.yaml:4:9: 'data.columns' is not used: each stream has a file of its own"},
    {"", NULL, "a.tsv", "a\n", NULL, "%: '%' has no column 1; it has 1, numbered from 0"},
    {"", "target=2", "a.tsv", "a\tb\n", NULL, "experiment.yaml:4:9: '%' has no column 2; it has 2, numbered from 0"},
    {"", "source=1", "a.tsv", "a\tb\n", NULL,
     "experiment.yaml:4:9: column 1 is both the source and the target, expected two columns"},
    {"", "source=de target=en", "a.tsv", "de\ten\na\tb\n", NULL,
     "experiment.yaml:4:9: column 'de' is not a number from 0, and the first row of '%' has this name; add header: "
     "true to "
     "data"},
    {"header=true", "source=d target=en", "a.tsv", "de\ten\na\tb\n", NULL,
     "experiment.yaml:4:9: '%' has no column 'd' (did you mean 'de'?); it has 'de', 'en'"},
    {"", NULL, "a.tsv", "a\tb\n\tc\n", NULL, "%:2: the source is empty; 'data.empty: leave_out' leaves such pairs out"},
    {"", NULL, "a.tsv", "a\tb\nc\t\n", NULL, "%:2: the target is empty; 'data.empty: leave_out' leaves such pairs out"},
    {"", NULL, "a.txt", "a\tb\n", NULL,
     "experiment.yaml:3:9: the name '%' ends in none of .csv, .tsv and .jsonl; expected one of these, 'format', "
     "or a file for 'source' and one for 'target'"},
    {"max_length=2", NULL, "a.tsv", "a\tb\na b c\tc\n", NULL,
     "%:2: the source has more than 2 tokens, which is data.max_length; 'data.too_long: leave_out' or 'cut' takes such "
     "pairs"},
    {"target.max_length=1", NULL, "a.tsv", "a b\tb\na\tb b\n", NULL,
     "%:2: the target has more than 1 tokens, which is data.max_length; 'data.too_long: leave_out' or 'cut' takes such "
     "pairs"},
    {"tokens=whitespace", NULL, "a.tsv", "a\tb <end>\n", NULL,
     "%:1: the target has the token '<end>', which ends the texts that the model writes; expected another one"},
    {"", NULL, "a.jsonl", "{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": \"a\" \"target\": \"b\"}\n", NULL,
     "%:2:23: the line is no JSON: '}' expected near '\"target\"'"},
    {"", NULL, "a.jsonl", "{\"source\": \"a\", \"Target\": \"b\"}\n", NULL,
     "%:1: the object has no key 'target' (did you mean 'Target'?)"},
    {"", NULL, "a.jsonl", "{\"source\": 3, \"target\": \"b\"}\n", NULL, "%:1: 'source' is a number, expected a text"},
    {"", NULL, "a.jsonl", "{\"source\": \"a\", \"target\": [\"b\"]}\n", NULL,
     "%:1: 'target' is a list, expected a text"},
    {"", NULL, "a.jsonl", "[\"a\", \"b\"]\n", NULL, "%:1: the line is a list, expected an object"},
    {"", NULL, "a.jsonl", "{\"source\": \"a\", \"target\": \"\xFF\"}\n", NULL,
     "%:1:28: byte 0xff is not valid UTF-8, expected text as UTF-8"},
    {"", NULL, "a.jsonl", " \n\n", NULL, "%: the file is empty, expected a text on each line"},
    {"", "input=0", "a.tsv", "de\tja\nde\tnein\n", NULL,
     "%: every pair has the input 'de', expected at least two classes"},
    {"", "input=0", "a.tsv", "de\tja\nen\tno\n\tnein\n", NULL,
     "%:3: the input is empty; 'data.empty: leave_out' leaves such pairs out"},
    {"min_count=3", NULL, "a.tsv", "a a a\tb b\n", NULL,
     "%: no token of the target is seen 'min_count' times, which is 3; the most frequent one is seen 2 times"},
    {"empty=leave_out", NULL, "a.tsv", "\tb\n", NULL, "%: the training part has no tokens of the source"},
    {"aligned=true", NULL, "a.tsv", "a b\tx y\na b c\tx y\n", NULL,
     "%:2: the source has 3 tokens and the target 2; with 'data.aligned' expected as many; 'tokens: whitespace' splits "
     "texts only at blanks, 'words' also at signs"},
    {"aligned=true", NULL, "a.tsv", "a\tx y\n", NULL,
     "%:1: the source has 1 token and the target 2; with 'data.aligned' expected as many; 'tokens: whitespace' splits "
     "texts only at blanks, 'words' also at signs"},
    {"aligned=true no_target=-", NULL, "a.tsv", "a b\tx _\n", NULL,
     "%: no step of the training part has the target '-', which is 'data.no_target'; without that key, all steps have "
     "a "
     "target"},
    {"aligned=true no_target=-", NULL, "a.tsv", "a b\t- -\n", NULL,
     "%: the training part has no tokens of the target but 'data.no_target'"},
    {"shared=true", NULL, "input=a.txt target=b.txt", "a\nb\n", "x\ny\n",
     "'shared' is not used: the input is a class, and only targets have words"},
};

/* The message with the path of the first file in place of '%', and of the second in place of '&'. */
static const char *expect(const char *message, const char *files) {
    const char *first = strchr(files, '=') == NULL ? files : "a.txt", *text = "";
    for (; *message != '\0'; message++) {
        text = *message == '%'   ? arena_printf(fixture.arena, "%s%s", text, reader_fixture_path(&fixture, first))
               : *message == '&' ? arena_printf(fixture.arena, "%s%s", text, reader_fixture_path(&fixture, "b.txt"))
                                 : arena_printf(fixture.arena, "%s%c", text, *message);
    }
    return text;
}

START_TEST(mistakes_are_reported_at_their_place) {
    reader_fixture_columns(&fixture, bad[_i].columns);
    reader_fixture_make(&fixture, "pairs", bad[_i].options);
    store_both(bad[_i].files, bad[_i].text, bad[_i].second);
    struct dataset *dataset = NULL;
    if (reader_fixture_learn(&fixture, bad[_i].files, 0, 0) == RONDO_OK) {
        dataset = reader_fixture_read(&fixture, bad[_i].files, PART_TRAIN, 1);
    }
    ck_assert_ptr_null(dataset);
    ck_assert_int_eq(fixture.errors.status, RONDO_INVALID);
    ck_assert_str_eq(errors_text(&fixture.errors, 0), expect(bad[_i].message, bad[_i].files));
}
END_TEST

START_TEST(ten_mistakes_of_a_file_are_reported) {
    const char *text = "";
    for (int i = 0; i < 20; i++) {
        text = arena_printf(fixture.arena, "%s\tx\n", text);
    }
    learn("", NULL, "a.tsv", "a\tb\n", NULL);
    store("a.tsv", text);
    ck_assert_ptr_null(reader_fixture_read(&fixture, "a.tsv", PART_TRAIN, 1));
    ck_assert_int_eq(fixture.errors.count, 10);
}
END_TEST

static const struct {
    const char *options, *columns, *message;
} refused[] = {
    {"format=csv separator=tab", NULL, "'format' is not used, because 'separator' is given"},
    {"", "source=0 input=1",
     "experiment.yaml:4:9: data.columns has both 'source', a text that an encoder reads, and 'input', a class; "
     "expected one of "
     "them"},
    {"shared=true target.tokens=characters", NULL,
     "'tokens' differs between source and target, which with 'shared' have the same vocabulary"},
    {"shared=true target.min_count=2", NULL,
     "'min_count' differs between source and target, which with 'shared' have the same vocabulary"},
    {"no_target=-", NULL, "'no_target' is not used without 'aligned: true'"},
    {"aligned=true no_target=n/a", NULL, "'no_target' is 'n/a', expected one token of the target"},
    {"aligned=true target.max_length=3", NULL,
     "'max_length' differs between source and target, which with 'aligned' are equally long"},
    {"aligned=true target.too_long=cut", NULL,
     "'too_long' differs between source and target, which with 'aligned' are equally long"},
    {"aligned=true", "input=0",
     "experiment.yaml:4:9: data.columns has 'input', a class for the whole target, and 'data.aligned' is true; "
     "expected "
     "'source', with a token for each of the target"},
};

START_TEST(options_that_do_not_go_together_are_refused) {
    reader_fixture_columns(&fixture, refused[_i].columns);
    ck_assert_str_eq(reader_fixture_check(&fixture, "pairs", refused[_i].options), refused[_i].message);
}
END_TEST

static const struct {
    const char *options, *columns;
    struct architecture architecture;
    const char *message;
} fits[] = {
    {"aligned=true", NULL, {1, 1}, NULL},
    {"aligned=true",
     NULL,
     {0, 1},
     "data.yaml:2: with 'data.aligned' every token of a source has a target; expected architecture: \"N:N\""},
    {"", NULL, {1, 1}, NULL},
    {"", NULL, {0, 1}, NULL},
    {"",
     NULL,
     {1, 0},
     "data.yaml:2: the targets are sequences; expected architecture: \"N:N\", with an encoder that reads the sources"},
    {"", "input=0", {0, 1}, NULL},
    {"",
     "input=0",
     {1, 1},
     "data.yaml:2: the input is a class, which the model reads at the first step, and the target is a sequence; "
     "expected "
     "architecture: \"1:N\""},
};

START_TEST(architectures_without_a_sequence_of_targets_are_refused) {
    learn(fits[_i].options, fits[_i].columns, "a.tsv", "a\tb\nb\tc\n", NULL);
    const struct location where = {"data.yaml", 2, 0};
    const rondo_status status =
        fixture.reader->class->fits(fixture.reader, fits[_i].architecture, where, &fixture.errors);
    ck_assert_int_eq(status, fits[_i].message == NULL ? RONDO_OK : RONDO_INVALID);
    if (fits[_i].message != NULL) {
        ck_assert_str_eq(errors_text(&fixture.errors, 0), fits[_i].message);
    }
}
END_TEST

static const struct {
    const char *json, *message;
} damaged[] = {
    {"{}", "reader.json: 'target' must be a list of texts with at least one entry"},
    {"{\"target\": [\"<unk>\", \"a\"], \"source\": [\"<unk>\"]}",
     "reader.json: 'target' has no '<end>', which ends targets"},
    {"{\"target\": [\"<end>\", \"a\"], \"source\": [\"<unk>\"]}",
     "reader.json: entry 0 of 'target' is '<end>', expected '<unk>'"},
    {"{\"target\": [\"<unk>\", \"<end>\"], \"source\": [\"a\"]}",
     "reader.json: entry 0 of 'source' is 'a', expected '<unk>'"},
    {"{\"target\": [\"<unk>\", \"<end>\"], \"source\": 3}",
     "reader.json: 'source' must be a list of texts with at least one entry"},
    {"{\"target\": [\"<unk>\", \"<end>\"], \"input\": [1]}",
     "reader.json: 'input' must be a list of different texts; entry 0 is not"},
};

START_TEST(a_damaged_file_of_a_run_is_refused) {
    reader_fixture_make(&fixture, "pairs", "");
    json_t *object = json_loads(damaged[_i].json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(reader_load(fixture.reader, object, "reader.json", &fixture.errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&fixture.errors, 0), damaged[_i].message);
    json_decref(object);
}
END_TEST

/* Bytes of all kinds, in every form, never do more than be refused. */
START_TEST(any_bytes_are_read_or_refused) {
    static const char *const files[] = {"a.tsv", "a.csv", "a.jsonl", PARALLEL};
    static const char pieces[] = "ab \t\n\r\"{}:,\\[]\xC3\xA9\xFF\xEF\xBB\xBF";
    char text[200];
    unsigned state = 12345u + (unsigned)_i;
    for (int round = 0; round < 200; round++) {
        for (int f = 0; f < 2; f++) {
            size_t length = 0;
            const size_t most = round % 190;
            while (length < most) {
                state = state * 1664525u + 1013904223u;
                text[length++] =
                    state >> 31 == 0 && state >> 24 == 1 ? '\0' : pieces[(state >> 16) % (sizeof pieces - 1)];
            }
            reader_fixture_write(&fixture,
                                 f == 1                           ? "b.txt"
                                 : strchr(files[_i], '=') == NULL ? files[_i]
                                                                  : "a.txt",
                                 text, length);
        }
        reader_fixture_make(&fixture, "pairs", round % 2 == 0 ? "tokens=characters empty=leave_out" : "max_length=3");
        if (reader_fixture_learn(&fixture, files[_i], 0, 0) == RONDO_OK) {
            dataset_destroy(reader_fixture_read(&fixture, files[_i], PART_TRAIN, 1));
        }
        ck_assert(fixture.errors.count == 0 || fixture.errors.status == RONDO_INVALID);
        errors_free(&fixture.errors);
        fixture.errors = (struct errors){0};
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pairs");
    TCase *cases = add_case(suite, "pairs", 60, setup, teardown);
    tcase_add_loop_test(cases, pairs_are_read_from_every_form_of_file, 0, ROWS(good));
    tcase_add_loop_test(cases, a_shared_vocabulary_is_the_same_for_both_streams, 0, 2);
    tcase_add_test(cases, what_is_left_out_is_counted);
    tcase_add_loop_test(cases, a_line_is_a_source_without_target, 0, ROWS(lines));
    tcase_add_test(cases, a_file_to_predict_needs_no_targets);
    tcase_add_loop_test(cases, mistakes_are_reported_at_their_place, 0, ROWS(bad));
    tcase_add_test(cases, ten_mistakes_of_a_file_are_reported);
    tcase_add_loop_test(cases, options_that_do_not_go_together_are_refused, 0, ROWS(refused));
    tcase_add_loop_test(cases, architectures_without_a_sequence_of_targets_are_refused, 0, ROWS(fits));
    tcase_add_loop_test(cases, a_damaged_file_of_a_run_is_refused, 0, ROWS(damaged));
    tcase_add_loop_test(cases, any_bytes_are_read_or_refused, 0, 4);
    return run_suite(suite);
}
