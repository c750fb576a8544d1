/*
 * In portable builds only: what the shim's vectors call when they grow beyond all memory. The C++
 * library's own would bring in its locales and random devices, and with them a newer C library.
 */
#include <stdlib.h>

namespace std
{

__attribute__((noreturn)) void __throw_length_error(const char *)
{
    abort();
}

} // namespace std
