# Files as part of a program: proget_embed(NAME VARIABLE FILE...) makes NAME.c, with an array NAME of struct embedded_file
# (cli/embedded.h) and its length NAME_count, and puts the path of that source into VARIABLE.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(source "#include \"embedded.h\"\n\n")
  set(rows "")
  set(count 0)
  foreach(file ${FILES})
    file(READ ${file} hex HEX)
    # By its bytes: no character of a page can mean anything to CMake or C.
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    get_filename_component(stem ${file} NAME_WE)
    string(APPEND source "static const unsigned char text_${count}[] = {\n${bytes}0};\n")
    string(APPEND rows "    {\"${stem}\", (const char *) text_${count}, sizeof text_${count} - 1},\n")
    math(EXPR count "${count} + 1")
  endforeach()
  string(APPEND source "\nconst struct embedded_file ${NAME}[] = {\n${rows}    {0},\n};\nconst size_t ${NAME}_count = ${count};\n")
  file(WRITE ${OUTPUT} "${source}")
  return()
endif()

set(proget_embed_script ${CMAKE_CURRENT_LIST_FILE})
function(proget_embed name variable)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DOUTPUT=${output} "-DFILES=${ARGN}" -P ${proget_embed_script}
    DEPENDS ${ARGN} ${proget_embed_script} VERBATIM)
  set(${variable} ${output} PARENT_SCOPE)
endfunction()
