"""Destinations in one form, and which addresses names and literal grants may lead to."""

import ipaddress

import pytest

from eyespot.contracts.destination import parse_destination
from eyespot.edge.services.egress.addresses import closed_altogether, closed_to_names, whereabouts
from eyespot.kernel.errors import EyespotError


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("example.org:443", "example.org:443"),
        ("Example.ORG.:443", "example.org:443"),
        ("192.168.1.5:8883", "192.168.1.5:8883"),
        ("[2001:DB8:0:0::1]:443", "[2001:db8::1]:443"),
        ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
        ("xn--bcher-kva.example:1", "xn--bcher-kva.example:1"),
    ],
)
def test_what_means_the_same_has_one_form(text: str, form: str) -> None:
    assert str(parse_destination(text)) == form


@pytest.mark.parametrize(
    "text",
    [
        "example.org", "example.org:0", "example.org:65536", "example.org:080", "example.org:443 ", "example.org:+1",
        "", ":80", "a b:80", "evil.com/@example.org:443", "user@example.org:443", "example.org\r\nX:443",
        "127.1:80", "0x7f000001:80", "2130706433:80", "0177.0.0.1:80", "1.2.3.4.:80", "a.0x7f:80", "1.2.3.256:80",
        "[fe80::1%eth0]:80", "[::1:80", "::1:80", "[127.0.0.1]x:80", f"{'a' * 300}:80", "é.example:80", "٤.example:٤",
    ],
)  # fmt: skip
def test_what_could_mean_something_else_is_no_destination(text: str) -> None:
    with pytest.raises(EyespotError, match="no destination"):
        parse_destination(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.31.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::",
        "::ffff:127.0.0.1", "::ffff:192.168.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "100::1", "4000::1", "3fff::1",
    ],
)  # fmt: skip
def test_no_name_leads_to_what_is_not_public(address: str) -> None:
    assert "not a public address" in closed_to_names(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_names_lead_to_public_addresses_unless_they_are_our_own(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert closed_to_names(found, ()) == ""
    assert "own" in closed_to_names(found, {found})


def test_an_own_address_is_known_in_every_form() -> None:
    own = {ipaddress.ip_address("93.184.216.34")}
    for form in ("::ffff:93.184.216.34", "64:ff9b::5db8:d822"):
        assert "own" in closed_to_names(ipaddress.ip_address(form), own)


def test_a_literal_grant_opens_private_addresses_but_not_what_is_no_machine() -> None:
    for address in ("192.168.1.5", "127.0.0.1", "fd00::1"):
        assert closed_altogether(ipaddress.ip_address(address)) == ""
    for address in ("0.0.0.0", "0.0.0.1", "::", "224.0.0.1", "255.255.255.255", "ff02::1"):
        assert closed_altogether(ipaddress.ip_address(address))


def test_an_owner_reads_where_it_is() -> None:
    where = {text: whereabouts(parse_destination(text).address) for text in ("a.example:1", "1.1.1.1:1", "10.0.0.1:1")}
    assert list(where.values()) == ["outside of this camera", "outside of this camera", "within a private network"]
    assert whereabouts(parse_destination("[::1]:1").address) == "on this machine itself"
