"""Any folder of photos."""
