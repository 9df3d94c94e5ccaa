"""The page: one FastAPI application with Gradio mounted in it, for one computer."""
