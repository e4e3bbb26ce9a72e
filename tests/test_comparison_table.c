/* tests/test_comparison_table.c: the tables of a comparison in each form, and what its sentences claim. */
#define _DEFAULT_SOURCE /* strsep */
#include "compare/table.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/sentences.h"
#include "io/printable.h"
#include "tests/failing_allocator.h"
#include "tests/suite.h"

enum { SEEDS = 8, VARIANTS = 5 };

static struct arena *arena;
static struct errors errors;
static struct compared_run runs[VARIANTS][SEEDS];
static struct compared_metric metrics[VARIANTS][SEEDS][1];
static struct compared_variant variants[VARIANTS];
static int64_t seeds[SEEDS];

static void open_test(void) {
    arena = arena_create();
}

static void close_test(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static const struct compared_setting widths[] = {{.key = "model.layers.0.hidden", .text = "57"}},
                                     tuned[] = {{.key = "optimizer.lr", .text = "0.003"}};
static const char *const names[VARIANTS] = {"lstm", "gru", "rnn_tanh", "mgu", "elman"};

/* `n_variants` variants, `n_seeds` seeds; the scores of a variant are around `means`, and move together over the seeds. */
static struct comparison comparison_of(int32_t n_variants, int32_t n_seeds, const double *means) {
    static const double moves[SEEDS] = {0.008, -0.003, 0.001, 0.0045, -0.0065, 0.002, -0.0015, 0.0035};
    for (int v = 0; v < n_variants; v++) {
        for (int s = 0; s < n_seeds; s++) {
            seeds[s] = s + 1;
            metrics[v][s][0] = (struct compared_metric){"f1", 0.5};
            runs[v][s] = (struct compared_run){.seed = s + 1,
                                               .folder = "runs/x",
                                               .state = COMPARED_SCORED,
                                               .score = means[v] + moves[s] + (s + v) % 2 * 0.0005,
                                               .metrics = metrics[v][s],
                                               .n_metrics = 1,
                                               .valid = 0.75,
                                               .best_epoch = 2,
                                               .epochs = 3,
                                               .seconds = 10 + v,
                                               .seconds_per_epoch = 2.5 + v,
                                               .peak_memory = 100,
                                               .steps_to_target = v == 1 ? INFINITY : 500,
                                               .seconds_to_target = v == 1 ? INFINITY : 1.25};
        }
        variants[v] = (struct compared_variant){.name = names[v],
                                                .folder = names[v],
                                                .widths = widths,
                                                .n_widths = 1,
                                                .tuned = tuned,
                                                .n_tuned = v == 0,
                                                .parameters = 1000 + v,
                                                .flops = 2000 + v,
                                                .budget_ratio = 1 + 0.001 * v,
                                                .runs = runs[v]};
    }
    return (struct comparison){.name = "cells",
                               .file = "/somewhere/x.yaml",
                               .folder = "/somewhere/comparisons/cells",
                               .metric = "accuracy",
                               .higher_is_better = 1,
                               .part = "test",
                               .target = 0.75,
                               .equal = COMPARED_EQUAL_PARAMETERS,
                               .budget = 1000,
                               .baseline = "lstm",
                               .seeds = seeds,
                               .n_seeds = n_seeds,
                               .variants = variants,
                               .n_variants = n_variants,
                               .trials = 12};
}

static struct comparison_statistics statistics_of(const struct comparison *comparison) {
    struct comparison_statistics statistics;
    ck_assert_int_eq(comparison_statistics_compute(comparison, &statistics, arena, &errors), RONDO_OK);
    return statistics;
}

static const char *table_of(const struct comparison *comparison, enum comparison_form form, int with_measured) {
    const struct comparison_statistics statistics = statistics_of(comparison);
    const char *text = NULL;
    ck_assert_int_eq(comparison_table(comparison, &statistics, form, with_measured, &text, arena, &errors), RONDO_OK);
    return text;
}

static void assert_has(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

/* ---- forms ---- */

static const double three[] = {0.88, 0.9, 0.7};

/* Three variants, 8 seeds, a failed run: the example of all forms. */
static struct comparison example(void) {
    const struct comparison comparison = comparison_of(3, 8, three);
    runs[2][4].state = COMPARED_FAILED;
    runs[2][4].reason = "loss is not finite";
    return comparison;
}

static const char expected_text[] =
    "3 variants were trained with 8 seeds each and compared by accuracy on the test part, where higher is\n"
    "better. The widths were chosen for an equal number of parameters: 1000. The settings of each were\n"
    "chosen by 12 trials on the validation part.\n"
    "\n"
    "Scores: accuracy on the test part\n"
    "variant          seeds                     mean      sd  median     IQM    best   worst\n"
    "gru                  8  0.9012 [0.8975, 0.9049]  0.0045  0.9018  0.9015  0.9085  0.8940\n"
    "lstm                 8  0.8812 [0.8773, 0.8849]  0.0046  0.8818  0.8815  0.8880  0.8735\n"
    "rnn_tanh  7 (1 failed)  0.7024 [0.6991, 0.7057]  0.0037  0.7025  0.7022  0.7080  0.6975\n"
    "\n"
    "Against lstm, the baseline\n"
    "variant                   difference          P(better)  better in  p (Holm)\n"
    "gru         +0.0200 [0.0196, 0.0204]  1.00 [1.00, 1.00]     8 of 8    0.0156\n"
    "rnn_tanh  -0.1800 [-0.1800, -0.1800]  0.00 [0.00, 0.00]     0 of 7    0.0156\n"
    "\n"
    "Against gru, the best\n"
    "variant                   difference          P(better)  better in  p (Holm)\n"
    "lstm      -0.0200 [-0.0204, -0.0196]  0.00 [0.00, 0.00]     0 of 8    0.0156\n"
    "rnn_tanh  -0.1999 [-0.2004, -0.1995]  0.00 [0.00, 0.00]     0 of 7    0.0156\n"
    "\n"
    "Chosen settings\n"
    "variant   hidden  lr\n"
    "gru       57      -\n"
    "lstm      57      0.003\n"
    "rnn_tanh  57      -\n"
    "\n"
    "Size and cost (target: 0.75 on the validation part)\n"
    "variant   parameters  FLOPs per step  of the budget  steps to target  reached by\n"
    "gru             1001            2001          1.001            never      0 of 8\n"
    "lstm            1000            2000          1.000              500      8 of 8\n"
    "rnn_tanh        1002            2002          1.002              500      7 of 7\n"
    "\n"
    "Time and memory of training (medians over seeds)\n"
    "variant   s per epoch  memory (MB)  s to target\n"
    "gru              3.50          100        never\n"
    "lstm             2.50          100         1.25\n"
    "rnn_tanh         4.50          100         1.25\n"
    "\n"
    "gru has the best mean: its lead over lstm, 0.0200 [0.0196, 0.0204], holds in 8 of 8 seeds.\n"
    "Significantly better than the baseline lstm: gru. Significantly worse than the baseline lstm:\n"
    "rnn_tanh.\n"
    "1 run failed; such runs count in no number, and a difference is over the seeds that both variants\n"
    "have.\n"
    "\n"
    "In brackets: 95 % bootstrap intervals over seeds, which say nothing about other data. sd: standard\n"
    "deviation. IQM: interquartile mean. P(better): the probability that a run of the variant is better\n"
    "than a run of the other one. p: sign-flip test of the differences per seed, with Holm's correction;\n"
    "significant: at most 0.05.\n"
    "\n"
    "Runs without a score:\n"
    "  rnn_tanh, seed 5: loss is not finite\n";

START_TEST(the_text_for_a_terminal_is_as_written_here) {
    const struct comparison comparison = example();
    ck_assert_str_eq(table_of(&comparison, COMPARISON_TEXT, 1), expected_text);
}
END_TEST

/* Pieces of the other forms of the same comparison, separated by nothing but what is between them. */
static const struct {
    enum comparison_form form;
    const char *piece;
} pieces[] = {
    {COMPARISON_MARKDOWN, "**Scores: accuracy on the test part**\n\n"
                          "| variant | seeds | mean | sd | median | IQM | best | worst |\n"
                          "|:---|---:|---:|---:|---:|---:|---:|---:|\n"
                          "| gru | 8 | 0.9012 [0.8975, 0.9049] | 0.0045 | 0.9018 | 0.9015 | 0.9085 | 0.8940 |\n"},
    {COMPARISON_MARKDOWN, "| rnn_tanh | -0.1800 [-0.1800, -0.1800] | 0.00 [0.00, 0.00] | 0 of 7 | 0.0156 |\n"},
    {COMPARISON_MARKDOWN,
     "\n- gru has the best mean: its lead over lstm, 0.0200 [0.0196, 0.0204], holds in 8 of 8 seeds."},
    {COMPARISON_MARKDOWN, "\nRuns without a score:\n\n- rnn_tanh, seed 5: loss is not finite\n"},
    {COMPARISON_LATEX, "% gru has the best mean: its lead over lstm"},
    {COMPARISON_LATEX, "\\caption{3 variants were trained with 8 seeds each"},
    {COMPARISON_LATEX, "\\caption{Against lstm, the baseline.}\n"
                       "\\begin{tabular}{lrrrr}\n"
                       "\\toprule\n"
                       "variant & difference & P(better) & better in & p (Holm) \\\\\n"
                       "\\midrule\n"
                       "gru & +0.0200 [0.0196, 0.0204] & 1.00 [1.00, 1.00] & 8 of 8 & 0.0156 \\\\\n"
                       "rnn\\_tanh & $-$0.1800 [$-$0.1800, $-$0.1800] & 0.00 [0.00, 0.00] & 0 of 7 & 0.0156 \\\\\n"
                       "\\bottomrule\n"
                       "\\end{tabular}\n"},
    {COMPARISON_CSV,
     "variant,model.layers.0.hidden,optimizer.lr,scored,undefined,failed,open,mean,mean_low,mean_high,"
     "standard_deviation,median,interquartile_mean,interquartile_mean_low,interquartile_mean_high,best,worst,"
     "baseline_difference,baseline_difference_low,baseline_difference_high,baseline_improvement,"
     "baseline_improvement_low,baseline_improvement_high,baseline_pairs,baseline_better,baseline_worse,baseline_p,"
     "baseline_p_holm,best_difference,best_difference_low,best_difference_high,best_improvement,best_improvement_low,"
     "best_improvement_high,best_pairs,best_better,best_worse,best_p,best_p_holm,parameters,flops_per_step,"
     "budget_ratio,steps_to_target,runs_that_reach_target,seconds_per_epoch,peak_memory_megabytes,"
     "seconds_to_target\n"
     "gru,57,,8,0,0,0,0.90125,"},
    {COMPARISON_CSV, ",0.0078125,0.015625,,,,,,,0,0,0,,,1001,2001,1.001,inf,0,3.5,100,inf\n"
                     "lstm,57,0.003,8,0,0,0,0.88125,"},
    {COMPARISON_RUNS_CSV, "variant,model.layers.0.hidden,optimizer.lr,seed,state,reason,score,test.f1,valid,best_epoch,"
                          "epochs,steps_to_target,seconds,seconds_per_epoch,peak_memory_megabytes,seconds_to_target\n"
                          "lstm,57,0.003,1,scored,,0.888,0.5,0.75,2,3,500,10,2.5,100,1.25\n"},
    {COMPARISON_RUNS_CSV, "\nrnn_tanh,57,,5,failed,loss is not finite,"},
};

START_TEST(other_forms_are_as_written_here) {
    const struct comparison comparison = example();
    assert_has(table_of(&comparison, pieces[_i].form, 1), pieces[_i].piece);
}
END_TEST

/* The keys of the objects in JSON are the columns of the CSV files. */
START_TEST(json_has_the_columns_of_csv) {
    const struct comparison comparison = example();
    json_t *root = json_loads(table_of(&comparison, COMPARISON_JSON, 1), 0, NULL);
    ck_assert_ptr_nonnull(root);
    const struct {
        enum comparison_form form;
        const char *key;
        int in_settings; /* columns of settings that are in an object of their own */
    } lists[] = {{COMPARISON_CSV, "variants", 2}, {COMPARISON_RUNS_CSV, "runs", 2}};
    for (int i = 0; i < 2; i++) {
        const json_t *list = json_object_get(root, lists[i].key), *first = json_array_get(list, 0);
        const char *csv = table_of(&comparison, lists[i].form, 1);
        size_t lines = 0, missing = 0, columns = 0;
        for (const char *c = csv; *c != '\0'; c++) {
            lines += *c == '\n';
        }
        ck_assert_uint_eq(json_array_size(list), lines - 1);
        char *header = arena_strndup(arena, csv, strcspn(csv, "\n"));
        for (char *rest = header, *key; (key = strsep(&rest, ",")) != NULL; columns++) {
            missing += json_object_get(first, key) == NULL;
        }
        ck_assert_uint_eq(missing, 2);
        ck_assert_uint_eq(json_object_size(first), columns - 2 + (i == 0)); /* "settings" */
    }
    ck_assert(json_is_true(json_object_get(root, "final")));
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "against_best"), "reference")), "gru");
    json_decref(root);
}
END_TEST

START_TEST(only_the_last_columns_are_measured) {
    const struct comparison comparison = example();
    const enum comparison_form form = (enum comparison_form)_i;
    const char *with = table_of(&comparison, form, 1), *without = table_of(&comparison, form, 0);
    for (int v = 0; v < 3; v++) {
        for (int s = 0; s < SEEDS; s++) {
            runs[v][s].seconds *= 1.1;
            runs[v][s].seconds_per_epoch *= 1.2;
            runs[v][s].peak_memory += 50;
            runs[v][s].seconds_to_target *= 1.3;
        }
    }
    ck_assert_str_eq(table_of(&comparison, form, 0), without);
    ck_assert_str_ne(table_of(&comparison, form, 1), with);
    if (form == COMPARISON_CSV ||
        form == COMPARISON_RUNS_CSV) { /* each line of one is the beginning of that of the other */
        for (; *with != '\0'; with += strcspn(with, "\n") + 1, without += strcspn(without, "\n") + 1) {
            ck_assert_int_eq(strncmp(with, without, strcspn(without, "\n")), 0);
            ck_assert_int_eq(with[strcspn(without, "\n")], ',');
        }
    }
}
END_TEST

/* ---- names ---- */

/* How a name of a variant is written. */
static const struct {
    enum comparison_form form;
    const char *name, *written;
} escapes[] = {
    {COMPARISON_TEXT, "a\nb\x1b[31m", "\na\\nb\\x1b[31m "},
    {COMPARISON_TEXT, "bad \xff byte", "\nbad \\xff byte "},
    {COMPARISON_TEXT, "\xe4\xb8\xad\xe6\x96\x87", "\n\xe4\xb8\xad\xe6\x96\x87         8"}, /* 4 columns wide */
    {COMPARISON_TEXT, "e\xcc\x81", "\ne\xcc\x81            8"},                            /* 1 column */
    {COMPARISON_TEXT, "model.layers.0.cell=lstm, optimizer.lr=0.001", "\nmodel.layers.0…izer.lr=0.001  "},
    {COMPARISON_MARKDOWN, "a|b", "| a\\|b |"},
    {COMPARISON_MARKDOWN, "*x* _y_ `z` <b>", "| \\*x\\* \\_y\\_ \\`z\\` \\<b\\> |"},
    {COMPARISON_MARKDOWN, "[x](y)", "| [x]\\(y) |"},
    {COMPARISON_MARKDOWN, "- x", "\n- \\- x has the best"},
    {COMPARISON_MARKDOWN, "a\nb", "| a\\\\nb |"},
    {COMPARISON_LATEX, "a_b & 50% of $x#{}", "\na\\_b \\& 50\\% of \\$x\\#\\{\\} & 8"},
    {COMPARISON_LATEX, "\\input{x}~^", "\n\\textbackslash{}input\\{x\\}\\textasciitilde{}\\textasciicircum{} & 8"},
    {COMPARISON_LATEX, "[x]", "\n{[}x] & 8"},
    {COMPARISON_LATEX, "*", "\n{*} & 8"},
    {COMPARISON_LATEX, "a--b\n%", "% a--b\\n% has the best"},
    {COMPARISON_LATEX, "a--b", "\na-{}-b & 8"},
    {COMPARISON_CSV, "a,b", "\n\"a,b\",57"},
    {COMPARISON_CSV, "say \"x\"", "\n\"say \"\"x\"\"\",57"},
    {COMPARISON_CSV, "two\r\nlines", "\n\"two\r\nlines\",57"},
    {COMPARISON_CSV, " x", "\n\" x\",57"},
    {COMPARISON_CSV, "bad \xff", "\nbad \xef\xbf\xbd,57"},
    {COMPARISON_RUNS_CSV, "a,b", "\n\"a,b\",57"},
    {COMPARISON_JSON, "a\"\n\xff", "\"variant\": \"a\\\"\\n\xef\xbf\xbd\""},
};

START_TEST(names_are_escaped) {
    static const double equal[] = {0.9, 0.9};
    struct comparison comparison = comparison_of(2, 8, equal);
    comparison.baseline = NULL;
    variants[0].name = escapes[_i].name;
    runs[0][0].score += 0.001; /* it is the best */
    assert_has(table_of(&comparison, escapes[_i].form, 0), escapes[_i].written);
}
END_TEST

static int width_of_line(const char *line) {
    int width = 0;
    struct printable_character next;
    for (; *line != '\n' && (next = printable_next(line, 0)).taken > 0; line += next.taken) {
        width += next.width;
    }
    return width;
}

/* Wide names, large numbers, many chosen settings: the columns are divided over several tables. `_i` is the width of names. */
START_TEST(a_text_is_at_most_100_columns_wide) {
    static const double large[] = {123456, 234567};
    static const char *const keys[] = {"a.one", "a.two", "a.three", "a.four", "b.four", "b.five"};
    struct compared_setting many[ROWS(keys)];
    struct comparison comparison = comparison_of(2, 3, large);
    for (int k = 0; k < ROWS(keys); k++) {
        many[k] = (struct compared_setting){.key = keys[k], .text = arena_printf(arena, "%012d", k)};
    }
    variants[0].name = arena_printf(arena, "%0*d", _i, 1);
    variants[1].name = arena_printf(arena, "%0*d", _i, 2);
    variants[1].tuned = many;
    variants[1].n_tuned = ROWS(keys);
    const char *text = table_of(&comparison, COMPARISON_TEXT, 1);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        ck_assert_msg(width_of_line(line) <= 100, "%d columns: %.*s", width_of_line(line), (int)strcspn(line, "\n"),
                      line);
    }
    assert_has(text, "a.four"); /* not "four": there are two */
    assert_has_not(text, "a.three");
}
END_TEST

/* ---- sentences ---- */

/* What the sentences say for means of variants "lstm" (the baseline), "gru", "rnn_tanh", "mgu", "elman". */
static const struct {
    int32_t n_variants, n_seeds;
    double means[VARIANTS];
    const char *says; /* after the table, on one line */
    const char *says_not;
} results[] = {
    {1, 8, {0.9}, "lstm has a mean of 0.9012 [0.8973, 0.9049] over 8 seeds; there is no other variant", "significant"},
    {2,
     8,
     {0.9, 0.92},
     "gru is best: its lead over lstm, 0.0200 [0.0196, 0.0204], holds in 8 of 8 seeds, and the other "
     "variant is significantly worse.",
     "No difference"},
    {2, 8, {0.9, 0.9}, " has the same in the 8 seeds that both have.", "lead"},
    {2, 8, {0.9, 0.9}, "No difference to ", "significant:"},
    {5,
     8,
     {0.9, 0.92, 0.9201, 0.7, 0.6},
     "rnn_tanh has the best mean: its lead over gru, 0.0001 [-0.0003, 0.0005], holds in 4 of 8 seeds; this may be "
     "chance, as the interval includes 0. Significantly better than the baseline lstm: rnn_tanh and gru. Significantly "
     "worse than the baseline lstm: mgu and elman.",
     "is best"},
    {5,
     8,
     {0.9, 0.92, 0.9201, 0.7, 0.6},
     "Significantly better than the baseline lstm: rnn_tanh and gru. Significantly worse than the baseline lstm: mgu "
     "and elman.",
     "With 8 seeds"},
    {5,
     5,
     {0.9, 0.92, 0.7, 0.91, 0.6},
     "gru has the best mean: its lead over mgu, 0.0100 [0.0100, 0.0100], holds in 5 of 5 "
     "seeds. 2 of 4 other variants have a better mean than the baseline lstm. With 5 seeds "
     "no difference can be significant, even where an interval excludes 0: with so few seeds the test cannot give p < "
     "0.05, whatever the scores are; it takes at least 8 seeds for 4 comparisons.",
     "p (Holm)"},
    {2,
     5,
     {0.9, 0.9001},
     "holds in 3 of 5 seeds. No difference to gru can be told, as the interval includes 0: lstm. With 5 seeds",
     "Too few"},
    {2, 4, {0.9, 0.92}, "0.0200, holds in 4 of 4 seeds. With 4 seeds no difference can be significant; it takes", "["},
    {2,
     2,
     {0.9, 0.92},
     "its lead over lstm, 0.0200, holds in 2 of 2 seeds. With 2 seeds no difference can be significant; it "
     "takes at least 6 seeds for 1 comparison, and 5 for an interval.",
     "["},
    {2, 1, {0.9, 0.92}, "2 variants were trained with 1 seed each", "sd  "},
};

/* The text on one line. */
static char *joined(const char *text) {
    char *line = arena_strdup(arena, text);
    for (char *c = line; *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    return line;
}

START_TEST(the_result_is_stated) {
    const struct comparison comparison = comparison_of(results[_i].n_variants, results[_i].n_seeds, results[_i].means);
    const char *text = joined(table_of(&comparison, COMPARISON_TEXT, 0));
    assert_has(text, results[_i].says);
    char *note = strstr(text, " In brackets: ");
    ck_assert_ptr_nonnull(note);
    *note = '\0';
    assert_has_not(text, results[_i].says_not);
}
END_TEST

/* The interval comes first, and a sentence says where the test does not follow it. The seventh lead decides. */
static const struct {
    double lead;
    const char *says;
} disagreements[] = {
    {0.01, "lstm is best: its lead over gru, "},
    {-0.01, "holds in 6 of 8 seeds. The interval excludes 0, but the test is not significant against lstm: gru and "
            "rnn_tanh. "},
    {-0.05, "holds in 6 of 8 seeds. No difference to lstm can be told, as the interval includes 0: gru and rnn_tanh. "},
};

START_TEST(an_interval_and_a_test_may_disagree) {
    static const double equal[] = {0.9, 0.9, 0.9};
    static const double leads[] = {0.03, 0.03, 0.03, 0.005, 0.03, 0.03, 0, -0.005};
    const struct comparison comparison = comparison_of(3, 8, equal);
    for (int s = 0; s < SEEDS; s++) {
        runs[1][s].score = runs[0][s].score - (s == 6 ? disagreements[_i].lead : leads[s]);
        runs[2][s].score = runs[1][s].score;
    }
    assert_has(joined(table_of(&comparison, COMPARISON_TEXT, 0)), disagreements[_i].says);
}
END_TEST

START_TEST(what_makes_the_result_less_certain_is_said) {
    static const double means[] = {0.9, 0.8};
    struct comparison comparison = comparison_of(2, 8, means);
    const char *sizes = "The variants have from 435 to 807 parameters; `equal: parameters` gives them the same size.";
    const char *ends =
        "Most runs were still getting better at their last epoch, and with more epochs the result may be "
        "another one: gru.";
    comparison.variants[0].parameters = 435;
    comparison.variants[1].parameters = 807;
    ck_assert_ptr_null(strstr(joined(table_of(&comparison, COMPARISON_TEXT, 0)), sizes)); /* they were to be equal */
    comparison.equal = COMPARED_AS_GIVEN;
    comparison.variants[1].failed_trials = 2;
    static const struct compared_setting at_ends[] = {{"optimizer.lr", "0.1", COMPARED_LARGEST},
                                                      {"batch.size", "16", COMPARED_WITHIN},
                                                      {"schedule.clip_norm", "0.5", COMPARED_SMALLEST}};
    comparison.variants[0].tuned = comparison.variants[1].tuned = at_ends;
    comparison.variants[0].n_tuned = 2;
    comparison.variants[1].n_tuned = 3;
    for (int s = 0; s < SEEDS; s++) {
        runs[0][s].epochs = runs[1][s].epochs = 6;
        runs[0][s].valid = runs[1][s].valid = 0.8;
        runs[0][s].best_epoch = s < 4 ? 6 : 5; /* half of them are not most */
        runs[1][s].best_epoch = s < 5 ? 6 : 5;
    }
    const char *text = joined(table_of(&comparison, COMPARISON_TEXT, 0));
    assert_has(text, sizes);
    assert_has(text, "Trials that failed: 2 of gru.");
    assert_has(text,
               "Tuning chose values at an end of those it tried, and better ones may lie beyond: optimizer.lr 0.1 "
               "(the largest) of lstm, optimizer.lr 0.1 (the largest) of gru, schedule.clip_norm 0.5 (the "
               "smallest) of gru.");
    assert_has(text, ends);
}
END_TEST

START_TEST(a_better_mean_of_the_runs_that_did_not_fail_is_not_the_best) {
    static const double means[] = {0.9, 0.95};
    const struct comparison comparison = comparison_of(2, 8, means);
    runs[1][0].state = runs[1][1].state = COMPARED_FAILED;
    const char *text = joined(table_of(&comparison, COMPARISON_TEXT, 0));
    assert_has(text,
               "lstm is the best of the variants of which no run failed, but gru is ahead in the 6 seeds that both "
               "have.");
    assert_has(text, "2 runs failed");
}
END_TEST

START_TEST(a_loss_is_better_if_it_is_lower) {
    static const double losses[] = {0.32, 0.3};
    struct comparison comparison = comparison_of(2, 8, losses);
    comparison.higher_is_better = 0;
    comparison.metric = "loss";
    const char *text = joined(table_of(&comparison, COMPARISON_TEXT, 0));
    assert_has(text, "compared by loss on the test part, where lower is better.");
    assert_has(text, "gru is best: its lead over lstm, 0.0200 [0.0196, 0.0204], holds in 8 of 8 seeds");
    assert_has(text, "gru      -0.0200 [-0.0204, -0.0196]  1.00 [1.00, 1.00]     8 of 8    0.0078");
}
END_TEST

START_TEST(an_open_comparison_is_not_final) {
    const struct comparison comparison = example();
    runs[0][0].state = COMPARED_RUNNING;
    runs[0][1].state = COMPARED_FINISHED;
    static const char *const marks[] = {"Not final: 2 of 24 runs have no score yet.\n\n3 variants",
                                        "**Not final: 2 of 24 runs have no score yet.**\n\n3 variants",
                                        "\\caption{Not final: 2 of 24 runs have no score yet. 3 variants",
                                        NULL,
                                        NULL,
                                        "\"final\": false"};
    for (int form = 0; form < COMPARISON_FORMS; form++) {
        if (marks[form] != NULL) {
            assert_has(table_of(&comparison, (enum comparison_form)form, 1), marks[form]);
        }
    }
    assert_has(table_of(&comparison, COMPARISON_TEXT, 1), "6 (2 open)");
}
END_TEST

START_TEST(a_comparison_without_scores_is_a_table) {
    const struct comparison comparison = example();
    for (int v = 0; v < 3; v++) {
        for (int s = 0; s < SEEDS; s++) {
            runs[v][s].state = COMPARED_FAILED;
            runs[v][s].reason = "no memory, and\nmore";
            runs[v][s].score = NAN;
        }
    }
    for (int form = 0; form < COMPARISON_FORMS; form++) {
        assert_has(table_of(&comparison, (enum comparison_form)form, 1), "lstm");
    }
    const char *text = table_of(&comparison, COMPARISON_TEXT, 1);
    assert_has(text, "\nNo run has a score.\n");
    assert_has(text, "\n  rnn_tanh, seed 4: no memory, and\\nmore\n  and 4 more\n");
    assert_has_not(text, "nan");
}
END_TEST

START_TEST(a_score_that_is_not_finite_is_named) {
    const struct comparison comparison = example();
    runs[0][2].score = INFINITY;
    const char *text = table_of(&comparison, COMPARISON_TEXT, 1);
    assert_has(text, "7 (1 undefined)");
    assert_has(text, "\n  lstm, seed 3: the score is not a finite number\n");
    assert_has(text, "\n1 run failed and 1 run has no finite score; such runs");
}
END_TEST

START_TEST(a_baseline_without_a_score_is_named) {
    const struct comparison comparison = example();
    for (int s = 0; s < SEEDS; s++) {
        runs[0][s].state = COMPARED_FAILED;
    }
    const char *text = table_of(&comparison, COMPARISON_TEXT, 1);
    assert_has(text, "\nThe baseline lstm has no score.\n");
    assert_has_not(text, "Against lstm");
}
END_TEST

/* Scores of different sizes, and how the first of two is printed. */
static const struct {
    double scores[3];
    const char *text;
} sizes[] = {{{0.9, 0.91, 0.92}, "0.910"},
             {{0.9, 0.9, 0.9}, "0.9000"},
             {{1234.5, 1300, 1250}, "1262"},
             {{85.31, 85.42, 85.2}, "85.31"},
             {{1e-5, 2e-5, 1.5e-5}, "1.500e-05"},
             {{3e9, 4e9, 5e9}, "4.000e+09"},
             {{0, 0, 0}, "0.0000"},
             {{-0.5, -0.5, 1}, "0.00"},
             {{1e-9, 2e-9, 100}, "33"},
             {{0.9, 0.9, 0.90000001}, "0.90000"}};

START_TEST(scores_have_digits_for_their_spread) {
    static const double means[] = {0};
    const struct comparison comparison = comparison_of(1, 3, means);
    for (int s = 0; s < 3; s++) {
        runs[0][s].score = sizes[_i].scores[s];
    }
    const struct comparison_statistics statistics = statistics_of(&comparison);
    ck_assert_str_eq(score_text(score_format_of(&comparison, &statistics), statistics.variants[0].mean, 0, arena),
                     sizes[_i].text);
}
END_TEST

/* ---- memory ---- */

/* Each allocation fails once: the result is an error, or the same text. */
START_TEST(a_lack_of_memory_is_an_error) {
    const struct comparison comparison = comparison_of(2, 3, three);
    const enum comparison_form form = (enum comparison_form)_i;
    const char *expected = arena_strdup(arena, table_of(&comparison, form, 1)), *text = NULL;
    const struct comparison_statistics known = statistics_of(&comparison);
    long left = 0;
    for (long number = 1; ALLOCATOR_COUNTS && left == 0; number++) {
        struct arena *own = arena_create();
        struct comparison_statistics statistics = known;
        ck_assert_ptr_nonnull(own);
        allocator_fail(number);
        rondo_status status = form == COMPARISON_TEXT /* once is enough: they take long */
                                  ? comparison_statistics_compute(&comparison, &statistics, own, &errors)
                                  : RONDO_OK;
        status = status == RONDO_OK ? comparison_table(&comparison, &statistics, form, 1, &text, own, &errors) : status;
        left = allocator_fail(0);
        ck_assert(status == RONDO_OK || (status == RONDO_NO_MEMORY && left == 0));
        ck_assert(status != RONDO_OK || strcmp(text, expected) == 0);
        ck_assert(left == 0 || status == RONDO_OK);
        arena_destroy(own);
        errors_free(&errors);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("comparison_table");
    TCase *forms = add_case(suite, "forms", 30, open_test, close_test);
    tcase_add_test(forms, the_text_for_a_terminal_is_as_written_here);
    tcase_add_loop_test(forms, other_forms_are_as_written_here, 0, ROWS(pieces));
    tcase_add_test(forms, json_has_the_columns_of_csv);
    tcase_add_loop_test(forms, only_the_last_columns_are_measured, 0, COMPARISON_FORMS);
    TCase *texts = add_case(suite, "names", 30, open_test, close_test);
    tcase_add_loop_test(texts, names_are_escaped, 0, ROWS(escapes));
    tcase_add_loop_test(texts, a_text_is_at_most_100_columns_wide, 14, 30);
    TCase *sentences = add_case(suite, "sentences", 30, open_test, close_test);
    tcase_add_loop_test(sentences, the_result_is_stated, 0, ROWS(results));
    tcase_add_loop_test(sentences, an_interval_and_a_test_may_disagree, 0, ROWS(disagreements));
    tcase_add_test(sentences, a_loss_is_better_if_it_is_lower);
    tcase_add_test(sentences, a_better_mean_of_the_runs_that_did_not_fail_is_not_the_best);
    tcase_add_test(sentences, what_makes_the_result_less_certain_is_said);
    tcase_add_test(sentences, an_open_comparison_is_not_final);
    tcase_add_test(sentences, a_comparison_without_scores_is_a_table);
    tcase_add_test(sentences, a_score_that_is_not_finite_is_named);
    tcase_add_test(sentences, a_baseline_without_a_score_is_named);
    tcase_add_loop_test(sentences, scores_have_digits_for_their_spread, 0, ROWS(sizes));
    TCase *memory = add_case(suite, "memory", 120, open_test, close_test);
    tcase_add_loop_test(memory, a_lack_of_memory_is_an_error, 0, COMPARISON_FORMS);
    return run_suite(suite);
}
