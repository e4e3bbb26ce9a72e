/* cli/compare.c: `rondo compare`. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/compare_display.h"
#include "cli/compare_slurm.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "compare/folder.h"
#include "compare/plan_hash.h"
#include "compare/publish.h"
#include "compare/run_result.h"
#include "core/suggest.h"
#include "io/json.h"
#include "report/report.h"

/* What the command line asks for. */
struct compare_request {
    struct comparison_settings settings;
    int32_t jobs, threads_per_job;
    int dry_run, quiet, json;
    const char *format;   /* of --format; NULL: text */
    int64_t phase, task;  /* of --phase and --task, from 1; 0: not given */
    const char *plan;     /* of --plan: the hash that the plan must have; NULL: any */
    const char *launcher; /* NULL: processes of this machine */
    struct compare_slurm slurm;
};

/* ---- the plan, without training ---- */

/* "model.layers.0.hidden 57, optimizer.lr 0.01": of settings, with the last part of each key. */
static void print_settings(const struct compared_setting *settings, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        printf("%s", i == 0 ? "" : ", ");
        print_text(stdout, settings[i].key);
        printf(" ");
        print_text(stdout, settings[i].text);
    }
}

static void print_seconds(double seconds) {
    if (isnan(seconds)) {
        printf("%11s", "-");
    } else if (seconds < 60) {
        printf("%9.1f s", seconds);
    } else if (seconds < 3600) {
        printf("%7.1f min", seconds / 60);
    } else {
        printf("%9.1f h", seconds / 3600);
    }
}

static rondo_status print_plan_json(const struct comparison_plan *plan, const double *seconds, const double *bytes,
                                    struct errors *errors) {
    json_t *object = comparison_json(&plan->comparison);
    json_t *variants = json_object_get(object, "variants");
    for (size_t v = 0; v < json_array_size(variants); v++) {
        json_t *variant = json_array_get(variants, v);
        json_object_set_new(variant, "estimated_seconds", isnan(seconds[v]) ? json_null() : json_real(seconds[v]));
        json_object_set_new(variant, "estimated_bytes", isnan(bytes[v]) ? json_null() : json_real(bytes[v]));
    }
    return output_json(object, JSON_REAL_PRECISION(9), errors);
}

/* Runs that are finished, with or without success. */
static int32_t count_ended(const struct comparison *comparison) {
    int32_t ended = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const enum compared_state state = comparison->variants[v].runs[s].state;
            ended += state != COMPARED_MISSING && state != COMPARED_RUNNING;
        }
    }
    return ended;
}

/* The table of runs with what they cost. */
static void print_plan(const struct comparison_plan *plan, const struct compare_request *request, const double *seconds,
                       const double *bytes) {
    const struct comparison *comparison = &plan->comparison;
    double total = 0;
    int32_t estimated = 0;
    printf("%-28s %6s %12s %12s %11s %9s\n", "variant", "runs", "parameters", "FLOPs/step", "time of one", "memory");
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        print_text_within(stdout, variant->name, 28);
        printf("%*s %6d %12lld %12lld ", 28 - printed_width(variant->name, 28), "", comparison->n_seeds,
               (long long)variant->parameters, (long long)variant->flops);
        print_seconds(seconds[v]);
        if (isnan(bytes[v])) {
            printf(" %9s\n", "-");
        } else {
            printf(" %6.0f MB\n", bytes[v] / 1e6);
        }
        if (variant->n_widths > 0) {
            printf("  ");
            print_settings(variant->widths, variant->n_widths);
            printf(" (%.3f of the budget)\n", variant->budget_ratio);
        }
        estimated += !isnan(seconds[v]);
        total += isnan(seconds[v])
                     ? 0
                     : seconds[v] * (comparison->n_seeds + plan->section.trials * plan->section.tune_seeds);
    }
    total = estimated == 0 ? NAN : total * comparison->n_variants / estimated;
    printf("%lld runs of %d variants with %d seed%s", (long long)plan->section.n_runs, comparison->n_variants,
           comparison->n_seeds, comparison->n_seeds == 1 ? "" : "s");
    if (plan->section.trials > 0) {
        printf(" and %d trials of tuning each%s", plan->section.trials,
               plan->section.halving > 0 ? ", most of which end early" : "");
    }
    printf("; all together, %d at the same time:", request->jobs);
    print_seconds(total / request->jobs);
    printf("%s\n", plan->section.halving > 0 ? " at most" : "");
    printf("estimated from the first updates of %s, without validation and early stopping\n",
           estimated == comparison->n_variants ? "each variant" : "some variants");
    const int32_t ended = count_ended(comparison);
    if (ended > 0) {
        printf("%d of %d runs have ended already, in '", ended, comparison->n_variants * comparison->n_seeds);
        print_text(stdout, comparison->folder);
        printf("'\n");
    }
}

static rondo_status show_plan(struct comparison_plan *plan, const struct compare_request *request,
                              struct errors *errors) {
    const int32_t count = plan->comparison.n_variants;
    RONDO_TRY(comparison_check_folder(plan, errors));
    RONDO_TRY(comparison_look(plan, errors));
    double *seconds = arena_calloc(plan->arena, (size_t)count, sizeof *seconds);
    double *bytes = arena_calloc(plan->arena, (size_t)count, sizeof *bytes);
    if (seconds == NULL || bytes == NULL) {
        return errors_no_memory(errors);
    }
    const rondo_status status = comparison_estimate(plan, request->threads_per_job, seconds, bytes, errors);
    if (status == RONDO_INTERRUPTED) {
        return errors_add(errors, RONDO_INTERRUPTED, "interrupted: nothing was trained");
    }
    RONDO_TRY(status);
    if (request->json) {
        return print_plan_json(plan, seconds, bytes, errors);
    }
    print_plan(plan, request, seconds, bytes);
    return RONDO_OK;
}

/* ---- the comparison ---- */

static rondo_status run_in(struct comparison_plan *plan, const struct compare_request *request, struct errors *errors) {
    struct comparison *comparison = &plan->comparison;
    struct compare_display display = {
        .output = request->json                                         ? COMPARE_JSON
                  : request->quiet                                      ? COMPARE_QUIET
                  : isatty(STDERR_FILENO) && comparison->n_variants > 0 ? COMPARE_TABLE
                                                                        : COMPARE_LINES,
        .plan = plan,
        .rows = arena_calloc(plan->arena, (size_t)comparison->n_variants, sizeof *display.rows)};
    if (display.rows == NULL) {
        return errors_no_memory(errors);
    }
    const struct comparison_observer observer = compare_display_observer(&display);
    const struct runner_settings settings = {
        .jobs = request->jobs, .threads_per_job = request->threads_per_job, .observer = &observer};
    const rondo_status status = comparison_run(plan, 0, comparison_phase_count(plan), &settings, errors);
    compare_display_close(&display);
    if (status == RONDO_INTERRUPTED) {
        return errors_add(errors, RONDO_INTERRUPTED,
                          "interrupted with %d of %d runs finished in '%s': the same command goes on",
                          count_ended(comparison), comparison->n_variants * comparison->n_seeds, comparison->folder);
    }
    return status;
}

/* The words of --format. */
static const struct {
    const char *name;
    enum comparison_form form;
} formats[] = {{"text", COMPARISON_TEXT}, {"markdown", COMPARISON_MARKDOWN}, {"latex", COMPARISON_LATEX},
               {"csv", COMPARISON_CSV},   {"runs-csv", COMPARISON_RUNS_CSV}, {"json", COMPARISON_JSON}};
enum { FORMATS = sizeof formats / sizeof formats[0] };

/* -1 with an error: there is no such form. NULL: text. */
static int32_t find_format(const char *name, struct errors *errors) {
    struct suggestion best = {0};
    for (int32_t i = 0; i < FORMATS; i++) {
        if (name == NULL || strcmp(formats[i].name, name) == 0) {
            return (int32_t)formats[i].form;
        }
        suggest(&best, name, formats[i].name);
    }
    errors_add(errors, RONDO_INVALID, "unknown format '%s'%s, expected text, markdown, latex, csv, runs-csv or json",
               name, suggestion_text(&best).text);
    return -1;
}

/* The table as an object on a line, after the events. */
static rondo_status print_table_json(const char *text, struct errors *errors) {
    json_t *table = NULL;
    json_error_t reason;
    const rondo_status status = json_parse(text, strlen(text), &table, &reason);
    RONDO_CHECK(status != RONDO_INVALID, errors, "the table is JSON");
    return output_json(status == RONDO_OK ? json_pack("{s:s, s:o}", "event", "table", "table", table) : NULL,
                       JSON_COMPACT | JSON_REAL_PRECISION(17), errors);
}

/* Fails if the comparison is not what was asked for: without any score, or with runs that the next command tries again. A run that
 * would fail again is a result. */
static rondo_status check_outcome(const struct comparison_plan *plan, struct errors *errors) {
    const struct comparison *comparison = &plan->comparison;
    int32_t scored = 0, again = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            const char *folder = arena_printf(plan->arena, "%s/%s", comparison->folder, run->folder);
            scored += run->state == COMPARED_SCORED;
            again += run->state != COMPARED_SCORED && folder != NULL &&
                     !run_result_is_failed(folder, NULL, NULL, plan->arena);
        }
    }
    if (again > 0) {
        return errors_add(errors, RONDO_IO, "%d run%s ended before the end, as the table reports: the same command %s",
                          again, again == 1 ? "" : "s", again == 1 ? "tries it again" : "tries them again");
    }
    return scored > 0 ? RONDO_OK : errors_add(errors, RONDO_NOT_FINITE, "no run has a score: all have failed");
}

/* Writes table and report, and prints the table. */
static rondo_status publish(const struct comparison_plan *plan, const struct compare_request *request,
                            struct errors *errors) {
    const char *texts[COMPARISON_FORMS], *folder = plan->comparison.folder;
    const int32_t form = find_format(request->format, errors);
    struct errors warnings = {0};
    struct report_result report;
    const struct report_settings settings = {.sources = &folder, .n_sources = 1};
    RONDO_TRY(form < 0 ? errors->status : RONDO_OK);
    RONDO_TRY(comparison_publish(&plan->comparison, texts, plan->arena, errors));
    const rondo_status reported = report_write(&settings, &report, plan->arena, &warnings, errors);
    errors_free(&warnings); /* of runs that have failed, which the table reports */
    RONDO_TRY(reported);
    if (request->json) {
        return print_table_json(texts[COMPARISON_JSON], errors);
    }
    fputs(texts[form], stdout);
    if (!request->quiet) {
        fprintf(stderr, "tables and report are in '");
        print_text(stderr, folder);
        fprintf(stderr, "'\n");
    }
    return RONDO_OK;
}

static rondo_status run_comparison(struct comparison_plan *plan, const struct compare_request *request,
                                   struct errors *errors) {
    int lock;
    RONDO_TRY(comparison_lock(plan, &lock, errors));
    rondo_status status = comparison_check_runs(plan, errors);
    if (status == RONDO_OK && request->launcher != NULL) {
        status = compare_on_slurm(plan, &request->slurm, errors);
    } else if (status == RONDO_OK) {
        status = compare_check_slurm(plan, errors);
        status = status == RONDO_OK ? run_in(plan, request, errors) : status;
    }
    status = status == RONDO_OK ? publish(plan, request, errors) : status;
    if (status == RONDO_OK && request->launcher == NULL) { /* of job arrays, what is missing waits or runs */
        status = check_outcome(plan, errors);
    }
    comparison_unlock(lock);
    return status;
}

/* The task of a launcher. */
static void do_task(struct comparison_plan *plan, const struct compare_request *request, struct errors *errors) {
    struct fingerprint hash;
    rondo_status status = comparison_plan_hash(plan, &hash, errors);
    if (status == RONDO_OK && request->plan != NULL && strcmp(request->plan, hash.hash) != 0) {
        status = errors_add(errors, RONDO_INVALID,
                            "the comparison has changed since this task was submitted: once the other tasks have ended "
                            "as well, the command that submitted it submits what is missing now");
    }
    if (status == RONDO_OK) {
        status = comparison_run_job(plan, (int32_t)request->phase - 1, (int32_t)request->task - 1,
                                    request->threads_per_job, errors);
    }
    if (status == RONDO_INTERRUPTED) {
        errors_add(errors, RONDO_INTERRUPTED, "interrupted: the same task goes on");
    }
}

static void compare(const struct compare_request *request, struct session *session, struct errors *errors) {
    struct comparison_plan plan;
    struct comparison_settings settings = request->settings;
    settings.allows_many |= request->dry_run;
    const rondo_status status = comparison_plan_open(&plan, &settings, session, errors);
    if (status == RONDO_OK && request->dry_run) {
        show_plan(&plan, request, errors);
    } else if (status == RONDO_OK && request->task > 0) {
        do_task(&plan, request, errors);
    } else if (status == RONDO_OK) {
        run_comparison(&plan, request, errors);
    } else if (status == RONDO_INTERRUPTED) {
        errors_add(errors, RONDO_INTERRUPTED, "nothing was trained yet: the same command begins again");
    }
    comparison_plan_close(&plan);
}

static int is_request_valid(const struct compare_request *request, struct errors *errors) {
    if ((request->phase > 0) != (request->task > 0)) {
        errors_add(errors, RONDO_INVALID, "--phase and --task are given together, by launchers of jobs");
    }
    find_format(request->format, errors);
    if (request->launcher != NULL && strcmp(request->launcher, "slurm") != 0) {
        errors_add(errors, RONDO_INVALID, "there is no launcher '%s', expected 'slurm'", request->launcher);
    } else if (request->launcher == NULL && request->slurm.options != NULL) {
        errors_add(errors, RONDO_INVALID, "--slurm has options for --launcher slurm, which is missing");
    }
    return errors->count == 0;
}

static void add_assignment(struct common_flags *common, const char *assignment, struct errors *errors) {
    int32_t count = 0;
    while (common->assignments[count] != NULL) {
        count++;
    }
    if (count == ARGUMENT_LIST_MAX) {
        errors_add(errors, RONDO_INVALID, "--set is given more than %d times", ARGUMENT_LIST_MAX - 1);
        return;
    }
    common->assignments[count] = assignment;
    common->assignments[count + 1] = NULL;
}

static int run_compare(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct compare_request request = {.jobs = 0};
    char seeds_text[64];
    int32_t seeds = 0;
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),
        {"cells", "CELL,…", FLAG_TEXT, &request.settings.cells,
         "compare these cells, in all layers: names or files, such as lstm,gru,./mine.yaml"},
        {"seeds", "N", FLAG_COUNT, &seeds, "train each variant with the seeds 1 to N (default: 8, or compare.seeds)"},
        {"out", "FOLDER", FLAG_TEXT, &request.settings.folder,
         "the folder of the comparison (default: comparisons/NAME)"},
        {"jobs", "N", FLAG_COUNT, &request.jobs, "runs at the same time (default: processors / threads per job)"},
        {"threads-per-job", "N", FLAG_COUNT, &request.threads_per_job, "threads of each run (default: 1)"},
        {"format", "FORM", FLAG_TEXT, &request.format,
         "of the table that is printed: text (default), markdown, latex, csv, runs-csv or json"},
        {"dry-run", NULL, FLAG_ON, &request.dry_run, "print the runs with their size, time and memory; train nothing"},
        {"yes", NULL, FLAG_ON, &request.settings.allows_many, "train more than 10000 runs"},
        {"launcher", "NAME", FLAG_TEXT, &request.launcher,
         "slurm: submit the runs to a cluster as job arrays, or show how far they are"},
        {"slurm", "OPTIONS", FLAG_TEXT, &request.slurm.options,
         "for --launcher slurm: options for sbatch, such as \"--partition=short --time=1:00:00\""},
        {"phase", "N", FLAG_NUMBER, &request.phase, "for launchers: do only a task of this phase, from 1"},
        {"task", "N", FLAG_NUMBER, &request.task, "for launchers: the task of --phase, from 1"},
        {"plan", "HASH", FLAG_TEXT, &request.plan, "for launchers: refuse the task if the comparison has changed"},
        COMMON_FLAG_PLUGIN(common),
        COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common),
        COMMON_FLAG_JSON(common),
        {"quiet", NULL, FLAG_ON, &request.quiet, "print no progress"},
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    signal(SIGPIPE, SIG_IGN); /* training continues if the reader of its output has ended */
    const struct interrupt interrupt = interrupt_on_signals();
    request.settings.file = arguments.words[0];
    request.settings.assignments = common.assignments;
    snprintf(seeds_text, sizeof seeds_text, "compare.seeds=%d", (int)seeds);
    if (seeds > 0) {
        add_assignment(&common, seeds_text, &errors);
    }
    request.json = common.json;
    request.threads_per_job = request.threads_per_job > 0 ? request.threads_per_job : 1;
    request.slurm.settings = &request.settings;
    request.slurm.common = &common;
    request.slurm.at_once = request.jobs;
    request.slurm.threads_per_job = request.threads_per_job;
    request.slurm.json = common.json;
    request.slurm.quiet = request.quiet;
    if (request.jobs == 0) {
        request.jobs = parallel_processors() / request.threads_per_job;
        request.jobs = request.jobs > 0 ? request.jobs : 1;
    }
    struct session *session = is_request_valid(&request, &errors) ? session_from_flags(&common, &errors) : NULL;
    if (session != NULL) {
        session->interrupt = interrupt;
        session->parallel.threads = 1; /* of this process, which forks; jobs have their own */
        session->reading = request.quiet ? (struct work_progress){NULL, NULL} : session->reading;
        compare(&request, session, &errors);
    }
    status = finish_command(&errors, common.json);
    session_destroy(session);
    return status;
}

const struct command command_compare = {
    "compare", "compare EXPERIMENT.yaml [--cells CELL,…] [--out FOLDER] [--jobs N] [--dry-run]",
    "compare variants of an experiment: cells, or any key, with several seeds",
    "The section 'compare' of the experiment names what varies; --cells compares cells without it. Every variant is\n"
    "trained with every seed, in processes side by side, and then scored once on the test part.\n\n"
    "Ctrl-C ends it cleanly. However it ends, the same command goes on with what is missing. A changed experiment\n"
    "is refused, with the differences; more variants and seeds may be added.\n\n"
    "A run that fails is a row of the table with its reason. One that a signal or a full disk has ended is tried\n"
    "again by the next command.\n\n"
    "With --launcher slurm the runs become job arrays of a cluster whose file system has this folder. The command\n"
    "submits what is missing and ends; the same command shows how far it is.\n\n"
    "  rondo compare experiment.yaml --cells lstm,gru,./mine.yaml --seeds 5\n"
    "  rondo compare experiment.yaml --seeds 10          the spread of one experiment over seeds\n",
    run_compare};
