/*
 * Devices of the CUDA backend, their memory and their errors, by number. Every call of the runtime
 * and every launch is checked; its error names call, file and line, and a device whose context does
 * not answer any more is lost for this process, which everything says from then on.
 */
#ifndef DAM_CUDA_DEVICES_H
#define DAM_CUDA_DEVICES_H

#include <stddef.h>
#include <stdint.h>

extern "C" {
#include "device.h"
#include "error.h"
}

#include "kernels/platform.h"

#ifdef DAM_CUDA_ON_CPU
#include "runtime_on_cpu.h"
#define DAM_LAUNCHED(launch) dam_runtime::launched(launch)
#define DAM_CUDA_KIND "cuda-on-cpu"
#else
#define DAM_LAUNCHED(launch) (launch)
#define DAM_CUDA_KIND "cuda"
#endif

/* The status of a call on device `number` that returned `code`, with `e` filled if it failed. */
#define CHECKED(number, code, call, e) \
    failed_code((number), (code), (call), __FILE__, __LINE__, (e))

/* A call of the runtime or a launch for the room `r`; true when it failed, with `e` filled. */
#define FAILS(r, call, e) (CHECKED((r)->number, (call), #call, (e)) != DAM_OK)

namespace DAM_CUDA_NAMESPACE
{

/* A piece of device memory. */
typedef struct {
    void *at;
    uint64_t bytes;
} block;

size_t probe(dam_device *out, size_t max, bool memory);
const char *last_error(int number);

dam_status failed_code(int number, cudaError_t code, const char *call, const char *file, int line,
                       dam_error *e);

/* Makes the device current; DAM_ERR_DEVICE when it is lost. */
dam_status enter(int number, dam_error *e);

/* Device memory; what no room is left for is DAM_ERR_MEMORY with the sizes. */
dam_status take(int number, uint64_t bytes, const char *what, block *b, dam_error *e);
dam_status refuse(int number, uint64_t bytes, const char *what, dam_error *e);
void give_back(int number, block *b);

/* Bytes that a sampler that holds `mine` may take now: the reserve is left alone, and the parts of
 * others (share). */
dam_status budget(int number, uint64_t mine, uint64_t *bytes, dam_error *e);
void share(int number, int parts);

} // namespace DAM_CUDA_NAMESPACE

#endif
