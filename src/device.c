#include "device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

/* The best first; the last one is for tests, and never chosen by "auto". */
static const dam_backend *const backends[] = {
#ifdef DAM_HAVE_CUDA
    &dam_backend_cuda,
#endif
    &dam_backend_cpu,
#ifdef DAM_HAVE_CUDA_ON_CPU
    &dam_backend_cuda_on_cpu,
#endif
};

#define BACKENDS (sizeof backends / sizeof backends[0])

/* What stands in the list for what the build leaves out. */
static const dam_device left_out[] = {
#ifndef DAM_HAVE_CUDA
    {.name = "cuda:0", .kind = "cuda", .why = "built without CUDA"},
#endif
#ifndef DAM_HAVE_CUDA_ON_CPU
    {.name = "cuda-on-cpu", .kind = "cuda-on-cpu", .why = "built without CUDA's kernels"},
#endif
    {.kind = NULL},
};

static void add(const dam_device *d, dam_device *out, size_t max, size_t *n)
{
    if (*n < max)
        out[*n] = *d;
    ++*n;
}

size_t dam_device_list(dam_device *out, size_t max)
{
    dam_device found[DAM_MAX_DEVICES];
    size_t n = 0;

    for (int usable = 1; usable >= 0; usable--) {
        for (size_t b = 0; b < BACKENDS; b++) {
            size_t count = backends[b]->probe(found, DAM_MAX_DEVICES, true);
            for (size_t i = 0; i < count && i < DAM_MAX_DEVICES; i++)
                if (found[i].usable == (usable != 0))
                    add(found + i, out, max, &n);
        }
    }
    for (const dam_device *d = left_out; d->kind; d++)
        add(d, out, max, &n);
    return n;
}

/* "cuda:K" with K a number without sign. */
static bool is_numbered_cuda(const char *name)
{
    if (strncmp(name, "cuda:", 5) != 0 || !name[5] || strlen(name) > 9)
        return false;
    for (const char *p = name + 5; *p; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    return true;
}

static dam_status not_available(const char *name, const char *why, dam_error *e)
{
    return dam_fail(e, DAM_ERR_DEVICE, "device '%s' is not available: %s; use cpu, or auto", name,
                    why);
}

static void choose(const dam_backend *backend, int number, const char *name, dam_device_choice *out)
{
    out->backend = backend;
    out->number = number;
    snprintf(out->name, sizeof out->name, "%s", name);
}

/* Device `number` of the backend that is called `kind`, asked for as `name`. */
static dam_status take(const char *kind, int number, const char *name, dam_device_choice *out,
                       dam_error *e)
{
    dam_device found[DAM_MAX_DEVICES];
    char why[64];

    for (size_t b = 0; b < BACKENDS; b++) {
        size_t count;
        if (strcmp(backends[b]->kind, kind) != 0)
            continue;
        count = backends[b]->probe(found, DAM_MAX_DEVICES, false);
        if ((size_t)number < count && number < DAM_MAX_DEVICES && found[number].usable) {
            choose(backends[b], number, found[number].name, out);
            return DAM_OK;
        }
        if (count > 0 && ((size_t)number < count || !found[0].usable))
            return not_available(name, found[(size_t)number < count ? number : 0].why, e);
        snprintf(why, sizeof why, "there are %zu such devices, numbered from 0", count);
        return not_available(name, why, e);
    }
    for (const dam_device *d = left_out; d->kind; d++)
        if (strcmp(d->kind, kind) == 0)
            return not_available(name, d->why, e);
    return not_available(name, "it is left out of this build", e);
}

/* The best usable one; a CPU always is. */
static dam_status take_best(dam_device_choice *out, dam_error *e)
{
    for (size_t b = 0; b < BACKENDS; b++) {
        dam_device found[DAM_MAX_DEVICES];
        size_t count = backends[b]->probe(found, DAM_MAX_DEVICES, false);
        for (size_t i = 0; i < count && i < DAM_MAX_DEVICES; i++)
            if (found[i].usable) {
                choose(backends[b], (int)i, found[i].name, out);
                return DAM_OK;
            }
    }
    return not_available("auto", "there is none", e);
}

dam_status dam_device_resolve(const char *name, dam_device_choice *out, dam_error *e)
{
    if (strcmp(name, "auto") == 0)
        return take_best(out, e);
    if (strcmp(name, "cpu") == 0 || strcmp(name, "cuda-on-cpu") == 0)
        return take(name, 0, name, out, e);
    if (strcmp(name, "cuda") == 0)
        return take("cuda", 0, name, out, e);
    if (is_numbered_cuda(name))
        return take("cuda", atoi(name + 5), name, out, e);
    return dam_fail(e, DAM_ERR_DEVICE,
                    "device '%s' is unknown: expected auto, cpu, cuda, cuda:K or cuda-on-cpu",
                    name);
}
