"""Reader studies without a page: design, answers that survive, statistics, exports.

Nothing here knows Gradio, FastAPI or torch. ``store.Store`` holds one study in one folder;
what a reader may see comes from ``Store.for_reader`` and from nowhere else.
"""
