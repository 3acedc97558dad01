"""The experiments: each file defines get_config(variant) and says in its header what to expect of it."""
