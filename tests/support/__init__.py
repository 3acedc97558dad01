"""What several test files share: made pictures, networks and runs, a tiny training, and the originals of ports."""
