"""More and less of what a manifest asks for."""

import pytest

from eyespot.contracts.service import Manifest
from eyespot.edge.services.grant_change import with_less, with_more, with_nothing
from eyespot.edge.services.granted import Granted, everything
from eyespot.kernel.errors import EyespotError

MANIFEST = Manifest.model_validate(
    {
        "service": {"name": "counter", "version": "1.0.0", "title": "Counter", "command": ["true"]},
        "view": [{"name": "door"}, {"name": "yard"}],
        "model": [{"package": "nanodet-g"}],
        "permissions": {"read": ["tracks", "events"], "emit": ["count"]},
        "budget": {"accelerator": 0.1},
    }
)


def test_what_is_taken_and_given_back_is_as_it_was() -> None:
    whole = everything(MANIFEST, "front")
    less = with_less(MANIFEST, whole, {"views": ("door",), "read": ("events",)})
    assert (less.views, less.read, less.emit, less.camera) == (("yard",), ("tracks",), ("count",), "front")
    assert with_more(MANIFEST, less, {"views": ("door",), "read": ("events",)}) == whole
    assert with_more(MANIFEST, less, {}, camera="back").camera == "back"
    assert less.models == ("nanodet-g",), "what is not named stays"
    assert with_less(MANIFEST, whole, {"models": ("nanodet-g",)}).models == ()


def test_where_its_owner_lets_it_run_is_not_forgotten() -> None:
    strict = everything(MANIFEST, "front").model_copy(update={"host": "container"})
    less = with_less(MANIFEST, strict, {"views": ("door",)})
    assert (less.host, with_more(MANIFEST, less, {"views": ("door",)})) == ("container", strict)
    assert with_nothing(MANIFEST, strict) == Granted(camera="front", host="container")


def test_a_slip_of_the_pen_is_told() -> None:
    with pytest.raises(EyespotError, match="'window' in views is not asked for"):
        with_more(MANIFEST, Granted(), {"views": ("window",)})
    with pytest.raises(EyespotError, match="'door' in views is not granted") as raised:
        with_less(MANIFEST, Granted(views=("yard",)), {"views": ("door",)})
    assert raised.value.todo == "Granted in views: yard."
