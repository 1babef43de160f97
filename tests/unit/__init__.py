"""Tests of the package, laid out as the package is, and of the tests' own support."""
