#include "core/log.h"

#include <stdarg.h>

#include "core/number.h"

void log_line(const struct log_receiver *receiver, enum log_level level, const char *origin, const char *format, ...) {
    if (receiver == NULL || receiver->write == NULL) {
        return;
    }
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    receiver->write(receiver->arg, (int32_t)level, origin, text);
}
