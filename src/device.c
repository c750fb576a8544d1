#include "device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define NO_CUDA "built without CUDA"

size_t dam_device_list(dam_device *out, size_t max)
{
    if (max > 0) {
        dam_device cpu = {.name = "cpu", .kind = "cpu", .usable = true};
        cpu.memory = dam_memory_available();
        out[0] = cpu;
    }
    if (max > 1) {
        dam_device cuda = {.name = "cuda:0", .kind = "cuda", .why = NO_CUDA};
        out[1] = cuda;
    }
    return 2;
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

dam_status dam_device_resolve(const char *name, char resolved[DAM_DEVICE_NAME_SIZE], dam_error *e)
{
    if (strcmp(name, "auto") == 0 || strcmp(name, "cpu") == 0) {
        snprintf(resolved, DAM_DEVICE_NAME_SIZE, "cpu");
        return DAM_OK;
    }
    if (strcmp(name, "cuda") == 0 || strcmp(name, "cuda-on-cpu") == 0 || is_numbered_cuda(name))
        return dam_fail(e, DAM_ERR_DEVICE,
                        "device '%s' is not available: " NO_CUDA "; use cpu, or auto", name);
    return dam_fail(e, DAM_ERR_DEVICE,
                    "device '%s' is unknown: expected auto, cpu, cuda, cuda:K or cuda-on-cpu",
                    name);
}
