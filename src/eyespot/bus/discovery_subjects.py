"""Subjects of the NATS Services API (ADR-32 of NATS): ``$SRV.<verb>[.<name>[.<id>]]``. Pure."""

VERBS = ("PING", "INFO", "STATS")


def asked() -> list[str]:
    """Everything that one who looks for services publishes."""
    return [f"$SRV.{verb}{rest}" for verb in VERBS for rest in ("", ".>")]


def answered(name: str) -> list[str]:
    """Everything that one called ``name`` listens to, whatever its instance."""
    return [f"$SRV.{verb}{rest}" for verb in VERBS for rest in ("", f".{name}", f".{name}.*")]


def listened(verb: str, name: str, instance: str) -> list[str]:
    """The three subjects of one instance for one verb."""
    return [f"$SRV.{verb}", f"$SRV.{verb}.{name}", f"$SRV.{verb}.{name}.{instance}"]
