"""Who is measured: ways to learn that N jobs are over, each in a file of its own."""
