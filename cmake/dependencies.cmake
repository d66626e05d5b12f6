# The libraries that the programs link with: design decision, not convenience. See CONTRIBUTING.md before adding one.
find_package(PkgConfig REQUIRED)
if(PROGET_STATIC)
  # A static library does not bring what it needs itself: pkg-config names that too.
  set(PKG_CONFIG_ARGN --static)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(jsonc REQUIRED IMPORTED_TARGET json-c>=0.16)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
find_path(UTHASH_INCLUDE_DIR uthash.h REQUIRED) # header only
