"""The color photographs that come with scikit-image."""
