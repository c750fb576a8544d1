/* Which glibc a binary needs, read from its own dynamic section: see dam_glibc_needed. */
#ifndef DAM_LUA_GLIBC_H
#define DAM_LUA_GLIBC_H

/*
 * Writes the highest version of a glibc symbol that this binary (program or module) is linked
 * against, such as "2.34", or "unknown" where it carries no such record. The libraries it loads may
 * need more; the portable build loads none but glibc.
 */
void dam_glibc_needed(char *out, unsigned size);

#endif
