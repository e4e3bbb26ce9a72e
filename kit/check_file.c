/* kit/check_file.c: the checks of the file itself. The first ones read its bytes (kit/elf_file.h), the others
 * load it. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/kind.h"
#include "core/loader.h"
#include "core/number.h"
#include "kit/check_file.h"
#include "kit/child.h"

static const rondo_descriptor *const nothing[] = {NULL};
static const struct location nowhere = {0};

static int begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* ---- without loading it ---- */

/* Names with a leading underscore come from the compiler or a sanitizer, except "_Z…", which are names of C++. */
static int is_of_compiler(const char *name) {
    return name[0] == '_' && !begins_with(name, "_Z");
}

/* Templates of the C++ library are exported as weak symbols even with -fvisibility=hidden. */
static enum verdict exported_symbol(struct trial *trial) {
    const struct elf_file *elf = check_open_elf(trial);
    if (elf == NULL) {
        return VERDICT_FAIL;
    }
    struct elf_symbol symbol;
    const char *other = NULL, *weak = NULL;
    int has_plugin = 0, others = 0, weaks = 0;
    for (int32_t i = 0; elf_symbol(elf, i, &symbol); i++) {
        if (!symbol.is_defined || is_of_compiler(symbol.name)) {
            continue;
        }
        if (strcmp(symbol.name, "rondo_plugin") == 0) {
            has_plugin = 1;
        } else if (symbol.is_weak && begins_with(symbol.name, "_Z")) {
            weak = weaks++ == 0 ? symbol.name : weak;
        } else {
            other = others++ == 0 ? symbol.name : other;
        }
    }
    if (!has_plugin) {
        return trial_say(trial, VERDICT_FAIL, "does not export 'rondo_plugin', expected RONDO_PLUGIN in one file");
    }
    if (others > 0) {
        return trial_say(trial, VERDICT_FAIL, "exports '%s'%s, expected only 'rondo_plugin'", other,
                         others > 1 ? " and more" : "");
    }
    if (weaks > 0) {
        return trial_say(trial, VERDICT_WARNING,
                         "exports %d weak C++ symbols such as '%s', expected only 'rondo_plugin'", weaks, weak);
    }
    return VERDICT_PASS;
}

/* The parts of the C library, and the libraries of the compiler. */
static int is_everywhere(const char *library) {
    static const char *const beginnings[] = {
        "libc.",   "libm.",      "libpthread.", "libdl.",   "librt.",    "ld-linux", "libgcc_s.", "libstdc++.",
        "libc++.", "libc++abi.", "libmvec.",    "libasan.", "libubsan.", "libtsan.", "liblsan.",  "linux-vdso"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (begins_with(library, beginnings[i])) {
            return 1;
        }
    }
    return 0;
}

static enum verdict needs(struct trial *trial) {
    const struct elf_file *elf = check_open_elf(trial);
    if (elf == NULL) {
        return VERDICT_FAIL;
    }
    const char *library, *other = NULL;
    for (int32_t i = 0; (library = elf_needed(elf, i)) != NULL; i++) {
        if (begins_with(library, "librondo.")) {
            return trial_say(trial, VERDICT_FAIL,
                             "needs '%s', expected no library of Rondo: a plug-in calls the host through ctx->host",
                             library);
        }
        other = other == NULL && !is_everywhere(library) ? library : other;
    }
    return other == NULL ? VERDICT_PASS
                         : trial_say(trial, VERDICT_WARNING,
                                     "needs '%s', which must be installed wherever the plug-in is used", other);
}

/* One entry of DT_INIT_ARRAY is allowed: frame_dummy, which the compiler's start files add. */
static enum verdict runs_no_code(struct trial *trial) {
    const struct elf_file *elf = check_open_elf(trial);
    if (elf == NULL) {
        return VERDICT_FAIL;
    }
    if (check_is_instrumented(elf)) {
        return trial_say(trial, VERDICT_SKIPPED, "it is built with a sanitizer, which runs its own code");
    }
    if (elf_has_own_init(elf)) {
        return trial_say(trial, VERDICT_FAIL, "runs a function when it is loaded (DT_INIT), expected none");
    }
    const int32_t own = elf_constructors(elf) - 1;
    return own <= 0 ? VERDICT_PASS
                    : trial_say(trial, VERDICT_FAIL,
                                "runs %d function%s when it is loaded (a constructor, or a C++ object at file scope), "
                                "expected none",
                                (int)own, own == 1 ? "" : "s");
}

/* ---- with loading it ---- */

/* A registry with only the descriptors of the file; NULL with errors. */
static struct registry *load_alone(const char *file, struct errors *errors) {
    struct registry *registry = registry_create(nothing, errors);
    struct loader *loader = registry == NULL ? NULL : loader_create(NULL, errors);
    return loader != NULL && loader_load(loader, registry, file, nowhere, errors) == RONDO_OK ? registry : NULL;
}

static enum verdict loads(struct trial *trial) {
    return load_alone(trial->kit->file, trial->kit->errors) != NULL
               ? VERDICT_PASS
               : trial_say(trial, VERDICT_FAIL, "%s", errors_text(trial->kit->errors, 0));
}

static int is_same_file(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The name of a built-in op cannot be registered. If two files have the same name, only the file that is loaded first
 * can register it. */
static enum verdict unique_names(struct trial *trial) {
    const rondo_descriptor *descriptor;
    const struct registry *own = load_alone(trial->kit->file, trial->kit->errors);
    if (own == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "it does not load");
    }
    struct errors ignored = {0}; /* another plug-in may be broken */
    loader_load_all(trial->kit->loader, trial->kit->registry, &ignored);
    enum verdict verdict = VERDICT_PASS;
    for (int32_t i = 0; (descriptor = registry_at(own, i, NULL)) != NULL; i++) {
        const rondo_descriptor *other;
        const char *origin;
        for (int32_t k = 0; (other = registry_at(trial->kit->registry, k, &origin)) != NULL; k++) {
            if (other->kind != descriptor->kind || strcmp(other->name, descriptor->name) != 0 ||
                is_same_file(origin, trial->kit->file)) {
                continue;
            }
            if (strcmp(origin, "built-in") == 0) {
                return trial_say(trial, VERDICT_FAIL,
                                 "%s '%s' is built in, expected another name; its descriptors are not checked",
                                 kind_name(other->kind), other->name);
            }
            verdict =
                trial_say(trial, VERDICT_WARNING, "%s also has %s '%s': if both are loaded, the second is refused",
                          origin, kind_name(other->kind), other->name);
        }
    }
    return verdict;
}

/* ---- how long it takes ---- */

enum { LISTINGS = 5 };
static const double listing_limit = 0.1; /* seconds */

/* Loads the file and reads what `rondo list` would read. The answer is the time in seconds. */
static size_t list_once(void *arg, char *answer, size_t size) {
    const char *file = arg;
    struct errors errors = {0};
    const double start = child_clock();
    const struct registry *registry = load_alone(file, &errors);
    const rondo_descriptor *descriptor;
    size_t length = 0;
    for (int32_t i = 0; registry != NULL && (descriptor = registry_at(registry, i, NULL)) != NULL; i++) {
        length += strlen(descriptor->name) + strlen(descriptor->summary);
        for (const rondo_option *option = descriptor->options; option != NULL && option->key != NULL; option++) {
            length += strlen(option->help);
        }
    }
    const double seconds = child_clock() - start;
    return length == 0 ? 0 : (size_t)number_print(answer, size, "%.9f", seconds);
}

/* A process loads a file only once, so each measurement has its own process. */
static enum verdict listing_time(struct trial *trial) {
    double best = -1;
    for (int i = 0; i < LISTINGS; i++) {
        struct child_outcome outcome;
        char *end;
        if (child_run(list_once, (void *)trial->kit->file, 10, &outcome, trial->kit->arena, trial->kit->errors) !=
            RONDO_OK) {
            return trial_say(trial, VERDICT_FAIL, "%s", errors_text(trial->kit->errors, 0));
        }
        const double seconds = outcome.end == CHILD_ANSWERED ? number_parse(outcome.answer, &end) : 0;
        if (outcome.end != CHILD_ANSWERED || end == outcome.answer) {
            return trial_say(trial, VERDICT_SKIPPED, "it does not load");
        }
        best = best < 0 || seconds < best ? seconds : best;
    }
    return best <= listing_limit ? trial_say(trial, VERDICT_PASS, "%.1f ms", 1e3 * best)
                                 : trial_say(trial, VERDICT_FAIL, "takes %.0f ms to load, expected at most %.0f",
                                             1e3 * best, 1e3 * listing_limit);
}

const struct kit_check kit_file_checks[] = {
    {"exported_symbol", "the only symbol that it exports is rondo_plugin", exported_symbol},
    {"needs", "it needs no library except those of C and of the compiler", needs},
    {"imports", "it calls nothing that ends or changes the process, prints, or reads the clock", file_imports},
    {"runs_no_code", "it runs no code when it is loaded", runs_no_code},
    {"loads", "every symbol is found and every descriptor is accepted", loads},
    {"unique_names", "no built-in op and no plug-in on the path has the same name", unique_names},
    {"listing_time", "it loads, and its names and options are read, within 0.1 s", listing_time},
    {NULL, NULL, NULL},
};
