"""The run bar: how many, run, Stop, and the line that says what is going on."""

from dataclasses import dataclass

import gradio as gr

VARIATIONS = {"x 1": 1, "x 4": 4, "x 9": 9}
STATUS = """
<div class="run-status">
 <div class="line"><span role="status" aria-label="Run status" id="run-status"></span>
  <span id="run-left"></span></div>
 <div class="bar" role="progressbar" aria-label="Run progress" aria-valuemin="0"
  aria-valuemax="100" aria-valuenow="0" hidden><i></i></div>
 <div class="stages" hidden></div>
 <div class="line" id="proposal" hidden>
  <button type="button" class="btn pri" id="accept" title="Keep it (Enter)">Accept</button>
  <button type="button" class="btn" id="discard" title="Drop it (Backspace)">Discard</button>
  <button type="button" class="btn" id="retry"
   title="Another one in its place, with another seed">Try again</button></div>
</div>
"""
PATIENT = """
<div class="line" id="patient" hidden>
 <span role="status" aria-label="Patient" id="patient-is"></span>
 <button type="button" class="btn" id="new-patient" aria-pressed="false" hidden
  title="Draw another patient this time, with another seed">New patient</button>
 <button type="button" class="btn" id="same-seed" hidden
  title="Keep the seed of the last picture: as much the same patient as the change allows">
  Same seed</button></div>
"""
WHY = "<div class='line dim'><span id='why'></span><kbd>Ctrl Enter</kbd></div>"
TELL = """
window.XREAL = window.XREAL || {};
window.XREAL.tell = (told) => trigger('submit', told);
watch('filled', () => window.XREAL.page?.filled?.());
watch('note', () => window.XREAL.page?.note?.(props.note));
window.XREAL.page?.answered?.();
watch('beat', () => {
  const page = window.XREAL.page;
  page?.answered?.(); page?.look?.(); page?.readReport?.();
});
"""


@dataclass(frozen=True)
class RunBar:
    status: gr.HTML
    variations: gr.Dropdown
    run: gr.Button
    stop: gr.Button
    call: gr.Textbox  # filled by the page's script: job id and chosen finding, as JSON


def build() -> RunBar:
    with gr.Column(elem_id="runbar"):
        status = gr.HTML(
            html_template=STATUS, js_on_load=TELL, note=None, beat=0, filled=0, elem_id="run-lines"
        )
        with gr.Row(elem_id="run-row"):
            variations = gr.Dropdown(
                list(VARIATIONS), value="x 1", label="Variations", elem_id="variations",
                filterable=False,
            )  # fmt: skip
            run = gr.Button("Generate", variant="primary", elem_id="run")
            stop = gr.Button("Stop", variant="stop", elem_id="stop")
        gr.HTML(html_template=PATIENT + WHY, elem_id="why-line")
        call = gr.Textbox(visible=False, label="Call")
    return RunBar(status, variations, run, stop, call)
