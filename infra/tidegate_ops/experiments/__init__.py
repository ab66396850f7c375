"""Experiments: the application under a load or an outage, measured, and held against what it promises."""
