#include "cli/actions.h"

#include <stdio.h>
#include <string.h>

#include "core/suggest.h"

static void print_usage(const struct command *command, const struct command *const *actions, FILE *stream) {
    fprintf(stream, "%s\n\nusage: rondo %s\n\n", command->summary, command->usage);
    for (; *actions != NULL; actions++) {
        fprintf(stream, "  %-9s %s\n", (*actions)->name, (*actions)->summary);
    }
    fprintf(stream, "\n%s", command->details);
}

int actions_run(const struct command *command, const struct command *const *actions, int argc, char **argv) {
    struct suggestion best = {0};
    if (argc < 2) {
        print_usage(command, actions, stderr);
        return EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(command, actions, stdout);
        return finish_output();
    }
    for (const struct command *const *action = actions; *action != NULL; action++) {
        if (strcmp((*action)->name, argv[1]) == 0) {
            return (*action)->run(*action, argc - 1, argv + 1);
        }
        suggest(&best, argv[1], (*action)->name);
    }
    struct errors errors = {0};
    const int json = has_json_flag(argc, argv);
    errors_add(&errors, RONDO_INVALID, "unknown action '%s'%s", argv[1], suggestion_text(&best).text);
    const int status = report_errors(&errors, json);
    if (!json) {
        fprintf(stderr, "\n");
        print_usage(command, actions, stderr);
    }
    return status;
}
