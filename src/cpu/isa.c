#include "kernels.h"

#include <stdlib.h>
#include <string.h>

extern const dam_kernels dam_kernels_scalar;
#ifdef DAM_HAVE_X86_KERNELS
extern const dam_kernels dam_kernels_avx2, dam_kernels_avx512;
#endif

/* The builtins ask the processor and whether the operating system saves the registers. */
static int supported(const char *name)
{
#ifdef DAM_HAVE_X86_KERNELS
    __builtin_cpu_init();
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    return strcmp(name, "scalar") == 0;
}

/* From the widest to the narrowest. */
static const dam_kernels *const tables[] = {
#ifdef DAM_HAVE_X86_KERNELS
    &dam_kernels_avx512,
    &dam_kernels_avx2,
#endif
    &dam_kernels_scalar,
};
#define TABLES (sizeof tables / sizeof tables[0])

dam_status dam_kernels_named(const char *name, const dam_kernels **out, dam_error *e)
{
    static const char *const known[] = {"scalar", "avx2", "avx512"};
    int is_known = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        is_known |= strcmp(name, known[i]) == 0;
    if (!is_known)
        return dam_fail(e, DAM_ERR_DEVICE,
                        "instruction set '%s' is unknown: expected scalar, avx2 or avx512", name);
    for (size_t i = 0; i < TABLES; i++)
        if (strcmp(tables[i]->name, name) == 0 && supported(name)) {
            *out = tables[i];
            return DAM_OK;
        }
    return dam_fail(e, DAM_ERR_DEVICE,
                    "instruction set '%s' is not available on this machine: unset DAMLUA_ISA or "
                    "choose a smaller one (scalar, avx2, avx512)",
                    name);
}

dam_status dam_kernels_get(const dam_kernels **out, dam_error *e)
{
    const char *name = getenv("DAMLUA_ISA");

    if (name && *name) {
        if (dam_kernels_named(name, out, e) == DAM_OK)
            return DAM_OK;
        memmove(e->message + strlen("DAMLUA_ISA: "), e->message,
                sizeof e->message - strlen("DAMLUA_ISA: ") - 1);
        memcpy(e->message, "DAMLUA_ISA: ", strlen("DAMLUA_ISA: "));
        return e->status;
    }
    for (size_t i = 0; i < TABLES; i++)
        if (supported(tables[i]->name)) {
            *out = tables[i];
            break;
        }
    return DAM_OK;
}
