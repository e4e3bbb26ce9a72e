/* cli/main.c: the entry point of `rondo`: finds the subcommand and runs it. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "config.h"

#ifdef __GLIBC__ /* by the headers above */
#include <malloc.h>
#endif
#include "core/number.h"
#include "core/suggest.h"

extern const struct command command_train, command_compare, command_report, command_eval, command_predict,
    command_generate, command_chat, command_score, command_inspect, command_runs, command_check, command_list,
    command_cells, command_gradcheck, command_plugin;

static const struct command *const commands[] = {&command_train,   &command_compare,   &command_report, &command_eval,
                                                 &command_predict, &command_generate,  &command_chat,   &command_score,
                                                 &command_inspect, &command_runs,      &command_check,  &command_list,
                                                 &command_cells,   &command_gradcheck, &command_plugin};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream) {
    fprintf(stream, "Rondo trains recurrent networks whose cells are equations.\n\nusage: rondo COMMAND …\n\n");
    for (int i = 0; i < COMMANDS; i++) {
        fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(stream, "\n'rondo COMMAND --help' describes a command; 'rondo --version' prints the version.\n");
}

/* Large blocks are pages of their own, which free returns to the system. By default, glibc puts blocks of up to 32 MB on the
 * heap once the first one has been freed, where they stay: training would take up to twice the memory that it uses. */
static void return_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

int main(int argc, char **argv) {
    return_freed_memory();
    signal(SIGXFSZ, SIG_IGN); /* then writing to a file of the maximum size is an error of write(), like a full disk */
    number_scope_open(); /* never closed: numbers are printed with decimal points even if a plug-in changes the locale */
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_INPUT;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return finish_output();
    }
    if (strcmp(name, "--version") == 0) {
        printf("rondo %s, plugin ABI %u.%u\n", RONDO_VERSION, RONDO_ABI_MAJOR, RONDO_ABI_MINOR);
        return finish_output();
    }
    struct suggestion best = {0};
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i]->run(commands[i], argc - 1, argv + 1);
        }
        suggest(&best, name, commands[i]->name);
    }
    struct errors errors = {0};
    const int json = has_json_flag(argc, argv);
    errors_add(&errors, RONDO_INVALID, "unknown command '%s'%s", name, suggestion_text(&best).text);
    const int status = report_errors(&errors, json);
    if (!json) {
        fprintf(stderr, "\n");
        print_usage(stderr);
    }
    return status;
}
