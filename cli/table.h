/* cli/table.h: the table of a metric on a terminal, and as JSON.
 *
 *     confusion_matrix (columns: predicted class)
 *       true class  negative  positive
 *       negative         812       188
 *       positive          90       910
 */
#ifndef RONDO_CLI_TABLE_H
#define RONDO_CLI_TABLE_H

#include "cli/json_builder.h"
#include "train/metrics.h"

/* The name of class k: rows and columns without names are classes. */
typedef const char *class_name(void *arg, int64_t k);

/* Prints the table on standard output. Counts have no decimals, undefined values are "-". A table that is too wide is
 * printed in several parts, one below the other. */
void table_print(const struct metric_table *table, class_name *name, void *arg);

/* {"rows": [names], "columns": [names], "values": [[…], …]}; undefined values are null. */
json_t *table_json(struct json_builder *builder, const struct metric_table *table, class_name *name, void *arg);

#endif
