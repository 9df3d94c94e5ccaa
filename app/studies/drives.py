"""Where a study must not lie: drives over a network, whose locks cannot be relied on."""

import os
from pathlib import Path

from app.studies.errors import StudyError

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "ncpfs", "ceph"}
MOUNTS = Path("/proc/mounts")


def refuse_network_drive(folder: Path) -> None:
    """Raise ``StudyError`` if ``folder`` is known to lie on a network drive."""
    if is_on_network(folder.absolute()):
        raise StudyError(
            "This folder is on a network drive, where two programs cannot be kept from writing at "
            "once. Keep the study on a disk of this computer and copy its backups to the network."
        )


def is_on_network(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether the system says that ``folder`` (absolute) lies on a network drive."""
    if os.name == "nt":
        return _is_remote_on_windows(folder)
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:  # a system without this list, such as macOS: nothing is known
        return False
    kinds: dict[Path, str] = {}
    for line in lines:
        words = line.split(" ")
        if len(words) > 2:
            kinds[Path(words[1].replace("\\040", " "))] = words[2]
    over = [place for place in (folder, *folder.parents) if place in kinds]
    return bool(over) and kinds[over[0]] in NETWORK


def _is_remote_on_windows(folder: Path) -> bool:
    import ctypes

    drive_remote = 4
    if str(folder).startswith("\\\\"):
        return True
    return ctypes.windll.kernel32.GetDriveTypeW(folder.anchor) == drive_remote  # type: ignore
