"""Long proofs: non-interference, planted leaks, chaos and mutation."""
