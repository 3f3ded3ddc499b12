"""Mirror threads as pure rules: facts, state, moves, sequences, related threads."""
