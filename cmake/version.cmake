# The commit goes into one small file that is rewritten only when it changes.
execute_process(COMMAND git rev-parse --short=12 HEAD
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE LOGAGENT_COMMIT
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT LOGAGENT_COMMIT)
    set(LOGAGENT_COMMIT unknown)
endif()
configure_file(cmake/version.hpp.in ${PROJECT_BINARY_DIR}/generated/logagent_version.hpp @ONLY)
