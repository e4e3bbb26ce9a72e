/* cli/plugin.c: `rondo plugin`, a command with actions that have flags of their own. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "kit/run_checks.h"
#include "kit/scaffold.h"

/* Fixed, so that what fails fails again. */
enum { SEED = 1, SECONDS = 20, THREADS = 4 };

/* ---- check ---- */

/* A line as soon as there is one: some checks take seconds. */
static void print_finding(void *arg, const struct report *report, int32_t index) {
    const char *line = report_line(report, index);
    (void)arg;
    if (line != NULL) {
        puts(line);
        fflush(stdout);
    }
}

/* Checks one file and prints what was found; *failed where something did. */
static rondo_status check_file(const char *file, const struct check_settings *settings, int *failed,
                               struct errors *errors) {
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct report report = report_create(file, arena);
    rondo_status status = run_checks(file, settings, &report, errors);
    *failed |= report.counts[VERDICT_FAIL] > 0;
    if (status == RONDO_OK && settings->found == NULL) {
        status = output_json(report_json(&report), JSON_REAL_PRECISION(6), errors);
    } else if (status == RONDO_OK) {
        const char *line = report_last_line(&report);
        puts(line == NULL ? "out of memory" : line);
    }
    arena_destroy(arena);
    return status;
}

static int run_check(const struct command *command, int argc, char **argv) {
    int json = 0;
    int32_t seed = SEED, seconds = SECONDS;
    struct check_settings settings = {.threads = THREADS};
    const struct flag flags[] = {
        {"only", "CHECK", FLAG_TEXT, &settings.only, "this one check of those in docs/plugin-abi.md"},
        {"seed", "N", FLAG_COUNT, &seed, "of everything that is drawn at random (1)"},
        {"seconds", "N", FLAG_COUNT, &seconds, "that one check may take (20)"},
        {"json", NULL, FLAG_ON, &json, "print JSON, an object in a line for each file"},
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status, failed = 0;
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    const struct common_flags common = {.threads = THREADS};
    struct errors errors = {0};
    settings.session = open_session(&common, &errors);
    settings.seed = (uint64_t)seed;
    settings.seconds = seconds;
    settings.found = json ? NULL : print_finding;
    for (int32_t i = 0; settings.session != NULL && i < arguments.n_words; i++) {
        check_file(arguments.words[i], &settings, &failed, &errors);
    }
    status = errors.count > 0 ? report_errors(&errors) : finish_output();
    session_destroy(settings.session);
    return status == EXIT_DONE && failed ? EXIT_FAILED : status;
}

/* ---- new ---- */

/* What was written, and what to do next. */
static void print_written(const struct scaffold_written *written) {
    printf("wrote %s:\n", written->folder);
    for (int32_t i = 0; i < written->count; i++) {
        printf("  %s\n", written->files[i]);
    }
    printf("next:\n  make -C %s\n  make -C %s check\n  make -C %s train\n", written->folder, written->folder,
           written->folder);
}

static int run_new(const struct command *command, int argc, char **argv) {
    struct scaffold_wanted wanted = {0};
    const struct flag flags[] = {{"out", "FOLDER", FLAG_TEXT, &wanted.folder, "where to write it (./NAME)"},
                                 {"general", NULL, FLAG_ON, &wanted.general,
                                  "an op with shapes of its own: infer, forward and backward instead of map"},
                                 {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 2, 2, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct scaffold_written written;
    const struct common_flags common = {.threads = 1};
    struct session *session = open_session(&common, &errors);
    wanted.kind = arguments.words[0];
    wanted.name = arguments.words[1];
    wanted.registry = session == NULL ? NULL : session->registry;
    if (session != NULL && scaffold(&wanted, &written, session->arena, &errors) == RONDO_OK) {
        print_written(&written);
    }
    status = errors.count > 0 ? report_errors(&errors) : finish_output();
    session_destroy(session);
    return status;
}

/* ---- the actions ---- */

static const struct command actions[] = {
    {"check", "plugin check FILE.so… [--only CHECK] [--json]", "prove that a plug-in keeps the rules of rondo/plugin.h",
     "Checks the file (it loads, exports one symbol, runs no code when it is listed), its option tables, and each op,\n"
     "optimizer, loss and schedule: gradients, written outputs, buffers, threads, options at the ends of their "
     "ranges.\n"
     "Every check runs in a process of its own: a plug-in may crash or loop. docs/plugin-abi.md tells what each check\n"
     "does and how to mend what it finds.\n"
     "Exit status 0 where nothing failed (there may be warnings), 1 where a check failed, 2 where there is no such "
     "file.\n\n"
     "  rondo plugin check ./mine.so\n",
     run_check},
    {"new", "plugin new KIND NAME [--out FOLDER] [--general]", "write a folder to start a plug-in of your own from",
     "KIND is op, optimizer, loss or schedule. The folder has NAME.c with the equation in its place, the header that "
     "it\n"
     "needs, a Makefile, a meson.build, and a small experiment that trains with it. It builds and passes its checks "
     "as\n"
     "it is.\n\n"
     "  rondo plugin new optimizer mine\n"
     "  make -C mine check\n",
     run_new},
};
enum { ACTIONS = sizeof actions / sizeof actions[0] };

static void print_usage(const struct command *command, FILE *stream) {
    fprintf(stream, "%s\n\nusage: rondo %s\n\n", command->summary, command->usage);
    for (int i = 0; i < ACTIONS; i++) {
        fprintf(stream, "  %-9s %s\n", actions[i].name, actions[i].summary);
    }
    fprintf(stream, "\n%s", command->details);
}

static int run_plugin(const struct command *command, int argc, char **argv) {
    struct suggestion best = {0};
    if (argc < 2) {
        print_usage(command, stderr);
        return EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(command, stdout);
        return finish_output();
    }
    for (int i = 0; i < ACTIONS; i++) {
        if (strcmp(actions[i].name, argv[1]) == 0) {
            return actions[i].run(&actions[i], argc - 1, argv + 1);
        }
        suggest(&best, argv[1], actions[i].name);
    }
    fprintf(stderr, "rondo: unknown action '%s'%s\n\n", argv[1], suggestion_text(&best).text);
    print_usage(command, stderr);
    return EXIT_INPUT;
}

const struct command command_plugin = {"plugin", "plugin ACTION …", "make and check a plug-in of your own",
                                       "'rondo plugin ACTION --help' tells more of each.\n", run_plugin};
