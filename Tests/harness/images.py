"""The archives that scripts/make-images makes; each is made once and then comes from its cache."""

import functools
import subprocess
from pathlib import Path

from . import settings


@functools.cache
def archive(name: str, form: str = "oci") -> Path:
    """Path of the archive of image `name`. Read-only: copy it before changing it."""
    done = subprocess.run(
        [settings.PROJECT / "scripts/make-images", "--format", form, name],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.split()[-1])
