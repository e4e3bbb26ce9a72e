#include "compare/publish.h"

#include <string.h>

#include "io/file.h"

rondo_status comparison_publish(const struct comparison *comparison, const char *texts[COMPARISON_FORMS],
                                struct arena *arena, struct errors *errors) {
    struct comparison_statistics statistics;
    RONDO_TRY(comparison_statistics_compute(comparison, &statistics, arena, errors));
    for (int form = 0; form < COMPARISON_FORMS; form++) {
        const char *name = comparison_table_file((enum comparison_form)form);
        const char *file = arena_printf(arena, "%s/%s", comparison->folder, name);
        RONDO_TRY(
            comparison_table(comparison, &statistics, (enum comparison_form)form, 1, &texts[form], arena, errors));
        RONDO_TRY(file == NULL ? errors_no_memory(errors) : file_write(file, texts[form], strlen(texts[form]), errors));
    }
    return RONDO_OK;
}
