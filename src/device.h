/*
 * Devices: which exist here, and what a user's name for one means. "auto" is the best usable
 * device; any other name is that device or an error, never a silent replacement.
 */
#ifndef DAM_DEVICE_H
#define DAM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define DAM_DEVICE_NAME_SIZE 32

typedef struct {
    char name[DAM_DEVICE_NAME_SIZE]; /* "cpu", "cuda:0" */
    const char *kind;                /* "cpu", "cuda" */
    double memory;                   /* bytes that can be had now */
    bool usable;
    char why[128]; /* why it is not usable; empty when it is */
} dam_device;

/* Fills at most `max` entries, the best first, and returns how many there are. */
size_t dam_device_list(dam_device *out, size_t max);

/*
 * Resolves "auto", "cpu", "cuda", "cuda:K" or "cuda-on-cpu" to the name of the device that work
 * will run on, or DAM_ERR_DEVICE when it is unknown or not usable.
 */
dam_status dam_device_resolve(const char *name, char resolved[DAM_DEVICE_NAME_SIZE], dam_error *e);

#endif
