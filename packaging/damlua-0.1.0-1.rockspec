-- The module dam for a stock Lua 5.4; the program damlua comes by CMake or the Debian package. In a
-- copy of the sources: luarocks make packaging/damlua-0.1.0-1.rockspec
package = "damlua"
version = "0.1.0-1"
source = { url = "file://damlua-0.1.0.tar.gz", dir = "damlua-0.1.0" }
description = {
  summary = "Thermodynamics of dense associative memories",
  detailed = "Pattern sets on the sphere, Hamiltonians with Gaussian, Epanechnikov and polynomial "
    .. "kernels, Metropolis sampling and the analytic theory as Lua objects over a C engine.",
  license = "GPL-3.0-or-later",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.4, < 5.5" }
external_dependencies = {
  GSL = { header = "gsl/gsl_version.h" },
  SQLITE = { header = "sqlite3.h" },
  RANDOM123 = { header = "Random123/philox.h" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    DAM_MODULE_ONLY = "ON",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    DAM_MODULE_DIR = "$(LIBDIR)",
  },
}
