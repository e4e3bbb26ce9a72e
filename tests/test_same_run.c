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

/* ---- resuming ---- */

/* The same with `rondo train --resume run` and further words, which train two more epochs of a run that is finished. */
static const struct {
    const char *experiment;
    const char *file, *find, *text; /* file NULL: nothing changes */
    const char *words, *parts;
} resumes[] = {
    {changing_run_text, NULL, NULL, NULL, "", ""},
    {changing_run_text, "train.tsv", "soup", "some soup", "",
     "/train.tsv: data.train has changed since the run was trained: it had | bytes and has | bytes"},
    {changing_run_text, "train.tsv", "soup", "Soup", "", " bytes, with other contents"},
    {changing_run_text, "valid.tsv", "tea", "TEA", "", "/valid.tsv: data.valid has changed since the run was trained"},
    {changing_run_text, "test.tsv", "tea", "TEA", "", ""},
    {changing_run_text, "copy.tsv", NULL, "@train.tsv", "--set data.train=copy.tsv", ""},
    {changing_run_list, "other.txt", "new", "old", "--set data.valid=kept.txt",
     "/other.txt: data.train.1 has changed since the run was trained"},
    {changing_run_picture, "pictures/cats/1.png", NULL, "@pictures/cats/2.png", "",
     "/pictures: data.train has changed since the run was trained: it had 6 files with | bytes and has 6 files with "},
    {changing_run_text, "run/cells/own.yaml", "tanh", "sigmoid", "",
     "run/cells/own.yaml:6: the cell 'own' of model.layers.0 has changed since the run was trained: this line was "},
    {changing_run_text, "mine/adam.so", NULL, "rebuilt", "",
     "/mine/adam.so: the plug-in 'adam' has changed since the run was trained"},
    {changing_run_text, "run/experiment.yaml", "seed: 1", "seed: 7", "",
     "run/experiment.yaml:|: 'schedule.seed' was 1 when the run was trained, and is 7"},
    {changing_run_text, NULL, NULL, NULL, "--set optimizer.lr=0.1",
     "--set optimizer.lr=0.1: 'optimizer.lr' was 0.05 when the run was trained, and is 0.1"},
    {changing_run_text, NULL, NULL, NULL, "--engine=tape", "trained by the engine 'fused', and this is 'tape'"},
};

/* `rondo train --resume run --quiet` for this number of epochs. */
static struct outcome resume(int epochs, const char *words, const char *more, int status) {
    char arguments[300];
    snprintf(arguments, sizeof arguments, "train --resume run --quiet --set schedule.epochs=%d %s %s", epochs, words,
             more);
    return rondo(arguments, status);
}

START_TEST(a_resume_with_changes_is_refused_unless_they_are_accepted) {
    static const char *const files[] = {"run/experiment.yaml", "run/environment.json", "run/weights.safetensors",
                                        "run/metrics.jsonl", "run/timings.jsonl"};
    const char *parts = resumes[_i].parts, *words = resumes[_i].words, *before[ROWS(files)];
    size_t sizes[ROWS(files)];
    changing_run_write(resumes[_i].experiment);
    rondo("train e.yaml --out run --quiet --set schedule.epochs=2", 0);
    if (resumes[_i].file != NULL) {
        changing_run_edit(resumes[_i].file, resumes[_i].find, resumes[_i].text);
    }
    if (parts[0] == '\0') {
        ck_assert_str_eq(resume(4, words, "", 0).err, "");
        return;
    }
    const int entries = sandbox_entries();
    for (int i = 0; i < ROWS(files); i++) {
        before[i] = sandbox_read(files[i], &sizes[i]);
    }
    const char *refusal = resume(4, words, "", 2).err;
    assert_parts("refusal", refusal, parts);
    assert_parts("refusal", refusal, "'run' would not go on as it began:|--accept-changes goes on nevertheless");
    ck_assert_int_eq(sandbox_entries(), entries);
    for (int i = 0; i < ROWS(files); i++) {
        size_t size;
        const char *after = sandbox_read(files[i], &size);
        ck_assert_msg(size == sizes[i] && memcmp(after, before[i], size) == 0, "%s was changed by a refused resume",
                      files[i]);
    }
    assert_parts("note", resume(4, words, "--accept-changes", 0).err, parts);
    const char *engine = strstr(words, "--engine"); /* all else is part of the run now */
    ck_assert_str_eq(resume(5, "", engine == NULL ? "" : engine, 0).err, "");
    ck_assert_str_eq(rondo("eval run --on valid", 0).err, "");
}
END_TEST

START_TEST(epochs_that_were_trained_cannot_be_taken_away) {
    changing_run_write(changing_run_text);
    rondo("train e.yaml --out run --quiet --set schedule.epochs=3", 0);
    const char *refusal = resume(2, "", "", 2).err;
    assert_parts("refusal", refusal,
                 "--set schedule.epochs=2: 'schedule.epochs' is 2, and the run is already in epoch 3\n");
    ck_assert_ptr_null(strstr(refusal, "--accept-changes"));
    ck_assert_str_eq(resume(2, "", "--accept-changes", 2).err, refusal);
}
END_TEST

/* A run that was copied to another place, with its data and its plug-ins, ends as it would have ended where it was. */
START_TEST(a_run_that_was_moved_with_its_data_goes_on) {
    changing_run_write(changing_run_text);
    rondo("train e.yaml --out run --quiet --set schedule.epochs=2", 0);
    sandbox_copy("run", "elsewhere/run");
    sandbox_copy("train.tsv", "elsewhere/t.tsv");
    sandbox_copy("valid.tsv", "elsewhere/v.tsv");
    sandbox_copy("mine/adam.so", "elsewhere/adam.so");
    sandbox_copy("mine/loss.so", "elsewhere/loss.so");
    ck_assert_str_eq(resume(4, "", "", 0).err, "");
    sandbox_remove("train.tsv");
    sandbox_remove("valid.tsv");
    sandbox_remove("test.tsv");
    assert_parts("resume", rondo("train --resume elsewhere/run --quiet --set schedule.epochs=4", 2).err,
                 "run/experiment.yaml:|train.tsv': there is no such file|data that was moved can be given with --set "
                 "data.train=FILE\n|--set data.valid=FILE\n");
    assert_parts("eval", rondo("eval elsewhere/run --on valid", 2).err,
                 "valid.tsv': there is no such file|data.valid may have been moved: --data FILE evaluates on another "
                 "file\n");
    rondo("eval elsewhere/run --data elsewhere/v.tsv", 0);
    sandbox_remove("mine");
    ck_assert_str_eq(
        rondo("train --resume elsewhere/run --quiet --set schedule.epochs=4 --set data.train=elsewhere/t.tsv --set "
              "data.valid=elsewhere/v.tsv --plugin elsewhere/adam.so --plugin elsewhere/loss.so",
              0)
            .err,
        "");
    static const char *const files[] = {"weights.safetensors", "metrics.jsonl", "reader.json"};
    for (int i = 0; i < ROWS(files); i++) {
        size_t sizes[2];
        const char *here = sandbox_read(sandbox_path("run/%s", files[i]), &sizes[0]);
        const char *there = sandbox_read(sandbox_path("elsewhere/run/%s", files[i]), &sizes[1]);
        ck_assert_msg(sizes[0] == sizes[1] && memcmp(here, there, sizes[0]) == 0, "%s differs", files[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("same_run");
    TCase *cases = add_case(suite, "changes", 60, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, an_evaluation_warns_of_what_has_changed, 0, ROWS(changes));
    tcase_add_loop_test(cases, records_of_earlier_versions_are_compared_as_well, 0, ROWS(older));
    tcase_add_test(cases, plug_ins_of_another_rondo_are_no_surprise);
    TCase *resuming = add_case(suite, "resume", 60, sandbox_open, sandbox_close);
    tcase_add_loop_test(resuming, a_resume_with_changes_is_refused_unless_they_are_accepted, 0, ROWS(resumes));
    tcase_add_test(resuming, epochs_that_were_trained_cannot_be_taken_away);
    tcase_add_test(resuming, a_run_that_was_moved_with_its_data_goes_on);
    return run_suite(suite);
}
