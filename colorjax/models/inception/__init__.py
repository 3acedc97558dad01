"""Inception-ResNet-v2 (Szegedy et al. 2016): the network, its weights, and the formats of published weights."""
