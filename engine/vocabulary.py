"""Tables behind :mod:`engine.words`: how people write findings, places, views and denials."""

import re

NOTHING = "no finding"
NORMAL = (
    r"(?:no|without) (?:\w+ )?(?:acute |significant |active )?(?:cardio\w+ )?"
    r"(?:findings?|abnormalit(?:y|ies)|disease|process|pathology)|"
    r"normal (?:chest|film|radiograph|study|lungs?|x-?ray)|(?:lungs?|fields) (?:are |is )?clear|"
    r"clear lungs?|unremarkable|^\s*normal\s*$|healthy"
)
PHRASES = {  # what people write for each finding, as patterns; longer forms first
    NOTHING: NORMAL,
    "pleural thickening": r"(?:pleural|apical) thickening|thickened pleura",
    "effusion": r"(?:pleural )?effusions?|pleural fluid|hydrothorax|fluid|"
    r"blunt(?:ed|ing)(?: of)?(?: the)?(?: left| right| both)? costophrenic (?:angle|sulcu)s?",
    "cardiomegaly": r"cardiomegaly|enlarged (?:heart|cardiac silhouette|cardiomediastinal \w+)|"
    r"(?:heart|cardiac silhouette|cardiac size)(?: size)?(?: is| appears| looks)? (?:not )?"
    r"(?:\w+ly )?enlarged|(?:cardiac|heart) enlargement|"
    r"enlargement of the (?:heart|cardiac silhouette)|(?:large|big) heart",
    "pneumothorax": r"(?:hydro)?pneumothora(?:x|ces)|ptx",
    "atelectasis": r"atelecta\w+|collapse[ds]?|volume loss",
    "consolidation": r"consolidat\w+|air ?-?space disease",
    "edema": r"(?:pulmonary |interstitial |alveolar )?o?edema|(?:pulmonary |vascular )?congestion",
    "pneumonia": r"(?:broncho)?pneumonias?",
    "infiltration": r"infiltrat\w+",
    "opacity": r"(?:lung |pulmonary |hazy )?opaci\w+|shadow(?:ing|s)?|haziness",
    "nodule": r"(?:lung |pulmonary )?nodul\w+",
    "mass": r"(?:lung |pulmonary )?mass(?:es)?|tumou?rs?",
    "emphysema": r"emphysema\w*",
    "fibrosis": r"fibro\w+",
    "hernia": r"(?:hiatal |hiatus )?hernias?",
}
NEAREST = {  # what to draw for a word that the model does not know itself
    "infiltration": ("opacity", "consolidation"),
    "opacity": ("infiltration", "consolidation"),
    "consolidation": ("opacity", "infiltration"),
    "pneumonia": ("consolidation", "opacity"),
    "mass": ("nodule",),
}
UNPLACED = (NOTHING, "cardiomegaly", "edema")  # findings that have no side
FINDING = re.compile(
    "|".join(rf"(?P<f{i}>\b(?:{pattern})\b)" for i, pattern in enumerate(PHRASES.values())), re.I
)
PLACES = {  # pattern -> side, zone; nothing said is ""
    r"left(?:-sided|ward)?|lt|l\b": ("left", ""),
    r"right(?:-sided|ward)?|rt|r\b": ("right", ""),
    r"bilateral(?:ly)?|both|either": ("both", ""),
    r"bibas\w+|bases|lung bases": ("both", "lower"),
    r"biapical|apices": ("both", "upper"),
    r"lll": ("left", "lower"),
    r"lul": ("left", "upper"),
    r"rll": ("right", "lower"),
    r"rml": ("right", "middle"),
    r"rul": ("right", "upper"),
    r"lingula\w*": ("left", "middle"),
    r"retrocardiac": ("left", "lower"),
    r"upper|superior|ap(?:ex|ical)": ("", "upper"),
    r"middle|mid|(?:peri)?hilar": ("", "middle"),
    r"lower|inferior|bas(?:e|al|ilar)|costophrenic": ("", "lower"),
}
PLACE = re.compile("|".join(rf"(\b(?:{pattern})\b)" for pattern in PLACES), re.I)
VIEWS = {
    "ap": r"\ba\.?p\.?(?= |$|[,;])|antero-?posterior|portable|supine",
    "pa": r"\bp\.?a\.?(?= |$|[,;])|postero-?anterior",
}
SENTENCE_END = r"[.;\n]+(?=\s|$)|\b(?:but|however|although|though|except|apart from|other than)\b"
DENIED = re.compile(
    r"\b(?:no|not|without|negative for|absence of|free of|clear of|nor|denies)\b", re.I
)
DENIED_AFTER = re.compile(
    r"\b(?:absent|none|negative|(?:is |are )?not (?:seen|present|identified|visible|evident|shown)|"
    r"resolved|cleared|ruled out|excluded)\b",
    re.I,
)
ASSERTED = re.compile(r"\b(?:is|are|has|there|present|seen|shows?|new|with|noted)\b", re.I)
FILLER = """
a an the of in on at to and or with is are was there has have be been this that it its no not
without evidence for negative absence free clear nor denies seen present noted shows show new old
small large moderate mild severe minimal slight tiny huge big marked subtle focal diffuse patchy
some any view film chest radiograph x-ray xray portable lung lungs lobe lobes zone zones field
fields side sided region area angle heart size normal please add draw patient male female man woman
frontal erect upright supine finding findings impression pleural acute chronic
"""
