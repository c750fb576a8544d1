#include "devices.h"

#include <stdio.h>
#include <string.h>

/* Of a device's memory this part is left to others. */
#define RESERVE_PART 16

#define KIND DAM_CUDA_KIND
#define LEAST_CAPABILITY 8

namespace DAM_CUDA_NAMESPACE
{

/* What is known of a device in this process. */
typedef struct {
    uint64_t live; /* bytes taken there */
    int parts;     /* a sampler takes at most one part in so many; 0: as 1 */
    bool lost;
    char why[256];
} device;

static device devices[DAM_MAX_DEVICES];

static void name_device(int number, char name[DAM_DEVICE_NAME_SIZE])
{
#ifdef DAM_CUDA_ON_CPU
    (void)number;
    snprintf(name, DAM_DEVICE_NAME_SIZE, "%s", KIND);
#else
    snprintf(name, DAM_DEVICE_NAME_SIZE, KIND ":%d", number);
#endif
}

/*
 * The error of a call. What is left of the device after it decides: a context that does not answer
 * any more is lost for this process.
 */
static dam_status failed(int number, cudaError_t code, const char *call, const char *file, int line,
                         dam_error *e)
{
    device *d = devices + number;
    const char *slash = strrchr(file, '/');
    char name[DAM_DEVICE_NAME_SIZE];
    cudaError_t after;

    file = slash ? slash + 1 : file;
    name_device(number, name);
    (void)cudaGetLastError();
    after = cudaDeviceSynchronize();
    if (after != cudaSuccess && !d->lost) {
        d->lost = true;
        snprintf(d->why, sizeof d->why, "lost after an error of %.80s (cuda/%.34s:%d): %.80s", call,
                 file, line, cudaGetErrorString(code));
    }
    return dam_fail(e, DAM_ERR_DEVICE, "device %s: %s failed (cuda/%s:%d): %s: %s%s", name, call,
                    file, line, cudaGetErrorName(code), cudaGetErrorString(code),
                    d->lost ? "; the device is lost for this process, samplers on it can be saved "
                              "and loaded on another"
                            : "");
}

dam_status failed_code(int number, cudaError_t code, const char *call, const char *file, int line,
                       dam_error *e)
{
    return code == cudaSuccess ? DAM_OK : failed(number, code, call, file, line, e);
}

dam_status enter(int number, dam_error *e)
{
    char name[DAM_DEVICE_NAME_SIZE];

    if (devices[number].lost) {
        name_device(number, name);
        return dam_fail(e, DAM_ERR_DEVICE, "device %s: %s", name, devices[number].why);
    }
    return CHECKED(number, cudaSetDevice(number), "cudaSetDevice", e);
}

const char *last_error(int number)
{
    return devices[number].lost ? devices[number].why : NULL;
}

/* Why the device is not to be used, into `why`; empty when it is. */
static void examine(int number, char *why, size_t size)
{
    why[0] = 0;
    if (devices[number].lost) {
        snprintf(why, size, "%.255s", devices[number].why);
        return;
    }
#ifndef DAM_CUDA_ON_CPU
    int major = 0, minor = 0;
    cudaError_t code = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, number);
    if (code == cudaSuccess)
        code = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, number);
    if (code != cudaSuccess)
        snprintf(why, size, "%s", cudaGetErrorString(code));
    else if (major < LEAST_CAPABILITY)
        snprintf(why, size, "compute capability %d.%d: %d.0 or higher is needed", major, minor,
                 LEAST_CAPABILITY);
#endif
}

size_t probe(dam_device *out, size_t max, bool memory)
{
    int count = 0;
    const cudaError_t code = cudaGetDeviceCount(&count);
    const bool none = code != cudaSuccess || count < 1;

    if (none) {
        (void)cudaGetLastError();
        count = 1; /* one entry, to say why */
    }
    for (int i = 0; i < count && i < DAM_MAX_DEVICES && (size_t)i < max; i++) {
        size_t available = 0, total = 0;
        memset(out + i, 0, sizeof out[i]);
        name_device(i, out[i].name);
        out[i].kind = KIND;
        out[i].live = (double)__atomic_load_n(&devices[i].live, __ATOMIC_RELAXED);
        if (none)
            snprintf(out[i].why, sizeof out[i].why, "no CUDA driver, or no device: %s",
                     code != cudaSuccess ? cudaGetErrorString(code) : "the driver lists none");
        else
            examine(i, out[i].why, sizeof out[i].why);
        out[i].usable = !out[i].why[0];
        if (out[i].usable && memory && cudaSetDevice(i) == cudaSuccess &&
            cudaMemGetInfo(&available, &total) == cudaSuccess)
            out[i].memory = (double)available;
    }
    return (size_t)count;
}

/* ---- memory ---- */

void give_back(int number, block *b)
{
    if (!b->at)
        return;
    (void)cudaFree(b->at); /* a device that is lost has freed it */
    __atomic_sub_fetch(&devices[number].live, b->bytes, __ATOMIC_RELAXED);
    b->at = NULL;
    b->bytes = 0;
}

dam_status budget(int number, uint64_t mine, uint64_t *bytes, dam_error *e)
{
    const device *d = devices + number;
    const uint64_t live = __atomic_load_n(&d->live, __ATOMIC_RELAXED);
    size_t available = 0, total = 0;
    uint64_t part;

    if (CHECKED(number, cudaMemGetInfo(&available, &total), "cudaMemGetInfo", e))
        return e->status;
    *bytes = available > total / RESERVE_PART ? available - total / RESERVE_PART : 0;
    part = (*bytes + live) / (uint64_t)(d->parts > 1 ? d->parts : 1);
    part = part > mine ? part - mine : 0;
    if (part < *bytes)
        *bytes = part;
    return DAM_OK;
}

void share(int number, int parts)
{
    devices[number].parts = parts;
}

dam_status refuse(int number, uint64_t bytes, const char *what, dam_error *e)
{
    const double mib = 1024.0 * 1024.0;
    char name[DAM_DEVICE_NAME_SIZE];
    size_t available = 0, total = 0;

    name_device(number, name);
    if (cudaMemGetInfo(&available, &total) != cudaSuccess)
        (void)cudaGetLastError();
    return dam_fail(e, DAM_ERR_MEMORY,
                    "device %s: %s takes %.4g MiB, of %.4g MiB %.4g are free and this process "
                    "holds %.4g: lower M (or alpha), N, replicas or the number of temperatures, "
                    "or close other samplers",
                    name, what, (double)bytes / mib, (double)total / mib, (double)available / mib,
                    (double)__atomic_load_n(&devices[number].live, __ATOMIC_RELAXED) / mib);
}

dam_status take(int number, uint64_t bytes, const char *what, block *b, dam_error *e)
{
    const cudaError_t code = cudaMalloc(&b->at, bytes);

    if (code == cudaErrorMemoryAllocation) {
        b->at = NULL;
        (void)cudaGetLastError();
        return refuse(number, bytes, what, e);
    }
    if (CHECKED(number, code, "cudaMalloc", e))
        return e->status;
    b->bytes = bytes;
    __atomic_add_fetch(&devices[number].live, bytes, __ATOMIC_RELAXED);
    return DAM_OK;
}

} // namespace DAM_CUDA_NAMESPACE
