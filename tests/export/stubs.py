"""As much of each ecosystem's build system as it takes to compile a package natively: names and meanings are theirs."""

from __future__ import annotations

ZEPHYR = """
# find_package(Zephyr): Kconfig's answers from prj.conf, modules, and the application's target.
file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/prj.conf settings REGEX "=y$")
foreach(setting ${settings})
  string(REGEX REPLACE "=y$" "" name ${setting})
  set(${name} y)
endforeach()
set(CONFIG_EDGEQ_SMALL_SELFTEST y)
enable_language(C)
add_library(zephyr_interface INTERFACE)
macro(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${ARGN})
endmacro()
macro(zephyr_compile_definitions)
  target_compile_definitions(zephyr_interface INTERFACE ${ARGN})
endmacro()
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
  target_link_libraries(${name} PRIVATE zephyr_interface)
  set_property(GLOBAL APPEND PROPERTY ZEPHYR_LIBS ${name})
endmacro()
macro(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
foreach(module ${ZEPHYR_EXTRA_MODULES})
  file(READ ${module}/zephyr/module.yml described)
  string(REGEX MATCH "cmake: ([a-z]+)" found ${described})
  add_subdirectory(${module}/${CMAKE_MATCH_1} modules/m)
endforeach()
file(WRITE ${CMAKE_BINARY_DIR}/empty.c "")
add_executable(app ${CMAKE_BINARY_DIR}/empty.c)
get_property(libraries GLOBAL PROPERTY ZEPHYR_LIBS)
target_link_libraries(app PRIVATE zephyr_interface ${libraries})
"""

IDF = """
# project.cmake: components of the project's main/ and of what its manifest overrides.
cmake_policy(SET CMP0079 NEW)
function(idf_component_register)
  cmake_parse_arguments(c "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
  get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(COMPONENT_LIB __idf_${name})
  set(COMPONENT_LIB __idf_${name} PARENT_SCOPE)
  add_library(${COMPONENT_LIB} OBJECT ${c_SRCS})
  target_include_directories(${COMPONENT_LIB} PUBLIC ${c_INCLUDE_DIRS})
  set_property(GLOBAL APPEND PROPERTY IDF_LIBS ${COMPONENT_LIB})
endfunction()
macro(project name)
  _project(${name} LANGUAGES C)
  file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/main/idf_component.yml override REGEX "override_path")
  string(REGEX REPLACE ".*override_path: *" "" override ${override})
  get_filename_component(component ${CMAKE_CURRENT_SOURCE_DIR}/main/${override} ABSOLUTE)
  add_subdirectory(${component} component)
  get_property(libraries GLOBAL PROPERTY IDF_LIBS)
  add_subdirectory(main)
  target_link_libraries(__idf_main PUBLIC ${libraries})
  file(WRITE ${CMAKE_BINARY_DIR}/start.c "void app_main(void); int main(void) { app_main(); return 0; }")
  add_executable(app ${CMAKE_BINARY_DIR}/start.c)
  target_link_libraries(app PRIVATE ${libraries} __idf_main)
endmacro()
"""

ARDUINO = """
#pragma once
#include <stdint.h>
#include <stdio.h>
struct Port {
  operator bool() const { return true; }
  void begin(long) {}
  void print(const char *text) { fputs(text, stdout); }
  void print(int number) { printf("%d", number); }
  void println(const char *text) { puts(text); }
  void println(double number) { printf("%.2f\\n", number); }
};
static Port Serial;
static inline unsigned long millis() { return 0; }
static inline unsigned long micros() { return 0; }
static inline void delay(unsigned long) {}
void setup();
void loop();
int main() { setup(); loop(); return 0; }
"""
