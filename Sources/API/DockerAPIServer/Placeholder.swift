// The target's first file; gone as soon as it has another.
