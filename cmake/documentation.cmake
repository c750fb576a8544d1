# From the docstrings in lua/ and stdlib/: what help() reads, at every build; the reference pages and
# the annotations for editors (docs/reference, docs/dam.d.lua), which are kept in the repository, by
# the target `documentation`. A Lua interpreter is built for it: none need be installed.
add_executable(dam_build_lua cmake/lua.c)
target_link_libraries(dam_build_lua PRIVATE dam_lua)

file(GLOB documented CONFIGURE_DEPENDS lua/*.c lua/host/*.c)
list(APPEND documented ${stdlib})
file(GLOB generators CONFIGURE_DEPENDS docs/generate/*.lua)
set(generate dam_build_lua ${PROJECT_SOURCE_DIR}/docs/generate/main.lua)

set(dam_generated_stdlib "${PROJECT_BINARY_DIR}/stdlib")
set(dam_help_data "${dam_generated_stdlib}/dam/help/data.lua")
file(MAKE_DIRECTORY "${dam_generated_stdlib}/dam/help")
add_custom_command(OUTPUT "${dam_help_data}"
  COMMAND ${generate} data ${dam_help_data} ${documented}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DEPENDS ${documented} ${generators})

add_custom_target(documentation
  COMMAND ${generate} reference docs/reference ${documented}
  COMMAND ${generate} annotations docs/dam.d.lua ${documented}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
