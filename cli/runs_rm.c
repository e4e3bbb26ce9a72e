/* cli/runs_rm.c: `rondo runs rm`. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/found_runs.h"
#include "cli/print.h"
#include "cli/run_keys.h"
#include "cli/runs.h"
#include "io/file.h"
#include "store/run_remove.h"

/* Reads and checks all runs that are to be removed, each once: nothing is removed if there is a mistake in one of them. */
static rondo_status read_runs(struct found_runs *runs, const char *const *folders, struct errors *errors) {
    for (; *folders != NULL; folders++) {
        const char *folder = found_runs_path(*folders, runs->arena);
        int is_known = 0;
        for (int32_t i = 0; i < runs->count && folder != NULL; i++) {
            is_known |= file_is_same(runs->items[i].folder, folder);
        }
        if (folder == NULL) {
            return errors_no_memory(errors);
        }
        if (!is_known && found_runs_add(runs, folder, errors) == RONDO_OK) {
            run_remove_check(folder, errors);
        }
    }
    return errors->status;
}

/* What would be lost, as a table on standard error. */
static rondo_status print_runs(struct found_runs *runs, struct errors *errors) {
    static const int is_right[] = {0, 0, 1, 1, 0, 0};
    struct columns table = columns_create(runs->count + 1, 6, is_right, runs->arena);
    static const char *const names[] = {"run", "state", "epochs", "size", "started", "remark"};
    for (int32_t i = 0; i < 6; i++) {
        columns_set(&table, 0, i, names[i]);
    }
    for (int32_t i = 0; i < runs->count; i++) {
        const struct run_summary *run = &runs->items[i];
        const char *comparison = run->collection;
        columns_set(&table, i + 1, 0, run->folder);
        columns_set(&table, i + 1, 1, run_state_text(run, runs->arena));
        columns_set(&table, i + 1, 2, run_count_text(run->epochs, runs->arena));
        columns_set(&table, i + 1, 3, run_size_text(run->bytes, runs->arena));
        columns_set(&table, i + 1, 4, run_date_text(run->started, runs->arena));
        columns_set(
            &table, i + 1, 5,
            comparison == NULL
                ? ""
                : arena_printf(runs->arena, "part of the comparison '%s', which would train it again", comparison));
    }
    if (arena_failed(runs->arena)) {
        return errors_no_memory(errors);
    }
    columns_print(&table, stderr, 2);
    return RONDO_OK;
}

/* Asks on the terminal. 1: yes. */
static int is_confirmed(const struct found_runs *runs) {
    char answer[16] = "";
    fprintf(stderr, "Remove %s? There is no way back. [y/N] ", runs->count == 1 ? "this run" : "these runs");
    fflush(stderr);
    return fgets(answer, sizeof answer, stdin) != NULL && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

/* RONDO_OK: the runs may be removed. *is_refused: the user has said no. */
static rondo_status confirm(struct found_runs *runs, int *is_refused, struct errors *errors) {
    RONDO_TRY(print_runs(runs, errors));
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        return errors_add(errors, RONDO_INVALID, "nothing was removed: --yes removes %s without a question",
                          runs->count == 1 ? "this run" : "these runs");
    }
    *is_refused = !is_confirmed(runs);
    return RONDO_OK;
}

static rondo_status remove_runs(struct found_runs *runs, struct errors *errors) {
    struct errors notes = {0};
    rondo_status status = RONDO_OK;
    for (int32_t i = 0; i < runs->count && status == RONDO_OK; i++) {
        struct run_file_list left;
        status = run_remove(runs->items[i].folder, &left, runs->arena, errors);
        for (int32_t k = 0; k < left.count; k++) {
            if (!left.items[k].is_own) {
                errors_add(&notes, RONDO_INVALID, "'%s/%s' is not Rondo's, and stays", runs->items[i].folder,
                           left.items[k].name);
            }
        }
        if (status == RONDO_OK && runs->items[i].collection != NULL) {
            errors_add(&notes, RONDO_INVALID, "'%s' was part of the comparison '%s', which would train it again",
                       runs->items[i].folder, runs->items[i].collection);
        }
        if (status == RONDO_OK) {
            printf("removed ");
            print_text(stdout, runs->items[i].folder);
            printf("\n");
        }
    }
    report_warnings(&notes, 0);
    return status;
}

static int run_rm(const struct command *command, int argc, char **argv) {
    int is_sure = 0, is_refused = 0, status;
    const struct flag flags[] = {{"yes", NULL, FLAG_ON, &is_sure, "remove without a question"},
                                 {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    struct errors errors = {0};
    struct found_runs runs = {0};
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    if (found_runs_open(&runs, &errors) == RONDO_OK && read_runs(&runs, arguments.words, &errors) == RONDO_OK &&
        (is_sure || confirm(&runs, &is_refused, &errors) == RONDO_OK) && !is_refused) {
        remove_runs(&runs, &errors);
    }
    if (is_refused) {
        fprintf(stderr, "nothing was removed\n");
    }
    found_runs_close(&runs);
    return finish_command(&errors, 0);
}

const struct command runs_rm = {
    "rm", "runs rm RUN… [--yes]", "remove runs",
    "Removes the files that Rondo has written into the folders of runs, and then the folders. Everything else in\n"
    "them stays and is reported. Asks before it removes anything; where nobody can be asked, --yes is needed. If\n"
    "one of the names is not a run, or a process trains in it now, nothing is removed. Links are not followed.\n\n"
    "  rondo runs rm runs/adding-2 runs/adding-3\n",
    run_rm};
