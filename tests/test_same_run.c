/* tests/test_same_run.c: the command reports what has changed since a run was trained. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "changing_run.h"
#include "sandbox.h"
#include "tests/suite.h"

static struct outcome rondo(const char *arguments, int status) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, status);
    return outcome;
}

/* A run; a change of one file (changing_run_edit); and what commands warn of after it. "": nothing. */
static const struct {
    const char *experiment;
    const char *file, *find, *text;
    const char *arguments, *parts;
} changes[] = {
    /* data, if it is what is evaluated */
    {changing_run_text, "valid.tsv", "tea", "some tea", "eval run --on valid",
     "rondo: warning: |/valid.tsv: data.valid has changed since the run was trained: it had | bytes and has | bytes"},
    {changing_run_text, "valid.tsv", "tea", "TEA", "eval run --on valid", " bytes, with other contents"},
    {changing_run_text, "valid.tsv", "tea", "TEA", "eval run --on train", ""},
    {changing_run_text, "test.tsv", "tea", "TEA", "eval run",
     "/test.tsv: data.test has changed since the run was trained"},
    {changing_run_text, "test.tsv", "tea", "TEA", "eval run --data test.tsv", ""},
    {changing_run_text, "test.tsv", "tea", "TEA", "predict run test.tsv --column 0", ""},
    {changing_run_list, "other.txt", "new", "old", "eval run --on train",
     "/other.txt: data.train.1 has changed since the run was trained"},
    {changing_run_part, "book.txt", "sat", "SAT", "eval run --on valid",
     "/book.txt: data.train has changed since the run was trained"},
    {changing_run_picture, "pictures/cats/1.png", NULL, "@pictures/cats/2.png", "eval run --on train",
     "/pictures: data.train has changed since the run was trained: it had 6 files with | bytes and has 6 files with "},
    {changing_run_picture, "pictures/cats/1.png", NULL, "@pictures/cats/2.png", "eval run --on valid",
     "/pictures: data.train has changed since the run was trained"},
    {changing_run_picture, "pictures/cats/.hidden", NULL, "@pictures/cats/2.png", "eval run --on train", ""},
    /* cells and plug-ins, in each command that uses the weights */
    {changing_run_text, "run/cells/own.yaml", "tanh", "sigmoid", "eval run",
     "rondo: warning: run/cells/own.yaml: the cell 'own' of model.layers.0 has changed since the run was trained"},
    {changing_run_text, "run/cells/own.yaml", "tanh", "sigmoid", "predict run test.tsv --column 0",
     "run/cells/own.yaml: the cell 'own' of model.layers.0 has changed"},
    {changing_run_text, "own.yaml", "tanh", "sigmoid", "eval run", ""},
    {changing_run_text, "mine/loss.so", NULL, "rebuilt", "eval run",
     "/mine/loss.so: the plug-in 'softmax_cross_entropy' has changed since the run was trained"},
    {changing_run_text, "mine/loss.so", NULL, "rebuilt", "predict run test.tsv --column 0",
     "/mine/loss.so: the plug-in 'softmax_cross_entropy' has changed since the run was trained"},
    {changing_run_text, "mine/adam.so", NULL, "rebuilt", "eval run", ""}, /* predictions do not depend on it */
};

static int count_lines(const char *text) {
    int lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

START_TEST(an_evaluation_warns_of_what_has_changed) {
    changing_run_write(changes[_i].experiment);
    rondo("train e.yaml --out run --quiet", 0);
    ck_assert_str_eq(rondo(changes[_i].arguments, 0).err, "");
    changing_run_edit(changes[_i].file, changes[_i].find, changes[_i].text);
    const char *warnings = rondo(changes[_i].arguments, 0).err;
    ck_assert_msg(count_lines(warnings) == (changes[_i].parts[0] != '\0'), "warnings: %s", warnings);
    assert_parts(changes[_i].arguments, warnings, changes[_i].parts);

    char arguments[200];
    snprintf(arguments, sizeof arguments, "%s --json", changes[_i].arguments);
    const char *line = rondo(arguments, 0).err;
    json_t *object = json_loads(line, 0, NULL);
    ck_assert_int_eq(object == NULL, changes[_i].parts[0] == '\0');
    if (object != NULL) {
        const char *warning = json_string_value(json_object_get(object, "warning"));
        ck_assert_ptr_nonnull(warning);
        ck_assert_ptr_nonnull(strstr(warning, " changed since the run was trained"));
        ck_assert(json_is_string(json_object_get(object, "file")));
    }
    json_decref(object);
}
END_TEST

/* Runs of earlier versions have FNV-1a hashes, and no record of cells. */
static const struct {
    const char *data, *parts;
} older[] = {
    {"{\"test\": {\"file\": \"test.tsv\", \"bytes\": 4, \"fnv1a\": \"0123456789abcdef\"}}",
     "/test.tsv: data.test has changed since the run was trained: it had 4 bytes and has "},
    {"{\"test\": {\"file\": \"test.tsv\", \"bytes\": 4, \"fnv1a\": \"%s\"}}", ""},
    {"{}", ""},
    {"[]", ""},
    {"{\"test\": {\"xxh3\": 3}}", ""},
};

/* The 64-bit FNV-1a hash of a text. */
static const char *fnv1a(const char *text) {
    static char hash[17];
    uint64_t number = 0xcbf29ce484222325U;
    for (; *text != '\0'; text++) {
        number = (number ^ (unsigned char)*text) * 0x100000001b3U;
    }
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)number);
    return hash;
}

START_TEST(records_of_earlier_versions_are_compared_as_well) {
    char data[300], text[400];
    changing_run_write(changing_run_text);
    rondo("train e.yaml --out run --quiet", 0);
    snprintf(data, sizeof data, older[_i].data, fnv1a(sandbox_read("test.tsv", NULL)));
    snprintf(text, sizeof text, "{\"rondo\": \"0.0.1\", \"data\": %s}", data);
    sandbox_write("run/environment.json", text);
    const char *warnings = rondo("eval run", 0).err;
    ck_assert_msg(count_lines(warnings) == (older[_i].parts[0] != '\0'), "warnings: %s", warnings);
    assert_parts("eval run", warnings, older[_i].parts);
}
END_TEST

/* The plug-ins of Rondo change with its version, of which an evaluation does not warn; within a version they do not. */
START_TEST(plug_ins_of_another_rondo_are_no_surprise) {
    changing_run_write(changing_run_text);
    rondo("train e.yaml --out run --quiet", 0);
    json_t *record = json_loads(sandbox_read("run/environment.json", NULL), 0, NULL);
    ck_assert_ptr_nonnull(record);
    size_t index;
    json_t *plugin;
    int shipped = 0;
    json_array_foreach(json_object_get(record, "plugins"), index, plugin) {
        shipped += json_is_true(json_object_get(plugin, "shipped"));
        json_object_set_new(plugin, "xxh3", json_string("0"));
    }
    ck_assert_int_eq(shipped, 1); /* accuracy; the others are the user's */
    for (int is_other = 0; is_other < 2; is_other++) {
        if (is_other) {
            json_object_set_new(record, "rondo", json_string("0.0.1"));
        }
        char *text = json_dumps(record, 0);
        sandbox_write("run/environment.json", text);
        free(text);
        const char *warnings = rondo("eval run", 0).err;
        ck_assert_msg(count_lines(warnings) == 2 - is_other, "warnings: %s", warnings);
        assert_parts("eval run", warnings, "the plug-in 'softmax_cross_entropy' has changed");
    }
    json_decref(record);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("same_run");
    TCase *cases = add_case(suite, "changes", 60, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, an_evaluation_warns_of_what_has_changed, 0, ROWS(changes));
    tcase_add_loop_test(cases, records_of_earlier_versions_are_compared_as_well, 0, ROWS(older));
    tcase_add_test(cases, plug_ins_of_another_rondo_are_no_surprise);
    return run_suite(suite);
}
