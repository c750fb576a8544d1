# What is linked: dam_dependencies (engine), dam_lua_headers (bindings), dam_lua and dam_readline
# (host). docs/architecture.md says why each is there.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
pkg_check_modules(GSL REQUIRED gsl)
pkg_check_modules(SQLITE REQUIRED sqlite3)
pkg_check_modules(LUA REQUIRED lua5.4)
if(NOT DAM_MODULE_ONLY)
  pkg_check_modules(READLINE REQUIRED readline)
endif()
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)

add_library(dam_dependencies INTERFACE)
target_include_directories(dam_dependencies SYSTEM INTERFACE ${GSL_INCLUDE_DIRS}
                           ${SQLITE_INCLUDE_DIRS} ${RANDOM123_INCLUDE})
add_library(dam_lua_headers INTERFACE)
target_include_directories(dam_lua_headers SYSTEM INTERFACE ${LUA_INCLUDE_DIRS})
add_library(dam_lua INTERFACE)
target_link_libraries(dam_lua INTERFACE dam_lua_headers)
add_library(dam_readline INTERFACE)
target_include_directories(dam_readline SYSTEM INTERFACE ${READLINE_INCLUDE_DIRS})

# OpenMP's flag at compile time everywhere; what is linked depends on the preset.
target_compile_options(dam_dependencies INTERFACE ${OpenMP_C_FLAGS})

if(DAM_STATIC)
  foreach(name gsl gslcblas sqlite3 lua5.4 readline tinfo gomp)
    string(MAKE_C_IDENTIFIER ${name} id)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=lib${name}.a
                    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT EXISTS "${found}")
      message(FATAL_ERROR "preset portable: lib${name}.a not found")
    endif()
    set(static_${id} "${found}")
  endforeach()
  target_link_libraries(dam_dependencies INTERFACE ${static_gsl} ${static_gslcblas}
                        ${static_sqlite3} ${static_gomp} -static-libgcc dl pthread m)
  # All of Lua, for C modules that scripts may load use more of it than the host does.
  target_link_libraries(dam_lua INTERFACE -Wl,--whole-archive ${static_lua5_4}
                        -Wl,--no-whole-archive dl m)
  target_link_libraries(dam_readline INTERFACE ${static_readline} ${static_tinfo})
else()
  # GSL's Bessel functions need no BLAS; gslcblas is only what GSL itself asks for.
  target_link_libraries(dam_dependencies INTERFACE ${GSL_LINK_LIBRARIES} ${SQLITE_LINK_LIBRARIES}
                        ${OpenMP_C_LIBRARIES} ${OpenMP_C_FLAGS} dl pthread m)
  target_link_libraries(dam_lua INTERFACE ${LUA_LINK_LIBRARIES})
  target_link_libraries(dam_readline INTERFACE ${READLINE_LINK_LIBRARIES})
endif()
