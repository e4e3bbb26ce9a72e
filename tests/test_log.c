/* tests/test_log.c: lines that plug-ins log, and those of Rondo itself, reach the receiver of the session. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static const char experiment[] = "rondo: 1\n"
                                 "name: logs\n"
                                 "architecture: \"N:1\"\n"
                                 "data: {reader: text, train: train.tsv, valid: valid.tsv}\n"
                                 "model: {embedding: {size: 4}, layers: [{cell: ./logs.yaml, hidden: 4}]}\n"
                                 "loss: {plugin: logs_loss}\n"
                                 "optimizer: {plugin: logs_optimizer}\n"
                                 "schedule: {epochs: 2, batch: 8, seed: 1, learning_rate: {plugin: logs_schedule}}\n";

static void setup(void) {
    sandbox_open();
    tiny_write();
    sandbox_write("logs_e.yaml", experiment);
    sandbox_write("logs.yaml", "cell: logs\nstate: [h]\nequations: |\n  h' = tanh(logs_op(x @ W + h @ U + b))\n");
    sandbox_copy(variable("RONDO_TEST_LOG"), "logs.so");
}

static void teardown(void) {
    sandbox_close();
}

#define OF_OP "logs.so: op infer|logs.so: op forward|logs.so: op backward|"

/* A command, and lines that it prints with --verbose. */
static const struct {
    const char *arguments, *lines;
} verbose_rows[] = {
    {"train logs_e.yaml --plugin ./logs.so --engine fused",
     "rondo: plug-ins are searched in '|rondo: cells are searched in '|rondo: loaded plug-in 'logs' 1.0 (MIT) from "
     "'/|" OF_OP
     "logs.so: optimizer check|logs.so: optimizer choose_slot|logs.so: optimizer step|logs.so: loss output_size|"
     "logs.so: loss record|logs.so: loss predict|logs.so: loss measure|logs.so: schedule check|"
     "logs.so: schedule factor|logs.so: schedule observe"},
    {"train logs_e.yaml --plugin ./logs.so --engine tape", OF_OP},
    {"check logs_e.yaml --plugin ./logs.so", "logs.so: op infer|logs.so: optimizer check|logs.so: schedule factor"},
    {"gradcheck ./logs.yaml --plugin ./logs.so", OF_OP},
    {"list op --plugin ./logs.so", "rondo: loaded plug-in 'logs' 1.0 (MIT) from '/"},
};

START_TEST(verbose_prints_all_lines_and_without_it_there_are_none) {
    const char *arguments = verbose_rows[_i].arguments;
    char verbose[256];
    snprintf(verbose, sizeof verbose, "%s --verbose", arguments);
    struct outcome outcome = sandbox_run((struct call){.arguments = verbose});
    assert_status(verbose, &outcome, 0);
    assert_parts(verbose, outcome.err, verbose_rows[_i].lines);
    outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    ck_assert_ptr_null(strstr(outcome.err, "logs.so:"));
    ck_assert_ptr_null(strstr(outcome.err, "loaded plug-in"));
}
END_TEST

/* A check, and the lines that the plug-in logs meanwhile. */
static const struct {
    const char *check, *lines;
} checks[] = {
    {"exported_symbol", ""},
    {"gradient", "logs.so: op infer\n|logs.so: op forward\n|logs.so: op backward\n"},
    {"status", "logs.so: optimizer check\n|logs.so: optimizer choose_slot\n|logs.so: optimizer step\n|"
               "logs.so: loss output_size\n|logs.so: loss record\n|logs.so: loss predict\n|logs.so: loss measure\n|"
               "logs.so: schedule check\n|logs.so: schedule factor\n|logs.so: schedule observe\n"},
};

START_TEST(a_check_of_a_plugin_prints_what_that_logs_and_does_not_take_it_for_printed_text) {
    char plain[128], verbose[160];
    snprintf(plain, sizeof plain, "plugin check ./logs.so --only %s", checks[_i].check);
    snprintf(verbose, sizeof verbose, "%s --verbose", plain);
    struct outcome outcome = sandbox_run((struct call){.arguments = verbose});
    assert_parts(verbose, outcome.err, checks[_i].lines);
    ck_assert_ptr_null(strstr(outcome.out, "prints"));
    ck_assert_ptr_null(strstr(outcome.err, "loaded plug-in"));
    outcome = sandbox_run((struct call){.arguments = plain});
    ck_assert_str_eq(outcome.err, "");
}
END_TEST

static void collect(void *arg, int32_t level, const char *origin, const char *text) {
    ck_assert_int_eq(level, RONDO_LOG_INFO);
    ck_assert_ptr_nonnull(strstr(origin, "logs.so"));
    char *lines = arg;
    const size_t used = strlen(lines);
    snprintf(lines + used, 4096 - used, "%s;", text);
}

START_TEST(a_program_that_embeds_rondo_gets_the_lines_of_its_run) {
    const char *arguments = "train logs_e.yaml --plugin ./logs.so --out trained";
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    char error[1024], lines[4096] = "";
    rondo_run *run = rondo_run_open(sandbox_path("trained"), 1, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    const char *texts[] = {"the soup"};
    float predictions[2];
    ck_assert_int_eq(rondo_run_predict(run, texts, 1, predictions, error, sizeof error), RONDO_OK);
    rondo_run_set_log(run, collect, lines);
    ck_assert_int_eq(rondo_run_predict(run, texts, 1, predictions, error, sizeof error), RONDO_OK);
    assert_parts("predict", lines, "op forward;|loss predict;");
    lines[0] = '\0';
    rondo_run_set_log(run, NULL, NULL);
    ck_assert_int_eq(rondo_run_predict(run, texts, 1, predictions, error, sizeof error), RONDO_OK);
    ck_assert_str_eq(lines, "");
    rondo_run_close(run);
}
END_TEST

START_TEST(a_program_that_trains_gets_the_lines_of_its_experiment) {
    char error[1024], lines[4096] = "";
    char *text = sandbox_memory(2048);
    snprintf(text, 2048, "%splugins: [./logs.so]\n", experiment);
    sandbox_write("trained.yaml", text);
    rondo_experiment *opened = rondo_experiment_open(sandbox_path("trained.yaml"), NULL, 1, error, sizeof error);
    ck_assert_msg(opened != NULL, "%s", error);
    rondo_experiment_set_log(opened, collect, lines);
    const rondo_status status = rondo_experiment_train(opened, sandbox_path("by_api"), NULL, NULL, error, sizeof error);
    ck_assert_msg(status == RONDO_OK, "%s", error);
    assert_parts("train", lines, "optimizer choose_slot;|schedule factor;|op forward;|loss record;");
    rondo_experiment_close(opened);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("log");
    TCase *cases = tcase_create("log");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, verbose_prints_all_lines_and_without_it_there_are_none, 0, ROWS(verbose_rows));
    tcase_add_loop_test(cases, a_check_of_a_plugin_prints_what_that_logs_and_does_not_take_it_for_printed_text, 0,
                        ROWS(checks));
    tcase_add_test(cases, a_program_that_embeds_rondo_gets_the_lines_of_its_run);
    tcase_add_test(cases, a_program_that_trains_gets_the_lines_of_its_experiment);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
