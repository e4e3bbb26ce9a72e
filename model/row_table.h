/* model/row_table.h: the rows of an embedding that one shard reads during an update, with their gradients.
 *
 * A table of [all, size] numbers has as many rows as the vocabulary has symbols, and a shard reads only some of them.
 * Instead of the whole table, the parameter on its tape is a small table of the rows that occur (U: their ids):
 *
 *     values[k] = table[U[k]]       y[j] = values[local[j]] = table[id[j]]        with U[local[j]] = id[j]
 *
 * so that its gradient is [count, size] as well: its memory and its cost depend on the text of the shard, and not on the
 * vocabulary.
 *
 *     row_table_begin(rows, name, &table, errors);          at the begin of an update
 *     row_table_add(rows, ids, n, local, errors);           for every stream that uses the table
 *     value = row_table_bind(rows, tape);                   then gather(value, local)
 *
 * Rows stay in the table until the next row_table_begin, so the gradients of several batches of an update add up. The
 * table must not change in between.
 *
 * Threads: one table belongs to one thread at a time.
 */
#ifndef RONDO_MODEL_ROW_TABLE_H
#define RONDO_MODEL_ROW_TABLE_H

#include "core/tape.h"

struct row_table {
    struct arena *arena;
    const char *name;       /* of the parameter, for messages; borrowed */
    rondo_tensor table;     /* [all, size], borrowed */
    int64_t count;          /* rows so far */
    int64_t capacity;       /* rows that there is memory for: a power of two */
    int32_t *ids;           /* [count] in the order of their first occurrence */
    rondo_tensor values;    /* [count, size] copies of the rows */
    rondo_tensor gradients; /* [count, size] */
    rondo_value bound;      /* the result of the last row_table_bind */
    int32_t *places;        /* [2 * capacity] hash table: 1 + the number of a row; 0: empty */
};

/* An empty struct row_table is zeroed, and uses no memory before the first row_table_begin. */
void row_table_free(struct row_table *rows);
/* Forgets all rows, keeps the memory, and continues with the parameter `name`, the whole `table`. */
rondo_status row_table_begin(struct row_table *rows, const char *name, const rondo_tensor *table,
                             struct errors *errors);
/* Adds the rows of `count` ids, each with a gradient of zero, unless the table has them. local[j] is the number of the
 * row of ids[j]. RONDO_INVALID if an id is not that of a row. After a failure, the table is used again only after
 * row_table_begin. */
rondo_status row_table_add(struct row_table *rows, const int32_t *ids, int64_t count, int32_t *local,
                           struct errors *errors);
/* The rows as a parameter on the tape; no row is added until the tape is reset. */
rondo_value row_table_bind(struct row_table *rows, struct tape *tape);

#endif
