/* kit/check_imports.c: the functions that the file imports, read from its symbol table, against a list of functions
 * that a plug-in should leave to the host. This finds calls in branches that no other check reaches. */
#include <string.h>

#include "kit/check_file.h"

static const char fails[] = "return ctx->host->fail(ctx, code, \"why\")";
static const char logs[] = "ctx->host->log(ctx, …), or fail for an error";
static const char draws[] = "ctx->host->random, which gives a repeated run the same words";
static const char counts[] = "call->step or call->done: a run must not depend on the clock";
static const char shared[] = "nothing: it changes the whole process, which belongs to the host";
static const char divides[] = "ctx->host->parallel_for";

/* The list includes functions that compilers substitute, such as puts for printf. Names with "__" come from <assert.h>
 * and _FORTIFY_SOURCE, names with "_Z" from C++. */
static const struct {
    const char *name, *instead;
} banned[] = {
    {"exit", fails},
    {"_exit", fails},
    {"_Exit", fails},
    {"quick_exit", fails},
    {"abort", fails},
    {"__assert_fail", fails},
    {"atexit", shared},
    {"printf", logs},
    {"puts", logs},
    {"putchar", logs},
    {"vprintf", logs},
    {"perror", logs},
    {"__printf_chk", logs},
    {"__vprintf_chk", logs},
    {"stdout", logs},
    {"stderr", logs},
    {"_ZSt4cout", logs},
    {"_ZSt4cerr", logs},
    {"syslog", logs},
    {"signal", shared},
    {"sigaction", shared},
    {"raise", fails},
    {"kill", fails},
    {"fork", shared},
    {"vfork", shared},
    {"system", shared},
    {"popen", shared},
    {"execv", shared},
    {"execve", shared},
    {"execvp", shared},
    {"execl", shared},
    {"execlp", shared},
    {"setlocale", shared},
    {"chdir", shared},
    {"umask", shared},
    {"setenv", shared},
    {"putenv", shared},
    {"fesetround", shared},
    {"feenableexcept", shared},
    {"srand", draws},
    {"rand", draws},
    {"rand_r", draws},
    {"random", draws},
    {"srandom", draws},
    {"drand48", draws},
    {"srand48", draws},
    {"lrand48", draws},
    {"arc4random", draws},
    {"getrandom", draws},
    {"getentropy", draws},
    {"time", counts},
    {"clock", counts},
    {"clock_gettime", counts},
    {"gettimeofday", counts},
    {"pthread_create", divides},
    {"thrd_create", divides},
};

/* The index of the row of `banned` with this name; -1: none. */
static int find(const char *name) {
    for (int i = 0; i < (int)(sizeof banned / sizeof banned[0]); i++) {
        if (strcmp(banned[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

enum verdict file_imports(struct trial *trial) {
    const struct elf_file *elf = check_open_elf(trial);
    if (elf == NULL) {
        return VERDICT_FAIL;
    }
    if (check_is_instrumented(elf)) {
        return trial_say(trial, VERDICT_SKIPPED, "it is built with a sanitizer, which imports functions");
    }
    struct elf_symbol symbol;
    const char *also = "";
    int first = -1, count = 0;
    for (int32_t i = 0; elf_symbol(elf, i, &symbol); i++) {
        const int row = symbol.is_defined ? -1 : find(symbol.name);
        if (row >= 0) {
            first = first < 0 ? row : first;
            count++;
            also = count == 1 ? ""
                              : arena_printf(trial->kit->arena, "%s%s'%s'", also, count == 2 ? ", and uses " : ", ",
                                             symbol.name);
            also = also == NULL ? "" : also;
        }
    }
    return count == 0 ? VERDICT_PASS
                      : trial_say(trial, VERDICT_WARNING, "uses '%s', expected %s%s", banned[first].name,
                                  banned[first].instead, also);
}
