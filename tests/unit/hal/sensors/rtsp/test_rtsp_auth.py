"""Authentication against the examples of the RFCs."""

from eyespot.hal.sensors.rtsp.auth import Authenticator

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OWN = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def mufasa() -> Authenticator:
    return Authenticator("Mufasa", "Circle of Life", lambda: OWN)


def test_digest_md5_and_sha256_of_rfc_7616() -> None:
    common = f'realm="http-auth@example.org", qop="auth, auth-int", nonce="{NONCE}", opaque="FQhe/qaU925kfnzjCev0"'
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        auth = mufasa()
        assert auth.challenged([f"Digest {common}, algorithm={algorithm}"])
        value = auth.header("GET", "/dir/index.html")
        assert f'response="{response}"' in value
        assert "nc=00000001" in value
        assert f"algorithm={algorithm}" in value


def test_the_strongest_challenge_is_answered() -> None:
    auth = mufasa()
    digest = 'Digest realm="r", nonce="n"'
    assert auth.challenged(['Basic realm="r"', digest, f"{digest}, algorithm=SHA-256", f"{digest}, algorithm=SHA-512"])
    assert "algorithm=SHA-256" in auth.header("GET", "rtsp://x/")


def test_basic_of_rfc_7617() -> None:
    auth = Authenticator("Aladdin", "open sesame", str)
    assert auth.challenged(['Basic realm="WallyWorld"'])
    assert auth.header("GET", "/") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_refusal_is_believed_once_and_a_stale_nonce_renewed() -> None:
    auth = mufasa()
    assert auth.header("GET", "/") == ""
    assert auth.challenged(['Digest realm="r", nonce="a"'])
    auth.header("GET", "/")
    assert auth.challenged(['Digest realm="r", nonce="b", stale=true'])
    assert 'nonce="b"' in auth.header("GET", "/")
    assert not auth.challenged(['Digest realm="r", nonce="c"'])


def test_without_credentials_or_known_scheme_there_is_no_answer() -> None:
    assert not Authenticator("", "", str).challenged(['Basic realm="r"'])
    assert not mufasa().challenged(["Negotiate abc", "Digest realm=r, algorithm=SHA-512-256, nonce=n", ""])


def test_quotes_and_line_breaks_cannot_leave_their_field() -> None:
    auth = Authenticator('a"b\r\nX: y', "p", str)
    assert auth.challenged(['Digest realm="r", nonce="n"'])
    value = auth.header("GET", "/")
    assert 'username="a\\"bX: y"' in value
    assert "\r" not in value
