"""The routes, one file for each thing that one can do; what they share is in `common`."""
