#include "glibc.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* The linker's name for the dynamic section of the binary that this file ends up in. */
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

typedef struct {
    const char *names;
    const char *needs; /* chain of ElfW(Verneed) */
    size_t count;
} version_needs;

/* glibc relocates these addresses when it loads a binary; other loaders leave offsets. */
static const char *address(ElfW(Addr) value, ElfW(Addr) base)
{
    return (const char *)(value < base ? value + base : value);
}

static version_needs find_needs(ElfW(Addr) base)
{
    version_needs v = {NULL, NULL, 0};

    for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_STRTAB)
            v.names = address(d->d_un.d_ptr, base);
        else if (d->d_tag == DT_VERNEED)
            v.needs = address(d->d_un.d_ptr, base);
        else if (d->d_tag == DT_VERNEEDNUM)
            v.count = d->d_un.d_val;
    }
    return v;
}

void dam_glibc_needed(char *out, unsigned size)
{
    Dl_info self;
    version_needs v = {NULL, NULL, 0};
    int best_major = 0, best_minor = 0;

    if (dladdr(_DYNAMIC, &self))
        v = find_needs((ElfW(Addr))self.dli_fbase);
    for (size_t i = 0; v.names && v.needs && i < v.count; i++) {
        const ElfW(Verneed) *need = (const void *)v.needs;
        const char *p = v.needs + need->vn_aux;
        for (unsigned k = 0; k < need->vn_cnt; k++) {
            const ElfW(Vernaux) *aux = (const void *)p;
            int major, minor;
            if (sscanf(v.names + aux->vna_name, "GLIBC_%d.%d", &major, &minor) == 2 &&
                (major > best_major || (major == best_major && minor > best_minor))) {
                best_major = major;
                best_minor = minor;
            }
            p += aux->vna_next;
        }
        v.needs += need->vn_next;
    }
    if (best_major)
        snprintf(out, size, "%d.%d", best_major, best_minor);
    else
        snprintf(out, size, "unknown");
}
