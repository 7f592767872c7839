# Everything comes from Debian packages but librdkafka, which tools/deps.sh builds into a cache.
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS headers json log url filesystem thread)
set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)

function(logagent_static_library target archive header)
    find_library(${target}_ARCHIVE NAMES ${archive} REQUIRED)
    find_path(${target}_INCLUDE ${header} REQUIRED)
    add_library(${target} STATIC IMPORTED)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION ${${target}_ARCHIVE}
        INTERFACE_INCLUDE_DIRECTORIES ${${target}_INCLUDE})
endfunction()

logagent_static_library(cares libcares.a ares.h)
logagent_static_library(re2 libre2.a re2/re2.h)
logagent_static_library(seccomp libseccomp.a seccomp.h)
logagent_static_library(xxhash libxxhash.a xxhash.h)
logagent_static_library(zlib libz.a zlib.h)
logagent_static_library(zstd libzstd.a zstd.h)
target_link_libraries(re2 INTERFACE Threads::Threads)

if(DEFINED ENV{LOGAGENT_CACHE})
    set(default_cache $ENV{LOGAGENT_CACHE})
elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(default_cache $ENV{XDG_CACHE_HOME}/logagent)
else()
    set(default_cache $ENV{HOME}/.cache/logagent)
endif()
set(LOGAGENT_RDKAFKA_ROOT ${default_cache}/librdkafka-2.15.1
    CACHE PATH "Where tools/deps.sh put librdkafka")
if(NOT EXISTS ${LOGAGENT_RDKAFKA_ROOT}/lib/librdkafka.a)
    message(FATAL_ERROR "librdkafka is not in ${LOGAGENT_RDKAFKA_ROOT}; run tools/deps.sh build")
endif()
add_library(rdkafka STATIC IMPORTED)
set_target_properties(rdkafka PROPERTIES
    IMPORTED_LOCATION ${LOGAGENT_RDKAFKA_ROOT}/lib/librdkafka.a
    INTERFACE_INCLUDE_DIRECTORIES ${LOGAGENT_RDKAFKA_ROOT}/include)
target_link_libraries(rdkafka INTERFACE
    OpenSSL::SSL OpenSSL::Crypto zlib zstd m Threads::Threads)

if(LOGAGENT_TESTS)
    find_package(Catch2 2 REQUIRED)
    logagent_static_library(rapidcheck librapidcheck.a rapidcheck.h)
endif()
