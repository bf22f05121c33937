"""Which networks of the operator's own may webhooks and push messages reach? None, unless it is said here."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from environs import ValidationError

type Network = IPv4Network | IPv6Network

# What `on` means. Link-local addresses are not among them: there clouds give credentials to whoever asks.
_USUAL = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "127.0.0.0/8", "::1/128")
_NONE = ("", "0", "n", "f", "no", "off", "false")
_ALL = ("1", "y", "t", "yes", "on", "true")


def read(text: str) -> tuple[Network, ...]:
    """`off`, `on`, or networks with commas between; raises ValidationError for anything else."""
    word = text.strip().lower()
    if word in _NONE:
        return ()
    names = _USUAL if word in _ALL else [name.strip() for name in word.split(",")]
    try:
        return tuple(ip_network(name) for name in names)
    except ValueError as error:
        raise ValidationError(
            f"ALLOW_PRIVATE_TARGETS: {error}; write on, off, or networks as in 10.1.0.0/16,fd00::/8."
        ) from error
