"""Where the files of a survey lie: a file, a folder, a pattern, a HATS catalogue or an address."""
