"""Where state lives, how it is written and shared: files, locks, manifests, stages, a bucket."""
