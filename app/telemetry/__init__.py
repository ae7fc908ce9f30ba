"""What an operator sees of a running process: measures and log lines. Neither holds a value of a record."""
