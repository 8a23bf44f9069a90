"""What pair, train, evaluate and merge share: matching, pair tables, training sets."""
