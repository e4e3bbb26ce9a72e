/* kit/check_elf.c: what the checks of a plug-in's file share: see kit/check_file.h. */
#include <string.h>

#include "kit/check_file.h"

static int begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

struct elf_file *check_open_elf(const struct trial *trial) {
    struct elf_file *elf = elf_open(trial->kit->file, trial->kit->arena, trial->kit->errors);
    if (elf == NULL) {
        trial_say(trial, VERDICT_FAIL, "%s", errors_text(trial->kit->errors, 0));
    }
    return elf;
}

static int imports(const struct elf_file *elf, const char *beginning) {
    struct elf_symbol symbol;
    for (int32_t i = 0; elf_symbol(elf, i, &symbol); i++) {
        if (!symbol.is_defined && begins_with(symbol.name, beginning)) {
            return 1;
        }
    }
    return 0;
}

int check_is_instrumented(const struct elf_file *elf) {
    return imports(elf, "__asan_") || imports(elf, "__tsan_") || imports(elf, "__ubsan_") || imports(elf, "__gcov_");
}
