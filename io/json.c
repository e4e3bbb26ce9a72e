#include "io/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/utf8.h"

json_t *json_text(const char *text) {
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    const size_t length = strlen(text);
    if (utf8_check(text, length, NULL)) {
        return json_string(text);
    }
    char *clean = malloc(3 * length + 1);
    if (clean == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        const size_t bytes = utf8_decode(text + i, length - i, &code);
        memcpy(clean + used, bytes == 0 ? replacement : text + i, bytes == 0 ? 3 : bytes);
        used += bytes == 0 ? 3 : bytes;
        i += bytes == 0 ? 1 : bytes;
    }
    clean[used] = '\0';
    json_t *value = json_string(clean);
    free(clean);
    return value;
}
