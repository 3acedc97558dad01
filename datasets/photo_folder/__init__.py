"""Any folder of pictures."""
