"""Colorizing and denoising photographs with JAX and Flax: functions, networks, training, measurements.

Pictures are float32 sRGB in [0, 1], channels last. ARCHITECTURE.md says what each module holds.
"""
