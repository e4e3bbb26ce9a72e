/* cli/runs.c: `rondo runs`: the folders of runs, as a store. */
#include "cli/runs.h"

#include "cli/actions.h"

static int run_runs(const struct command *command, int argc, char **argv) {
    static const struct command *const actions[] = {&runs_ls, &runs_show, &runs_diff, &runs_rm, &runs_export, NULL};
    return actions_run(command, actions, argc, argv);
}

const struct command command_runs = {"runs", "runs ACTION …", "list, show, compare, remove and export runs",
                                     "'rondo runs ACTION --help' describes an action.\n", run_runs};
