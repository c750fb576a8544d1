# The program damlua. Lua's symbols are exported, so that C modules found by require can load.
file(GLOB host_sources CONFIGURE_DEPENDS lua/host/*.c)
add_executable(damlua ${host_sources} $<TARGET_OBJECTS:dam_bindings>)
target_include_directories(damlua PRIVATE lua)
target_compile_definitions(damlua PRIVATE ${dam_build_definitions})
target_link_libraries(damlua PRIVATE dam_core dam_lua dam_readline)
set_target_properties(damlua PROPERTIES ENABLE_EXPORTS ON)
