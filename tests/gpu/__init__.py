"""Tests on a real NVIDIA machine; see test_gpu.py."""
