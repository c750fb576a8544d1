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
#define DAM_MAX_DEVICES 64

typedef struct {
    char name[DAM_DEVICE_NAME_SIZE]; /* "cpu", "cuda:0", "cuda-on-cpu" */
    const char *kind;                /* "cpu", "cuda", "cuda-on-cpu" */
    double memory;                   /* bytes that can be had now */
    double live;                     /* bytes that this process holds there now */
    bool usable;
    char why[256]; /* why it is not usable; empty when it is */
} dam_device;

/* A table of functions (backend.h). */
typedef struct dam_backend dam_backend;

/* A device to work on. All zero: the CPU. */
typedef struct {
    const dam_backend *backend;
    int number; /* among the devices of its backend */
    char name[DAM_DEVICE_NAME_SIZE];
} dam_device_choice;

/* Fills at most `max` entries, the best first, and returns how many there are. */
size_t dam_device_list(dam_device *out, size_t max);

/*
 * Resolves "auto", "cpu", "cuda", "cuda:K" or "cuda-on-cpu" to the device that work will run on, or
 * DAM_ERR_DEVICE when it is unknown or not usable.
 */
dam_status dam_device_resolve(const char *name, dam_device_choice *out, dam_error *e);

#endif
