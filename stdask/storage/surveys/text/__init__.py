"""Survey files of text: delimited, and in columns of fixed width."""
