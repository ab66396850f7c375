"""The reference application's demo: its data, its partner, and the truth to measure a run by."""
