"""What Gradio remembers of the pages that are open: as much after a thousand runs as after one."""

from typing import Any

import gradio as gr

PAGES = 256  # loads of the page that are remembered, those used longest ago go first


class Remembered(gr.Blocks):
    """Blocks whose components keep their ids when they change.

    At an event Gradio puts a new component, with a number of its own, in the place of each one
    that the event may change. Where that new one comes next it is taken for one not yet seen and
    entered a second time, under its own number, for as long as the program runs: some 30
    components for each event of each page.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.state_session_capacity = PAGES

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        found = await super().postprocess_data(block_fn, predictions, state)
        if state is not None:
            for block in block_fn.outputs:
                state.blocks_config.blocks[block._id]._id = block._id
        return found
