/* cli/plugin.c: `rondo plugin`, a command with actions, each with its own flags. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/actions.h"
#include "cli/command.h"
#include "kit/explain.h"
#include "kit/run_checks.h"
#include "kit/scaffold.h"

/* The seed is fixed, so that failures can be reproduced. */
enum { SEED = 1, SECONDS = 20, THREADS = 4 };

/* The longest path of a program, with the NUL. */
enum { PROGRAM_PATH = 4096 };

/* ---- check ---- */

/* Prints each line at once: some checks take seconds. */
static void print_finding(void *arg, const struct report *report, int32_t index) {
    const char *line = report_line(report, index);
    (void)arg;
    if (line != NULL) {
        puts(line);
        fflush(stdout);
    }
}

/* Checks one file and prints the findings; *failed is set if a check failed. */
static rondo_status check_file(const char *file, const struct check_settings *settings, int *failed,
                               struct errors *errors) {
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    const int32_t before = errors->count;
    struct report report = report_create(file, arena);
    rondo_status status = run_checks(file, settings, &report, errors);
    *failed |= report.counts[VERDICT_FAIL] > 0;
    if (settings->found == NULL) {
        report.error = status == RONDO_OK || before >= ERRORS_MAX ? NULL : errors_text(errors, before);
        const rondo_status printed = output_json(report_json(&report), JSON_REAL_PRECISION(6), errors);
        status = status == RONDO_OK ? printed : status;
    } else if (status == RONDO_OK) {
        const char *line = report_last_line(&report);
        puts(line == NULL ? "out of memory" : line);
    }
    arena_destroy(arena);
    return status;
}

/* Ctrl-C: prints a line and then ends by the signal. The child process of the running check ends with it. */
static void on_interrupt(int number) {
    static const char line[] = "rondo: interrupted before all checks were done\n";
    const ssize_t wrote = write(STDERR_FILENO, line, sizeof line - 1);
    (void)wrote;
    raise(number); /* delivered when this function has returned; the handler has been reset to the default */
}

/* For --verbose: a copy of the descriptor of standard error, because the standard streams of a check are pipes. It is
 * unbuffered, so that no line is lost if a check crashes. NULL with errors. */
static FILE *open_lines(struct errors *errors) {
    const int descriptor = dup(STDERR_FILENO);
    FILE *lines = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (lines == NULL) {
        errors_add(errors, RONDO_IO, "--verbose needs standard error: %s", strerror(errno));
        return NULL;
    }
    setvbuf(lines, NULL, _IONBF, 0);
    return lines;
}

static int check_files(const struct arguments *arguments, struct check_settings *settings, int verbose,
                       struct errors *errors) {
    int failed = 0;
    const struct common_flags common = {.threads = settings->threads};
    FILE *lines = verbose ? open_lines(errors) : NULL;
    if (verbose && lines == NULL) {
        return report_errors(errors, settings->found == NULL);
    }
    settings->log = (struct log_receiver){verbose ? print_log_line : NULL, lines};
    const struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    settings->session = session_from_flags(&common, errors);
    for (int32_t i = 0; settings->session != NULL && i < arguments->n_words; i++) {
        check_file(arguments->words[i], settings, &failed, errors);
    }
    const int status = finish_command(errors, settings->found == NULL);
    session_destroy(settings->session);
    if (lines != NULL) {
        fclose(lines);
    }
    return status == EXIT_DONE && failed ? EXIT_FAILED : status;
}

/* --explain: prints the section on one check, or the list of all checks. After an unknown name, prints the error and the
 * list. */
static int explain(const char *name, struct errors *errors) {
    struct arena *arena = arena_create();
    const int is_list = strcmp(name, "list") == 0;
    const char *text = arena == NULL ? NULL : is_list ? list_checks(arena) : explain_check(name, arena, errors);
    int status = EXIT_DONE;
    if (text != NULL) {
        fputs(text, stdout);
        status = finish_output();
    } else if (errors->status == RONDO_INVALID) {
        status = report_errors(errors, 0);
        const char *list = list_checks(arena);
        fprintf(stderr, "\nThe checks of the file and of each kind:\n\n%s", list == NULL ? "" : list);
    } else {
        errors_no_memory(errors);
        status = report_errors(errors, 0);
    }
    arena_destroy(arena);
    return status;
}

static int run_check(const struct command *command, int argc, char **argv) {
    int json = 0, verbose = 0;
    int32_t seed = SEED, seconds = SECONDS;
    const char *name = NULL, *only[ARGUMENT_LIST_MAX + 1] = {0};
    const struct flag flags[] = {
        {"only", "CHECK", FLAG_LIST, only, "run only this check; may be repeated"},
        {"explain", "CHECK", FLAG_TEXT, &name, "describe a check and how to fix what it finds; list: list all checks"},
        {"seed", "N", FLAG_COUNT, &seed, "seed of all random numbers, 1 to 4096 (default: 1)"},
        {"seconds", "N", FLAG_COUNT, &seconds, "time limit of one check, 1 to 4096 (default: 20)"},
        {"json", NULL, FLAG_ON, &json, "print JSON: one object per file, each on one line"},
        {"verbose", NULL, FLAG_ON, &verbose,
         "print on standard error what the plug-in logs, before the line of the check that ran"},
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    struct errors errors = {0};
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    if (name != NULL) {
        return explain(name, &errors);
    }
    if (arguments.n_words == 0) {
        return refuse_missing(command, argc, argv);
    }
    if (known_checks(only, &errors) != RONDO_OK) {
        return report_errors(&errors, json);
    }
    struct check_settings settings = {.seed = (uint64_t)seed,
                                      .seconds = seconds,
                                      .threads = THREADS,
                                      .only = only,
                                      .found = json ? NULL : print_finding};
    return check_files(&arguments, &settings, verbose, &errors);
}

/* ---- new ---- */

/* Makefiles of plug-ins run the `rondo` of PATH. Sets *file to the path of this program if that is another one, or if there
 * is none; else to "". */
static void find_other_rondo(char (*file)[PROGRAM_PATH]) {
    char candidate[PROGRAM_PATH];
    struct stat own, found;
    const ssize_t length = readlink("/proc/self/exe", *file, sizeof *file - 1);
    (*file)[length > 0 ? length : 0] = '\0';
    if (length <= 0 || stat(*file, &own) != 0) {
        (*file)[0] = '\0';
        return;
    }
    for (const char *entry = getenv("PATH"); entry != NULL && *entry != '\0';) {
        const size_t width = strcspn(entry, ":");
        snprintf(candidate, sizeof candidate, "%.*s/rondo", (int)width, width == 0 ? "." : entry);
        if (access(candidate, X_OK) == 0 && stat(candidate, &found) == 0 && S_ISREG(found.st_mode)) {
            if (found.st_dev == own.st_dev && found.st_ino == own.st_ino) {
                (*file)[0] = '\0';
            }
            return; /* the shell runs the first one that it finds */
        }
        entry += width + (entry[width] == ':');
    }
}

/* Prints what was written, and the next steps, as commands that can be copied. */
static void print_written(const struct scaffold_written *written) {
    char other[PROGRAM_PATH];
    find_other_rondo(&other);
    const char *variable = other[0] == '\0' ? "" : " RONDO=";
    printf("wrote %s:\n", written->folder);
    for (int32_t i = 0; i < written->count; i++) {
        printf("  %s\n", written->files[i]);
    }
    printf("next:\n  make -C %s\n  make -C %s check%s%s\n  make -C %s train%s%s\n", written->folder, written->folder,
           variable, other, written->folder, variable, other);
}

static int run_new(const struct command *command, int argc, char **argv) {
    struct scaffold_wanted wanted = {0};
    const struct flag flags[] = {{"out", "FOLDER", FLAG_TEXT, &wanted.folder, "the folder to write (default: ./NAME)"},
                                 {"general", NULL, FLAG_ON, &wanted.general,
                                  "an op that defines its own shapes: infer, forward and backward instead of map"},
                                 {"numbers", NULL, FLAG_ON, &wanted.numbers, "a loss for numbers instead of classes"},
                                 {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 2, 2, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct scaffold_written written;
    const struct common_flags common = {.threads = 1};
    struct session *session = session_from_flags(&common, &errors);
    wanted.kind = arguments.words[0];
    wanted.name = arguments.words[1];
    wanted.registry = session == NULL ? NULL : session->registry;
    if (session != NULL && scaffold(&wanted, &written, session->arena, &errors) == RONDO_OK) {
        print_written(&written);
    }
    status = finish_command(&errors, 0);
    session_destroy(session);
    return status;
}

/* ---- the actions ---- */

static const struct command actions[] = {
    {"check",
     "plugin check FILE.so… [--only CHECK]… [--seed N] [--seconds N] [--json] [--verbose], or plugin check --explain "
     "CHECK",
     "check that a plug-in follows the rules of rondo/plugin.h",
     "Checks the file (it loads, exports one symbol, runs no code when it is listed), its option tables, and each op,\n"
     "optimizer, loss, schedule and metric: gradients, written outputs, buffers, threads, options at the ends of their "
     "ranges.\n"
     "Every check runs in its own process, so a plug-in may crash or loop. --explain CHECK describes a check and how\n"
     "to fix what it finds; --explain list lists all checks.\n"
     "Exit status: 0 if no check failed (there may be warnings), 1 if a check failed, 2 if there is no such file, or\n"
     "if --only names a check that no part of the file has.\n\n"
     "  rondo plugin check ./mine.so\n"
     "  rondo plugin check --explain gradient\n",
     run_check},
    {"new", "plugin new KIND NAME [--out FOLDER] [--general | --numbers]",
     "write a folder with a new plug-in to start from",
     "KIND is op, optimizer, loss, schedule or metric. The folder has NAME.c with a working example, the header that "
     "it "
     "needs,\n"
     "a Makefile, a meson.build, and a small experiment that trains with it. It builds and passes all checks as it "
     "is.\n"
     "--general is for an op, --numbers for a loss.\n\n"
     "  rondo plugin new optimizer mine\n"
     "  make -C mine check\n",
     run_new},
};
static int run_plugin(const struct command *command, int argc, char **argv) {
    static const struct command *const list[] = {&actions[0], &actions[1], NULL};
    return actions_run(command, list, argc, argv);
}

const struct command command_plugin = {"plugin", "plugin ACTION …", "create and check a plug-in",
                                       "'rondo plugin ACTION --help' describes an action.\n", run_plugin};
