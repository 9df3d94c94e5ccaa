"""The 60 cases of bad input and faults that must end well, by number.

A test proves a case by the marker ``case``: ``@pytest.mark.case(16)``, with several numbers where
it proves several. ``test_cases.py`` holds that none is left without a test. A case ends well when
the program says what is wrong in one sentence without a trace, keeps what was there before, leaves
nothing behind and goes on working.
"""

CASES: dict[int, str] = {
    # The network and the page
    1: "A share link or another address in the environment stops the start",
    2: "Another address than loopback needs users and TLS",
    3: "Wrong passwords are slowed down and tell nothing about who exists",
    4: "No form of a path reads a file outside the served folders",
    5: "A file named in JSON is not read unless the page itself uploaded it",
    6: "An address given in place of a file is never asked for",
    7: "A request that another web page makes changes nothing",
    8: "A request for another host name is refused",
    9: "Uploads too large, too many or without end are refused and leave nothing",
    10: "Without a login no route but the login page answers",
    11: "One user reaches nothing of another user by its address or id",
    12: "Two users at work: each gets only their own pictures, also after closing the page",
    13: "Hidden end points are closed to hand-made requests",
    14: "Starting, generating and exporting ask nothing of other computers",
    15: "The temporary folder is private, ages, is emptied, and holds no names of files",
    # Checkpoints
    16: "A pickle that would run something is refused by the name of what it would run",
    17: "The environment cannot switch the safe unpickler off",
    18: "The first bytes decide what a checkpoint is, not its name",
    19: "The published layouts of checkpoints are imported exactly; one without tensors is refused",
    20: "Lightning's attribute dictionaries are imported",
    21: "A checkpoint cut short, empty, or that is a web page or an LFS pointer is called that",
    22: "One changed byte of a checkpoint is noticed",
    23: "A compressed checkpoint that unfolds hugely is refused before it is read",
    24: "A checkpoint of another network is refused, with the tensors that do not fit",
    25: "Weights that are no numbers are refused, weights that are all zero are warned about",
    26: "Damaged and lying safetensors are refused",
    27: "A model that was not imported, or was changed afterwards, is not loaded",
    28: "An import killed half way, or on a full disk, leaves no half model and can be repeated",
    # Pictures and masks
    29: "A picture that claims a huge size is refused before it is decoded",
    30: "A valid picture of too many pixels is refused",
    31: "16-bit grey keeps every level up to the export, and is shown without clipping",
    32: "A picture that was cut off is refused, never half shown",
    33: "A photograph's orientation is applied, and its EXIF never leaves",
    34: "Animations, many pages and other formats are refused whatever their name",
    35: "Empty, impossible and misfitting masks are refused; outside a mask nothing changes",
    36: "The name of an opened file is in no path, log or export",
    # DICOM
    37: "What is no DICOM or ends too early is refused; nothing is forced open",
    38: "A deflated DICOM bomb is not unfolded",
    39: "DICOM that is nested too deep is refused at once",
    40: "DICOM that lies about its size, or holds several pictures, is refused",
    41: "MONOCHROME1 and MONOCHROME2 of the same film are shown alike",
    42: "Windows and tables are applied in the documented order",
    43: "Rescaling, signs, depths and stray bits give exactly the stored values",
    44: "A decoder that dies takes only its own process with it",
    45: "Nothing that identifies a patient leaves in any file or log",
    46: "Burned-in text blocks the way until a person has looked",
    47: "Exported DICOM is valid, marked synthetic, new, and exact in its pixels",
    # Engine, storage, studies
    48: "Running out of memory is tried once smaller, then said; the next run works",
    49: "Stop works at any time, twice as well, and leaves no file",
    50: "A worker that dies or hangs makes its job lost, soon, and is said to have",
    51: "A reload while another user waits gives everyone only their own result",
    52: "A full disk leaves the old version whole and nothing temporary",
    53: "Killed again and again while answers are written, no acknowledged answer is lost",
    54: "Whichever write fails, a saved file is the old one or the new one",
    55: "Damaged, newer, poisoned and oversized projects are refused and change nothing",
    56: "Reload, second tab and back in a study: the same case, each answer once",
    57: "A reader cannot learn the truth, the order or other answers",
    # What a picture says of itself
    58: "Every way out of the program marks the picture as synthetic",
    59: "A PNG carries its recipe, keeps 16 bits and nothing of a patient",
    60: "'Not for diagnostic use' stands on the page, the picture, the DICOM file and the manual",
}
