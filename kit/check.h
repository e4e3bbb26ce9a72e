/* kit/check.h: what `rondo plugin check` runs: a table of checks for each kind of descriptor.
 *
 * A check gets one descriptor of a loaded plug-in and says whether it holds. Every check runs in a child process of its
 * own (kit/child.h): it may crash, loop or soil the heap, and the parent tells that as a finding. So a check needs no
 * cleaning up, and must not depend on what an earlier one did. Everything random comes from kit->seed.
 *
 * The name of a check is that of its section in docs/plugin-abi.md, and unique within its kind.
 */
#ifndef RONDO_KIT_CHECK_H
#define RONDO_KIT_CHECK_H

#include "core/parallel.h"
#include "core/registry.h"

struct loader;

/* What a check works with. */
struct kit {
    struct arena *arena;       /* for as long as the child lives */
    struct errors *errors;     /* of the host's functions; empty at first */
    struct registry *registry; /* the built-in ops, the shipped plug-ins on demand, and all of the file under check */
    struct loader *loader;     /* that of the registry */
    const char *file;          /* the plug-in under check */
    struct parallel parallel;  /* several threads, whatever the machine has */
    uint64_t seed;
};

enum verdict {
    VERDICT_PASS = 0,
    VERDICT_WARNING = 1, /* works, but not as users would want it */
    VERDICT_FAIL = 2,
    VERDICT_SKIPPED = 3 /* does not apply; the reason says why, and where it is empty nothing is told */
};

/* A check of one descriptor. Writes the reason where the verdict is not PASS: what was found, where, what was expected;
 * begins with a lower-case letter, no full stop. With PASS it may write a figure worth telling ("worst 2.1e-9"). */
struct kit_check {
    const char *name;    /* "gradient"; NULL ends a table */
    const char *summary; /* one line: what holds where it passes */
    enum verdict (*run)(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
};

/* In the order in which they run: what later ones build on comes first. Those of the file get NULL for a descriptor,
 * and a registry without the file; those of options run for descriptors of any kind. */
extern const struct kit_check kit_file_checks[];
extern const struct kit_check kit_option_checks[];
extern const struct kit_check kit_op_checks[];
extern const struct kit_check kit_optimizer_checks[];
extern const struct kit_check kit_loss_checks[];
extern const struct kit_check kit_schedule_checks[];

/* verdict, with the reason formatted into it: `return kit_say(reason, size, VERDICT_FAIL, "…", …)`. */
enum verdict kit_say(char *reason, size_t size, enum verdict verdict, const char *format, ...) RONDO_PRINTF(4, 5);

/* The options struct of a descriptor from text ("lr=0.1"; NULL: the defaults), from kit->arena. Required options that
 * the text leaves out get option_middle. NULL with kit->errors; NULL without an error where the descriptor has no
 * options, as the host passes it then. */
void *kit_options(struct kit *kit, const rondo_descriptor *descriptor, const char *text);

/* A value to give to an option: the middle of its range (the geometric one where min is above 0), the first choice,
 * "false", "text". NULL where memory is short. */
const char *option_middle(const rondo_option *option, struct arena *arena);

#endif
