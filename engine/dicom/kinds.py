"""The kinds of DICOM objects: which are opened, and what the others are called."""

from engine.dicom.film import Kind

STORAGE = "1.2.840.10008.5.1.4.1.1."
KINDS: dict[str, Kind] = {
    STORAGE + "1": "CR",
    STORAGE + "1.1": "DX",
    STORAGE + "1.1.1": "DX for processing",
    STORAGE + "7": "SC",
}
OTHERS = {  # the longest beginning that fits counts
    "1.2": "a mammogram",
    "1.3": "a picture from inside the mouth",
    "2": "a CT picture",
    "3": "an ultrasound series",
    "4": "a magnetic resonance picture",
    "6": "an ultrasound picture",
    "7.": "a series of captured pictures",
    "9": "a waveform",
    "11": "a presentation state, which holds no picture",
    "12": "a fluoroscopy or angiography series",
    "13": "a tomosynthesis or 3D picture",
    "20": "a nuclear medicine picture",
    "66": "a segmentation or registration, not a film",
    "77": "a photograph or microscope picture",
    "88": "a structured report, which holds no picture",
    "104": "a document, which holds no picture",
    "128": "a PET picture",
    "130": "a PET picture",
    "481": "a radiotherapy object",
}
