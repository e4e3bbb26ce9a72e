#include "kit/no_globals.h"

#include "kit/globals.h"

enum verdict keeps_no_globals(struct kit *kit, const rondo_descriptor *descriptor, void (*call)(void *arg), void *arg,
                              char *reason, size_t size) {
    struct globals globals = {0};
    const void *first = NULL;
    call(arg);
    if (!globals_copy(descriptor->name, kit->arena, &globals)) {
        return VERDICT_PASS; /* a descriptor of the program itself, in a test */
    }
    call(arg);
    const size_t changed = globals_changed(&globals, &first);
    return changed == 0 ? VERDICT_PASS
                        : kit_say(reason, size, VERDICT_FAIL,
                                  "a call changed %zu bytes of the plug-in's global variables, which all threads share",
                                  changed);
}
