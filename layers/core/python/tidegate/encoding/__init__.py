"""From rows to the model's matrix, by the contract: vectorized, nothing coerced silently."""
