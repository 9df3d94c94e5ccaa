"""Cues of the report parser: denial, doubt, the past, and the words at which their reach ends.

In the manner of NegEx (Chapman et al. 2001) and ConText (Harkema et al. 2009): a cue acts on the
findings after it or before it until something ends its reach. Patterns meet the text that
:mod:`engine.reports.sentences` makes: lower case, no accents, single blanks.
"""

import re

# Words that may stand between "no" and "change" without making it a denial of a finding.
_ADVERBS = (
    r"(?:(?:any|significant|significantly|interval|appreciable|appreciably|substantial|"
    r"substantially|definite|yet|been|fully|completely|entirely|much|obvious|marked|further|"
    r"relevant|real|notable|major|evidence of|short-term|overall|yet been) ){0,3}"
)
_CHANGE = (
    r"(?:chang\w*|increas\w*|decreas\w*|improv\w*|worsen\w*|progress\w*|resol\w*|cleared|clearing|"
    r"differ\w*|reduc\w*|regress\w*|enlarging|removed)"
)
_BE = r"(?:is|are|was|were|be|been|has been|have been|remains?|seems?|appears?|looks?)"
_SEEN = (
    r"(?:seen|present|identified|visible|visuali[sz]ed|evident|shown|appreciated|detected|noted|"
    r"demonstrated|found|apparent|observed|suspected|likely)"
)
_WHOLLY = r"(?:now |completely |fully |entirely |since |essentially |nearly )?"

CUES = {  # kind -> pattern; where two begin at one place the first counts
    "pseudo": (  # looks like a denial and is none
        rf"(?:no|without|not|hasn't|isn't) {_ADVERBS}{_CHANGE}"
        r"(?: (?:in|of|from)\b)?(?: the size of)?|"
        r"not only|gram[- ]negative|no doubt|no more than|not just|no longer (?:clear|normal)|"
        r"(?:has|have|is|are) not(?= ?[.;]?$)|"
        r"(?:near(?:ly)?[- ]complete|partial|incomplete|near|partially|nearly|almost) "
        r"(?:resolution|clearing|resolved|cleared|removal)(?: of)?"
    ),
    "maybe_after": (
        r"(?:cannot|can't|could not|can not|not|never) (?:be )?(?:\w+ )?"
        r"(?:excluded|ruled out|dismissed)|"
        r"(?:difficult|hard|impossible) to (?:exclude|rule out)|"
        rf"{_BE} (?:also |felt to be |most |more |thought to be |a |of )?"
        r"(?:likely|possible|possibility|probable|suspected|questioned|questionable|"
        r"consideration|concern|equivocal|suggested|favou?red|considered)|"
        r"(?:should|could|may|might) (?:also )?be (?:considered|present|suspected)|in question|"
        r"not certain|uncertain|doubtful"
    ),
    "maybe_before": (
        r"(?:cannot|can't|could not|can not|unable to) (?:\w+ )?(?:exclude|rule out)|"
        r"not exclud\w+|(?:to )?(?:exclude|rule out)|r/o|"
        r"(?:evaluate|assess|evaluation|query|queried|looking) for|query|"
        r"(?:most |more |less )?(?:likely|possibly|probably|possible|probable)|"
        r"(?:may|might|could|can)(?: also)? (?:be (?:due|secondary|related) to)|"
        r"(?:may|might|could|can)(?: also)? (?:be|represent|reflect|indicate|suggest|relate)|"
        r"may|might|could|perhaps|presumed|presumably|potential(?:ly)?|"
        r"suspected|suspect|suspicious for|suspicion (?:of|for)|suspicious of|"
        r"concerning for|concern(?:ed)? (?:for|of|about)|worrisome for|worry for|"
        r"question(?:able|ed|ably)?(?: of)?|possibility of|suggest(?:s|ed|ing|ive of|ion of)?|"
        r"raise(?:s)? the (?:possibility|question|suspicion) of|"
        r"borderline|equivocal|differential(?: \w+)?(?: includes?)?|consider|"
        r"favou?r(?:s|ed|ing)?(?: to represent)?|favou?red to be|apparent"
    ),
    "maybe_both": r"versus|vs\.?|as opposed to",
    "not_after": (
        rf"(?:{_BE} |can )?(?:not|no longer|never) (?:be )?(?:well |clearly |definitely |readily )?"
        rf"{_SEEN}|not {_SEEN}|"
        rf"(?:{_BE} |has |have )?(?:now |since )?{_WHOLLY}(?:resolved|cleared|absent|removed|"
        r"excluded|ruled out|disappeared|gone(?! up| down))|(?<=: )no(?=\W*$)|"
        rf"(?:{_BE} )?(?:very |highly )?unlikely|none(?: (?:seen|identified|visible))?|"
        r"negative(?! for)"
    ),
    "not_before": (
        r"no longer(?: any)?|no|not|without|w/o|negative for|neg(?:\.|ative)? for|absence of|"
        r"free (?:of|from)|clear of|neither|nor|denies|denied|lack of|lacks|never|"
        r"(?:interval |complete |full |now )?(?:resolution|removal|clearing|clearance) of|"
        r"rather than|instead of|nothing (?:to suggest|suspicious for)|"
        r"isn't|aren't|doesn't|hasn't|don't|rules out|ruled out(?= \w)|excludes|devoid of"
    ),
    "past": (
        r"(?:past |prior |known |remote |clinical |medical )?history (?:of|for)|h/o|hx(?: of)?|"
        r"(?:prior|previous)(?! (?:(?:\w+ ){0,2}(?:stud\w+|exam\w*|films?|radiographs?|x-?rays?|ct|"
        r"images?|imaging|reports?|days?|chest|comparison|visit)|to|and|or|from)\b)(?= \w)"
    ),
}
QUERIES = {"maybe_after": r"|\?+(?!\w)", "maybe_before": r"|\?+(?=\w)"}  # "effusion?", "?effusion"
CUE = re.compile(
    "|".join(
        rf"(?P<{kind}>\b(?:{pattern})(?!\w)" + QUERIES.get(kind, "") + ")"
        for kind, pattern in CUES.items()
    )
)
STILL = re.compile(  # what is compared is there now, whatever was before
    r"\b(?:unchanged|stable|persist\w*|again|improv\w*|increas\w*|decreas\w*|worse\w*|smaller|larger|"
    r"residual|remains?|similar|re-?demonstrat\w*|resolving|chang\w+)\b"
)
ENDS = re.compile(  # words at which the reach of every cue ends
    r"\b(?:but|however|although|though|except|excepting|apart from|aside from|other than|"
    r"whereas|while|which|yet|because|nevertheless|nonetheless|otherwise|despite|"
    r"with the exception of)\b"
)
JOINT = re.compile(
    r"[,:&/+(]|\b(?:and|or|nor|with|plus|versus|vs|as well as|there|without|no|but|while|"
    r"although|whereas|though|however|except)\b"
)
EITHER = re.compile(r"\b(?:or|nor)\b|/")
ALSO = re.compile(r"\b(?:and|plus|as well as)\b|&|\+")
WITH = re.compile(r"\bwith\b")
VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|there|shows?|demonstrates?|reveals?|seen|noted|present|"
    r"identified|persists?|remains?|appears?|contains?)\b"
)
LINK = re.compile(  # one shadow and what it is taken for share their place
    r"\b(?:represent\w*|reflect\w*|consistent|compatible|suggest\w*|concerning|suspicious|worrisome|"
    r"likely|probabl[ye]|possibl[ye]|presumabl[ye]|keeping|versus|vs|due|from|indicat\w+|favou?r\w*|"
    r"secondary|related|may|could|might|with|and|or|plus)\b|[&/+]"
)
FRESH = re.compile(  # a new statement begins; a list of what is denied does not go on like this
    r"\W*(?:then |also |only |now )*(?:an?|the|there|another|additional|new|stable|unchanged|"
    r"persist\w*|increas\w*|decreas\w*|improv\w*|worsen\w*|residual|now|again|still|also|known|old|"
    r"trace|tiny|minimal\w*|minor|slight\w*|small|mild\w*|moderate\w*|large|marked\w*|severe\w*|"
    r"massive|huge|extensive|left|right|lt|rt|l|r|bilat\w*|bibas\w+|bi-?apical|both|lll|lul|rll|rml|"
    r"rul|lingular?|retro-?cardiac|upper|lower|middle|mid|apical|basal|basilar|peri-?hilar)\b"
)
FILLER = re.compile(  # between a part of the chest and what is said of it
    r"(?:is|are|was|were|remains?|appears?|looks?|seems?|be|been|to|may|might|could|not|no|size|in|the|"
    r"and|or|also|all|both|again|still|at|now|grossly|otherwise|otherwise|slightly|mildly|moderately|"
    r"markedly|severely|minimally|massively|left|right|bilateral|bilaterally|of|a|an|appearance|again|"
    r"somewhat|mild|moderate|marked|severe|visuali[sz]ed|visible|overall|within|limits|borderline|"
    r"contours?|silhouette|likely|probably|possibly|well|appearing|quite|rather|very|expanded|aerated|inflated|stable|its|"
    r"unchanged|mediastinal|acutely|essentially|lateral|posterior|has|have|become|isn't|aren't|"
    r"minimal|slight|transverse|diameter|structures?|upper|lower|lobes?)"
)
SAID = {  # headings under which a report says what is on the film
    "findings", "finding", "impression", "impressions", "conclusion", "conclusions", "opinion",
    "report", "result", "results", "interpretation", "summary", "diagnosis", "assessment",
    "radiographic findings", "chest", "comment", "comments", "addendum", "findings and impression",
    "findings/impression",
}  # fmt: skip
UNSAID = {  # headings under which it says why and how, and what was before
    "indication", "indications", "history", "clinical history", "clinical information",
    "clinical indication", "clinical details", "clinical data", "clinical question",
    "reason for exam", "reason for examination", "reason for this examination", "reason for study",
    "reason", "comparison", "comparisons", "technique", "exam", "examination", "procedure", "study",
    "question", "recommendation", "recommendations", "medical history", "past medical history",
    "type of examination", "signs and symptoms", "comparison study", "views", "prior studies",
    "symptoms",
}  # fmt: skip
HEADING = re.compile(
    r"(?<![\w/])(?:" + "|".join(sorted(SAID | UNSAID, key=len, reverse=True)) + r") ?:"
)
ABBREVIATIONS = {
    "dr", "mr", "mrs", "ms", "prof", "vs", "approx", "ca", "rt", "lt", "bilat", "st", "fig", "resp",
    "incl", "cf", "l", "r", "neg", "pos", "eg", "ie", "min", "mod", "sm", "post", "ant", "sup",
    "inf", "lat", "w", "pt", "hx",
}  # fmt: skip
