"""Projects to learn from: each folder is one that `hightide run` takes as it is, against the sandbox."""
