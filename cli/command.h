/* cli/command.h: what the subcommands of `rondo` share: arguments, errors, exit status.
 *
 * To add a command, write cli/NAME.c with a `const struct command command_NAME`, and add it to the list in cli/main.c and
 * to cli/meson.build.
 *
 * Exit status: 0 done, 1 the run failed, 2 the user's input is wrong. Data goes to standard output, all else to
 * standard error; with --json, errors are JSON as well.
 */
#ifndef RONDO_CLI_COMMAND_H
#define RONDO_CLI_COMMAND_H

#include "experiment/session.h"

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_INPUT  2

/* At most this many values of a repeated flag such as --set. */
#define ARGUMENT_LIST_MAX 256

enum flag_kind {
    FLAG_ON,     /* --json: target int, set to 1 */
    FLAG_TEXT,   /* --out DIR: target const char * */
    FLAG_ONCE,   /* const char *: a text that may be empty; given at most once */
    FLAG_LIST,   /* --set K=V, repeated: target const char *[ARGUMENT_LIST_MAX + 1], NULL-terminated */
    FLAG_COUNT,  /* --threads N: target int32_t, 1 to 4096 */
    FLAG_WIDTH,  /* --hidden N: target int32_t, 1 to 65536, as `hidden` of a layer */
    FLAG_NUMBER, /* --example N: target int64_t, 1 to 2^53 */
    FLAG_MEMORY, /* --max-memory SIZE: target uint64_t, bytes (core/memory_size.h) */
    FLAG_PLOT    /* --plot, --plot FILE.svg: target struct plot_flag; also by another name */
};

/* The value of --plot, or of a flag like it, may be left out. The next word is one if it ends in .svg; --plot=FILE always has one. */
struct plot_flag {
    int is_given;
    const char *file; /* NULL: none, so plots are text on standard output */
    const char *name; /* of the flag, without the dashes; NULL: not given */
};

struct flag {
    const char *name;  /* without the dashes */
    const char *value; /* "FILE" for the help; NULL with FLAG_ON */
    enum flag_kind kind;
    void *target;
    const char *help;
};

/* The command line of one command, after parsing. Flags may appear anywhere; "--" ends them. */
struct arguments {
    const char *words[ARGUMENT_LIST_MAX + 1]; /* the arguments that are not flags; NULL-terminated */
    int32_t n_words;
};

struct command {
    const char *name, *usage, *summary; /* the summary completes "rondo NAME: " */
    const char *details;                /* the rest of the help: what it prints, an example */
    int (*run)(const struct command *command, int argc,
               char **argv); /* argv[0] is the command's name; the exit status */
};

/* Parses argv by `flags` (ends with a NULL name). Returns 1 if the command should run. Returns 0 with the exit status
 * after --help, which prints the help, or after a mistake. From `least` to `most` words are expected. */
int arguments_parse(const struct command *command, const struct flag *flags, int argc, char **argv, int32_t least,
                    int32_t most, struct arguments *arguments, int *status);

/* 1 if `--json` is among the flags. Mistakes of the command line itself are then reported as JSON, too. */
int has_json_flag(int argc, char **argv);

/* Reports that an argument is missing, for a command that needs one only in some cases. Returns the exit status. */
int refuse_missing(const struct command *command, int argc, char **argv);

/* Prints all errors to standard error and frees them. Returns the exit status. Each error is "rondo: text", or with
 * `json` one object on a line: {"file": …, "line": …, "column": …, "message": …}, null for a value that is not
 * known. */
int report_errors(struct errors *errors, int json);
/* The same for warnings: "rondo: warning: text", or the object above with "warning" instead of "message". */
void report_warnings(struct errors *warnings, int json);
/* Warns about the data of an experiment that was read (data_section_warn). */
struct task;
void report_data(const struct task *task, int json);
/* Prints a JSON value and a line break, and takes ownership of the value. NULL means that memory was short. Failures to
 * write are reported by finish_output. */
struct json_t;
rondo_status output_json(struct json_t *value, size_t flags, struct errors *errors);
/* Ends a command that wrote to standard output: EXIT_FAILED, with an error, if writing failed (a full disk). */
int finish_output(void);
/* Ends a command: writes what is left of standard output, and then reports the errors, if there are any. Returns the exit status. */
int finish_command(struct errors *errors, int json);

/* Flags that several commands share, and the session made from them. */
struct common_flags {
    const char *best; /* cli/open_run.h; NULL: not given */
    const char *plugins[ARGUMENT_LIST_MAX + 1];
    const char *assignments[ARGUMENT_LIST_MAX + 1];
    int32_t threads;
    const char *engine;
    const char *passes;
    int json;
    int verbose;
};
#define COMMON_FLAG_PLUGIN(common)                                                                                     \
    { "plugin", "FILE", FLAG_LIST, (common).plugins, "load this plug-in first; may be repeated" }
#define COMMON_FLAG_SET(common)                                                                                        \
    {                                                                                                                  \
        "set", "KEY=VALUE", FLAG_LIST, (common).assignments,                                                           \
            "override a value of the experiment, such as optimizer.lr=0.01; may be repeated"                           \
    }
#define COMMON_FLAG_THREADS(common)                                                                                    \
    { "threads", "N", FLAG_COUNT, &(common).threads, "number of threads (default: one per processor)" }
#define COMMON_FLAG_ENGINE(common)                                                                                     \
    {                                                                                                                  \
        "engine", "NAME", FLAG_TEXT, &(common).engine,                                                                 \
            "engine for recurrences: fused, or tape, the reference (default: fused)"                                   \
    }
#define COMMON_FLAG_PASSES(common)                                                                                     \
    { "passes", "-NAME,…", FLAG_TEXT, &(common).passes, "switch off passes of the fused engine, such as -fuse,-sink" }
#define COMMON_FLAG_VERBOSE(common)                                                                                    \
    {                                                                                                                  \
        "verbose", NULL, FLAG_ON, &(common).verbose,                                                                   \
            "print which plug-ins are loaded, and the log of plug-ins, on standard error"                              \
    }
#define FLAG_PLOT_OF(plot)                                                                                             \
    { "plot", "[FILE.svg]", FLAG_PLOT, &(plot), "draw plots: as text, or to an SVG file" }
#define FLAG_EXAMPLE_OF(example)                                                                                       \
    {                                                                                                                  \
        "example", "N", FLAG_NUMBER, &(example),                                                                       \
            "for --plot of predictions at every step: the example that is drawn, from 1 (default: the last)"           \
    }
#define FLAG_MAX_MEMORY_OF(bytes)                                                                                      \
    {                                                                                                                  \
        "max-memory", "SIZE", FLAG_MEMORY, &(bytes),                                                                   \
            "refuse a training that is predicted to take more memory, such as 512M or 4GiB"                            \
    }
#define COMMON_FLAG_JSON(common)                                                                                       \
    { "json", NULL, FLAG_ON, &(common).json, "print JSON" }

/* A receiver of log lines for --verbose (core/log.h): prints "rondo: text", or "FILE: text" for a line of a plug-in, to
 * the FILE* `out`, in one call, so that lines of threads do not mix. */
void print_log_line(void *out, int32_t level, const char *origin, const char *text);

/* Creates the session that the flags describe. NULL with errors; free with session_destroy. */
struct session *session_from_flags(const struct common_flags *common, struct errors *errors);

#endif
