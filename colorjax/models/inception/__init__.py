"""Inception-ResNet-v2 (Szegedy et al. 2016): the network, its weights, the formats that they are published in."""
