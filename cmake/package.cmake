# What `cmake --install` puts where, and the Debian package (cpack -G DEB).
include(GNUInstallDirs)

# A stock lua5.4 looks for C modules there, below /usr and /usr/local.
set(DAM_MODULE_DIR "lib/lua/5.4" CACHE STRING "Where dam.so is installed")
if(NOT DAM_STATIC)
  install(TARGETS dam_module LIBRARY DESTINATION "${DAM_MODULE_DIR}")
  install(FILES docs/dam.d.lua DESTINATION "${DAM_MODULE_DIR}")
endif()
if(DAM_MODULE_ONLY)
  return()
endif()

install(TARGETS damlua RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/damlua.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES packaging/damlua.bash RENAME damlua
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY scripts/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/scripts
        FILES_MATCHING PATTERN "*.lua")

# The engine for programs in C: headers, library, and what pkg-config says of them.
set_target_properties(dam_core PROPERTIES OUTPUT_NAME damengine)
install(TARGETS dam_core ARCHIVE DESTINATION lib)
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/damlua
        FILES_MATCHING PATTERN "*.h")
configure_file(packaging/damlua.pc.in damlua.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/damlua.pc" DESTINATION lib/pkgconfig)

set(CPACK_PACKAGE_NAME damlua)
set(CPACK_PACKAGE_VENDOR "damlua")
set(CPACK_PACKAGE_CONTACT "The damlua authors <damlua@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Thermodynamics of dense associative memories in Lua")
set(CPACK_PACKAGE_DESCRIPTION
"A scripting engine: pattern sets on the sphere, Hamiltonians with Gaussian, Epanechnikov and
polynomial kernels, Metropolis sampling and the analytic theory as Lua 5.4 objects over a C engine.
Results are the same bits on every machine.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS gnuplot-nox)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "lua5.4, libgsl-dev, libsqlite3-dev")
include(CPack)
