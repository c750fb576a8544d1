/*
 * NumPy's NPY files. Written: version 1.0, little-endian float64 in C order, complete or not at
 * all (a temporary file beside the target, fsync, rename). Read: versions 1 to 3, C and Fortran
 * order, either byte order, float32 and float64, signed and unsigned integers of 1 to 8 bytes
 * (64-bit ones round to the nearest double) and booleans. The header is not trusted: nothing is
 * allocated before the file is seen to hold the data that its header claims, and any flaw is an
 * error that names the file.
 */
#ifndef DAM_NPY_H
#define DAM_NPY_H

#include <stdio.h>

#include "array.h"

/* The first bytes of every NPY file. */
#define DAM_NPY_MAGIC "\x93NUMPY"
#define DAM_NPY_MAGIC_SIZE 6

/* Writes `a` to `path`. An existing file is replaced and its permissions are kept. */
dam_status dam_npy_save(const dam_array *a, const char *path, dam_error *e);

/* Reads `path` into a new array; on failure `a` holds nothing. */
dam_status dam_npy_load(dam_array *a, const char *path, dam_error *e);

/* The same from an open, seekable stream; `name` is for messages. */
dam_status dam_npy_read(dam_array *a, FILE *f, const char *name, dam_error *e);

#endif
