# Stands for Slicer's CMake/SlicerExtensionCPack.cmake: packages what was installed. Nothing to do here.
