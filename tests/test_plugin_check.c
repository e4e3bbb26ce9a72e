/* tests/test_plugin_check.c: `rondo plugin check`: it finds the mistake of every bad plug-in of tests/plugins_bad, by
 * the right check and with the right reason, and every plug-in that Rondo ships passes without a warning.
 *
 * To add a bad plug-in, add its file, its name to tests/plugins_bad/meson.build, and a row to `bad`.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/kind.h"
#include "core/sanitizer.h"
#include "kit/shared.h"
#include "kit/subject.h"
#include "sandbox.h"
#include "tests/suite.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

/* ---- bad plug-ins ---- */

static const struct {
    const char *plugin, *check, *verdict, *parts; /* parts of the reason */
    const char *flags;                            /* further flags, or NULL */
} bad[] = {
    {"no_symbol", "exported_symbol", "failed", "does not export 'rondo_plugin'", NULL},
    {"second_symbol", "exported_symbol", "failed", "exports 'second_symbol', expected only 'rondo_plugin'", NULL},
    {"needs_rondo", "needs", "failed", "needs 'librondo.so|expected no library of Rondo:", NULL},
    {"needs_library", "needs", "warning", "needs 'libjansson.so|wherever the plug-in is used", NULL},
    {"prints", "imports", "warning", "uses 'printf', expected ctx->host->log", NULL},
    {"check_exits", "imports", "warning", "uses 'exit', expected return ctx->host->fail|, and uses 'stderr'", NULL},
    {"runs_constructor", "runs_no_code", "failed", "runs 1 function when it is loaded", NULL},
    {"runs_init", "runs_no_code", "failed", "runs a function when it is loaded (DT_INIT)", NULL},
    {"undefined_symbol", "loads", "failed", "cannot be linked: |a_function_that_nobody_has", NULL},
    {"wrong_fingerprint", "loads", "failed", "has fingerprint 0x", NULL},
    {"newer_abi_minor", "loads", "failed", "it needs a newer Rondo", NULL},
    {"op_without_gradient", "loads", "failed", "it has no gradient: 'map_grad' is missing", NULL},
    {"same_name_twice", "loads", "failed", "optimizer 'same_name_twice' of '|already exists", NULL},
    {"crashes_at_load", "loads", "failed", "crashed: segmentation fault", NULL},
    {"exits_at_load", "loads", "failed", "ended the process with exit status 3", NULL},
    {"loops_at_load", "loads", "failed", "did not end within 1 s", "--seconds 1"},
    {"name_of_builtin", "unique_names", "failed", "op 'tanh' is built in, expected another name", NULL},
    {"duplicate_name", "unique_names", "warning", "/plugins/optimizers/sgd.so also has optimizer 'sgd'", NULL},
    {"slow_to_load", "listing_time", "failed", " ms to load, expected at most 100", NULL},

    {"choice_twice", "option_values", "failed", "'mode' has the choice 'fast' twice", NULL},
    {"choice_of_two_words", "option_values", "failed", "'mode' has the choice 'very fast', expected a word", NULL},
    {"range_without_integer", "option_values", "failed", "'period' does not accept 3, which is an end of its range",
     NULL},
    {"shared_field", "option_fields", "failed", "'first' and 'second' are both stored in byte 0", NULL},
    {"endless_range", "option_ranges", "warning", "'lr' has the range [0, 1.79769e+308], expected a range", NULL},
    {"help_is_key", "option_ranges", "warning", "'lr' has the help 'lr', expected a line", NULL},
    {"refuses_defaults", "option_check", "failed", "does not accept the defaults: lr is below 1", NULL},
    {"refuses_silently", "option_check", "failed", "refuses 'lr=0' with 'invalid input: failed and did not say", NULL},
    {"check_writes", "option_check", "failed", "it wrote to the options", NULL},
    {"check_crashes", "option_check", "failed", "crashed: segmentation fault", NULL},
    {"check_exits", "option_check", "failed", "ended the process with exit status 7|printed 'this cannot be'", NULL},
    {"check_aborts", "option_check", "failed", "crashed: abort", NULL},
    {"prints", "prints", "warning", "while 'option_check' ran, it printed 'lr is 0.1, / which is fine",
     "--only option_check"},

    {"op_two_samples", "samples", "failed", "only 2 samples, expected 3 or more", NULL},
    {"op_without_lengths", "samples", "failed", "RONDO_OP_SEQUENCES is set, and 'sample_lengths' is missing", NULL},
    {"op_lengths_too_long", "samples", "failed",
     "case 1: sample_lengths gives sequence 2 of input 1 4 elements, expected 0 to 3", NULL},
    {"op_unknown_status", "status", "failed", "a scalar as input: infer returned 77, expected one of rondo_status_code",
     NULL},
    {"op_refuses_quietly", "status", "failed", "infer failed and did not say why", NULL},
    {"op_crashes", "stays_inside", "failed", "crashed: segmentation fault", NULL},
    {"op_loops", "stays_inside", "failed", "did not end within 1 s", "--seconds 1"},
    {"op_writes_past_output", "stays_inside", "failed", "forward wrote outside 'output'", NULL},
    {"op_writes_past_saved", "stays_inside", "failed", "forward wrote outside 'saved'", NULL},
    {"op_writes_input", "stays_inside", "failed", "backward wrote to 'input 0', which is read-only", NULL},
    {"op_writes_past_output", "zero_size", "failed", "segmentation fault;|it touched memory past the end of 'output'",
     NULL},
    {"op_skips_output", "writes_all", "failed", "output, element 11 is not written", NULL},
    {"op_gives_nan", "finite", "failed", "output, element |nan", NULL},
    {"op_hides_random", "deterministic", "failed", "draws some, but RONDO_OP_RANDOM is not set", NULL},
    {"op_shares_words", "random_elements", "failed", "element 1 of the output depends on random word 0", NULL},
    {"wrong_gradient", "gradient", "failed", "the gradient is |, the difference ", NULL},
    {"op_slope_of_default", "gradient", "failed", ", with scale=|: the gradient is |, the difference ", NULL},
    {"op_overwrites_gradient", "gradient_adds", "failed", "expected the previous 0.25 plus ", NULL},
    {"op_needs_the_other", "one_gradient", "failed", "gradient of input 1, |is not requested", NULL},
    {"op_reads_more", "map_reads", "failed", "map_grad reads more than map_grad_reads declares", NULL},
    {"op_breaks_aliased", "aliasing", "failed", "if map writes over one of its inputs", NULL},
    {"op_saves_columns", "saves_rows", "failed", "if backward is called for some of the rows at a time", NULL},
    {"op_reads_across", "sequences", "failed",
     "case 0, f64, training: gradient of input 0, sequence 0, element 4: |, but | without the other sequences: they "
     "are "
     "not independent",
     NULL},
    {"op_ignores_begin", "sequences", "failed",
     "case 0, f64, training: output, element 0 is in no sequence, and forward writes it", NULL},
    {"op_reads_output", "sequences", "failed", "crashed: segmentation fault", NULL},
    {"op_loses_shared", "gradient", "failed",
     "case 0, sequences that share elements: input 1, element |: the gradient is |, the difference ", NULL},
    {"op_wrong_role", "role", "failed", "the role promises y = a + b, but element 0 is ", NULL},
    {"op_divides_by_size", "zero_size", "failed", "crashed: arithmetic trap", NULL},
    {"op_ignores_no_memory", "no_memory", "failed", "crashed: segmentation fault", NULL},
    {"op_forgets_no_memory", "no_memory", "failed",
     "allocation 1 was refused, and the run ended in 'ok', expected 'out of memory'", NULL},
    {"op_keeps_global", "threads", "failed", "of the plug-in's global variables, which all threads share", NULL},
    {"op_shares_scratch", "threads", "failed", "if another thread calls the op in the middle", NULL},
    {"op_leaks", "leaks", "failed", "a call of infer, forward and backward leaves | bytes of malloc on the heap", NULL},
    {"op_crashes_at_end", "options_ends", "failed", "crashed: segmentation fault", NULL},
    {"op_breaks_at_end", "options_ends", "warning", ", with scale=0: result 'output' is not finite: a narrower", NULL},
    {"op_ignores_option", "options_used", "warning", "option 'scale' changes nothing", NULL},
    {"op_keeps_first_option", "first_call", "failed", "with scale=| after a call with the defaults", NULL},

    {"optimizer_slot_like_nothing", "slots", "failed", "of a parameter [] is [2], expected [0] or []", NULL},
    {"optimizer_unknown_status", "status", "failed", "step returned 24, expected one of rondo_status_code", NULL},
    {"optimizer_crashes", "stays_inside", "failed", "crashed: segmentation fault", NULL},
    {"optimizer_loops", "stays_inside", "failed", "did not end within 1 s", "--seconds 1"},
    {"optimizer_writes_past_slot", "stays_inside", "failed",
     "parameter [4, 6], f32: step wrote outside 'slot velocity'", NULL},
    {"optimizer_writes_gradient", "stays_inside", "failed", "step wrote to 'gradient', which is read-only", NULL},
    {"optimizer_divides_by_size", "zero_size", "failed", "crashed: arithmetic trap", NULL},
    {"optimizer_reverses_f64", "dtypes", "failed", " in f32 and | in f64 after three updates", NULL},
    {"optimizer_takes_integers", "integers", "failed", "accepted a parameter of integers (i32)", NULL},
    {"optimizer_gives_nan", "finite", "failed", "is not finite after 100 updates with gradients of about 0", NULL},
    {"optimizer_keeps_global", "deterministic", "failed",
     "the same run again, with calls on other data in between (a static variable?)", NULL},
    {"optimizer_couples_elements", "slices", "failed",
     "RONDO_OPTIMIZER_ELEMENTWISE is set, but a whole parameter and its slices differ", NULL},
    {"optimizer_catches_up_once", "catch_up", "failed",
     "slot average[0] is | after updates 4 to 8 with step, and | with catch_up", NULL},
    {"optimizer_skips_momentum", "skips_zeros", "failed",
     "skips_zeros returns 1, but 'value' of element 1, whose gradient is 0, changes at update 4", NULL},
    {"optimizer_keeps_global", "threads", "failed", "bytes of the plug-in's global variables, which all threads share",
     NULL},
    {"optimizer_shares_scratch", "threads", "failed",
     "bytes of the plug-in's global variables, which all threads share", NULL},
    {"optimizer_keeps_global", "resume", "failed", "18 updates, and 11 that continue from 7 saved ones", NULL},
    {"optimizer_unused_slot", "resume", "warning", "setting the slots to zero makes no difference", NULL},
    {"optimizer_unused_second_slot", "resume", "warning", "setting slot 'spare' to zero makes no difference", NULL},
    {"optimizer_ignores_no_memory", "no_memory", "failed", "crashed: segmentation fault", NULL},
    {"optimizer_leaks", "leaks", "failed", "a run of 18 updates leaves | bytes of malloc on the heap", NULL},
    {"optimizer_breaks_at_end", "options_ends", "warning", ", with beta=1: result 'value' is not finite", NULL},
    {"optimizer_ignores_lr_scale", "lr_scale", "failed", "lr_scale 0 and 1 give the same value", NULL},
    {"optimizer_decays_unscaled", "lr_scale", "warning", "after five updates with weight_decay=0.1", NULL},
    {"optimizer_keeps_first_option", "first_call", "failed", "with lr=| after a call with the defaults", NULL},
    {"optimizer_wrong_sign", "descends", "failed", "times its initial value|(the wrong sign?)", NULL},
    {"optimizer_never_moves", "descends", "failed", "is 1 times its initial value", NULL},

    {"loss_takes_nothing", "output_size", "failed", "refuses classes, numbers and lists;|expected others", NULL},
    {"loss_fails_quietly", "status", "failed", "record failed and did not say why", NULL},
    {"loss_reads_past_targets", "stays_inside", "failed",
     "crashed: segmentation fault;|it touched memory past the end of 'targets'", NULL},
    {"loss_wrong_shape", "record", "failed", "record returned losses [], f64, expected [16], f64: one for each row",
     NULL},
    {"loss_chooses_past_end", "record", "failed", "choose_outputs gives a list of 1 outputs with |, expected 0 to |",
     NULL},
    {"loss_loses_gradient", "gradient", "failed",
     "the gradient with respect to element |, expected the central difference", NULL},
    {"loss_couples_rows", "rows", "failed", "needs RONDO_LOSS_COUPLES_ROWS", NULL},
    {"loss_skips_prediction", "predict", "failed", "f32: prediction 0 of row 15 is not written", NULL},
    {"loss_crosses_quantiles", "quantile", "failed", "f32: the quantile 0.025 of number 0 of row 0 is", NULL},
    {"loss_draws_together", "sample", "failed",
     "1 numbers per row, f32: row 1 draws |, and | without the other rows: it must", NULL},
    {"loss_draws_high", "sample", "failed",
     "1 numbers per row, f64: over 4096 draws the mean gradient of the loss with respect to output 0 is -|, expected 0 "
     "within ",
     NULL},
    {"loss_draws_narrow", "sample", "failed",
     "1 numbers per row, f64: of 4096 draws of number 0, a share of 0.00|is below the quantile 0.1", NULL},
    {"loss_predicts_infinity", "predict", "failed", "with outputs of 10000, 0 and -10000 a prediction is not a number",
     NULL},
    {"loss_overwrites_sums", "measure", "failed", "measure has to add", NULL},
    {"loss_measures_mean", "measure", "failed", "over a batch is |, and over its halves |(a mean instead of a sum?)",
     NULL},
    {"loss_overflows", "extremes", "failed", "f32: with outputs of 10000, 0 and -10000 a gradient is not a number",
     NULL},
    {"loss_goes_by_class", "class_range", "failed", "a target is class -1, and record ended in 'ok'", NULL},
    {"loss_keeps_global", "deterministic", "failed",
     "the same run again, with calls on other data in between (a static variable?)", NULL},
    {"loss_keeps_global", "threads", "failed", "bytes of the plug-in's global variables, which all threads share",
     NULL},
    {"loss_leaks", "leaks", "failed", "a batch leaves | bytes of malloc on the heap", NULL},
    {"loss_forgets_no_memory", "no_memory", "failed", "allocation 1 was refused, and the run ended in 'ok'", NULL},
    {"loss_breaks_at_end", "options_ends", "warning", ", with scale=0: result 'losses' is not finite", NULL},
    {"loss_keeps_first_option", "first_call", "failed", "with scale=| after a call with the defaults", NULL},

    {"schedule_loops", "status", "failed", "did not end within 1 s", "--seconds 1"},
    {"schedule_writes_state", "stays_inside", "failed", "factor wrote to 'state', which is read-only", NULL},
    {"schedule_writes_past_state", "stays_inside", "failed", "observe wrote outside 'state'", NULL},
    {"schedule_gives_nan", "finite", "failed", "the factor of update 3 in a run of 1 |nan, expected a finite number",
     NULL},
    {"schedule_goes_negative", "finite", "failed", "is -0.1, expected a finite number, 0 or more", NULL},
    {"schedule_forgets_factor", "finite", "failed", "the factor of update 2 in a run of 1 (1 per epoch) is nan", NULL},
    {"schedule_keeps_global", "pure", "failed", "two runs, one after the other (a static variable?)", NULL},
    {"schedule_diverges", "observe", "failed", "nan, expected a finite number", NULL},
    {"schedule_ignores_direction", "observe", "warning",
     "(from -100 on, higher is better), and the factor after epoch |is 0.1, without a metric 1", NULL},
    {"schedule_loses_state", "resume", "failed", "70 updates, and 39 that continue from 31 saved ones", NULL},
    {"schedule_keeps_global", "threads", "failed", "bytes of the plug-in's global variables, which all threads share",
     NULL},
    {"schedule_forgets_no_memory", "no_memory", "failed", "allocation 1 was refused, and the run ended in 'ok'", NULL},
    {"schedule_leaks", "leaks", "failed", "a run leaves | bytes of malloc on the heap", NULL},
    {"schedule_breaks_at_end", "options_ends", "failed", ", with decay=1: the factor of update 1 in a run of |is inf",
     NULL},
    {"schedule_keeps_first_option", "first_call", "failed", "with rate=| after a call with the defaults", NULL},

    {"metric_takes_nothing", "targets", "failed", "declares a kind of targets and refuses all of them|expected others",
     NULL},
    {"metric_fails_quietly", "status", "failed", "measure failed and did not say why", NULL},
    {"metric_writes_predictions", "stays_inside", "failed", "measure wrote to 'predictions', which is read-only", NULL},
    {"metric_divides_in_place", "stays_inside", "failed", "finish wrote to 'errors', which is read-only", NULL},
    {"metric_counts_nothing", "zero_size", "failed", "a part without rows|measure adds 1 to 'numbers'", NULL},
    {"metric_overwrites_sums", "measure", "failed", "measured on top of 1000 (measure has to add): 'errors'", NULL},
    {"metric_sums_means", "measure", "failed", "all rows, and the sum of two halves (a mean?): 'errors'", NULL},
    {"metric_follows_order", "order", "failed", "the last row first: 'errors' number 0 is ", NULL},
    {"metric_reads_past_text", "status", "failed", "touched memory past the end of ", NULL},
    {"metric_writes_texts", "stays_inside", "failed", "measure wrote to 'generated', which is read-only", NULL},
    {"metric_ignores_weights", "weights", "failed", "every row has weight 2: 'errors' number 0 is ", NULL},
    {"metric_gives_nan", "finish", "failed", "the value for 16 rows or more is |nan, expected a finite number", NULL},
    {"metric_skips_table", "finish", "failed", "row 0, column 1 of the table is not written", NULL},
    {"metric_wrong_direction", "better", "failed", "higher is better, and exact predictions have 0, random ones", NULL},
    {"metric_goes_by_class", "class_range", "failed", "a target is class -1, and measure ended in 'ok'", NULL},
    {"metric_keeps_global", "deterministic", "failed",
     "the same run again, with calls on other data in between (a static variable?)", NULL},
    {"metric_keeps_global", "threads", "failed", "bytes of the plug-in's global variables, which all threads share",
     NULL},
    {"metric_leaks", "leaks", "failed", "a part of the data leaves | bytes of malloc on the heap", NULL},
    {"metric_forgets_no_memory", "no_memory", "failed", "allocation 1 was refused, and the run ended in 'ok'", NULL},
    {"metric_breaks_at_end", "options_ends", "warning", ", with scale=0: the value is inf", NULL},
    {"metric_keeps_first_option", "first_call", "failed", "with scale=| after a call with the defaults", NULL},
};

/* The report on one file; valid until the one after the next. The exit status must be `status`; -1: what follows from
 * the counts. */
static const json_t *report_of(const char *file, const char *flags, int status) {
    char arguments[2048];
    json_error_t error;
    snprintf(arguments, sizeof arguments, "plugin check %s --json %s", file, flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    ck_assert_msg(outcome.err[0] == '\0', "%s: said '%s'", arguments, outcome.err);
    static json_t *reports[2];
    static int turn;
    turn = !turn;
    json_decref(reports[turn]);
    const json_t *report = reports[turn] = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(report != NULL, "%s: no JSON: %s in '%.500s'", arguments, error.text, outcome.out);
    const int failed = (int)json_integer_value(json_object_get(report, "failed"));
    assert_status(arguments, &outcome, status >= 0 ? status : failed > 0);
    return report;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "there is no text '%s'", key);
    return text;
}

static int integer_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "there is no integer '%s'", key);
    return (int)json_integer_value(value);
}

/* The first finding of a check with this verdict; NULL: none. */
static const json_t *find(const json_t *report, const char *check, const char *verdict) {
    const json_t *checks = json_object_get(report, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *finding = json_array_get(checks, i);
        if (strcmp(text_of(finding, "check"), check) == 0 && strcmp(text_of(finding, "verdict"), verdict) == 0) {
            return finding;
        }
    }
    return NULL;
}

/* In a build with sanitizers, a sanitizer may find the mistake of a plug-in before the check does, or the check is
 * skipped. */
static int is_caught_by_sanitizer(const json_t *report, const char *check) {
#if SANITIZER_ADDRESS || SANITIZER_THREAD
    const json_t *failed = find(report, check, "failed"), *skipped = find(report, check, "skipped");
    const char *reason = failed == NULL ? "" : text_of(failed, "reason");
    return strstr(reason, "Sanitizer") != NULL || strstr(reason, "runtime error") != NULL ||
           (skipped != NULL && strstr(text_of(skipped, "reason"), "sanitizer") != NULL);
#else
    (void)report, (void)check;
    return 0;
#endif
}

/* 1 for a fault that this processor does not have: arm64 divides integers by 0 without a trap. */
static int is_no_fault_here(int row) {
#if defined(__x86_64__)
    (void)row;
    return 0;
#else
    return strstr(bad[row].parts, "arithmetic trap") != NULL;
#endif
}

START_TEST(bad_plugin_is_caught) {
    char file[1024], flags[256];
    if (is_no_fault_here(_i)) {
        return;
    }
    snprintf(file, sizeof file, "%s/%s.so", variable("RONDO_TEST_BAD"), bad[_i].plugin);
    const char *more = bad[_i].flags == NULL ? "" : bad[_i].flags;
    const int has_only = strstr(more, "--only") != NULL;
    snprintf(flags, sizeof flags, "%s%s%s%s", has_only ? "" : "--only ", has_only ? "" : bad[_i].check,
             more[0] == '\0' ? "" : " ", more);
    const json_t *report = report_of(file, flags, -1);
    if (is_caught_by_sanitizer(report, bad[_i].check)) {
        return;
    }
    ck_assert_int_eq(integer_of(report, "failed") > 0, strcmp(bad[_i].verdict, "failed") == 0);
    const json_t *finding = find(report, bad[_i].check, bad[_i].verdict);
    ck_assert_msg(finding != NULL, "%s: '%s' did not say '%s': %s", bad[_i].plugin, bad[_i].check, bad[_i].verdict,
                  json_dumps(report, 0));
    assert_parts(bad[_i].plugin, text_of(finding, "reason"), bad[_i].parts);
}
END_TEST

/* ---- good plug-ins ---- */

/* Filled by main, which cannot report a failed assertion. If the variable is not set, the list is empty, and a test
 * fails. */
static glob_t paths;
static const char *shipped[256];
static int n_shipped;

/* Links are left out: they are other names of files in the list. */
static void find_shipped(void) {
    const char *folder = getenv("RONDO_TEST_PLUGINS");
    char pattern[1024];
    snprintf(pattern, sizeof pattern, "%s/*/*.so", folder == NULL ? "" : folder);
    if (glob(pattern, 0, NULL, &paths) != 0) {
        return;
    }
    for (size_t i = 0; i < paths.gl_pathc && n_shipped < ROWS(shipped); i++) {
        struct stat about;
        if (lstat(paths.gl_pathv[i], &about) == 0 && S_ISREG(about.st_mode)) {
            shipped[n_shipped++] = paths.gl_pathv[i];
        }
    }
}

START_TEST(there_are_shipped_plugins) {
    ck_assert_int_ge(n_shipped, 6);
    ck_assert_int_lt(n_shipped, ROWS(shipped));
}
END_TEST

START_TEST(shipped_plugin_passes_without_a_warning) {
    const json_t *report =
        report_of(shipped[_i], is_emulated() ? "--seconds 600" : "", 0); /* muon takes more than 20 there */
    ck_assert_msg(integer_of(report, "warnings") == 0, "%s", json_dumps(report, JSON_INDENT(1)));
    ck_assert_int_eq(integer_of(report, "failed"), 0);
    ck_assert_int_ge(integer_of(report, "passed"), 6);
}
END_TEST

/* ---- the command ---- */

/* @B is the folder of the bad plug-ins, @P that of the shipped ones. */
static const struct {
    const char *arguments;
    int status;
    const char *out, *err; /* parts of the output */
} calls[] = {
    {"plugin", 2, "", "usage: rondo plugin ACTION|check "},
    {"plugin --help", 0, "usage: rondo plugin ACTION|check ", ""},
    {"plugin chekc a.so", 2, "", "unknown action 'chekc' (did you mean 'check'?)"},
    {"plugin check", 2, "", "an argument is missing|usage: rondo plugin check FILE.so"},
    {"plugin check --help", 0, "usage: rondo plugin check FILE.so|--only CHECK|--seed N|--seconds N|--json", ""},
    {"plugin check nothing.so", 2, "", "cannot read 'nothing.so': No such file or directory"},
    {"plugin check .", 2, "", "cannot read '.': it is not a regular file"},
    {"plugin check text.so", 2, "", "'text.so' is not an ELF file, expected a shared object"},
    {"plugin check empty.so", 2, "", "'empty.so' is not an ELF file"},
    {"plugin check cut.so", 1, "FAIL  loads: plug-in 'cut.so' |; rondo plugin check --explain loads\n", ""},
    {"plugin check open.so", 1, "FAIL  loads: plug-in 'open.so' is refused: everybody may write to it", ""},
    {"plugin check @P/ops/swish.so --only lods", 2, "", "unknown check 'lods' (did you mean 'loads'?)"},
    {"plugin check @P/ops/swish.so --jsno", 2, "", "unknown flag '--jsno' (did you mean '--json'?)"},
    {"plugin check @P/ops/swish.so --seconds 0", 2, "", "--seconds expects a number from 1 to 4096"},
    {"plugin check @P/ops/swish.so --only loads", 0,
     "/swish.so\n  ok    loads\n|/swish.so: 1 passed, 0 warnings, 0 FAILED, 0 skipped, ", ""},
    {"plugin check @P/ops/swish.so --only option_values", 0, "op swish\n  ok    option_values\n|: 1 passed", ""},
    {"plugin check @P/ops/swish.so @P/optimizers/sgd.so --only loads", 0, "/swish.so: 1 passed|/sgd.so: 1 passed", ""},
    {"plugin check nothing.so @P/ops/swish.so --only loads", 2, "/swish.so: 1 passed", "cannot read 'nothing.so'"},
    {"plugin check @B/needs_rondo.so @P/ops/swish.so --only needs", 1,
     "FAIL  needs: |/needs_rondo.so: 0 passed, 0 warnings, 1 FAILED|/swish.so: 1 passed", ""},
    {"plugin check @B/undefined_symbol.so --only option_values", 1, "FAIL  loads: |1 FAILED", ""},
    {"plugin check @B/endless_range.so --only option_ranges", 0,
     "  warn  option_ranges: |; rondo plugin check --explain option_ranges\n|0 passed, 1 warning, 0 FAILED", ""},
    {"plugin check @B/refuses_defaults.so --only option_check", 1,
     "optimizer refuses_defaults\n  FAIL  option_check: |; rondo plugin check --explain option_check\n", ""},

    {"plugin check @P/ops/swish.so --only needs --only loads", 0, "ok    needs\n  ok    loads\n|: 2 passed", ""},
    {"plugin check @P/ops/swish.so --only slots", 2, "", "no descriptor of '|/swish.so' has the check 'slots'"},
    {"plugin check @P/ops/swish.so --only loads --only slots", 2, "ok    loads\n", "has the check 'slots'"},
    {"plugin check @B/undefined_symbol.so --only slots", 1, "FAIL  loads: |1 FAILED", ""},
    {"plugin check @P/losses/softmax_cross_entropy.so --only option_check", 0,
     "skip  option_check: it does not apply here\n|0 passed, 0 warnings, 0 FAILED, ", ""},
    {"plugin check @P/ops/swish.so --only prints", 2, "", "'prints' is reported while other checks run"},
    {"plugin check @P/ops/swish.so --only lods --only slts", 2, "", "mean 'loads'?)|mean 'slots'?)"},
    {"plugin check @B/loops_at_load.so --only loads --seconds 1", 1,
     "did not end within 1 s; --seconds sets a longer limit", ""},
    {"plugin check nothing.so --json", 2, "{\"file\": \"nothing.so\", \"error\": \"cannot read 'nothing.so': No such",
     "cannot read 'nothing.so'"},
    {"plugin check text.so --json", 2, "\"error\": \"'text.so' is not an ELF file|\"checks\": []", "not an ELF file"},
    {"plugin check @B/endless_range.so --only option_ranges --json", 0,
     "\"error\": null|\"verdict\": \"warning\"|\"doc\": \"docs/plugin-abi.md#option_ranges\"", ""},
#if !SANITIZER_ADDRESS && !SANITIZER_THREAD /* which report each crash in their own words */
    {"plugin check @B/op_crashes.so", 1,
     "FAIL  status: crashed: segmentation fault;|FAIL  status: … and |more checks end the same way: stays_inside, |\n",
     ""},
#endif
    {"plugin check --explain map_reads", 0, "map_reads\n  op: map_grad reads no more|\n\nIf `map_grad_reads[k]`", ""},
    {"plugin check --explain prints", 0, "prints\n|Nothing was written to standard output", ""},
    {"plugin check --explain list", 0, "file\n  exported_symbol |\nop\n|\nschedule\n|\nmetric\n|  prints ", ""},
    {"plugin check --explain map_read", 2, "", "unknown check 'map_read' (did you mean 'map_reads'?)|\nop\n  samples "},
    {"plugin check --explain", 2, "", "a value is missing after '--explain'"},
};

/* Copies arguments, with the folders filled in. */
static void expand(const char *arguments, char *text, size_t size) {
    size_t used = 0;
    for (const char *at = arguments; *at != '\0' && used + 1 < size; at++) {
        if (at[0] == '@') {
            const char *folder = variable(*++at == 'B' ? "RONDO_TEST_BAD" : "RONDO_TEST_PLUGINS");
            used += (size_t)snprintf(text + used, size - used, "%s", folder);
        } else {
            text[used++] = *at;
        }
    }
    text[used] = '\0';
}

static void setup(void) {
    char file[1024];
    size_t size;
    sandbox_open();
    sandbox_write("text.so", "not a shared object\n");
    sandbox_write("empty.so", "");
    snprintf(file, sizeof file, "%s/ops/swish.so", variable("RONDO_TEST_PLUGINS"));
    const char *bytes = sandbox_read(file, &size);
    sandbox_write_bytes("cut.so", bytes, size / 2);
    sandbox_write_bytes("open.so", bytes, size);
    chmod(sandbox_path("open.so"), 0666);
}

START_TEST(call_is_answered) {
    char arguments[2048];
    expand(calls[_i].arguments, arguments, sizeof arguments);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, calls[_i].status);
    assert_parts(arguments, outcome.out, calls[_i].out);
    assert_parts(arguments, outcome.err, calls[_i].err);
    ck_assert_msg(calls[_i].out[0] != '\0' || outcome.out[0] == '\0', "%s: printed '%s'", arguments, outcome.out);
    ck_assert_msg(calls[_i].err[0] != '\0' || outcome.err[0] == '\0', "%s: said '%s'", arguments, outcome.err);
}
END_TEST

/* The counts agree with the list, and every finding is complete. */
START_TEST(json_has_every_check) {
    char file[1024];
    snprintf(file, sizeof file, "%s/check_exits.so", variable("RONDO_TEST_BAD"));
    const json_t *report = report_of(file, "", 1), *checks = json_object_get(report, "checks");
    static const char *const counts[] = {"passed", "warnings", "failed", "skipped"};
    static const char *const verdicts[] = {"passed", "warning", "failed", "skipped"};
    ck_assert_str_eq(text_of(report, "file"), file);
    ck_assert(json_is_real(json_object_get(report, "seconds")));
    for (int v = 0; v < ROWS(counts); v++) {
        int count = 0;
        for (size_t i = 0; i < json_array_size(checks); i++) {
            const json_t *finding = json_array_get(checks, i);
            count += strcmp(text_of(finding, "verdict"), verdicts[v]) == 0;
            ck_assert(json_is_real(json_object_get(finding, "seconds")));
            ck_assert_ptr_nonnull(text_of(finding, "reason"));
        }
        ck_assert_int_eq(count, integer_of(report, counts[v]));
    }
    const json_t *loads = find(report, "loads", "passed"), *check = find(report, "option_check", "failed");
    ck_assert(loads != NULL && check != NULL);
    ck_assert_str_eq(text_of(loads, "kind"), "file");
    ck_assert_str_eq(text_of(loads, "name"), "");
    ck_assert_str_eq(text_of(check, "kind"), "optimizer");
    ck_assert_str_eq(text_of(check, "name"), "check_exits");
}
END_TEST

/* The same seed gives the same report, except for times. */
START_TEST(report_can_be_repeated) {
    char file[1024];
    snprintf(file, sizeof file, "%s/ops/swish.so", variable("RONDO_TEST_PLUGINS"));
    const json_t *first = json_object_get(report_of(file, "--seed 5", 0), "checks");
    const json_t *second = json_object_get(report_of(file, "--seed 5", 0), "checks");
    ck_assert_uint_eq(json_array_size(first), json_array_size(second));
    for (size_t i = 0; i < json_array_size(first); i++) {
        const json_t *a = json_array_get(first, i), *b = json_array_get(second, i);
        ck_assert_str_eq(text_of(a, "check"), text_of(b, "check"));
        if (strcmp(text_of(a, "check"), "listing_time") != 0) {
            ck_assert_str_eq(text_of(a, "reason"), text_of(b, "reason"));
        }
    }
}
END_TEST

/* ---- interruptions ---- */

/* The number of processes with this in their command line; zombies have no command line. */
static int count_processes(const char *part) {
    glob_t found;
    int count = 0;
    ck_assert_int_eq(glob("/proc/[0-9]*/cmdline", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char text[4096];
        FILE *stream = fopen(found.gl_pathv[i], "rb");
        const size_t size = stream == NULL ? 0 : fread(text, 1, sizeof text - 1, stream);
        for (size_t k = 0; k < size; k++) {
            text[k] = text[k] == '\0' ? ' ' : text[k];
        }
        text[size] = '\0';
        count += strstr(text, part) != NULL;
        if (stream != NULL) {
            fclose(stream);
        }
    }
    globfree(&found);
    return count;
}

/* Waits until the number of processes is `wanted`; 0 if that does not happen. */
static int wait_for_processes(const char *part, int wanted) {
    const struct timespec moment = {0, 10000000};
    for (int i = 0; i < 3000; i++) {
        if (count_processes(part) == wanted) {
            return 1;
        }
        nanosleep(&moment, NULL);
    }
    return 0;
}

/* A check in an endless loop ends with the command, however the command ends. */
static void end_by(int number) {
    char file[1100];
    sandbox_copy(sandbox_path("%s/loops_at_load.so", variable("RONDO_TEST_BAD")), "ends.so");
    snprintf(file, sizeof file, "%s", sandbox_path("ends.so"));
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL && freopen(sandbox_path("said"), "w", stderr) != NULL) {
            execl(variable("RONDO_PROGRAM"), "rondo", "plugin", "check", file, "--only", "loads", "--seconds", "4000",
                  (char *)NULL);
        }
        _exit(127);
    }
    ck_assert_msg(wait_for_processes(file, 2), "the command and its child do not run");
    kill(pid, number);
    int wait_status = 0;
    ck_assert_int_eq(waitpid(pid, &wait_status, 0), pid);
    ck_assert(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == number);
    ck_assert_msg(wait_for_processes(file, 0), "the child runs on");
    const char *said = sandbox_read(sandbox_path("said"), NULL);
    ck_assert_str_eq(said, number == SIGINT ? "rondo: interrupted before all checks were done\n" : "");
}

static const int ends[] = {SIGINT, SIGTERM, SIGKILL};
START_TEST(child_dies_with_the_command) {
    end_by(ends[_i]);
}
END_TEST

/* ---- the page ---- */

/* 1 if there is a line "### name". */
static int has_section(const char *page, const char *name) {
    char heading[128];
    snprintf(heading, sizeof heading, "\n### %s\n", name);
    return strstr(page, heading) != NULL;
}

START_TEST(every_check_has_a_section) {
    const struct kit_check *const tables[] = {kit_file_checks,      kit_option_checks, kit_op_checks,
                                              kit_optimizer_checks, kit_loss_checks,   kit_schedule_checks,
                                              kit_metric_checks};
    const char *page = sandbox_read(sandbox_path("%s/docs/plugin-abi.md", variable("RONDO_SOURCE")), NULL);
    ck_assert_msg(has_section(page, "prints"), "docs/plugin-abi.md has no section 'prints'");
    for (int t = 0; t < ROWS(tables); t++) {
        ck_assert_msg(tables[t]->name != NULL, "table %d has no checks", t);
        for (const struct kit_check *check = tables[t]; check->name != NULL; check++) {
            ck_assert_msg(has_section(page, check->name), "docs/plugin-abi.md has no section '%s'", check->name);
            ck_assert_msg(strlen(check->summary) > 10, "'%s' has no summary", check->name);
            for (const struct kit_check *earlier = tables[t]; earlier < check; earlier++) {
                ck_assert_msg(strcmp(earlier->name, check->name) != 0, "'%s' is listed twice in its table",
                              check->name);
            }
        }
    }
}
END_TEST

/* The text of a section ends before the next one; this includes the last section of a chapter, and of the page. */
START_TEST(explanation_is_one_section) {
    static const char *const names[] = {"prints",   "threads",     "leaks",   "role",
                                        "lr_scale", "class_range", "observe", "better"};
    for (int i = 0; i < ROWS(names); i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "plugin check --explain %s", names[i]);
        const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
        assert_status(arguments, &outcome, 0);
        ck_assert_msg(strstr(outcome.out, "\n#") == NULL, "%s: printed '%s'", arguments, outcome.out);
        ck_assert_msg(strlen(outcome.out) > 150, "%s: printed '%s'", arguments, outcome.out);
        for (const char *line = outcome.out; *line != '\0'; line += strcspn(line, "\n") + 1) {
            ck_assert_msg(strcspn(line, "\n") <= 102, "%s: a long line, '%s'", arguments, line); /* bytes */
        }
    }
}
END_TEST

/* For each shared check, a kind either has it or gives the reason why it does not apply, but never both. */
START_TEST(kind_has_every_shared_check) {
    const int32_t kind = _i;
    const struct kind_checks all = checks_of_kind(kind);
    for (int i = 0; shared_check_names[i] != NULL; i++) {
        const char *name = shared_check_names[i], *reason = NULL;
        int count = 0;
        for (const struct kit_check *check = all.checks; check->name != NULL; check++) {
            count += strcmp(check->name, name) == 0;
        }
        for (const struct kind_omission *omission = all.kind->omissions; omission->check != NULL; omission++) {
            reason = strcmp(omission->check, name) == 0 ? omission->reason : reason;
        }
        ck_assert_msg(count == (reason == NULL), "kind '%s': check '%s' is %s, and its omission is %s", kind_name(kind),
                      name, count == 0 ? "missing" : "there", reason == NULL ? "not explained" : "explained");
        ck_assert_msg(reason == NULL || strlen(reason) > 10, "kind '%s' omits '%s' without a reason", kind_name(kind),
                      name);
    }
}
END_TEST

/* A plug-in of each kind that follows all rules and has options. Each shared check tests it, or says why not. */
START_TEST(shared_checks_look_at_every_kind) {
    static const char *const good[RONDO_KIND_COUNT] = {[RONDO_KIND_OP] = "ops/swish",
                                                       [RONDO_KIND_OPTIMIZER] = "optimizers/adam",
                                                       [RONDO_KIND_LOSS] = "losses/huber",
                                                       [RONDO_KIND_SCHEDULE] = "schedules/step",
                                                       [RONDO_KIND_METRIC] = "metrics/f1"};
    char file[1024];
    ck_assert_msg(good[_i] != NULL, "kind '%s' has no plug-in in this test", kind_name(_i));
    snprintf(file, sizeof file, "%s/%s.so", variable("RONDO_TEST_PLUGINS"), good[_i]);
    const json_t *report = report_of(file, "", 0);
    for (int i = 0; shared_check_names[i] != NULL; i++) {
        int is_omitted = 0;
        for (const struct kind_omission *omission = checks_of_kind(_i).kind->omissions; omission->check != NULL;
             omission++) {
            is_omitted |= strcmp(omission->check, shared_check_names[i]) == 0;
        }
        const json_t *skipped = find(report, shared_check_names[i], "skipped");
        ck_assert_msg(is_omitted || find(report, shared_check_names[i], "passed") != NULL ||
                          (skipped != NULL && text_of(skipped, "reason")[0] != '\0'),
                      "%s: nothing is reported of '%s'", file, shared_check_names[i]);
    }
}
END_TEST

/* Every check must find a mistake in at least one bad plug-in. */
START_TEST(every_check_catches_something) {
    const struct kit_check *const tables[] = {kit_file_checks,      kit_option_checks, kit_op_checks,
                                              kit_optimizer_checks, kit_loss_checks,   kit_schedule_checks,
                                              kit_metric_checks};
    for (int t = 0; t < ROWS(tables); t++) {
        for (const struct kit_check *check = tables[t]; check->name != NULL; check++) {
            int count = 0;
            for (int i = 0; i < ROWS(bad); i++) {
                count += strcmp(bad[i].check, check->name) == 0;
            }
            ck_assert_msg(count > 0, "no bad plug-in is caught by '%s'", check->name);
        }
    }
}
END_TEST

/* Each shared check finds a mistake in a bad plug-in of each kind, so the adapters connect it to the calls of the
 * plug-in. */
START_TEST(shared_check_catches_something_of_every_kind) {
    char prefix[32];
    const int length = snprintf(prefix, sizeof prefix, "%s_", kind_name(_i));
    for (int s = 0; shared_check_names[s] != NULL; s++) {
        int is_needed = 1, count = 0;
        for (const struct kind_omission *omission = checks_of_kind(_i).kind->omissions; omission->check != NULL;
             omission++) {
            is_needed &= strcmp(omission->check, shared_check_names[s]) != 0;
        }
        for (int i = 0; i < ROWS(bad); i++) {
            count +=
                strcmp(bad[i].check, shared_check_names[s]) == 0 && strncmp(bad[i].plugin, prefix, (size_t)length) == 0;
        }
        ck_assert_msg(count > 0 || !is_needed, "no bad plug-in of kind '%s' is caught by '%s'", kind_name(_i),
                      shared_check_names[s]);
    }
}
END_TEST

int main(void) {
    find_shipped();
    Suite *suite = suite_create("plugin_check");
    TCase *cases = tcase_create("plugin_check");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 240);
    tcase_add_loop_test(cases, bad_plugin_is_caught, 0, ROWS(bad));
    tcase_add_test(cases, there_are_shipped_plugins);
    tcase_add_loop_test(cases, shipped_plugin_passes_without_a_warning, 0, n_shipped);
    tcase_add_loop_test(cases, call_is_answered, 0, ROWS(calls));
    tcase_add_test(cases, json_has_every_check);
    tcase_add_test(cases, report_can_be_repeated);
    tcase_add_loop_test(cases, child_dies_with_the_command, 0, ROWS(ends));
    tcase_add_test(cases, every_check_has_a_section);
    tcase_add_test(cases, explanation_is_one_section);
    tcase_add_loop_test(cases, kind_has_every_shared_check, 0, RONDO_KIND_COUNT);
    tcase_add_loop_test(cases, shared_checks_look_at_every_kind, 0, RONDO_KIND_COUNT);
    tcase_add_test(cases, every_check_catches_something);
    tcase_add_loop_test(cases, shared_check_catches_something_of_every_kind, 0, RONDO_KIND_COUNT);
    suite_add_tcase(suite, cases);
    const int status = run_suite(suite);
    globfree(&paths);
    return status;
}
