"""What an application does, for whoever operates it: its lines, its traffic, the story of an event."""
