"""Where callbacks may go: hostile URLs and hostile answers of name servers, one by one."""

import pytest

from functions.webhooks.addresses import Forbidden, Target, admit, parse

PUBLIC = "8.8.8.8"
RECEIVER = Target("https", "hooks.example.com", 443, "/")


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://hooks.example.com", RECEIVER, "hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:443/", RECEIVER, "hooks.example.com"),
        (
            "https://hooks.example.com:8443/a/b?token=x%20y&z#part",
            Target("https", "hooks.example.com", 8443, "/a/b?token=x%20y&z"),
            "hooks.example.com:8443",
        ),
        ("https://xn--bcher-kva.example?q", Target("https", "xn--bcher-kva.example", 443, "/?q"), None),
        ("https://8.8.8.8:1024/", Target("https", "8.8.8.8", 1024, "/"), "8.8.8.8:1024"),
        ("https://[2001:4860:4860:0::8888]/", Target("https", "2001:4860:4860::8888", 443, "/"), None),
        (
            "https://[2001:4860:4860::8888]:65535/",
            Target("https", "2001:4860:4860::8888", 65535, "/"),
            "[2001:4860:4860::8888]:65535",
        ),
        ("https://internal.example.com/", Target("https", "internal.example.com", 443, "/"), None),
        ("https://notinternal.notlocal/", Target("https", "notinternal.notlocal", 443, "/"), None),
    ],
)
def test_public_urls_are_taken_apart(url: str, target: Target, authority: str | None) -> None:
    """Host in lower case, port filled in, fragment gone; the Host header as HTTP wants it."""
    assert parse(url, loopback=False) == target
    if authority:
        assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        # Not https
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "http://hooks.example.com/",
        "http://127.0.0.1:8080/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com:6379/_FLUSHALL",
        "data:text/plain,x",
        "https:hooks.example.com",
        "https:///hooks.example.com",
        "https://",
        "https://:443/",
        "https://?hooks.example.com",
        # Credentials, and hosts that hide behind them
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com:443@169.254.169.254/",
        # Ports
        "https://hooks.example.com:0/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:1023/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:-1/",
        "https://hooks.example.com:+443/",
        "https://hooks.example.com:https/",
        "https://hooks.example.com:/",
        "https://hooks.example.com:443:443/",
        # Characters that parsers disagree about
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: 127.0.0.1",
        "https://hooks.example.com\t/",
        " https://hooks.example.com/",
        "https://hooks.example.com/\x00",
        "https://hooks.example.com\\.evil.example/",
        "https://bücher.example/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://127\u30020\u30020\u30021/",
        "https://%31%32%37.0.0.1/",
        "https://hooks%2eexample.com/",
        "https://hooks.example.com,127.0.0.1/",
        # Names that are not public
        "https://localhost/",
        "https://LOCALHOST/",
        "https://app.localhost/",
        "https://metadata/",
        "https://kubernetes/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://METADATA.google.INTERNAL/",
        "https://metadata.google.internal./",
        "https://instance.c.project.internal/",
        "https://printer.local/",
        "https://router.home.arpa/",
        "https://hooks.example.com./",
        "https://.example.com/",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 130}com/",
        # IPv4 in the spellings that only some parsers know
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.01/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0/",
        # IPv6
        "https://::1/",
        "https://[::1/",
        "https://[]/",
        "https://[::1]evil.example/",
        "https://evil.example[::1]/",
        "https://[127.0.0.1]/",
        "https://[v1.a]/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[2001:4860:4860::8888%1]/",
    ],
)
def test_hostile_urls_are_refused(url: str) -> None:
    """Before any name is resolved."""
    with pytest.raises(Forbidden):
        parse(url, loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - refused here
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::10.0.0.1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "2002:808:808::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::a9fe:a9fe%eth0",
        "2001:4860:4860::8888%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
@pytest.mark.parametrize("company", [[], [PUBLIC]], ids=["alone", "beside a public one"])
def test_addresses_that_are_not_public_are_refused(address: str, company: list[str]) -> None:
    """Whatever the name, and wherever in the name server's answer."""
    with pytest.raises(Forbidden, match=r"hooks\.example\.com has an address that is not public \(.+\)"):
        admit(RECEIVER, [*company, address], loopback=False)


def test_the_refused_address_is_not_told() -> None:
    """Who chose the URL may read the reason, which must not answer what a name means inside."""
    with pytest.raises(Forbidden) as refused:
        admit(RECEIVER, ["10.11.12.13"], loopback=False)
    assert "10.11.12.13" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", PUBLIC, "100.63.255.255", "172.15.0.1", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1"],
)
def test_public_addresses_are_admitted(address: str) -> None:
    """Right up to the borders of what is refused."""
    assert admit(RECEIVER, [address, PUBLIC], loopback=False) == (address, PUBLIC)


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://127.0.0.1:8000/", "https://[::1]:8000/"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_can_be_allowed(url: str, address: str) -> None:
    """For receivers on the machine that the emulators run on."""
    assert admit(parse(url, loopback=True), [address], loopback=True) == (address,)


@pytest.mark.parametrize("address", [PUBLIC, "10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_http_is_for_loopback_alone(address: str) -> None:
    """Plain http to anything else is refused, even to public addresses, even among loopback ones."""
    target = parse("http://hooks.example.com:8000/", loopback=True)
    with pytest.raises(Forbidden):
        admit(target, ["127.0.0.1", address], loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://localhost:80/",
        "http://user@localhost:8000/",
        "https://metadata.google.internal/",
        "https://app.localhost:8000/",
        "ftp://localhost:8000/",
    ],
)
def test_allowing_loopback_allows_nothing_else(url: str) -> None:
    """Ports, credentials and names inside stay refused."""
    with pytest.raises(Forbidden):
        parse(url, loopback=True)
