"""What runs underneath: kept files, compiled programs, and how functions are handed to them."""
