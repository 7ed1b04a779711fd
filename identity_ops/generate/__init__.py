"""Generation: cells in, checked conversations out, nothing paid for twice."""
