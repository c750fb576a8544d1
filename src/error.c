#include "error.h"

#include <stdio.h>

dam_status dam_fail(dam_error *e, dam_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    e->status = status;
    vsnprintf(e->message, sizeof e->message, format, arguments);
    va_end(arguments);
    return status;
}
