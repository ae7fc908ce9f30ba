"""The kinds of job, each in a module of its own that declares it as JOB: a new one is a new module of its name."""
