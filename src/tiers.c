#include "tiers.h"

#include <stdbool.h>
#include <string.h>

#include "cpu/coarse.h"

static const char *const names[DAM_TIERS] = {"active", "coarse", "single", "reference"};

const char *dam_tier_name(dam_tier tier)
{
    return names[tier];
}

dam_tier_set dam_tiers_auto(void)
{
    const dam_kernels *kernels;
    dam_error ignored;

    /* without instructions on bytes the coarse tier is slow */
    if (dam_kernels_get(&kernels, &ignored) || dam_coarse_loops_for(kernels) == &dam_coarse_plain)
        return (DAM_TIERS_ALL & ~(1u << DAM_TIER_COARSE)) | DAM_TIERS_AUTO;
    return DAM_TIERS_ALL | DAM_TIERS_AUTO;
}

/* The tier whose name is the first `length` characters of `name`; DAM_TIERS when there is none. */
static int tier_of(const char *name, size_t length)
{
    int tier = 0;

    while (tier < DAM_TIERS &&
           !(strlen(names[tier]) == length && memcmp(names[tier], name, length) == 0))
        tier++;
    return tier;
}

dam_status dam_tiers_named(const char *name, dam_tier_set *out, dam_error *e)
{
    const char *const allowed =
        "\"auto\", or \"reference\", \"active\", \"coarse\" and \"single\", "
        "alone or joined by \"+\" (\"active+single\")";
    dam_tier_set set = 0;

    *out = dam_tiers_auto();
    if (strcmp(name, "auto") == 0)
        return DAM_OK;
    for (const char *at = name;; at++) {
        const size_t length = strcspn(at, "+");
        const int tier = tier_of(at, length);
        if (tier == DAM_TIERS)
            return dam_fail(e, DAM_ERR_ARGUMENT, "there is no tier '%.*s': expected %s",
                            length > 40 ? 40 : (int)length, at, allowed);
        if (set >> tier & 1)
            return dam_fail(e, DAM_ERR_ARGUMENT, "'%s' is named twice: expected %s", names[tier],
                            allowed);
        set |= 1u << tier;
        at += length;
        if (*at == 0)
            break;
    }
    *out = set | 1u << DAM_TIER_REFERENCE;
    return DAM_OK;
}
