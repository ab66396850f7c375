"""Benchmarks: one delivery of Tidegate beside what is written by hand after Google's documentation."""
