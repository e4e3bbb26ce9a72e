/* io/json.h: additions to jansson: parsing that distinguishes a mistake in the text from a lack of memory, and strings
 * of any bytes.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_JSON_H
#define RONDO_IO_JSON_H

#include "core/status.h"

struct json_t;
struct json_error_t;

/* Parses `length` bytes; a duplicate key of an object is a mistake. RONDO_INVALID if the text is not JSON, with the
 * place and the reason in *reason; RONDO_NO_MEMORY if memory is short. No error is added. The caller owns *value, which
 * is NULL after a failure. */
rondo_status json_parse(const char *text, size_t length, struct json_t **value, struct json_error_t *reason);
/* The same for a file; RONDO_INVALID, without a reason, also if it cannot be opened. */
rondo_status json_parse_file(const char *file, struct json_t **value, struct json_error_t *reason);

/* json_dumps that fails if memory is short: that of jansson may leave a key out instead. The text is from malloc; NULL if there is
 * not enough memory, or if `value` is NULL. */
char *json_write(const struct json_t *value, size_t flags);

/* A JSON string of any bytes: bytes that are not UTF-8, as in file names, become U+FFFD. NULL if there is not enough
 * memory. The caller owns it. */
struct json_t *json_text(const char *text);

#endif
