"""Many runs of one config file, as a sweep or a search: planning them, their folders, and starting them."""
