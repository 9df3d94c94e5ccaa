"""How well a set of models draws: figures, gates, a report and a card."""
