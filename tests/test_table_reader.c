/* data/readers/table.c: what the columns of a table become, what is learned from the training part, and what is refused
 * where. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reader_fixture.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static void make(const char *options, const char *columns) {
    reader_fixture_columns(&fixture, columns);
    reader_fixture_make(&fixture, "table", options);
}

static const char *store(const char *name, const char *text) {
    reader_fixture_write(&fixture, name, text, strlen(text));
    return name;
}

static const char *show(const struct dataset *dataset, const char *stream) {
    const char *text = "";
    for (int64_t i = 0; dataset_find(dataset, stream) != NULL && i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s; ", text, reader_fixture_show(&fixture, dataset, stream, i, 0));
    }
    return dataset_find(dataset, stream) == NULL ? "none" : text;
}

#define TABLE "id,age,town,code,y,w\na,1.5,Ulm,1,yes,1\nb,2.5,Bonn,2,no,0.5\nc,4,Ulm,1,yes,2\n"

static const struct {
    const char *options, *columns, *training;
    double valid;
    const char *other; /* NULL: the training file */
    const char *input, *target, *weight;
} good[] = {
    /* Numbers stay, a category is one-hot in the order of the alphabet: Bonn, Ulm. */
    {"", "target=y ignore=id,w", TABLE, 0, NULL, "1.5,0,1,1; 2.5,1,0,2; 4,0,1,1; ", "1; 0; 1; ", "none"},
    {"", "target=y ignore=id weight=w", TABLE, 0, NULL, "1.5,0,1,1; 2.5,1,0,2; 4,0,1,1; ", "1; 0; 1; ", "1; 0.5; 2; "},
    {"", "target=y input=age", TABLE, 0, NULL, "1.5; 2.5; 4; ", "1; 0; 1; ", "none"},
    {"", "target=y input=code,age", TABLE, 0, NULL, "1.5,1; 2.5,2; 4,1; ", "1; 0; 1; ", "none"},
    {"", "target=4 input=1", TABLE, 0, NULL, "1.5; 2.5; 4; ", "1; 0; 1; ", "none"},
    {"", "target=y input=code categories=code", TABLE, 0, NULL, "1,0; 0,1; 1,0; ", "1; 0; 1; ", "none"},
    {"target=number", "target=age,w input=town", TABLE, 0, NULL, "0,1; 1,0; 0,1; ", "1.5,1; 2.5,0.5; 4,2; ", "none"},
    /* Columns are found by name; further ones are ignored, and a new category is zeros. */
    {"", "target=y input=age,town", TABLE, 0, "new,y,town,age\n?,no,Rom,7\n?,yes,Bonn,8\n", "7,0,0; 8,1,0; ", "0; 1; ",
     "none"},
    {"header=false", "target=2", "1,a,x\n2,b,y\n", 0, "3,b,y\n", "3,0,1; ", "1; ", "none"},
    /* What a column is depends on the training part only; so do the categories and the means. */
    {"missing=mean", "target=y", "n,t,y\n1,a,p\n3,b,q\n,c,q\n5,,p\n", 0.5, NULL, "1,1,0; 3,0,1; 2,0,0; 5,0,0; ",
     "0; 1; 1; 0; ", "none"},
    {"missing=mean missing_text=NA", "target=y", "n,t,y\n1,a,p\nNA,NA,q\n3,a,q\n", 0, NULL, "1,1; 2,0; 3,1; ",
     "0; 1; 1; ", "none"},
    {"", "target=y", "n,y\n +1.50 ,p\n-2e1,q\n", 0, NULL, "1.5; -20; ", "0; 1; ", "none"},
};

START_TEST(a_row_is_an_example_of_numbers) {
    make(good[_i].options, good[_i].columns);
    store("train.csv", good[_i].training);
    ck_assert_msg(reader_fixture_learn(&fixture, "train.csv", good[_i].valid, 0) == RONDO_OK, "%s",
                  errors_text(&fixture.errors, 0));
    const char *other = good[_i].other == NULL ? "train.csv" : store("other.csv", good[_i].other);
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_fixture_read(&fixture, other, PART_TRAIN, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset, "input"), good[_i].input);
        ck_assert_str_eq(show(dataset, "target"), good[_i].target);
        ck_assert_str_eq(show(dataset, "weight"), good[_i].weight);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

START_TEST(a_column_has_numbers_only_if_it_has_them_in_each_training_file) {
    make("", "target=y");
    store("a.csv", "n,t,y\n1,1,p\n2,2,q\n");
    store("b.csv", "t,n,y\nx,3,p\n1,4,q\nz,5,q\nz,6,p\n");
    ck_assert_msg(reader_fixture_learn(&fixture, "a.csv b.csv", 0, 0) == RONDO_OK, "%s",
                  errors_text(&fixture.errors, 0));
    struct dataset *dataset = reader_fixture_read(&fixture, "b.csv", PART_TRAIN, 1);
    ck_assert_ptr_nonnull(dataset); /* the categories of t: 1 2 x z */
    ck_assert_str_eq(show(dataset, "input"), "3,0,0,1,0; 4,1,0,0,0; 5,0,0,0,1; 6,0,0,0,1; ");
    dataset_destroy(dataset);
}
END_TEST

START_TEST(predictions_need_only_the_columns_of_the_input) {
    make("", "target=y input=age,town weight=w");
    store("train.csv", TABLE);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.csv", 0, 0), RONDO_OK);
    store("new.csv", "town,age\nBonn,7\n");
    struct dataset *dataset = reader_fixture_read(&fixture, "new.csv", PART_TEST, 0);
    ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
    ck_assert_str_eq(show(dataset, "input"), "7,1,0; ");
    ck_assert_int_eq(dataset_find(dataset, "target")->length[0], 0);
    dataset_destroy(dataset);
}
END_TEST

/* '%' is the path of the file at fault. */
static const struct {
    const char *options, *columns, *training, *other;
    const char *expected;
} bad[] = {
    {"", "target=Y", TABLE, NULL,
     "experiment.yaml:4:9: '%' has no column 'Y' (did you mean 'y'?); it has 'id', 'age', 'town', 'code', 'y', 'w'"},
    {"", "target=y ignore=agee", TABLE, NULL,
     "experiment.yaml:4:9: '%' has no column 'agee' (did you mean 'age'?); it has 'id', 'age', 'town', 'code', 'y', "
     "'w'"},
    {"", "target=y categories=town,codes", TABLE, NULL,
     "experiment.yaml:4:9: '%' has no column 'codes' (did you mean 'code'?); it has 'id', 'age', 'town', 'code', 'y', "
     "'w'"},
    {"", "target=y input=y,age", TABLE, NULL, "experiment.yaml:4:9: column 'y' is already in data.columns.target"},
    {"", "target=y input=age ignore=age", TABLE, NULL,
     "experiment.yaml:4:9: column 'age' is already in data.columns.ignore"},
    {"", "target=y ignore=id,age,town,code,w", TABLE, NULL, "%: no column is left as an input of the model"},
    {"", "target=y,w", TABLE, NULL, "experiment.yaml:4:9: a label has one column, expected that or target: number"},
    {"", "target=y", "n,y\n1,p\n2,q\ntwo,q\n", NULL,
     "%:4: 'two' in column 'n', where most fields are numbers, is not a number; expected a number, or the column among "
     "data.columns.categories, or the text as data.missing_text"},
    {"", "target=y", "n,m,y\n1,,p\n2,,q\n", NULL,
     "%: column 'm' is empty in the training data; data.columns.ignore leaves it out"},
    {"", "target=y", "n,n,y\n1,2,p\n2,3,q\n", NULL,
     "%:1: columns 0 and 1 have the name 'n', by which other files would be read; expected another name for one of "
     "them"},
    {"", "target=y input=0", "n,n,y\n1,2,p\n2,3,q\n", NULL,
     "%:1: columns 0 and 1 have the name 'n', by which other files would be read; expected another name for one of "
     "them"},
    {"", "target=y input=age categories=town", TABLE, NULL,
     "experiment.yaml:4:9: column 'town' has categories and is no input; expected it among the inputs"},
    {"", "target=y", "n,y\n1,p\n,q\n", NULL, "%:3: the field of column 'n' is empty; missing: mean allows that"},
    {"", "target=y", "n,y\n1,p\n2,p\n", NULL, "%: every row has the label 'p', expected at least two classes"},
    {"", "target=y weight=w", "n,y,w\n1,p,1\n2,q,-1\n", NULL, "%:3: the weight is -1, expected a number from 0"},
    {"target=number", "target=y", "n,y\n1,2\n2,q\n", NULL, "%:3: 'q' in column 'y' is not a finite number"},
    {"", "target=y", "n,y\n", NULL, "%: no rows after the header"},
    {"", "target=y input=age,town", TABLE, "town,Age,y\nUlm,1,yes\n",
     "experiment.yaml:3:9: '%' has no column 'age' (did you mean 'Age'?); it has 'town', 'Age', 'y'"},
    {"", "target=y input=age,town", TABLE, "town,age,y\nUlm,x,yes\n",
     "%:2: 'x' in column 'age' is not a finite number"},
    {"", "target=y input=age,town", TABLE, "town,age,y\nUlm,1e99,yes\n",
     "%:2: '1e99' in column 'age' is not a finite number"},
    {"", "target=y input=age,town", TABLE, "town,age,y\n,1,yes\n",
     "%:2: the field of column 'town' is empty; missing: mean allows that"},
    {"", "target=y input=age,town", TABLE, "town,age,y\nUlm,1,yep\n",
     "%:2: label 'yep' in column 'y' is not among those of the training file (did you mean 'yes'?)"},
    {"", "target=y input=age,town", TABLE, "town,age\nUlm,1\n",
     "experiment.yaml:4:9: '%' has no column 'y'; it has 'town', 'age'"},
    {"header=false", "target=2", "1,a,x\n2,b,y\n", "1,x\n",
     "experiment.yaml:4:9: '%' has no column 2; it has 2, numbered from 0"},
};

START_TEST(bad_tables_are_refused_where_the_mistake_is) {
    make(bad[_i].options, bad[_i].columns);
    store("train.csv", bad[_i].training);
    const rondo_status status = reader_fixture_learn(&fixture, "train.csv", 0, 0);
    const char *fault = bad[_i].other == NULL ? "train.csv" : store("other.csv", bad[_i].other);
    ck_assert_msg(bad[_i].other == NULL || status == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
    if (status == RONDO_OK) { /* fields are read after learning */
        ck_assert_ptr_null(reader_fixture_read(&fixture, fault, PART_TRAIN, 1));
    }
    ck_assert_int_eq(fixture.errors.count, 1);
    ck_assert_str_eq(errors_text(&fixture.errors, 0), reader_fixture_expect(&fixture, bad[_i].expected, fault));
}
END_TEST

START_TEST(options_that_do_not_go_together_are_refused) {
    reader_fixture_columns(&fixture, "target=y");
    ck_assert_str_eq(reader_fixture_check(&fixture, "table", "missing_text=NA"),
                     "'missing_text' is not used without missing: mean");
    ck_assert_str_eq(reader_fixture_check(&fixture, "table", "format=csv separator=tab"),
                     "'format' is not used, because 'separator' is given");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("table_reader");
    TCase *cases = tcase_create("table_reader");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_row_is_an_example_of_numbers, 0, ROWS(good));
    tcase_add_test(cases, a_column_has_numbers_only_if_it_has_them_in_each_training_file);
    tcase_add_test(cases, predictions_need_only_the_columns_of_the_input);
    tcase_add_loop_test(cases, bad_tables_are_refused_where_the_mistake_is, 0, ROWS(bad));
    tcase_add_test(cases, options_that_do_not_go_together_are_refused);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
