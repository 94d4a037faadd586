"""The images of the releases in the history, as far as their registry still has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.release.state import Target


def require_image(target: Target, chosen: ReleaseRecord) -> None:
    """Check the image. Raises Failed IMG_NOT_FOUND when the registry no longer has it: its pods would never start."""
    from toolkit.deploy.image import registry

    lost = registry.gone(record.image for record in target.place.records() if record.good)
    if chosen.image in lost:
        kept = ", ".join(
            str(record.number) for record in target.place.records() if record.good and record.image not in lost
        )
        raise fail(
            "IMG_NOT_FOUND",
            f"the image of release {chosen.number} is no longer in its registry",
            chosen.image,
            f"releases that passed and have an image: {kept or 'none'}",
            hint="choose one of them with --to, or push the image again",
        )
