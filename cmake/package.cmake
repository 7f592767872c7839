# cpack -G DEB in the build directory of a release makes the Debian package: program, units, users,
# configuration, manual pages and completion. tests/packaging installs, runs and removes it.
set(made ${PROJECT_BINARY_DIR}/package)

# The pages and the completion are what the program itself says; with a cross compiler
# CMAKE_CROSSCOMPILING_EMULATOR runs it.
add_custom_command(OUTPUT ${made}/stamp
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:logagent> "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}"
        -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${made} -P ${PROJECT_SOURCE_DIR}/cmake/package_files.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${made}/stamp
    DEPENDS logagent cmake/package_files.cmake CHANGELOG.md
    COMMENT "Manual pages and completion" VERBATIM)
add_custom_target(package_files ALL DEPENDS ${made}/stamp)

install(DIRECTORY ${made}/man1/ DESTINATION share/man/man1)
install(FILES ${made}/logagent.bash DESTINATION share/bash-completion/completions RENAME logagent)
install(FILES ${made}/_logagent DESTINATION share/zsh/vendor-completions)
install(FILES ${made}/changelog.gz packaging/debian/copyright DESTINATION share/doc/logagent)
install(FILES $<TARGET_FILE:logagent>.spdx.json DESTINATION share/doc/logagent)

# A program that the command table does not have yet brings no unit and no configuration.
set(conffiles "")
foreach(program IN ITEMS agent web transfer)
    if(EXISTS ${PROJECT_SOURCE_DIR}/examples/${program}.ini
            AND EXISTS ${PROJECT_SOURCE_DIR}/src/cli/${program}_command.cpp)
        install(FILES packaging/systemd/logagent-${program}.service DESTINATION lib/systemd/system)
        # Each unit has a user and a directory of its own, which the others cannot look into.
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS examples/${program}.ini)
        file(READ ${PROJECT_SOURCE_DIR}/examples/${program}.ini ini)
        string(REGEX REPLACE "\n# state_dir = /var/lib/logagent/${program} *"
            "\nstate_dir = /var/lib/logagent/${program}     " ini "${ini}")
        string(REPLACE "/var/lib/logagent/${program}" "/var/lib/logagent-${program}" ini "${ini}")
        file(WRITE ${made}/${program}.ini "${ini}")
        install(FILES ${made}/${program}.ini DESTINATION /etc/logagent)
        string(APPEND conffiles "/etc/logagent/${program}.ini\n")
    endif()
endforeach()
file(WRITE ${made}/conffiles "${conffiles}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME logagent)
set(CPACK_PACKAGE_VENDOR logagent)
set(CPACK_PACKAGE_CONTACT "logagent <logagent@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "moves log lines from files into Kafka and loses none")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"An agent tails the files of a host and sends each line to Kafka, a control
plane steers thousands of agents from one place, and transfer moves lines on
to Elasticsearch, HDFS and Storm. All of it is one static program.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/debian/postinst ${PROJECT_SOURCE_DIR}/packaging/debian/prerm
    ${PROJECT_SOURCE_DIR}/packaging/debian/postrm ${made}/conffiles)
if(LOGAGENT_DEB_ARCHITECTURE)
    set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${LOGAGENT_DEB_ARCHITECTURE})
endif()
include(CPack)
