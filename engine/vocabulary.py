"""Tables behind the report parser: how people write findings, organs, places, sizes and views.

Patterns meet the text that :mod:`engine.reports.sentences` makes: lower case, no accents, single
blanks. The cues of denial, doubt and time are in :mod:`engine.reports.cues`.
"""

import re

NOTHING = "no finding"
NORMAL = (
    r"\bno (?:(?:convincing |definite |radiographic )?evidence of )?(?:any )?"
    r"(?:(?:acute|active|significant|other|focal|new|"
    r"superimposed|obvious|gross|further|abnormal) ){0,3}"
    r"(?:(?:cardio-?\w+|pulmonary|intra-?thoracic|chest|thoracic|lung|parenchymal|cardiac)"
    r"(?:(?: or | and |/)(?:pulmonary|pleural|cardiac))? ){0,2}"
    r"(?:findings?|abnormalit(?:y|ies)|disease|process(?:es)?|pathology|abnormality detected)\b|"
    r"\bwithout (?:acute |active |significant )*(?:cardio-?\w+|pulmonary|intra-?thoracic) "
    r"(?:findings?|abnormalit(?:y|ies)|disease|process|pathology)\b|"
    r"^\W*(?:normal|unremarkable|nad)\b(?=\W*$|\W+(?:apart|except|other|aside|but|frontal|ap|pa)\b)|"
    r"\bno (?:abnormality|lesion) (?:seen|detected)\b|\bhealthy\b"
)
DEVICE = (
    r"(?:bi-?ventricular |dual[- ](?:chamber|lead) |cardiac |transvenous )?"
    r"(?:pacemakers?|pacers?|defibrillators?|a?icd|pacing (?:leads?|wires?|devices?))|"
    r"(?:endo-?tracheal|et|e\.t\.|tracheostomy|naso-?gastric|oro-?gastric|ng|og|enteric|feeding|"
    r"dobb?hoff|chest|pleural|thoracostomy|gastric|drainage|intercostal) (?:tubes?|drains?)|"
    r"\bett\b|\bngt\b|\bogt\b|tracheostomy|trach|pigtail(?: (?:catheter|drain))?s?|"
    r"(?:internal jugular |subclavian |jugular |ij )?(?:central (?:venous )?|venous |dialysis |"
    r"swan-?ganz |jugular |subclavian |arterial |ij |midline )(?:catheters?|lines?)|cvc|"
    r"picc(?: (?:lines?|catheters?))?|port-?a-?cath(?:eter)?s?|medi-?port|"
    r"(?:infusion|chest) ports?|swan-?ganz|"
    r"(?:median )?sternotomy (?:wires?|sutures?)|sternal wires?|surgical clips?|"
    r"prosthetic (?:\w+ )?valves?|valve prosthes[ie]s|(?:coronary |tracheal |aortic )?stents?|"
    r"balloon pump|iabp|loop recorder|support (?:devices?|lines?|apparatus)|"
    r"lines and tubes|tubes and lines"
)
PHRASES = {  # what people write for each finding, as patterns; where two begin, the first counts
    NOTHING: NORMAL,
    "device": DEVICE,
    "pneumoperitoneum": r"pneumoperitoneum|free (?:intra-?peritoneal |sub-?diaphragmatic )?"
    r"(?:air|gas)",
    "pneumomediastinum": r"pneumomediastinum|mediastinal (?:air|gas|emphysema)",
    "subcutaneous air": r"(?:subcutaneous|surgical|soft[- ]tissue) (?:emphysema|air|gas)",
    "pericardial effusion": r"pericardial (?:effusions?|fluid)",
    "spine": r"scolio\w+|kypho\w+|degenerative (?:change\w*|disease|spurring)|spondyl\w+|"
    r"osteophyt\w+|(?:vertebral|compression) (?:body )?(?:compression|collapse|fractur\w+|"
    r"deformit\w+)",
    "fracture": r"fractur\w+|(?:osseous|bony|skeletal) (?:abnormalit\w+|injur\w+|trauma)",
    "aorta": r"(?:tortuous|calcified|unfolded|ectatic|atheroscler\w+|dilated|uncoiled|elongated)"
    r"(?: thoracic| descending| ascending)? aorta|"
    r"aort(?:a|ic)(?: (?:is|arch|knob|appears|mildly|slightly|and|wall))* "
    r"(?:tortuous|tortuosity|calcifi\w+|ecta\w+|atheroscler\w+|unfold\w+|dilat\w+|aneurysm\w*)",
    "pleural plaque": r"pleural plaques?",
    "pleural thickening": r"(?:pleural|apical) (?:pleural )?(?:thickening|capping|caps?)|"
    r"thickened pleura|pleura(?: is| appears)? thickened|thickening of the pleura",
    "interstitial changes": r"(?:reticul\w+ )?interstitial (?:lung )?(?:markings?|opaci\w+|"
    r"thickening|patterns?|disease|infiltrat\w+|prominence|changes?|abnormalit\w+)|"
    r"reticul\w+(?: (?:opaci\w+|markings?|pattern|changes?|shadowing))?|septal thickening|\bild\b",
    "edema": r"(?:(?:pulmonary|interstitial|alveolar|lung|flash) ){0,2}o?edema(?:tous)?|"
    r"(?:(?:pulmonary|central|mild) )?(?:(?:vascular|venous) )?congestion|"
    r"congestive (?:heart failure|cardiac failure|failure|changes?)|\bchf\b|(?:heart|cardiac) "
    r"failure|(?:fluid|volume) overload|kerley[- ]?b? lines|cephali[sz]ation|"
    r"upper lobe (?:venous |blood )?diversion|vascular redistribution",
    "effusion": r"(?:para-?pneumonic |sub-?pulmonic |pleural )?effusions?|pleural fluid|"
    r"(?:hydro|ha?emo|chylo|pyo)thora(?:x|ces)|empyema|fluid(?! levels?)|"
    r"pleural (?:collections?|blunting)",
    "cardiomegaly": r"cardiomegal\w+|(?:cardiac|heart) enlargement",
    "pneumothorax": r"(?:hydro)?pneumothora(?:x|ces)|pneumothoraxes|ptx",
    "atelectasis": r"(?:subsegmental |linear |discoid |plate-?like )?atelecta\w+|atx|"
    r"collapse[ds]?|volume loss|loss of volume",
    "consolidation": r"consolidat\w+|"
    r"air ?-?space (?:disease|opaci\w+|process\w*|consolidation|changes?|shadowing)",
    "pneumonia": r"(?:broncho)?pneumonias?|pneumonic \w+|pneumonitis|"
    r"(?:(?:chest|lung|pulmonary) )?infect(?:ion|ions|ious process)",
    "aspiration": r"aspiration(?! pneumoni)",
    "infiltration": r"infiltrat\w+",
    "nodule": r"(?:(?:lung|pulmonary) )?(?:micro)?nodul\w+(?: (?:opaci\w+|densit\w+|lesions?|"
    r"shadow\w*))?|coin lesions?",
    "opacity": r"(?:mass-?like |(?:lung|pulmonary|hazy|ground[- ]glass) )?opaci\w+|"
    r"ground[- ]glass(?: changes?| attenuation)?|haziness|"
    r"(?<!heart )(?<!cardiac )(?<!mediastinal )shadow(?:ing|s)?\b|(?<!bone )densit(?:y|ies)",
    "metastases": r"metasta\w+",
    "mass": r"(?:(?:lung|pulmonary) )?mass(?:es)?(?! effect)|tumou?rs?|neoplas\w+|carcinomas?|"
    r"malignan\w+|lung cancer",
    "hyperinflation": r"hyper-?(?:inflat|expan|aerat|lucen)\w+|"
    r"flattened (?:hemi)?diaphragms?|flattening of the (?:hemi)?diaphragms?",
    "emphysema": r"emphysema\w*|\bcopd\b|bull(?:a|ae|ous)",
    "fibrosis": r"fibro(?:sis|tic|us)\w*(?: changes?)?",
    "scarring": r"scar(?:s|ring)?",
    "hernia": r"(?:(?:hiatal|hiatus|diaphragmatic) )?hernias?",
    "granuloma": r"granulomat?\w*",
    "adenopathy": r"(?:lymph)?adenopathy|(?:lymph|hilar|mediastinal|enlarged) nodes?",
    "bronchiectasis": r"bronchiecta\w+",
    "bronchial thickening": r"(?:peri-?)?bronchial (?:wall )?(?:thickening|cuffing)|bronchitis",
    "cavity": r"cavit(?:y|ies|ations?)|cavit(?:ary|ating) lesions?",
    "tuberculosis": r"tubercul\w+|\btb\b",
    "calcification": r"calcifications?",
    "mediastinal shift": r"mediastinal shift|(?:shift|displacement) of the (?:mediastinum|heart|"
    r"trachea)|tracheal (?:deviation|shift)",
}
FINDINGS = tuple(PHRASES)
NEAREST = {  # what to draw for a word that the model does not know itself
    "infiltration": ("opacity", "consolidation"),
    "opacity": ("infiltration", "consolidation"),
    "consolidation": ("opacity", "infiltration"),
    "pneumonia": ("consolidation", "opacity"),
    "aspiration": ("pneumonia", "consolidation", "opacity"),
    "interstitial changes": ("infiltration", "opacity"),
    "mass": ("nodule",),
    "metastases": ("nodule", "mass"),
    "granuloma": ("nodule",),
    "scarring": ("fibrosis",),
    "pleural plaque": ("pleural thickening",),
    "hyperinflation": ("emphysema",),
}
UNPLACED = {  # findings that have no side
    NOTHING, "cardiomegaly", "wide mediastinum", "pneumoperitoneum", "pneumomediastinum",
    "pericardial effusion", "aorta", "spine", "hyperinflation",
}  # fmt: skip
PLEURAL = {"effusion": "lower", "pneumothorax": "upper"}  # where each gathers
NOT_SHARED = UNPLACED | {"device", "edema", "fracture", "mediastinal shift"}
HAZY = {"opacity", "consolidation", "infiltration", "atelectasis"}  # seen first, then explained
FINDING = re.compile(
    "|".join(
        rf"(?P<f{i}>{pattern})" if i == 0 else rf"(?P<f{i}>\b(?:{pattern})\b)"
        for i, pattern in enumerate(PHRASES.values())
    )
)

_CLEAR = r"clear(?! of| from)"
# Parts of the chest that are a finding only with what is said of them:
# part -> finding, what makes it one, what denies it ("normal" and the like deny any of them)
PARTS = {
    r"heart(?! border| failure| disease| valve)(?: size| shadow)?|"
    r"cardiac (?:silhouette|size|shadow|contour|outline)s?|"
    r"cardio-?mediastinal (?:silhouette|contour|outline|shadow)s?|cardio-?thoracic ratio":
    ("cardiomegaly",
     r"enlarg(?:ed|ement|ing)|large|big|huge|increased|prominent|dilated|globular", r"small"),
    r"(?:superior )?mediastin(?:um|al (?:contour|silhouette|outline|width)s?)":
    ("wide mediastinum", r"widen\w*|wide|enlarged|prominent|broad(?:ened)?", r"narrow"),
    r"(?:pulmonary |central )?(?:vascular(?:ity)?(?: markings| pedicle)?|vasculature|vessels)":
    ("edema", r"engorge\w*|prominen\w+|congested|cephalized|indistinct|increased|ill-defined|"
     r"distended", r"crisp"),
    r"(?:costo-?phrenic|cp) (?:angle|sulc|recess)\w*":
    ("effusion", r"blunt\w*|obscur\w+|obliterat\w+|effaced?", rf"sharp|{_CLEAR}|preserved|spared"),
    r"pleural (?:space|surface|cavit)\w*|pleurae?":
    ("effusion", r"fluid-filled", rf"{_CLEAR}|dry"),
    r"bones?|bony (?:structures?|thorax|skeleton)|osseous (?:structures?|thorax)|skeleton|ribs":
    ("fracture", r"broken", r"intact"),
    r"(?:hemi-?)?diaphragms?": ("raised diaphragm", r"elevat\w+|raised|high", r"preserved"),
    r"hil(?:um|a|i|ar (?:contour|structure|region|shadow)s?)":
    ("adenopathy", r"enlarge\w+|prominen\w+|bulky|full", r"small"),
    r"lungs?(?: fields?| parenchyma)?|chest(?: film| radiograph| x-?ray| study)?|"
    r"film|radiograph|x-?ray|study|examination|exam": (NOTHING, r"(?!)", _CLEAR),
}  # fmt: skip
WELL = r"normal|unremarkable|within normal limits|wnl|satisfactory"
EDGE = r"upper limits? of normal|upper normal|borderline|top[- ]normal"
PART = re.compile("|".join(rf"(?P<p{i}>\b(?:{part})\b)" for i, part in enumerate(PARTS)))

PLACES = {  # pattern -> side, zone; nothing said is ""
    r"left(?:-sided|ward)?|lt|(?<![\w/.'])l(?! ?\d)(?![\w/'])": ("left", ""),
    r"right(?:-sided|ward)?|rt|(?<![\w/.'])r(?! ?\d)(?![\w/'])": ("right", ""),
    r"bilateral(?:ly)?|bilat|both|either(?= (?:side|lung|base|apex|hemi|costo))|b/l": ("both", ""),
    r"bibas\w+|bases|lung bases": ("both", "lower"),
    r"biapical|apices": ("both", "upper"),
    r"bihilar": ("both", "middle"),
    r"lll": ("left", "lower"),
    r"lul": ("left", "upper"),
    r"rll": ("right", "lower"),
    r"rml": ("right", "middle"),
    r"rul": ("right", "upper"),
    r"lingula\w*": ("left", "middle"),
    r"retro-?cardiac": ("left", "lower"),
    r"upper|superior|ap(?:ex|ical)|supra-?hilar|sub-?apical": ("", "upper"),
    r"middle|mid-?(?:lung|zone)?|(?:peri|para)?-?hilar|hil(?:um|a)": ("", "middle"),
    r"lower|inferior|bas(?:e|al|ilar)|costo-?phrenic|infra-?hilar|sub-?pulmonic": ("", "lower"),
}
PLACE = re.compile("|".join(rf"(\b(?:{pattern})\b)" for pattern in PLACES))
MISPLACED = re.compile(  # words of place that say nothing of where a finding is
    r"\b(?:right|left) (?:atri\w+|ventric\w+|pulmonary (?:arter|vein)\w*|main\w* bronch\w+)|"
    r"\b(?:upper|lower|mid) (?:limits?|abdom\w+|svc|normal|thoracic|esophag\w+|neck)|"
    r"\bmid-?clav\w+|\b(?:superior|inferior) (?:vena|mediast\w+)|\bbase of the (?:heart|neck)|"
    r"\bleft (?:in place|unchanged)|\bcardiac apex"
)
DEGREES = {  # as written -> as kept
    "trace": "trace", "tiny": "tiny", "minimal": "minimal", "minimally": "minimal",
    "minor": "minor", "slight": "slight", "slightly": "slight", "small": "small",
    "mild": "mild", "mildly": "mild", "moderate": "moderate", "mod": "moderate",
    "moderately": "moderate", "large": "large", "marked": "marked", "markedly": "marked",
    "severe": "severe", "severely": "severe", "massive": "massive", "massively": "massive",
    "huge": "huge", "extensive": "extensive", "gross": "gross", "grossly": "gross",
}  # fmt: skip
_DEGREE = "|".join(DEGREES)
DEGREE = re.compile(
    rf"\b({_DEGREE})(?:(?:-|/|(?:-| )to(?:-| ))({_DEGREE}))?\b"
    r"(?! (?:larger|smaller|more|less|increas|decreas|improv|worse|better|great|high|low|reduc))"
)
VIEWS = {
    "ap": r"\ba\.?p\.?(?= |$|[,;.:/\n])|antero-?posterior|portable|supine",
    "pa": r"\bp\.?a\.?(?= |$|[,;.:/\n])|postero-?anterior",
}
# Words that need not be understood: they neither name nor change what is drawn.
SMALL = """
a about above across active acute add adjacent adult aerated after again air all along already
also although amount an and angle angles another any appearance appearances appearing appears are
area areas as associated at be been before being below beneath beside best better between body
bony border borders both bronchograms but by calcified can cardiac cardiomediastinal carina
catheter central change changed changes chest chronic clear clinical clinically cm coarse compared
comparison compatible complete confluent consistent context continued contours correlate
correlation course courses current date day days dense developed developing diaphragm diffuse
discrete displaced distal distribution dose down draw due during each earlier eight eighth ends
erect evaluation evidence evident exam examination expanded expiration extending extends extent
female few field fields fifth film finding findings first fissure five focal follow-up followup
for found four fourth fracture from frontal fully further given greater grossly had has have he
healed healing heart hemithorax her here his identified if ill-defined image images impression in
increased increasing indicated inflated inflation inspiration inspiratory interval into
involvement involving is it its just keeping known large lateral lateralised layering lead leads
lesion lesser level likely line linear lines lobar lobe lobes location loculated lordotic loss low
lung lungs made main major make male man margin margins marking markings may measures measuring
medial mediastinal mediastinum mm more most much multifocal multiple near-total new newly nine
ninth nodular nodules none normal not noted now number numerous obscured obscures obscuring of old
on one only or osseous other our out over overlying overt part partially particular patchy patient
pattern peripheral persistent persistently please pleural portable position posterior
predominantly present previous prior previously probably process projecting projects pulmonary put
question radiograph radiographic rather recent recently recommended region regions remain remains
remote residual resolution reticular rib ribs rotated rounded same scattered second see seen
segment segments semi-erect setting seven seventh several shape she show showing shown shows side
sided sides sign signs silhouette similar since single sitting six sixth size sized slightly small
smaller so soft solid solitary some somewhat spiculated stable standing structure structures study
subacute subtle such suggested supine surface suspicious symmetric ten tension tenth than that the
their then there these they thick thick-walled thin thin-walled third this thoracic thorax those
three through throughout tip tissue tissues to today together total tracking two unchanged
underlying unilateral up upright use very view views visible visualized volume volumes wall want
was we well well-defined were when where which whole wide will with within without woman worse
worsened worsening would x-ray xray year year-old years yet young zone zones
"""
SMALL_WORDS = frozenset(SMALL.split())
