"""Background work: what runs in `hallpass worker` and not while somebody waits."""
