"""What a translation consists of, apart from the networks: scaling, draws, imputation, combination, errors, domain."""
