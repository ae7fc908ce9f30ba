"""The steps of the story, one module for each part of it."""
