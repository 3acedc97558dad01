"""ADE20K through TFDS's own builder."""
