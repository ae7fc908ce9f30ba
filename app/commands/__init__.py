"""The parts of the `hallpass` command, one module for each noun."""
