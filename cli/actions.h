/* cli/actions.h: commands that consist of several actions, such as `rondo plugin check` and `rondo runs ls`. */
#ifndef RONDO_CLI_ACTIONS_H
#define RONDO_CLI_ACTIONS_H

#include "cli/command.h"

/* Runs the action that argv[1] names, or prints the help of the command. `actions` ends with NULL. Returns the exit status. */
int actions_run(const struct command *command, const struct command *const *actions, int argc, char **argv);

#endif
