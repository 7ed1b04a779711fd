"""`python -m identity_ops` is the command line."""

from identity_ops.cli import main

main()
