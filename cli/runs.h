/* cli/runs.h: the actions of `rondo runs`, one file each: cli/runs_NAME.c. */
#ifndef RONDO_CLI_RUNS_H
#define RONDO_CLI_RUNS_H

#include "cli/command.h"

extern const struct command runs_ls, runs_show, runs_diff, runs_rm, runs_export;

#endif
