"""Read and write image files: the images of data sets, and photos with their metadata."""
