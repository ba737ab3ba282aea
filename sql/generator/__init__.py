"""The parts of sql/generate."""
