#include "core/memory_size.h"

#include <string.h>

/* Letters of units, each a thousand times the one before. */
static const char units[] = "kmgt";

static int is_letter(char found, char letter) {
    return found == letter || found == letter - 'a' + 'A';
}

/* The factor of a unit, which is the rest of the text; 0: it is none. */
static double unit_factor(const char *text) {
    const char *unit =
        text[0] == '\0' ? NULL : strchr(units, text[0] >= 'A' && text[0] <= 'Z' ? text[0] - 'A' + 'a' : text[0]);
    if (unit == NULL) {
        return 0;
    }
    const int is_binary = is_letter(text[1], 'i');
    const char *rest = text + 1 + is_binary;
    const int has_b = is_letter(rest[0], 'b');
    if (rest[has_b] != '\0' || (is_binary && !has_b)) {
        return 0;
    }
    double factor = 1;
    for (const char *at = units; at <= unit; at++) {
        factor *= is_binary ? 1024 : 1000;
    }
    return factor;
}

const char *memory_size_parse(const char *text, uint64_t *bytes) {
    double number = 0, place = 0; /* of the next digit after the point; 0: before it */
    const char *at = text;
    int digits = 0;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && place == 0 && digits > 0); at++) {
        if (*at == '.') {
            place = 0.1;
            continue;
        }
        digits++;
        number = place == 0 ? 10 * number + (*at - '0') : number + place * (*at - '0');
        place /= 10;
    }
    if (digits == 0) {
        return at;
    }
    at += *at == ' ';
    const double factor = unit_factor(at), most = 9e18;
    if (factor == 0) {
        return at;
    }
    if (number * factor < 1 || number * factor > most) {
        return text;
    }
    *bytes = (uint64_t)(number * factor);
    return NULL;
}
