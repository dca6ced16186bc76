# Stands for Slicer's CMake/SlicerExtensionGenerateConfig.cmake and SlicerFunctionGenerateExtensionDescription.cmake.
foreach(_name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if("${EXTENSION_${_name}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${_name} is not set")
  endif()
endforeach()
