/* io/json.h: texts from the outside as JSON. */
#ifndef RONDO_IO_JSON_H
#define RONDO_IO_JSON_H

struct json_t;

/* A JSON string of any bytes: bytes that are not UTF-8, as in file names, become U+FFFD. NULL if there is not enough
 * memory. The caller owns it. */
struct json_t *json_text(const char *text);

#endif
