"""A roster as the exchange takes it in, whatever it was read from: the model, what changed, and the writing of it."""
