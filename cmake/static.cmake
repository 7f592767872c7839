# One binary that needs nothing of its host: static-pie, stripped, its symbols beside it in
# logagent.debug, and logagent.spdx.json, which lists what was linked (tools/sbom.py).
target_link_options(logagent PRIVATE -static-pie)

# glibc's name services and plug-ins would load shared objects of the host: kept out.
target_sources(logagent PRIVATE src/third_party/static_libc.cpp)
foreach(name IN ITEMS getaddrinfo freeaddrinfo getnameinfo gethostbyname getservbyname getservbyport_r
        getpwuid_r dlopen dlsym dlclose dladdr dlerror)
    target_link_options(logagent PRIVATE -Wl,--wrap=${name})
endforeach()

# Of these only headers are used, so the linker does not see them.
find_file(CLI11_HEADER CLI/CLI.hpp REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
target_link_options(logagent PRIVATE -Wl,-Map=logagent.map)
add_custom_command(TARGET logagent POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} --only-keep-debug $<TARGET_FILE:logagent> $<TARGET_FILE:logagent>.debug
    COMMAND ${CMAKE_STRIP} --strip-all $<TARGET_FILE:logagent>
    COMMAND ${CMAKE_OBJCOPY} --add-gnu-debuglink=$<TARGET_FILE:logagent>.debug $<TARGET_FILE:logagent>
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/sbom.py
        --source ${PROJECT_SOURCE_DIR} --version ${PROJECT_VERSION} --commit ${LOGAGENT_COMMIT}
        --binary $<TARGET_FILE:logagent> --linked logagent.map
        --headers ${CLI11_HEADER} ${xxhash_INCLUDE}/xxhash.h ${Boost_INCLUDE_DIR}/boost/version.hpp
        --librdkafka ${LOGAGENT_RDKAFKA_ROOT} --output $<TARGET_FILE:logagent>.spdx.json
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
    COMMENT "Stripping, and listing what was linked" VERBATIM)
