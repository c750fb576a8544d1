# The CUDA backend, twice from the same sources (cuda/): for GPUs, by nvcc, where a toolkit is found
# (DAM_CUDA), and as device "cuda-on-cpu" by the C++ compiler over tests/cuda_on_cpu/shim.h, for
# tests (DAM_CUDA_ON_CPU). Sets dam_cuda_objects, dam_cuda_libraries and dam_cuda_definitions.
set(DAM_CUDA AUTO CACHE STRING "CUDA backend: AUTO (where a toolkit is found), ON or OFF")
set(DAM_CUDA_ON_CPU AUTO CACHE STRING "Device cuda-on-cpu: AUTO (where a C++ compiler is), ON, OFF")

set(dam_cuda_objects "")
set(dam_cuda_libraries "")
set(dam_cuda_definitions "")
file(GLOB dam_cuda_sources CONFIGURE_DEPENDS cuda/*.cu cuda/kernels/*.cu)
file(GLOB dam_cuda_headers CONFIGURE_DEPENDS cuda/*.h)
file(GLOB dam_kernel_headers CONFIGURE_DEPENDS cuda/kernels.h cuda/kernels/*.h src/*.h src/cpu/*.h)

# ON is an error where AUTO leaves out.
function(dam_leave_out option what why)
  if(${option} STREQUAL "ON")
    message(FATAL_ERROR "${option}=ON: ${why}")
  endif()
  message(STATUS "${what}: left out, ${why}")
endfunction()

# ---- for GPUs ----

# What nvcc can make here, or why it cannot; sets nvcc, cudart, cuda_version, cuda_missing.
function(dam_find_nvcc)
  find_program(DAM_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin
               PATHS /usr/local/cuda/bin /opt/cuda/bin)
  set(missing "")
  if(NOT DAM_NVCC)
    set(missing "no CUDA toolkit (nvcc) was found")
  else()
    execute_process(COMMAND ${DAM_NVCC} --version OUTPUT_VARIABLE version)
    string(REGEX MATCH "release ([0-9]+)\\.([0-9]+)" version "${version}")
    set(major "${CMAKE_MATCH_1}")
    string(REPLACE "release " "" version "${version}")
    get_filename_component(bin "${DAM_NVCC}" REALPATH)
    get_filename_component(bin "${bin}" DIRECTORY)
    find_library(DAM_CUDART libcudart_static.a
                 HINTS "${bin}/../lib64" "${bin}/../targets/${CMAKE_SYSTEM_PROCESSOR}-linux/lib"
                       "${bin}/../lib")
    if(NOT major GREATER_EQUAL 12)
      set(missing "the CUDA toolkit is ${version}, 12 or newer is needed")
    elseif(NOT DAM_CUDART)
      set(missing "the toolkit's libcudart_static.a was not found")
    else()
      file(WRITE "${PROJECT_BINARY_DIR}/cuda/probe.cu" "__global__ void k() {}\n")
      execute_process(COMMAND ${DAM_NVCC} -ccbin ${CMAKE_CXX_COMPILER} -arch=sm_80 -c probe.cu
                              -o probe.o
                      WORKING_DIRECTORY "${PROJECT_BINARY_DIR}/cuda"
                      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
      if(failed)
        set(missing "nvcc ${version} does not work with ${CMAKE_CXX_COMPILER}")
      endif()
    endif()
  endif()
  set(cuda_version "${version}" PARENT_SCOPE)
  set(cuda_missing "${missing}" PARENT_SCOPE)
endfunction()

include(CheckLanguage)
if(NOT (DAM_CUDA STREQUAL "OFF" AND DAM_CUDA_ON_CPU STREQUAL "OFF"))
  check_language(CXX)
  if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
  endif()
endif()

if(DAM_CUDA STREQUAL "OFF")
  message(STATUS "CUDA: left out, DAM_CUDA=OFF")
elseif(NOT CMAKE_CXX_COMPILER)
  dam_leave_out(DAM_CUDA CUDA "no C++ compiler was found")
elseif(DAM_SANITIZE AND NOT DAM_CUDA STREQUAL "ON")
  message(STATUS "CUDA: left out of a build with sanitizers")
else()
  dam_find_nvcc()
  if(cuda_missing)
    dam_leave_out(DAM_CUDA CUDA "${cuda_missing}")
  else()
    message(STATUS "CUDA: nvcc ${cuda_version}, for sm_80, sm_90, and as PTX for newer ones")
    foreach(source IN LISTS dam_cuda_sources)
      get_filename_component(name "${source}" NAME_WE)
      set(object "${PROJECT_BINARY_DIR}/cuda/${name}.o")
      set(headers ${dam_kernel_headers})
      if(NOT source MATCHES "/kernels/")
        list(APPEND headers ${dam_cuda_headers})
      endif()
      # as for C: no contraction, no relaxed arithmetic
      add_custom_command(
        OUTPUT "${object}"
        COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/nvcc.sh ${object}.log
                ${DAM_NVCC} -ccbin ${CMAKE_CXX_COMPILER} -std=c++17 -O3 -fmad=false
                --expt-relaxed-constexpr -Werror all-warnings -Xptxas -v
                -Xcompiler=-fPIC,-fopenmp,-ffp-contract=off,-Wall,-Wextra
                -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90]
                -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/cuda
                -c ${source} -o ${object}
        DEPENDS "${source}" ${headers} cmake/nvcc.sh
        COMMENT "Building CUDA object cuda/${name}.o"
        VERBATIM)
      list(APPEND dam_cuda_objects "${object}")
    endforeach()
    list(APPEND dam_cuda_definitions DAM_HAVE_CUDA)
    list(APPEND dam_cuda_libraries "${DAM_CUDART}" rt dl pthread)
  endif()
endif()

# ---- on the CPU ----

if(DAM_CUDA_ON_CPU STREQUAL "OFF")
  message(STATUS "cuda-on-cpu: left out, DAM_CUDA_ON_CPU=OFF")
elseif(NOT CMAKE_CXX_COMPILER)
  dam_leave_out(DAM_CUDA_ON_CPU cuda-on-cpu "no C++ compiler was found")
elseif("thread" IN_LIST DAM_SANITIZE)
  message(STATUS "cuda-on-cpu: left out, ThreadSanitizer does not know its fibres")
else()
  add_library(dam_cuda_on_cpu OBJECT ${dam_cuda_sources})
  set_source_files_properties(${dam_cuda_sources} PROPERTIES LANGUAGE CXX)
  target_compile_options(dam_cuda_on_cpu PRIVATE -x c++ -std=c++17 -Wno-unknown-pragmas
                         ${OpenMP_C_FLAGS})
  target_compile_definitions(dam_cuda_on_cpu PRIVATE DAM_CUDA_ON_CPU)
  target_include_directories(dam_cuda_on_cpu PRIVATE src cuda tests/cuda_on_cpu)
  target_include_directories(dam_cuda_on_cpu SYSTEM PRIVATE ${RANDOM123_INCLUDE})
  if(DAM_STATIC)
    target_sources(dam_cuda_on_cpu PRIVATE cuda/portable.cc)
  endif()
  list(APPEND dam_cuda_objects $<TARGET_OBJECTS:dam_cuda_on_cpu>)
  list(APPEND dam_cuda_definitions DAM_HAVE_CUDA_ON_CPU)
endif()

# Both use the C++ library; a portable build takes it in.
if(dam_cuda_objects)
  if(DAM_STATIC)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a
                    OUTPUT_VARIABLE dam_cxx_library OUTPUT_STRIP_TRAILING_WHITESPACE)
    list(APPEND dam_cuda_libraries "${dam_cxx_library}")
  else()
    list(APPEND dam_cuda_libraries stdc++)
  endif()
endif()
