"""What a local stack shows of itself in the browser and to monitoring."""
