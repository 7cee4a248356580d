"""The base of every config document: frozen, unknown keys refused with the nearest known name, readable errors.

The only module that reads or sets environment variables.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eyespot.kernel.config_words import describe_all
from eyespot.kernel.errors import EyespotError, invalid

MAX_CONFIG_BYTES = 1 << 20


class Settings(BaseModel):
    """A frozen part of a config document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


S = TypeVar("S", bound=Settings)


def read_env(name: str, default: str | None = None) -> str | None:
    """The environment variable ``EYESPOT_<name>``, or ``default``."""
    return os.environ.get(f"EYESPOT_{name}", default)


def cache_dir() -> Path:
    """Where fetched and built things are kept: ``$EYESPOT_CACHE``, or ``eyespot`` in the user's cache folder."""
    own = read_env("CACHE")
    if own:
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "eyespot"


def inherited_env() -> dict[str, str]:
    """A copy of this process's environment, for starting a child."""
    return dict(os.environ)


def keep_libraries_quiet() -> None:
    """Tell libraries that report to their makers not to; to be called before they are loaded. Children inherit it.

    ONNX Runtime's wheel holds Microsoft's 1DS client: it writes a device id into the user's cache folder and collects
    events there for its maker's collector.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def load_toml(path: Path) -> dict[str, Any]:
    """The TOML document at ``path`` as plain values; raises ``INVALID`` that names the place of a mistake."""
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise invalid(f"{path} is larger than {MAX_CONFIG_BYTES} bytes.", "Is it really a config file?")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise invalid(
            f"There is no config file {path}.", "Check the path, or write one: see docs/guide/config.md."
        ) from error
    except IsADirectoryError as error:
        raise invalid(f"{path} is a folder.", "Name the config file itself.") from error
    except UnicodeDecodeError as error:
        raise invalid(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise invalid(f"{path}: {error}.", "Correct the TOML there.") from error


def validate(model: type[S], document: Any, origin: str) -> S:
    """``document`` as a ``model``; raises ``INVALID`` that lists every mistake by its place, named from ``origin``."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise explain(error, model, origin) from error


def explain(error: ValidationError, model: type[BaseModel], origin: str) -> EyespotError:
    """A pydantic error in a person's words: one part a mistake, see ``config_words``."""
    lines = describe_all(error.errors(include_url=False), model.model_json_schema())
    text = f"{origin}: " + "; ".join(lines)
    return invalid(text if text.endswith("?") else f"{text}.", "Correct it and try again.")
