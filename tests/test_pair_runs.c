/* Runs on the reader `pairs`: options by stream in an experiment, what is reported of the data, and resumed experiments. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"

/* Line 4 is that of the data. */
static const char experiment[] = "rondo: 1\n"
                                 "name: p\n"
                                 "architecture: \"1:N\"\n"
                                 "data: {reader: pairs, train: words.tsv, columns: {input: 0}%s}\n"
                                 "model: {feedback: true, embedding: {size: 4}, layers: [{cell: gru, hidden: 8}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\n"
                                 "optimizer: {plugin: adam, lr: 0.01}\n"
                                 "schedule: {epochs: 2, batch: 8, seed: 1}\n";

/* Writes the experiment with more keys of `data`. */
static void write_experiment(const char *name, const char *data) {
    char text[2000];
    snprintf(text, sizeof text, experiment, data);
    sandbox_write(name, text);
}

static void setup(void) {
    sandbox_open();
    char text[4000], *to = text;
    for (int i = 0; i < 60; i++) {
        to += sprintf(to, "%s\t%s\n", i % 2 == 0 ? "vo" : "co", i % 2 == 0 ? "ala" : i % 3 == 0 ? "tat" : "kak");
    }
    sandbox_write("words.tsv", text);
    sprintf(to, "vo\t\nco\tkakakakak\n");
    sandbox_write("gaps.tsv", text);
}

/* ---- options by stream ---- */

static const struct {
    const char *data, *parts; /* of the resolved experiment, "KEY VALUE" with blanks made one */
} good[] = {
    {"", "data.tokens words|data.max_length 0"},
    {", tokens: characters", "data.tokens characters"},
    {", tokens: {target: characters}", "data.tokens.target characters|data.tokens.source words"},
    {", tokens: {target: bytes, source: words}, max_length: {target: 7}",
     "data.tokens.target bytes|data.max_length.target 7|data.max_length.source 0"},
    {", lowercase: {target: true}, min_count: {target: 2}", "data.lowercase.target true|data.min_count.target 2"},
};

/* The text with one blank for each run of them. */
static const char *squeezed(const char *text) {
    char *copy = sandbox_memory(strlen(text) + 1), *to = copy;
    for (; *text != '\0'; text++) {
        if (*text != ' ' || to == copy || to[-1] != ' ') {
            *to++ = *text;
        }
    }
    *to = '\0';
    return copy;
}

START_TEST(an_option_is_given_once_or_by_stream) {
    write_experiment("e.yaml", good[_i].data);
    const struct outcome checked = sandbox_run((struct call){.arguments = "check e.yaml"});
    assert_status(good[_i].data, &checked, 0);
    assert_parts(good[_i].data, squeezed(checked.out), good[_i].parts);
}
END_TEST

/* The columns of line 4 are those of what is at fault; the keys begin in column 62. */
static const struct {
    const char *data, *flags, *parts;
} bad[] = {
    {", tokens: {goal: words}", "", "e.yaml:4:71: unknown key 'goal' in data.tokens, expected one of source, target"},
    {", tokens: {targt: words}", "", "e.yaml:4:71: unknown key 'targt' in data.tokens (did you mean 'target'?)"},
    {", tokens: {target: letters}", "",
     "e.yaml:4:79: 'target' is 'letters', expected one of words, characters, bytes, whitespace"},
    {", tokens: letters", "",
     "e.yaml:4:70: 'tokens' is 'letters', expected one of words, characters, bytes, whitespace"},
    {", max_length: {target: -1}", "", "e.yaml:4:83: 'target' is -1, expected an integer in [0, 100000]"},
    {", header: {target: true}", "", "e.yaml:4:70: 'data.header' is a mapping, expected true or false"},
    {"", "--set data.tokens.targt=words", "unknown key 'targt' in data.tokens (did you mean 'target'?)"},
    {", shared: true", "", "'shared' is not used: the input is a class, and only targets have words"},
    {", empty: cut", "", "e.yaml:4:69: 'empty' is 'cut', expected one of error, leave_out"},
    {", window: 3", "", "e.yaml:4:62: unknown key 'window' in data"},
};

START_TEST(a_wrong_option_is_reported_at_its_place) {
    write_experiment("e.yaml", bad[_i].data);
    char arguments[200];
    snprintf(arguments, sizeof arguments, "check e.yaml %s", bad[_i].flags);
    const struct outcome checked = sandbox_run((struct call){.arguments = arguments});
    assert_status(bad[_i].data, &checked, 2);
    assert_parts(bad[_i].data, checked.err, bad[_i].parts);
}
END_TEST

/* ---- what is reported ---- */

static const struct {
    const char *data;
    int status;
    const char *parts; /* of standard error */
} gaps[] = {
    {", empty: leave_out", 0,
     "--set data.train=gaps.tsv: 1 example is left out, because the source or the target is empty"},
    {", empty: leave_out, tokens: characters, max_length: 4, too_long: leave_out", 0,
     "1 example is left out, because the source or the target is empty|"
     "1 example is left out, because the source or the target is longer than 'data.max_length'"},
    {", empty: leave_out, tokens: characters, max_length: 4, too_long: cut, valid: {last: 0.1}", 0,
     "1 example is cut to 'data.max_length'"},
    {"", 2, "gaps.tsv:61: the target is empty"},
    {", tokens: characters, max_length: 4", 2,
     "gaps.tsv:61: the target is empty|gaps.tsv:62: the target has more than 4 tokens"},
};

START_TEST(what_is_left_out_is_reported_and_what_is_wrong_refused) {
    write_experiment("e.yaml", gaps[_i].data);
    const struct outcome checked = sandbox_run((struct call){.arguments = "check e.yaml --set data.train=gaps.tsv"});
    assert_status(gaps[_i].data, &checked, gaps[_i].status);
    if (gaps[_i].status != 0) {
        assert_parts(gaps[_i].data, checked.err, gaps[_i].parts);
        return;
    }
    if (sandbox_has("runs")) {
        sandbox_remove("runs");
    }
    const struct outcome trained = sandbox_run((struct call){.arguments = "train e.yaml --set data.train=gaps.tsv"});
    assert_status(gaps[_i].data, &trained, 0);
    assert_parts(gaps[_i].data, checked.err, gaps[_i].parts);
    assert_parts(gaps[_i].data, trained.err, gaps[_i].parts);
}
END_TEST

/* A run has the resolved experiment, in which an option by stream is one again, and reads new data as in training. */
START_TEST(a_run_evaluates_what_it_was_trained_on) {
    write_experiment("e.yaml",
                     ", tokens: {target: characters}, valid: {share: 0.3}, test: words.tsv, empty: leave_out");
    if (sandbox_has("runs")) {
        sandbox_remove("runs");
    }
    const struct outcome trained = sandbox_run((struct call){.arguments = "train e.yaml"});
    assert_status("train", &trained, 0);
    const struct outcome evaluated = sandbox_run((struct call){.arguments = "eval runs/p"});
    assert_status("eval", &evaluated, 0);
    const struct outcome other =
        sandbox_run((struct call){.arguments = "eval runs/p --data gaps.tsv"}); /* what is left out is said */
    assert_status("eval", &other, 0);
    assert_parts("eval", other.err, "gaps.tsv: 1 example is left out, because the source or the target is empty");
    const struct outcome again = sandbox_run((struct call){.arguments = "check runs/p/experiment.yaml"});
    assert_status("check", &again, 0);
    assert_parts("check", squeezed(again.out), "data.tokens.target characters|data.tokens.source words");
}
END_TEST

/* ---- a target for each token ---- */

static const char aligned_experiment[] =
    "rondo: 1\n"
    "name: a\n"
    "architecture: \"N:N\"\n"
    "data: {reader: pairs, train: a.tsv, test: a.tsv, aligned: true, no_target: \"-\"}\n"
    "model: {embedding: {size: 4, init_std: 1}, layers: [{cell: gru, hidden: 8}]}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "metrics: [accuracy]\n"
    "optimizer: {plugin: adam, lr: 0.02}\n"
    "schedule: {epochs: 30, batch: 8, seed: 1}\n";

/* What was said last is repeated where it is asked for: only there does a step have a target, and only there is a prediction. */
START_TEST(an_answer_is_written_where_a_target_could_be) {
    static const char *const said[] = {"up", "down", "left"};
    char text[4000], *to = text;
    for (int i = 0; i < 60; i++) {
        to += sprintf(to, "say %s ? so say %s then ?\t- - %s - - - - %s\n", said[i % 3], said[i * i % 3], said[i % 3],
                      said[i * i % 3]);
    }
    sandbox_write("a.tsv", text);
    sandbox_write("a.yaml", aligned_experiment);
    sandbox_write("short.tsv", "say up ?\t- up\n");
    const struct outcome trained = sandbox_run((struct call){.arguments = "train a.yaml"});
    assert_status("train", &trained, 0);
    const struct outcome evaluated = sandbox_run((struct call){.arguments = "eval runs/a --on test"});
    assert_status("eval", &evaluated, 0);
    assert_parts("eval", evaluated.out, "accuracy 1.0000");
    const struct outcome predicted = sandbox_run(
        (struct call){.arguments = "predict runs/a --json", .input = "say left ? so say up then ?\nsay down\nsay ?\n"});
    assert_status("predict", &predicted, 0);
    assert_parts("predict", predicted.out,
                 "{\"text\":\"say left ? so say up then ?\",\"labels\":[\"left\",\"up\"]}\n|"
                 "{\"text\":\"say down\",\"labels\":[]}\n");
    /* Most tokens have none, so a new one has none. */
    const struct outcome unseen =
        sandbox_run((struct call){.arguments = "predict runs/a --json", .input = "say up sideways ?\n"});
    assert_status("unseen", &unseen, 0);
    const char *labels = strstr(unseen.out, "\"labels\":[\"");
    ck_assert_ptr_nonnull(labels);
    ck_assert_msg(strchr(labels, ',') == NULL, "%s", unseen.out);
    sandbox_write("none.tsv", "say up ?\t- - -\n");
    const struct outcome none = sandbox_run((struct call){.arguments = "eval runs/a --data none.tsv"});
    assert_status("none", &none, 2);
    assert_parts("none", none.err, "none.tsv: no step of any example has a target");
    const struct outcome uneven = sandbox_run((struct call){.arguments = "eval runs/a --data short.tsv"});
    assert_status("uneven", &uneven, 2);
    assert_parts("uneven", uneven.err, "short.tsv:1: the source has 3 tokens and the target 2");
}
END_TEST

/* Most tokens have a target here, so a new word has one. */
START_TEST(a_new_word_has_a_target_if_most_words_have) {
    sandbox_write("a.tsv", "the cat sat .\tA N V -\na dog ran .\tA N V -\n");
    sandbox_write("a.yaml", aligned_experiment);
    const struct outcome trained = sandbox_run((struct call){.arguments = "train a.yaml --quiet --out words"});
    assert_status("train", &trained, 0);
    const struct outcome predicted =
        sandbox_run((struct call){.arguments = "predict words", .input = "the unicorn sat .\n"});
    assert_status("predict", &predicted, 0);
    int blanks = 0;
    for (const char *at = predicted.out; *at != '\0'; at++) {
        blanks += *at == ' ';
    }
    ck_assert_msg(blanks == 2, "%s", predicted.out); /* three targets */
}
END_TEST

static const struct {
    const char *line, *replacement, *parts;
} unaligned[] = {
    {"aligned: true, no_target: \"-\"", "no_target: \"-\"",
     "a.yaml:4:61: 'no_target' is not used without 'aligned: true'"},
    {"aligned: true, no_target: \"-\"", "aligned: true, no_target: \"- -\"",
     "a.yaml:4:76: 'no_target' is '- -', expected one token"},
    {"\"N:N\"", "\"N:1\"", "with 'data.aligned' every token of a source has a target; expected architecture: \"N:N\""},
    {"model: {", "model: {encoder: [{cell: gru, hidden: 4}], ",
     "reader 'pairs' does not give it here; with 'data.aligned', or a source that is a class, 'model.layers' read the "
     "source"},
    {"model: {", "model: {feedback: true, ",
     "a.yaml:5:19: 'model.feedback' reads the target of the step before, which"},
};

START_TEST(what_does_not_go_with_aligned_sides_is_refused) {
    char text[2000];
    const char *at = strstr(aligned_experiment, unaligned[_i].line);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - aligned_experiment), aligned_experiment,
             unaligned[_i].replacement, at + strlen(unaligned[_i].line));
    sandbox_write("a.yaml", text);
    sandbox_write("a.tsv", "say up ?\t- - up\nsay down ?\t- - down\n");
    const struct outcome checked = sandbox_run((struct call){.arguments = "check a.yaml"});
    assert_status(unaligned[_i].replacement, &checked, 2);
    assert_parts(unaligned[_i].replacement, checked.err, unaligned[_i].parts);
}
END_TEST

/* ---- an encoder reads the sources ---- */

static const char *const encoder_experiment = "rondo: 1\n"
                                              "name: t\n"
                                              "architecture: \"N:N\"\n"
                                              "data: {reader: pairs, tokens: characters, train: %s}\n"
                                              "model: {feedback: true, embedding: {size: 4}, encoder: [{cell: gru, "
                                              "hidden: 8}], layers: [{cell: gru, hidden: 8}]}\n"
                                              "loss: {plugin: softmax_cross_entropy}\n"
                                              "optimizer: {plugin: adam, lr: 0.01}\n"
                                              "schedule: {epochs: 1, batch: {steps: 100}, seed: 1}\n";

/* The same pairs in the three forms of files give the same model. */
static const char *const forms[] = {"{source: a.txt, target: b.txt}", "pairs.csv", "pairs.jsonl"};

static void write_forms(void) {
    char a[4000] = "", b[4000] = "", table[8000] = "", json[12000] = "";
    for (int i = 0; i < 80; i++) {
        char source[20] = "", target[20] = "";
        for (int t = 0; t < 1 + i % 7; t++) {
            sprintf(source + t, "%c", 'a' + (i * (t + 3)) % 5);
            sprintf(target + t, "%c", 'p' + (i * (t + 2)) % 4);
        }
        target[1 + i % 3] = '\0';
        sprintf(a + strlen(a), "%s\n", source);
        sprintf(b + strlen(b), "%s\n", target);
        sprintf(table + strlen(table), "%s,%s\n", source, target);
        sprintf(json + strlen(json), "{\"target\": \"%s\", \"source\": \"%s\"}\n", target, source);
    }
    sandbox_write("a.txt", a);
    sandbox_write("b.txt", b);
    sandbox_write("pairs.csv", table);
    sandbox_write("pairs.jsonl", json);
}

START_TEST(all_forms_of_files_give_the_same_model) {
    char *weights[ROWS(forms)] = {NULL};
    size_t sizes[ROWS(forms)] = {0};
    write_forms();
    for (int form = 0; form < ROWS(forms); form++) {
        char text[2000], arguments[100], file[100];
        snprintf(text, sizeof text, encoder_experiment, forms[form]);
        snprintf(arguments, sizeof arguments, "train t.yaml --set name=t%d", form);
        snprintf(file, sizeof file, "runs/t%d/weights.safetensors", form);
        sandbox_write("t.yaml", text);
        const struct outcome trained = sandbox_run((struct call){.arguments = arguments});
        assert_status(forms[form], &trained, 0);
        weights[form] = sandbox_read(file, &sizes[form]);
        ck_assert_uint_eq(sizes[form], sizes[0]);
        ck_assert_mem_eq(weights[form], weights[0], sizes[0]);
    }
}
END_TEST

/* Line 4 is that of the data. */
static const struct {
    const char *train, *parts;
} refused[] = {
    {"{source: a.txt, target: words.tsv}", "a.txt:61: '|a.txt' has 80 lines and '|words.tsv' 60"},
    {"{source: a.txt, goal: b.txt}", "there is no stream 'goal', expected a file for 'source' and one for 'target'"},
    {"{source: a.txt}", "there is no file for 'target'"},
    {"words.tsv, columns: {source: 0, input: 1}", "data.columns has both 'source'|and 'input', a class"},
    {"words.tsv, columns: {input: 0}", "expected architecture: \"1:N\""},
};

START_TEST(files_that_do_not_fit_are_refused) {
    char text[2000];
    write_forms();
    snprintf(text, sizeof text, encoder_experiment, refused[_i].train);
    sandbox_write("t.yaml", text);
    const struct outcome checked = sandbox_run((struct call){.arguments = "check t.yaml"});
    assert_status(refused[_i].train, &checked, 2);
    assert_parts(refused[_i].train, checked.err, refused[_i].parts);
}
END_TEST

/* A run that was trained on parallel files reads others with --data, one for each stream. */
static const struct {
    const char *arguments;
    int status;
    const char *parts; /* of the output, or of the message */
} others[] = {
    {"eval runs/t", 2, "the experiment of 'runs/t' has no data.test; use --data to name a file"},
    {"eval runs/t --data source=a.txt --data target=b.txt", 0, "source=a.txt, target=b.txt: 80 examples, loss "},
    {"eval runs/t --data target=b.txt --data=source=./a.txt", 0, "target=b.txt, source=./a.txt: 80 examples, loss "},
    {"eval runs/t --data pairs.csv", 0, "pairs.csv: 80 examples, loss "},
    {"eval runs/t --data pairs.csv --data pairs.jsonl", 0, "pairs.csv, pairs.jsonl: 160 examples, loss "},
    {"score runs/t --total --data source=a.txt --data target=b.txt", 0, "total: 80 texts"},
    {"inspect runs/t --data source=a.txt --data target=b.txt --no-write", 0, "source=a.txt, target=b.txt: 80 of 80"},
    {"eval runs/t --data a.txt", 2,
     "--data: the name 'a.txt' ends in none of .csv, .tsv and .jsonl|"
     "--data: in the training each stream has its own file; expected --data source=FILE --data target=FILE"},
    {"score runs/t --data source=a.txt", 2,
     "--data: there is no file for 'target', expected one for 'source' and one for 'target'"},
    {"eval runs/t --data sorce=a.txt --data target=b.txt", 2,
     "--data: there is no stream 'sorce' (did you mean 'source'?)"},
    {"eval runs/t --data source=a.txt --data b.txt", 2,
     "--data: 'source=a.txt' and 'b.txt': expected STREAM=FILE for all files, or for none"},
    {"eval runs/t --data source=a.txt --data source=b.txt", 2,
     "--data: 'source' is given twice, as 'a.txt' and as 'b.txt'"},
    {"eval runs/t --data source=a.txt --data target=words.tsv", 2, "a.txt:61: 'a.txt' has 80 lines and 'words.tsv' 60"},
    {"eval runs/t --data ./source=a.txt --data target=b.txt", 2, "expected STREAM=FILE for all files, or for none"},
    {"eval runs/t --on train --data source=a.txt", 2, "--on 'train' is not used with --data 'source=a.txt'"},
};

static void train_on_parallel_files(void) {
    char text[2000];
    write_forms();
    if (sandbox_has("runs/t")) {
        return;
    }
    snprintf(text, sizeof text, encoder_experiment, forms[0]);
    sandbox_write("t.yaml", text);
    const struct outcome trained = sandbox_run((struct call){.arguments = "train t.yaml"});
    assert_status("train", &trained, 0);
}

START_TEST(other_files_are_given_for_each_stream) {
    train_on_parallel_files();
    const struct outcome ran = sandbox_run((struct call){.arguments = others[_i].arguments});
    assert_status(others[_i].arguments, &ran, others[_i].status);
    assert_parts(others[_i].arguments, ran.status == 0 ? ran.out : ran.err, others[_i].parts);
}
END_TEST

START_TEST(other_files_have_the_same_scores_in_each_form) {
    train_on_parallel_files();
    const struct outcome parallel =
        sandbox_run((struct call){.arguments = "eval runs/t --data source=a.txt --data target=b.txt"});
    const struct outcome table = sandbox_run((struct call){.arguments = "eval runs/t --data pairs.csv"});
    assert_status("eval", &parallel, 0);
    ck_assert_ptr_nonnull(strstr(table.out, ": 80 examples, loss "));
    ck_assert_str_eq(strstr(parallel.out, ": 80 examples, "), strstr(table.out, ": 80 examples, "));
}
END_TEST

START_TEST(a_file_of_a_stream_that_was_moved_is_hinted_at) {
    train_on_parallel_files();
    sandbox_remove("b.txt");
    const struct outcome ran = sandbox_run((struct call){.arguments = "eval runs/t --on train"});
    assert_status("eval", &ran, 2);
    assert_parts("eval", ran.err,
                 "data.train may have been moved: --data target=FILE, and --data for each other stream");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pair_runs");
    TCase *cases = tcase_create("pair_runs");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, an_option_is_given_once_or_by_stream, 0, ROWS(good));
    tcase_add_loop_test(cases, a_wrong_option_is_reported_at_its_place, 0, ROWS(bad));
    tcase_add_loop_test(cases, what_is_left_out_is_reported_and_what_is_wrong_refused, 0, ROWS(gaps));
    tcase_add_test(cases, a_run_evaluates_what_it_was_trained_on);
    tcase_add_test(cases, an_answer_is_written_where_a_target_could_be);
    tcase_add_test(cases, a_new_word_has_a_target_if_most_words_have);
    tcase_add_loop_test(cases, what_does_not_go_with_aligned_sides_is_refused, 0, ROWS(unaligned));
    tcase_add_test(cases, all_forms_of_files_give_the_same_model);
    tcase_add_loop_test(cases, files_that_do_not_fit_are_refused, 0, ROWS(refused));
    tcase_add_loop_test(cases, other_files_are_given_for_each_stream, 0, ROWS(others));
    tcase_add_test(cases, other_files_have_the_same_scores_in_each_form);
    tcase_add_test(cases, a_file_of_a_stream_that_was_moved_is_hinted_at);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
