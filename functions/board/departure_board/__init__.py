"""A live departure board: pages, and the streams that keep them up to date."""
