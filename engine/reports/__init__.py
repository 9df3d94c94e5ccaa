"""Reading radiology reports by plain rules; it knows nothing of models."""
