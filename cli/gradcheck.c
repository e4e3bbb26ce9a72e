/* cli/gradcheck.c: `rondo gradcheck`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cell_argument.h"
#include "core/scan/scan.h"
#include "io/json.h"
#include "lang/cell_file.h"
#include "model/cell_check.h"
#include "train/trainer.h"

/* Blocks divide their input into heads, and these into pairs of columns. */
enum { CELL_INPUT = 5, BLOCK_INPUT = 16 };

/* The arguments of the command, and its results so far. */
struct gradcheck {
    struct session *session;
    struct common_flags common;
    const char *options[ARGUMENT_LIST_MAX + 1];
    int32_t input, hidden; /* input 0: as CELL_INPUT and BLOCK_INPUT say */
    int all;
    int32_t threads[3];

    int32_t checked, blocks, failed; /* blocks: of the checked ones */
    json_t *cells;                   /* with --json */
    struct errors *errors;
};

/* ---- results ---- */

static void print_error(double error) {
    if (isfinite(error)) {
        printf("%.1e", error);
    } else {
        printf("not finite");
    }
}

/* "gradients 2.9e-10 (U_f[1, 3])". */
static void print_outcome(const char *what, const struct cell_check_outcome *outcome) {
    printf("%s ", what);
    print_error(outcome->error);
    if (outcome->where[0] != '\0') {
        printf(" (%s)", outcome->where);
    }
}

/* One line for each kind of comparison that failed. */
static void print_wrong(const struct cell_check_report *report) {
    static const char *const expectations[CELL_CHECK_KINDS] = {"by central differences", "by the tape",
                                                               "by the tape in f32", "on one thread"};
    for (int kind = 0; kind < CELL_CHECK_KINDS; kind++) {
        const struct cell_check_outcome *outcome = &report->outcomes[kind];
        if (outcome->wrong > 0) {
            printf("; wrong: %s%s is %.9g, %s %.9g (%lld of %lld numbers differ)",
                   kind == CELL_CHECK_GRADIENTS ? "the gradient of " : "", outcome->where, outcome->found,
                   expectations[kind], outcome->expected, (long long)outcome->wrong, (long long)outcome->compared);
        }
    }
}

static void print_report(const struct cell_argument *cell, const struct cell_check_report *report, double seconds) {
    printf("%-20s %-6s ", cell->name, cell_check_passed(report) ? "ok" : "FAILED");
    print_outcome("gradients", &report->outcomes[CELL_CHECK_GRADIENTS]);
    if (report->outcomes[CELL_CHECK_ENGINES].compared > 0) {
        print_outcome("; fused - tape", &report->outcomes[CELL_CHECK_ENGINES]);
        print_outcome(", f32", &report->outcomes[CELL_CHECK_ENGINES_F32]);
    }
    if (report->outcomes[CELL_CHECK_THREADS].compared == 0) {
        printf("; threads NOT compared"); /* --threads 1 */
    } else if (report->outcomes[CELL_CHECK_THREADS].wrong == 0) {
        printf("; threads same bits");
    } else {
        print_outcome("; threads", &report->outcomes[CELL_CHECK_THREADS]);
    }
    if (report->closer > 0) {
        printf("; %lld near a kink, compared at a smaller step", (long long)report->closer);
    }
    if (report->skipped > 0) {
        printf("; %lld at a kink, NOT compared", (long long)report->skipped);
    }
    print_wrong(report);
    printf("; %.2f s\n", seconds);
    fflush(stdout); /* each line appears as soon as its cell has been checked */
}

static json_t *number_json(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *report_json(const struct cell_argument *cell, const struct cell_check_report *report, double seconds) {
    json_t *object = json_pack("{s:s, s:o, s:o, s:b, s:f, s:I, s:I, s:I}", "kind",
                               definition_is_block(cell->definition) ? "block" : "cell", "name", json_text(cell->name),
                               "file", json_text(cell->file), "passed", cell_check_passed(report), "seconds", seconds,
                               "parameters", (json_int_t)report->size, "near_a_kink", (json_int_t)report->closer,
                               "skipped_at_a_kink", (json_int_t)report->skipped);
    for (int kind = 0; kind < CELL_CHECK_KINDS; kind++) {
        const struct cell_check_outcome *outcome = &report->outcomes[kind];
        if (outcome->compared == 0) { /* a block has no engines */
            continue;
        }
        json_object_set_new(object, cell_check_name((enum cell_check_kind)kind),
                            json_pack("{s:I, s:I, s:f, s:o, s:s, s:o, s:o}", "compared", (json_int_t)outcome->compared,
                                      "wrong", (json_int_t)outcome->wrong, "tolerance", outcome->tolerance, "error",
                                      number_json(outcome->error), "where", outcome->where, "found",
                                      number_json(outcome->found), "expected", number_json(outcome->expected)));
    }
    return object;
}

/* ---- checking ---- */

static void check(struct gradcheck *gradcheck, const struct cell_argument *cell) {
    const struct cell_check_settings settings = {.definition = cell->definition,
                                                 .option_values = cell->option_values,
                                                 .input = gradcheck->input > 0                    ? gradcheck->input
                                                          : definition_is_block(cell->definition) ? BLOCK_INPUT
                                                                                                  : CELL_INPUT,
                                                 .hidden = gradcheck->hidden,
                                                 .engine = gradcheck->session->engine,
                                                 .passes = PASS_ALL & ~gradcheck->session->passes_off,
                                                 .threads = gradcheck->threads};
    struct cell_check_report report;
    const double start = trainer_clock();
    if (cell_check(&settings, gradcheck->session->registry, &report, gradcheck->errors) != RONDO_OK) {
        return;
    }
    const double seconds = trainer_clock() - start;
    gradcheck->checked++;
    gradcheck->blocks += definition_is_block(cell->definition);
    gradcheck->failed += !cell_check_passed(&report);
    if (gradcheck->cells != NULL) {
        json_array_append_new(gradcheck->cells, report_json(cell, &report, seconds));
    } else {
        print_report(cell, &report, seconds);
    }
}

/* Checks one cell in its own memory. `file` is NULL if it has to be found first. */
static void check_cell(struct gradcheck *gradcheck, const char *name, const char *file) {
    struct arena *arena = arena_create();
    struct cell_argument cell;
    struct errors own = {0};
    if (arena == NULL) {
        errors_no_memory(&own);
    } else if ((file == NULL ? cell_argument_read(gradcheck->session, name, gradcheck->options, arena, &cell, &own)
                             : cell_argument_open(name, file, gradcheck->options, arena, &cell, &own)) == RONDO_OK) {
        check(gradcheck, &cell);
    }
    errors_move(gradcheck->errors, &own);
    arena_destroy(arena);
}

static void visit_cell(void *arg, const char *name, const char *file) {
    check_cell(arg, name, file);
}

/* ", 2 blocks"; nothing if there are none. */
static void print_count(const char *before, int32_t count, const char *what) {
    if (count > 0) {
        printf("%s%d %s%s", before, count, what, count == 1 ? "" : "s");
    }
}

static void check_cells(struct gradcheck *gradcheck, const char *const *names) {
    const double start = trainer_clock();
    if (gradcheck->all) {
        session_each(gradcheck->session, SESSION_CELLS, visit_cell, gradcheck, gradcheck->errors);
        session_each(gradcheck->session, SESSION_BLOCKS, visit_cell, gradcheck, gradcheck->errors);
    }
    for (; *names != NULL; names++) {
        check_cell(gradcheck, *names, NULL);
    }
    const double seconds = trainer_clock() - start;
    if (gradcheck->cells != NULL) {
        output_json(json_pack("{s:O, s:i, s:i, s:f}", "cells", gradcheck->cells, "checked", gradcheck->checked,
                              "failed", gradcheck->failed, "seconds", seconds),
                    JSON_INDENT(2) | JSON_REAL_PRECISION(9), gradcheck->errors);
    } else if (gradcheck->checked > 0) {
        print_count("", gradcheck->checked - gradcheck->blocks, "cell");
        print_count(gradcheck->checked > gradcheck->blocks ? ", " : "", gradcheck->blocks, "block");
        printf(" checked, %d FAILED, %.1f s\n", gradcheck->failed, seconds);
    }
}

/* 0 with an error if the arguments do not name any cells. */
static int knows_what(const struct gradcheck *gradcheck, const struct arguments *arguments, struct errors *errors) {
    if (gradcheck->all == (arguments->n_words > 0)) {
        errors_add(errors, RONDO_INVALID,
                   gradcheck->all ? "--all checks every cell and block and takes no names, got '%s'"
                                  : "expected the names of cells or blocks, or --all%s",
                   gradcheck->all ? arguments->words[0] : "");
        return 0;
    }
    return 1;
}

static int run_gradcheck(const struct command *command, int argc, char **argv) {
    struct errors errors = {0};
    struct gradcheck gradcheck = {.hidden = 6, .threads = {2, 7, 0}, .errors = &errors};
    const struct flag flags[] = {
        {"all", NULL, FLAG_ON, &gradcheck.all, "check every cell and block that `rondo list` lists"},
        {"input", "N", FLAG_COUNT, &gradcheck.input, "width of the inputs (5; of blocks 16)"},
        {"hidden", "N", FLAG_COUNT, &gradcheck.hidden, "width of the states (6)"},
        CELL_FLAG_OPTION(gradcheck.options),
        COMMON_FLAG_ENGINE(gradcheck.common),
        COMMON_FLAG_PASSES(gradcheck.common),
        {"threads", "N", FLAG_COUNT, &gradcheck.common.threads,
         "compare one thread with N (default: with 2 and with 7)"},
        COMMON_FLAG_PLUGIN(gradcheck.common),
        COMMON_FLAG_VERBOSE(gradcheck.common),
        COMMON_FLAG_JSON(gradcheck.common),
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    if (gradcheck.common.threads > 0) {
        gradcheck.threads[0] = gradcheck.common.threads == 1 ? 0 : gradcheck.common.threads;
        gradcheck.threads[1] = 0;
    }
    gradcheck.cells = gradcheck.common.json ? json_array() : NULL;
    gradcheck.session =
        knows_what(&gradcheck, &arguments, &errors) ? session_from_flags(&gradcheck.common, &errors) : NULL;
    if (gradcheck.session != NULL && gradcheck.common.json && gradcheck.cells == NULL) {
        errors_no_memory(&errors);
    } else if (gradcheck.session != NULL) {
        check_cells(&gradcheck, arguments.words);
    }
    status = finish_command(&errors, gradcheck.common.json);
    json_decref(gradcheck.cells);
    session_destroy(gradcheck.session);
    return status == EXIT_DONE && gradcheck.failed > 0 ? EXIT_FAILED : status;
}

const struct command command_gradcheck = {
    "gradcheck", "gradcheck NAME… | --all",
    "check the gradients of cells and blocks, and that both engines and all threads agree",
    "NAME is that of a cell or a block, or a file. Each cell runs over a small batch of sequences of different "
    "lengths, with random "
    "parameters\n"
    "and states. Three comparisons are made and printed with the largest error (relative for numbers above 1) and its "
    "place:\n"
    "  gradients     the gradients of every element of x, of the initial states and of the parameters, in f64, with\n"
    "                central differences; fails above 1e-6\n"
    "  fused - tape  outputs, final states and gradients of both engines; fails above 1e-10 in f64, 1e-4 in f32\n"
    "  threads       the same values computed by several threads and by one; fails if any bit differs\n"
    "A block runs over a memory, or over itself, with the first and the last comparison: no engine is involved.\n"
    "At a kink, such as that of relu at 0, there is no derivative to compare with; the number of such elements is "
    "printed.\n"
    "The exit status is 1 if a comparison failed, and 2 if one could not be checked.\n\n"
    "  rondo gradcheck lstm ./mine.yaml --option alpha=0.5\n",
    run_gradcheck};
