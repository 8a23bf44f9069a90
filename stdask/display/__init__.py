"""What a person reads on a screen or a page: numbers as text, tables, progress."""
