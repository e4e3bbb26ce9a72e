/* kit/check.h: the checks of `rondo plugin check`: one table of checks for each kind of descriptor.
 *
 * A check looks at one descriptor of a loaded plug-in and gives a verdict. Every check runs in its own child process
 * (kit/child.h), so a plug-in may crash, loop or damage the heap: the parent reports that as a finding. A check
 * therefore need not free its memory, except in a loop, and must not depend on earlier checks. All random numbers
 * derive from kit->seed.
 *
 * The name of a check is that of its section in docs/plugin-abi.md, and unique within its kind.
 *
 * To add a check of one kind, write a function, a row in the kind's table, a section of the page, and a plug-in in
 * tests/plugins_bad that the check catches. kit/shared.h says how to add a check that all kinds share, kit/subject.h
 * how to add a kind.
 */
#ifndef RONDO_KIT_CHECK_H
#define RONDO_KIT_CHECK_H

#include <stdarg.h>

#include "core/parallel.h"
#include "core/registry.h"

struct loader;
struct option_setting;
struct subject_kind;

/* What every check works with. */
struct kit {
    struct arena *arena;       /* memory that lives as long as the child */
    struct errors *errors;     /* errors of the host's functions; empty at first */
    struct registry *registry; /* the built-in ops, the shipped plug-ins on demand, and the file under check */
    struct loader *loader;     /* the registry's loader */
    const char *file;          /* the plug-in under check */
    struct parallel parallel;  /* several threads, even if the machine has one processor */
    uint64_t seed;
};

enum verdict {
    VERDICT_PASS = 0,
    VERDICT_WARNING = 1, /* works, but not in the way that users want */
    VERDICT_FAIL = 2,
    VERDICT_SKIPPED = 3 /* does not apply; the reason says why. Without a reason the check is not reported at all */
};

enum { TRIAL_VALUES = 2, TRIAL_SITUATION = 240 };

/* One run of a check on one descriptor. Most checks visit several situations (an op with certain shapes, a loss with
 * certain targets); the visiting function gets a trial that also describes the situation. */
struct trial {
    struct kit *kit;
    const rondo_descriptor *descriptor; /* NULL: a check of the file */
    const struct subject_kind *kind;    /* adapter of the descriptor's kind; NULL: a check of the file */
    char *reason;                       /* [size] where trial_say writes */
    size_t size;
    void *arg; /* argument for the visitor */

    int may_refuse;                                    /* the plug-in may refuse the situation with RONDO_INVALID */
    int is_brief;                                      /* the check takes long, so similar situations are left out */
    const char *options;                               /* "lr=0.1", set over the defaults; NULL: none */
    const struct option_setting *values[TRIAL_VALUES]; /* set over `options` and the situation's own; NULL: none */

    int32_t index;                   /* number of the situation; -1: none */
    char situation[TRIAL_SITUATION]; /* "5 classes, in training"; "": none */
    const char *where;               /* a detail of the situation, such as "a scalar as input"; NULL: none */
};
typedef enum verdict trial_visit(struct trial *trial);

/* A function that runs a check. If the verdict is not PASS, it writes the reason: what was found, where, and what was
 * expected. With PASS it may write a result such as "worst 2.1e-9". A reason begins with a lower-case letter and ends
 * without a full stop. */
typedef enum verdict kit_check_function(struct trial *trial);
struct kit_check {
    const char *name;    /* "gradient"; NULL ends a table */
    const char *summary; /* one line: what is true if the check passes */
    kit_check_function *run;
};

/* Tables of checks, in the order in which they run; a check that others depend on comes first. Checks of the file get
 * no descriptor, and a registry without the file. Checks of options run for descriptors of every kind. */
extern const struct kit_check kit_file_checks[];
extern const struct kit_check kit_option_checks[];
extern const struct kit_check kit_op_checks[];
extern const struct kit_check kit_optimizer_checks[];
extern const struct kit_check kit_loss_checks[];
extern const struct kit_check kit_schedule_checks[];
extern const struct kit_check kit_metric_checks[];

/* ---- kit/kinds.c ---- */

/* The checks of a kind of descriptor, and the adapter that checks shared by all kinds use. */
struct kind_checks {
    const struct kit_check *checks;
    const struct subject_kind *kind;
};
struct kind_checks checks_of_kind(int32_t kind);
/* Runs a check on a descriptor (NULL: on the file). It writes the reason to reason[size]. */
enum verdict run_kit_check(const struct kit_check *check, struct kit *kit, const rondo_descriptor *descriptor,
                           char *reason, size_t size);

/* ---- kit/check.c ---- */

/* Writes the reason, after the situation and the options that were set ("5 classes, with scale=0: …"); returns
 * `verdict`: `return trial_say(trial, VERDICT_FAIL, "…", …)`. */
enum verdict trial_say(const struct trial *trial, enum verdict verdict, const char *format, ...) RONDO_PRINTF(3, 4);
enum verdict trial_say_list(const struct trial *trial, enum verdict verdict, const char *format, va_list arguments);
/* Removes a reason that was written by an attempt whose failure is not an error. */
void trial_unsay(const struct trial *trial);

/* The options struct of a descriptor from text ("lr=0.1"; NULL: the defaults), from kit->arena. Required options that
 * the text does not set get option_middle. NULL with kit->errors. NULL without an error if the descriptor has no
 * options; the host passes NULL too in this case. */
void *kit_options(struct kit *kit, const rondo_descriptor *descriptor, const char *text);
/* The same with `text` (NULL: trial->options), and then the settings of trial->values. */
void *trial_options(const struct trial *trial, const char *text);

/* A value to give to an option: the middle of its range (the geometric one where min is above 0), the first choice,
 * "false", "text". NULL if memory is short. */
const char *option_middle(const rondo_option *option, struct arena *arena);
/* 1 if the parser of options accepts a value. It refuses, for example, an end of a range of integers that is too large
 * for an int64_t. */
int option_is_parsed(const struct trial *trial, const struct option_setting *value);

#endif
