"""Color: spaces, differences, bins of ab, gray."""
