"""Where state lives and how it is written: paths, atomic files, locks, manifests, stages."""
