"""Many runs of one config file: what a sweep lists, where its runs lie, and how they are started."""
