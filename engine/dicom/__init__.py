"""Films in DICOM: read as documented in docs/dicom.md, written from an allow-list.

:mod:`gate` looks at bytes, :mod:`parsing` (in a process of its own, :mod:`child`) decodes them,
:mod:`tones` goes from stored values to what is shown, :mod:`reading` is the door in,
:mod:`writing` and :mod:`segmentation` are the doors out.
"""
