"""The sentences of the model card that no figure changes."""

PURPOSE = """Small models that come with XReal Studio, so that it draws on any computer without a
download. They make **synthetic** radiographs for research, teaching and tests of software. They are
**not for diagnosis**, not for training of models that diagnose patients without a study of its own,
and no film they make shows a person.

Every network was trained from nothing with the commands in `docs/training.md`. No pretrained
network was used."""

TASKS = {
    "segmenter": "reads left lung, right lung and heart from a radiograph",
    "codec": "film to latent (principal components of 8 x 8 blocks) and back, with two decoders",
    "diffusion": "draws a 256 px film from words, organ map and the region of a finding",
    "controller": "organ map to rough radiograph, as XReal's first stage does",
    "upscaler": "256 px to 1024 px",
    "shapes": "draws organ maps: mean outlines and their main variations",
    "judge": "looks for findings in films, to measure the others; draws nothing",
}

ABOUT = """For research on image processing, for teaching what a finding changes in a picture, for
demonstrations, and for tests of software that handles radiographs. Every picture that leaves the
program says that it is synthetic.

Not for diagnosis, treatment or triage. Not as evidence of how a disease looks or how often it
occurs. Not for presenting an edited film of a patient as an unedited one. Not as the only data of a
diagnostic model.

The decoder called *fidelity* keeps to the film it was given. The decoder called *texture*
**invents** grain and fine edges; it is used only for areas that are drawn anew. Everything the
upscaler adds beyond the 256 px film is invented too."""

DATA = """
- Frontal films of the **NIH Clinical Center** (ChestX-ray14). Acknowledgement: NIH Clinical
  Center; X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers: *ChestX-ray8: Hospital-scale
  Chest X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of Common
  Thorax Diseases*, CVPR 2017. The terms allow unrestricted use with this acknowledgement.
- Radiologists' boxes of the same collection and of the **RSNA Pneumonia Detection Challenge 2018**.
- Films with human organ masks of the **Wingspan** cardiothoracic ratio data set (Dong et al., MIT
  licence). Its authors do not state the hospital or the basis of consent.

NIH's labels come from text mining and are noisy. Adults only. One country's referral hospital
dominates. No film of a patient is in this folder, and the shape model holds means and modes only.
""".strip()

FINDINGS_NOTE = """A judging network, trained on real films that the drawing model was not measured
with, looks inside the region where a finding was asked for. A hit is a score above what real
held-out films without the finding seldom reach; the last rate is that of the same films before the
finding was put in. The network's own ability on real films (AUC: 0.5 is guessing, 1 is perfect)
bounds what its verdict is worth. No reader has judged these films."""

CANNOT: tuple[str, ...] = (
    "It draws frontal films of adults at 256 px: no lateral films, no children, no other region.",
    "It draws no lines, tubes, pacemakers, fractures or letters on demand; where it draws "
    "something of the kind by itself, it is a smear.",
    "Fibrosis, emphysema and hernia were too rare in its films to learn.",
    "Consolidation, pneumonia, infiltration and opacity look alike, in its films as in its words.",
    "A map far from any chest (lungs exchanged, heart outside the thorax) is obeyed badly or not "
    "at all.",
    "The sex and the view it is asked for shift the picture a little; they are not checked.",
    "It has seen the films of about 2,000 patients. Nearest training films are measured above, but "
    "no small model can prove that it never repeats a detail.",
)

HOW = """Obedience: maps read from held-out real films are drawn, and the segmenter reads the drawn
films; Dice is the overlap of the two, 1 for the same outline. Findings: see above. Realism: drawn
films, real films through the codec, and other real films are each compared with the same real
films, with a network trained only to tell the two sets apart and with distances in a fixed space of
features. Copies: by distance of block means and of detail, and by structural similarity. Codec and
upscaler: on held-out films. Intervals are 95%. Everything can be repeated with the command above
and the folder of films that `docs/training.md` describes."""

LICENCE = """
The weights are Apache-2.0, like the program. Keep the acknowledgements above with them.
`vocab.txt` is the vocabulary of Google's BERT (uncased), Apache-2.0.
""".strip()

SHEETS = {
    "samples": "64 films: seeds 0 to 63, each from its own map of the shape model, nothing said.",
    "insertions": "24 findings put into films drawn before. The corners on the film before mark "
    "the region that was painted; outside it not one bit changes.",
    "erasures": "12 films with devices or letters drawn on them, what was painted over (yellow), "
    "and the film after erasing.",
    "upscalings": "12 films at 256 px, and a part of each at 1024 px at full size: enlarged by "
    "cubic splines, and upscaled. Every third film has devices drawn on it.",
    "obedience": "8 maps, what was drawn from each, and the map's outlines on the film.",
    "degrees": "The same seed with hearts of several sizes: heart width over chest width as drawn "
    "in the map, and as read from the film.",
    "words": "The same map and seed with reports in words.",
}
