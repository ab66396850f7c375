"""The real engine and the real handlers under every fault we can think of, in virtual time."""
