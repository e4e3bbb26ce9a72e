/* compare/publish.h: writes the tables of a comparison into its folder, one file for each form (compare/table.h).
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_PUBLISH_H
#define RONDO_COMPARE_PUBLISH_H

#include "compare/table.h"

/* Writes all forms, each whole or not at all. texts[form], from `arena`, is what was written. */
rondo_status comparison_publish(const struct comparison *comparison, const char *texts[COMPARISON_FORMS],
                                struct arena *arena, struct errors *errors);

#endif
