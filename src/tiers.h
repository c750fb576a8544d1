/*
 * The tiers of evaluation by name. A tier answers only where it is provably right and leaves the
 * rest to the next one; the reference is always the last (docs/numerics.md). Which tiers are used
 * changes how fast a chain is, and nothing else.
 */
#ifndef DAM_TIERS_H
#define DAM_TIERS_H

#include "error.h"

/* In the order in which they are asked. */
typedef enum {
    DAM_TIER_ACTIVE, /* lists of near patterns (active_set.h) */
    DAM_TIER_COARSE, /* all patterns, in bytes or words, near ones in double precision (fused.h) */
    DAM_TIER_SINGLE, /* all patterns, single precision (fused.h) */
    DAM_TIER_REFERENCE, /* all patterns, double precision (reference.h) */
    DAM_TIERS
} dam_tier;

/* A set of tiers: bit 1 << tier. The reference is in every set, named or not. */
typedef unsigned dam_tier_set;

#define DAM_TIERS_ALL ((dam_tier_set)(1u << DAM_TIERS) - 1)

/* A bit beside them, of the set that "auto" stands for: a device may take other tiers than the
 * processor. */
#define DAM_TIERS_AUTO (1u << DAM_TIERS)

/* "active", "coarse", "single", "reference" */
const char *dam_tier_name(dam_tier tier);

/* What "auto" stands for on this processor. */
dam_tier_set dam_tiers_auto(void);

/*
 * The set of a name: "auto" or names of tiers joined by "+". DAM_ERR_ARGUMENT for anything else;
 * the message says what is allowed.
 */
dam_status dam_tiers_named(const char *name, dam_tier_set *out, dam_error *e);

#endif
