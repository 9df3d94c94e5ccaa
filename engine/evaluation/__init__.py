"""What the models can do, measured and shown: figures, sheets of pictures, the model card."""
