/* data/readers/text.c: what is learnt from a training file, how other files are read with it, and what is refused where. */
#define _POSIX_C_SOURCE 200809L

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/options.h"
#include "data/reader.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;
static char folder[2000];
static struct reader *reader;
static struct reader_column columns[2];
static const struct location here = {"experiment.yaml", 3, 9};

static void setup(void) {
    const char *root = getenv("TMPDIR");
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    snprintf(folder, sizeof folder, "%s/rondo-test-XXXXXX", root == NULL ? "/tmp" : root);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    reader = NULL;
}

static void teardown(void) {
    reader_destroy(reader);
    errors_free(&errors);
    arena_destroy(arena);
    ck_assert_int_eq(rmdir(folder), 0);
}

static const char *path_of(const char *name) {
    return arena_printf(arena, "%s/%s", folder, name);
}

static void store(const char *name, const char *text) {
    FILE *out = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

/* A column as an experiment gives it: "7" in quotes is a name. */
static struct reader_column column_of(const char *text, struct location where) {
    const size_t length = strlen(text);
    const int is_name = length >= 2 && text[0] == '"';
    return (struct reader_column){
        .text = is_name ? arena_strndup(arena, text + 1, length - 2) : text, .is_name = is_name, .where = where};
}

/* A reader with these options and columns, in place of the one before. */
static void configure(const char *options, const char *text, const char *label) {
    const struct reader_class *class = reader_find("text", NULL);
    ck_assert_ptr_nonnull(class);
    void *set = options_create(class->options, (int32_t) class->options_size, arena, &errors);
    ck_assert_ptr_nonnull(set);
    ck_assert_msg(options_parse(class->options, set, options, "reader", arena, here, &errors) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    columns[0] = column_of(text, (struct location){"experiment.yaml", 5, 1});
    columns[1] = column_of(label, (struct location){"experiment.yaml", 6, 2});
    reader_destroy(reader);
    reader = reader_create(class, set, columns, (struct interrupt){0}, &errors);
    ck_assert_ptr_nonnull(reader);
}

static const struct parts whole; /* no parts: everything is for training */

static rondo_status learn_from(const char *path) {
    const struct reader_path paths[] = {{.text = path, .where = here}};
    return reader_learn(reader, &(struct reader_source){.paths = paths, .count = 1, .parts = &whole}, &errors);
}

static struct dataset *read_from(const char *path, int with_targets) {
    const struct reader_path paths[] = {{.text = path, .where = here}};
    const struct reader_source source = {.paths = paths, .count = 1, .parts = &whole};
    struct dataset *dataset = reader_read(reader, &source, with_targets, &errors);
    ck_assert_int_eq(errors.count == 0, dataset != NULL);
    return dataset;
}

/* Learns from `text` in a temporary file. */
static rondo_status learn(const char *name, const char *text) {
    store(name, text);
    const rondo_status status = learn_from(path_of(name));
    ck_assert_int_eq(unlink(path_of(name)), 0);
    return status;
}

static struct dataset *read_back(const char *name, const char *text) {
    store(name, text);
    struct dataset *dataset = read_from(path_of(name), 1);
    ck_assert_int_eq(unlink(path_of(name)), 0);
    return dataset;
}

/* The examples as words and labels, or numbers: "a b>great; c>other; ". */
static const char *show(const struct dataset *dataset) {
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    const char *text = "";
    for (int64_t i = 0; i < dataset->count; i++) {
        for (int64_t t = 0; t < input->length[i]; t++) {
            text = arena_printf(arena, "%s%s%s", text, t == 0 ? "" : " ",
                                vocabulary_word(input->names, stream_id(input, input->begin[i] + t)));
        }
        for (int64_t t = 0; t < target->length[i]; t++) {
            const int64_t at = target->begin[i] + t;
            text = target->names != NULL
                       ? arena_printf(arena, "%s>%s", text, vocabulary_word(target->names, stream_id(target, at)))
                       : arena_printf(arena, "%s>%g", text, (double)stream_number(target, at, 0));
        }
        text = arena_printf(arena, "%s; ", text);
    }
    return text;
}

static const struct {
    const char *options, *text, *label, *file, *training, *other, *expected;
} good[] = {
    {"", "0", "1", "a.tsv", "Good one\tgreat\nbad one\tother\n", "one GOOD thing\tother\n", "one good <unk>>other; "},
    {"", "1", "0", "a.csv", "great,\"good, one\"\nother,bad\n", "great,\"good, bad\"\n", "good , bad>great; "},
    {"header=true", "text", "label", "a.tsv", "id\tlabel\ttext\n1\tx\ta\n2\ty\tb\n", "text\tlabel\nb a\tx\n",
     "b a>x; "},
    {"header=true", "2", "1", "a.tsv", "id\tlabel\ttext\n1\tx\ta\n2\ty\tb\n", "i\tl\tt\n7\ty\tb\n", "b>y; "},
    {"lowercase=false", "0", "1", "a.tsv", "Good\tx\nbad\ty\n", "Good good\ty\n", "Good <unk>>y; "},
    {"min_count=2", "0", "1", "a.tsv", "a a b\tx\nc\ty\n", "a b c\ty\n", "a <unk> <unk>>y; "},
    {"max_words=2", "0", "1", "a.tsv", "a a a b b c\tx\nc\ty\n", "a b c\ty\n", "a b <unk>>y; "},
    {"max_length=2", "0", "1", "a.tsv", "a b c\tx\nc\ty\n", "a b c\ty\n", "a b>y; "},
    {"max_length=1", "0", "1", "a.tsv", "a b\tx\nc\ty\n", "b\ty\n", "<unk>>y; "},
    {"", "0", "1", "a.tsv", "a\tx\nb\ty\n", "\tx\n   \ty\na\tx\n", "<unk>>x; <unk>>y; a>x; "},
    {"format=csv", "0", "1", "a.txt", "a,x\nb,y\n", "b,x\n", "b>x; "},
    {"format=tsv", "0", "1", "a.csv", "a\tx\nb\ty\n", "b\tx\n", "b>x; "},
    {"", "0", "1", "a.TSV", "a\tx\nb\ty\n", "b\tx\n", "b>x; "},
    {"target=number", "0", "1", "a.csv", "a,1\nb,2\n", "b,-1.5e2\na, 7\n", "b>-150; a>7; "},
    {"target=number", "0", "1", "a.csv", "a,1\nb,1\n", "a,0\n", "a>0; "},
    /* Quotes: ordinary characters in TSV, those of RFC 4180 in CSV, unless the experiment says otherwise. */
    {"", "0", "1", "a.tsv", "\"a\tx\nb\ty\nc\"\tx\n", "a\"\tx\n", "a \">x; "},
    {"quotes=double", "0", "1", "a.tsv", "\"a\tb\"\tx\nb\ty\n", "\"a\tb\"\ty\n", "a b>y; "},
    {"quotes=none", "0", "1", "a.csv", "\"a,x\nb\",y\n", "b\",x\n", "b \">x; "},
    {"separator=semicolon", "0", "1", "a.csv", "\"a;b\";x\nb;y\n", "b;x\n", "b>x; "},
    {"separator=bar quotes=none", "0", "1", "a.txt", "\"a|x\nb|y\n", "b|x\n", "b>x; "},
    {"separator=tab", "0", "1", "a.csv", "a\"\tx\nb\ty\n", "\"b\tx\n", "\" b>x; "},
    {"", "0", "1", "a.csv", "a,x\rb,y\r", "b,x\r", "b>x; "},
    {"header=true", "text", "label", "a.csv", "\xEF\xBB\xBFtext,label\r\na,x\r\nb,y\r\n", "text,label\r\nb,x\r\n",
     "b>x; "},
    /* With a header, a text in quotes is always a name; a number without quotes is a number unless a column has this
     * name. */
    {"header=true", "\"0\"", "\"1\"", "a.csv", ",0,1\n0,good,p\n1,bad,n\n", ",0,1\n7,bad,p\n", "bad>p; "},
    {"header=true", "\"2019\"", "label", "a.csv", "label,2019\np,good\nn,bad\n", "label,2019\np,bad\n", "bad>p; "},
    {"header=true", "0", "1", "a.csv", "0,1\ngood,p\nbad,n\n", "0,1\nbad,p\n", "bad>p; "},
    {"", "\"0\"", "\"1\"", "a.csv", "good,p\nbad,n\n", "bad,p\n", "bad>p; "},
    {"", "0", "1", "a.csv", "a, x\nb, y\n", "b, x\n", "b> x; "}, /* blanks that all labels have make no classes */
    {"", "0", "1", "a.tsv", "a\tno space left\nb\ty\n", "a\tno space left\n", "a>no space left; "},
};

START_TEST(files_are_read_with_what_training_taught) {
    configure(good[_i].options, good[_i].text, good[_i].label);
    ck_assert_msg(learn(good[_i].file, good[_i].training) == RONDO_OK, "%s", errors_text(&errors, 0));
    struct dataset *dataset = read_back(good[_i].file, good[_i].other);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&errors, 0));
    ck_assert_str_eq(show(dataset), good[_i].expected);
    const struct stream *input = dataset_find(dataset, "input"), *target = dataset_find(dataset, "target");
    const int is_number = strstr(good[_i].options, "target=number") != NULL;
    ck_assert_int_eq(input->size, vocabulary_size(input->names));
    ck_assert_int_eq(input->unknown, 0);
    ck_assert_str_eq(vocabulary_word(input->names, 0), UNKNOWN_WORD);
    ck_assert_int_eq(target->kind, is_number ? STREAM_REAL : STREAM_CLASS);
    ck_assert_int_eq(target->size, is_number ? 1 : vocabulary_size(target->names));
    dataset_destroy(dataset);
}
END_TEST

/* In the expected texts, '%' is the path of the file. */
static int is_expected(const char *text, const char *expected, const char *file) {
    const char *mark = strchr(expected, '%');
    const char *full =
        mark == NULL ? expected : arena_printf(arena, "%.*s%s%s", (int)(mark - expected), expected, file, mark + 1);
    return strstr(text, full) == text;
}

static const struct {
    const char *options, *text, *label, *file, *training;
    int count;
    const char *first, *last;
} untaught[] = {
    {"", "0", "1", "a.txt", "a\tx\n", 1,
     "experiment.yaml:3:9: the name '%' ends in neither .csv nor .tsv; expected that, or format: csv or tsv", NULL},
    {"", "0", "2", "a.tsv", "a\tx\nb\ty\n", 1, "experiment.yaml:6:2: '%' has no column 2; it has 2, numbered from 0",
     NULL},
    {"", "99999999999999999999", "1", "a.tsv", "a\tx\n", 1,
     "experiment.yaml:5:1: column '99999999999999999999' is not a number from 0; a name needs header: true, and "
     "the first row of '%' does not have it",
     NULL},
    {"", "text", "label", "a.tsv", "text\tlabel\na\tx\n", 2,
     "experiment.yaml:5:1: column 'text' is not a number from 0, and the first row of '%' has this name; add header: "
     "true "
     "to data",
     "experiment.yaml:6:2: column 'label' is not a number from 0, and the first row of '%' has this name; add header: "
     "true to data"},
    {"header=true", "txt", "label", "a.tsv", "text\tlabel\na\tx\n", 1,
     "experiment.yaml:5:1: '%' has no column 'txt' (did you mean 'text'?); it has 'text', 'label'", NULL},
    {"header=true", "-1", "1", "a.tsv", "text\tlabel\na\tx\n", 1,
     "experiment.yaml:5:1: '%' has no column '-1'; it has 'text', 'label'", NULL},
    {"", "1", "1", "a.tsv", "a\tx\n", 1, "experiment.yaml:6:2: column '1' is both the text and the label", NULL},
    {"", "0", "1", "a.tsv", "a\tx\nb\tx\n", 1, "%: every row has the label 'x', expected at least two classes", NULL},
    {"", "0", "1", "a.tsv", "a\tx\nb\t\nc\ty\nd\t\n", 2, "%:2: the label is empty", "%:4: the label is empty"},
    {"header=true", "0", "\"1\"", "a.csv", ",0,1\n0,good,pos\n1,bad,neg\n", 1,
     "experiment.yaml:5:1: '%' has a column of the name '0', which is column 1; write \"0\", in quotes, for the name, "
     "or "
     "1 for the column",
     NULL},
    {"header=true", "\"0\"", "\"7\"", "a.csv", ",0,1\n0,good,pos\n", 1,
     "experiment.yaml:6:2: '%' has no column '7'; it has '', '0', '1'", NULL},
    {"header=true", "2019", "label", "a.csv", "label,2019\np,good\n", 1,
     "experiment.yaml:5:1: '%' has a column of the name '2019', which is column 1", NULL},
    {"header=true", "2019", "label", "a.csv", "label,text\np,good\n", 1,
     "experiment.yaml:5:1: '%' has no column 2019; it has 2, numbered from 0", NULL},
    {"", "0", "1", "a.tsv", "a\tgreat\nb\tother\nc\tgreat \n", 1,
     "%:3: label 'great ' differs from 'great' of line 1 only in blanks", NULL},
    {"", "0", "1", "a.tsv", "a\t New  York\nb\tother\nc\tNew York\n", 1,
     "%:3: label 'New York' differs from ' New  York' of line 1 only in blanks", NULL},
    {"", "0", "1", "a.tsv", "a\tx\nb\t  \nc\ty\n", 1, "%:2: the label is empty", NULL},
    {"header=true", "0", "1", "a.tsv", "text\tlabel\n", 1, "%: no rows after the header", NULL},
    {"", "0", "1", "a.tsv", "", 1, "%: the file has no rows", NULL},
    {"", "0", "1", "a.tsv", "a\tx\nb\ny\n", 2, "%:2: 1 field, expected 2", "%:3: 1 field, expected 2"},
    {"", "0", "1", "a.tsv", "a\tx\nb\ty\xFF\n", 1, "%:2:4: byte 0xff is not valid UTF-8", NULL},
};

START_TEST(training_files_are_refused_at_their_place) {
    configure(untaught[_i].options, untaught[_i].text, untaught[_i].label);
    ck_assert_int_eq(learn(untaught[_i].file, untaught[_i].training), RONDO_INVALID);
    ck_assert_int_eq(errors.count, untaught[_i].count);
    const char *file = path_of(untaught[_i].file);
    ck_assert_msg(is_expected(errors_text(&errors, 0), untaught[_i].first, file), "%s", errors_text(&errors, 0));
    if (untaught[_i].last != NULL) {
        const char *text = errors_text(&errors, errors.count - 1);
        ck_assert_msg(is_expected(text, untaught[_i].last, file), "%s", text);
    }
}
END_TEST

static const struct {
    const char *options, *file, *text;
    int count;
    const char *first, *last;
} unread[] = {
    {"", "b.tsv", "a\tgrat\n\na\tother\nb\tunheard\n", 2,
     "%:1: label 'grat' in column 1 is not among those of the training file (did you mean 'great'?)",
     "%:4: label 'unheard' in column 1 is not among those of the training file"},
    {"", "b.tsv", "a\t\n", 1, "%:1: the label is empty", NULL},
    {"", "b.tsv", "a\n", 1, "experiment.yaml:6:2: '%' has no column 1; it has 1, numbered from 0", NULL},
    {"", "b.tsv", "x\t1\nx\t2\nx\t3\nx\t4\nx\t5\nx\t6\nx\t7\nx\t8\nx\t9\nx\t10\nx\t11\n", 10, "%:1: label '1'",
     "%:10: label '10'"},
    {"target=number", "b.tsv", "a\tone\nb\t1\nc\tnan\nd\tinf\ne\t1e999\nf\t1e39\ng\t\nh\t1 x\n", 7,
     "%:1: 'one' in column 1 is not a finite number", "%:8: '1 x' in column 1 is not a finite number"},
};

START_TEST(text_without_end_is_refused_unless_it_is_cut) {
    enum { MOST = 100000 };
    static char row[2 * (MOST + 1) + 16];
    size_t length = 0;
    for (int i = 0; i < MOST + 1; i++) {
        row[length++] = 'a';
        row[length++] = ' ';
    }
    memcpy(row + length, "\tgreat\n", sizeof "\tgreat\n");
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a\tgreat\nb\tother\n"), RONDO_OK);
    ck_assert_ptr_null(read_back("b.tsv", row));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), ":1: a text of more than 100000 tokens"));
    errors_free(&errors);
    configure("max_length=5", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a\tgreat\nb\tother\n"), RONDO_OK);
    struct dataset *dataset = read_back("b.tsv", row);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_eq(dataset_find(dataset, "input")->length[0], 5);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(other_files_are_refused_at_their_place) {
    const int is_number = unread[_i].options[0] != '\0';
    configure(unread[_i].options, "0", "1");
    ck_assert_int_eq(learn("a.tsv", is_number ? "a\t1\nb\t2\n" : "a\tgreat\nb\tother\n"), RONDO_OK);
    ck_assert_ptr_null(read_back(unread[_i].file, unread[_i].text));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_int_eq(errors.count, unread[_i].count);
    const char *file = path_of(unread[_i].file);
    ck_assert_msg(is_expected(errors_text(&errors, 0), unread[_i].first, file), "%s", errors_text(&errors, 0));
    if (unread[_i].last != NULL) {
        const char *text = errors_text(&errors, errors.count - 1);
        ck_assert_msg(is_expected(text, unread[_i].last, file), "%s", text);
    }
}
END_TEST

START_TEST(a_missing_file_is_told_where_it_is_named) {
    configure("", "0", "1");
    ck_assert_int_eq(learn_from(path_of("none.tsv")), RONDO_NOT_FOUND);
    ck_assert_str_eq(
        errors_text(&errors, 0),
        arena_printf(arena, "experiment.yaml:3:9: cannot read '%s': there is no such file", path_of("none.tsv")));
    errors_free(&errors);
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a\tx\nb\ty\n"), RONDO_OK);
    ck_assert_ptr_null(read_from(path_of("none.tsv"), 1));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told_where_they_are_named) {
    configure("format=tsv", "0", "1");
    ck_assert_int_eq(learn_from(folder), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0),
                     arena_printf(arena, "experiment.yaml:3:9: '%s' is a folder, expected a regular file", folder));
    store("large.tsv", "");
    ck_assert_int_eq(truncate(path_of("large.tsv"), (off_t)(4LL << 30) + 1), 0); /* a sparse file */
    ck_assert_int_eq(learn_from(path_of("large.tsv")), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 1), "large.tsv:1:1: a NUL byte")); /* not too large */
    ck_assert_int_eq(unlink(path_of("large.tsv")), 0);
}
END_TEST

START_TEST(texts_to_predict_have_no_target) {
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a b\tx\nb\ty\n"), RONDO_OK);
    struct dataset *dataset = reader_describe(reader, &errors);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_eq(reader->class->add(reader, "B a new", here, dataset, &errors), RONDO_OK);
    ck_assert_int_eq(reader->class->add(reader, "", here, dataset, &errors), RONDO_OK);
    ck_assert_str_eq(show(dataset), "b a <unk>; <unk>; ");
    ck_assert_str_eq(dataset->texts[0], "B a new");
    ck_assert_str_eq(dataset->texts[1], "");
    dataset_destroy(dataset);
}
END_TEST

/* The second column, a label that is unknown or missing, does not matter. */
static const char *const unlabelled[] = {"B a\n\nnew\n", "B a\tx\n\tz\nnew\t\n"};

START_TEST(files_to_predict_need_no_label) {
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a b\tx\nb\ty\n"), RONDO_OK);
    store("b.tsv", unlabelled[_i]);
    struct dataset *dataset = read_from(path_of("b.tsv"), 0);
    ck_assert_int_eq(unlink(path_of("b.tsv")), 0);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&errors, 0));
    ck_assert_str_eq(show(dataset), _i == 0 ? "b a; <unk>; " : "b a; <unk>; <unk>; ");
    ck_assert_str_eq(dataset->texts[0], "B a");
    dataset_destroy(dataset);
}
END_TEST

START_TEST(labels_do_not_depend_on_the_order_of_the_file) {
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a\tz\nb\ty\n"), RONDO_OK);
    struct dataset *shape = reader_describe(reader, &errors);
    ck_assert_int_eq(vocabulary_find(dataset_find(shape, "target")->names, "y"), 0);
    ck_assert_int_eq(vocabulary_find(dataset_find(shape, "target")->names, "z"), 1);
    dataset_destroy(shape);
}
END_TEST

/* Words of other parts are unknown, as they would be in a file of their own; labels are those of the whole file, because
 * a class without training examples is no mistake. */
static const struct {
    struct parts parts;
    const char *expected;
} partial[] = {
    {{{.rule = PART_NONE}, {.rule = PART_NONE}}, "a>x; b>y; c>x; d>z; "},
    {{{.rule = PART_NONE}, {.rule = PART_LAST, .value = 0.25}}, "a>x; b>y; c>x; <unk>>z; "},
    {{{.rule = PART_LAST, .value = 0.3}, {.rule = PART_LAST, .value = 0.25}}, "a>x; b>y; <unk>>x; <unk>>z; "},
};

START_TEST(words_are_learned_from_the_training_part_only) {
    const struct reader_path paths[] = {{.text = path_of("a.tsv"), .where = here}};
    const struct reader_source source = {.paths = paths, .count = 1, .parts = &partial[_i].parts};
    configure("", "0", "1");
    store("a.tsv", "a\tx\nb\ty\nc\tx\nd\tz\n");
    ck_assert_int_eq(reader_learn(reader, &source, &errors), RONDO_OK);
    struct dataset *dataset = reader_read(reader, &source, 1, &errors);
    ck_assert_int_eq(unlink(path_of("a.tsv")), 0);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_str_eq(show(dataset), partial[_i].expected);
    dataset_destroy(dataset);
}
END_TEST

static const char *const kinds[] = {"", "target=number"};

START_TEST(a_loaded_reader_reads_as_the_one_that_learned) {
    const char *file = "b a\t1\nnew a\t2\n";
    configure(kinds[_i], "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a b\t1\nb\t2\n"), RONDO_OK);
    struct dataset *dataset = read_back("b.tsv", file);
    const char *expected = show(dataset);
    dataset_destroy(dataset);
    json_t *saved = reader_save(reader, &errors);
    ck_assert_ptr_nonnull(saved);
    configure(kinds[_i], "0", "1");
    ck_assert_int_eq(reader_load(reader, saved, "reader.json", &errors), RONDO_OK);
    json_decref(saved);
    dataset = read_back("b.tsv", file);
    ck_assert_str_eq(show(dataset), expected);
    dataset_destroy(dataset);
}
END_TEST

static const char *const spoiled[][3] = {
    {"", "{\"labels\": [\"x\"]}", "reader.json: 'words' must be a list of texts with at least one entry"},
    {"", "{\"words\": [\"<unk>\"]}", "reader.json: 'labels' must be a list of texts with at least one entry"},
    {"", "{\"words\": [\"<unk>\", \"a\", \"a\"], \"labels\": [\"x\"]}",
     "reader.json: 'words' must be a list of different texts; entry 2 is not"},
    {"", "{\"words\": [\"<unk>\"], \"labels\": [\"x\", 7]}",
     "reader.json: 'labels' must be a list of different texts; entry 1 is not"},
    {"target=number", "{\"words\": [\"<unk>\"], \"labels\": [\"x\", \"y\"]}",
     "reader.json: has labels, and the target of the run is a number"},
};

START_TEST(saved_vocabularies_that_cannot_be_used_are_refused) {
    json_t *saved = json_loads(spoiled[_i][1], 0, NULL);
    ck_assert_ptr_nonnull(saved);
    configure(spoiled[_i][0], "0", "1");
    ck_assert_int_eq(reader_load(reader, saved, "reader.json", &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), spoiled[_i][2]);
    json_decref(saved);
}
END_TEST

START_TEST(a_reader_that_failed_to_learn_is_cleared_twice_without_harm) {
    configure("", "0", "1");
    ck_assert_int_eq(learn("a.tsv", "a\tz\n"), RONDO_INVALID);
    reader->class->clear(reader);
    reader->class->clear(reader);
    reader_destroy(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, files_are_read_with_what_training_taught, 0, ROWS(good));
    tcase_add_test(cases, text_without_end_is_refused_unless_it_is_cut);
    tcase_add_loop_test(cases, training_files_are_refused_at_their_place, 0, ROWS(untaught));
    tcase_add_loop_test(cases, other_files_are_refused_at_their_place, 0, ROWS(unread));
    tcase_add_test(cases, a_missing_file_is_told_where_it_is_named);
    tcase_add_test(cases, files_that_cannot_be_read_are_told_where_they_are_named);
    tcase_add_test(cases, texts_to_predict_have_no_target);
    tcase_add_test(cases, labels_do_not_depend_on_the_order_of_the_file);
    tcase_add_loop_test(cases, files_to_predict_need_no_label, 0, ROWS(unlabelled));
    tcase_add_loop_test(cases, words_are_learned_from_the_training_part_only, 0, ROWS(partial));
    tcase_add_loop_test(cases, a_loaded_reader_reads_as_the_one_that_learned, 0, ROWS(kinds));
    tcase_add_loop_test(cases, saved_vocabularies_that_cannot_be_used_are_refused, 0, ROWS(spoiled));
    tcase_add_test(cases, a_reader_that_failed_to_learn_is_cleared_twice_without_harm);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
