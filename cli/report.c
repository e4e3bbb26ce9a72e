/* cli/report.c: `rondo report`. */
#include "report/report.h"

#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/print.h"
#include "io/json.h"

static int print_result(const struct report_result *result, int json, struct errors *errors) {
    if (!json) {
        print_text(stdout, result->file);
        printf(": %d %s, %d %s, %lld kB\n", (int)result->n_runs, result->n_runs == 1 ? "run" : "runs",
               (int)result->n_variants, result->n_variants == 1 ? "variant" : "variants",
               (long long)(result->bytes + 999) / 1000);
        return EXIT_DONE;
    }
    output_json(json_pack("{s:o, s:i, s:i, s:I}", "report", json_text(result->file), "runs", (int)result->n_runs,
                          "variants", (int)result->n_variants, "bytes", (json_int_t)result->bytes),
                0, errors);
    return EXIT_DONE;
}

static int run_report(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *file = NULL;
    const struct flag flags[] = {
        {"out", "FILE", FLAG_TEXT, &file,
         "the file to write (default: report.html in the folder of the comparison, for runs in the working directory)"},
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0}, warnings = {0};
    struct arena *arena = arena_create();
    struct report_result result;
    const struct report_settings settings = {arguments.words, arguments.n_words, file};
    if (report_write(&settings, &result, arena, &warnings, &errors) == RONDO_OK) {
        print_result(&result, common.json, &errors);
    }
    report_warnings(&warnings, common.json);
    status = finish_command(&errors, common.json);
    arena_destroy(arena);
    return status;
}

const struct command command_report = {
    "report", "report RUN… | COMPARISON [--out FILE]", "write the report of runs or of a comparison as one HTML file",
    "Writes a page that opens in a browser without a network: scores with every seed, curves, cells, differences of "
    "the\n"
    "experiments, environment, and the commands that make the runs again. Runs that differ only in schedule.seed are "
    "one\n"
    "variant. Runs that failed, are damaged or are trained at this moment are shown as such.\n\n"
    "  rondo report comparisons/cells\n"
    "  rondo report runs/lstm runs/lstm-2 runs/gru runs/gru-2 --out cells.html\n",
    run_report};
