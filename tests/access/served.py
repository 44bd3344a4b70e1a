"""Settings of a served app, as tests write them."""

from pathlib import Path

from xraycore.access.settings import Settings, read_settings

OIDC = """
url = "https://xray.example.org"
[oidc]
metadata_url = "https://id.example.org/.well-known/openid-configuration"
client_id = "xraycore"
client_secret = "the provider's"
cookie_secret = "0123456789abcdef0123456789abcdef"
"""
PROXY = """
url = "https://xray.example.org"
[proxy]
header = "X-Remote-User"
addresses = ["10.0.0.2", "10.1.0.0/24"]
groups_header = "X-Remote-Groups"
secret = "abcdefghijklmnopqrstuvwxyz012345"
"""


def settings_of(folder: Path, text: str) -> Settings:
    file = folder / "xraycore.toml"
    file.write_text(text)
    return read_settings(file)
