# cmake -DPROGRAM=... -DSOURCE=... -DOUT=... -P package_files.cmake: what the program says about itself,
# as the files of a package. gzip -n: the same program gives the same bytes.
function(print_to file)
    execute_process(COMMAND ${EMULATOR} ${PROGRAM} ${ARGN} OUTPUT_FILE ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${OUT}/man1)
file(MAKE_DIRECTORY ${OUT}/man1)
print_to(${OUT}/logagent.bash completion --shell bash)
print_to(${OUT}/_logagent completion --shell zsh)
print_to(${OUT}/man1/logagent.1 man)
# The overview names the page of every command.
file(READ ${OUT}/man1/logagent.1 overview)
string(REGEX MATCHALL "BR logagent[^ ]+" pages "${overview}")
foreach(page IN LISTS pages)
    string(REPLACE "\\" "" page "${page}")
    string(REGEX REPLACE "^BR logagent-" "" name "${page}")
    print_to(${OUT}/man1/logagent-${name}.1 man --command ${name})
endforeach()
file(COPY ${SOURCE}/CHANGELOG.md DESTINATION ${OUT})
file(RENAME ${OUT}/CHANGELOG.md ${OUT}/changelog)
file(GLOB written ${OUT}/man1/*.1)
execute_process(COMMAND gzip -9nf ${written} ${OUT}/changelog COMMAND_ERROR_IS_FATAL ANY)
