/*
 * Errors of the engine. Every engine function that can fail returns a dam_status and, when it
 * fails, leaves one sentence in the caller's dam_error that names what was asked, what was found
 * and what is allowed. The engine never prints, exits or longjmps: only the Lua binding raises,
 * after it has released what it holds.
 */
#ifndef DAM_ERROR_H
#define DAM_ERROR_H

#include <stdarg.h>

typedef enum {
    DAM_OK = 0,
    DAM_ERR_ARGUMENT,    /* impossible value from the caller */
    DAM_ERR_MEMORY,      /* does not fit, or malloc said no */
    DAM_ERR_IO,          /* file cannot be read or written, or is not what it should be */
    DAM_ERR_DOMAIN,      /* formula or state outside its domain */
    DAM_ERR_STATE,       /* not allowed in the object's present state */
    DAM_ERR_INTERRUPTED, /* stopped by the interrupt flag; the object is valid and can go on */
    DAM_ERR_DEVICE,      /* device or instruction set unknown or not available */
} dam_status;

typedef struct {
    dam_status status;
    char message[1024];
} dam_error;

/* Fills `e` with `status` and the formatted message, and returns `status`. */
dam_status dam_fail(dam_error *e, dam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
