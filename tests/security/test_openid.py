"""Tokens of an OpenID Connect provider: which of them prove somebody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import UnavailableError
from hornburg.security.openid import OpenIdTokens
from hornburg.security.openid_keys import ProviderKeys, ProviderUnreachableError
from hornburg.security.principals import Kind
from hornburg.settings.openid import OpenIdSettings
from hornburg.testing.clock import FakeClock

ISSUER = "https://id.example"
NOW = 1_800_000_000
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
SETTINGS = OpenIdSettings(
    ISSUER, client_id="hornburg", audiences=("pacs",), roles_claim="realm.roles"
)
CLAIMS = {
    "iss": ISSUER,
    "aud": "pacs",
    "sub": "alice",
    "iat": NOW,
    "exp": NOW + 300,
    "realm": {"roles": ["radiologist", "staff"]},
}


def jwk(key, kid, algorithm):
    made = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))
    return {**made, "kid": kid, "use": "sig"}


class Provider:
    """A provider that answers from memory, and counts."""

    def __init__(self):
        self.keys = [jwk(RSA, "r", "RS256"), jwk(EC, "e", "ES256"), jwk(EDWARDS, "d", "EdDSA")]
        self.document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }
        self.asked = []
        self.down = False
        self.rubbish = b""

    async def fetch(self, method, url, headers, body):
        self.asked.append(url)
        if self.down:
            raise UnavailableError("no answer")
        if self.rubbish:
            return 200, self.rubbish
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return 200, json.dumps(self.document).encode()
        if url == f"{ISSUER}/keys":
            return 200, json.dumps({"keys": self.keys}).encode()
        return 404, b"{}"


class World:
    def __init__(self, **changes):
        self.provider = Provider()
        self.clock = FakeClock(NOW)
        self.keys = ProviderKeys(ISSUER, self.provider.fetch, self.clock.now)
        self.tokens = OpenIdTokens(replace(SETTINGS, **changes), self.keys, self.clock.now)

    async def check(self, token):
        return await self.tokens.check(token, "192.0.2.1")


@pytest.fixture
def world():
    return World()


def signed(claims=CLAIMS, key=RSA, algorithm="RS256", kid="r", **header):
    return jwt.encode(claims, key, algorithm, headers={"kid": kid, **header})


def part(content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "r"), (EC, "ES256", "e"), (EDWARDS, "EdDSA", "d")]
)
async def test_a_token_of_the_provider(world, key, algorithm, kid):
    principal = await world.check(signed(key=key, algorithm=algorithm, kid=kid))
    assert principal.name == "oidc:alice"
    assert principal.kind is Kind.OPENID
    assert principal.roles == ("radiologist", "staff")
    assert principal.narrowed is None


def public_pem():
    return RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def by_public_key():
    """HS256 with the public key as its secret (RFC 8725 section 2.1)."""
    text = part({"alg": "HS256", "kid": "r", "typ": "JWT"}) + "." + part(CLAIMS)
    return text + "." + part(hmac.digest(public_pem(), text.encode(), hashlib.sha256))


def with_own_key():
    """A key that the token brings itself (CVE-2018-0114)."""
    return signed(key=OTHER, jwk=jwk(OTHER, "r", "RS256"))


BAD = {
    "alg none": part({"alg": "none", "kid": "r"}) + "." + part(CLAIMS) + ".",
    "alg none with a signature": part({"alg": "none"}) + "." + part(CLAIMS) + ".AAAA",
    "alg nOnE": part({"alg": "nOnE", "kid": "r"}) + "." + part(CLAIMS) + ".AAAA",
    "HS256 with the public key": by_public_key(),
    "a key of its own": with_own_key(),
    "a key of elsewhere": signed(key=OTHER, jku="https://evil.example/keys"),
    "another key": signed(key=OTHER),
    "an unknown key": signed(kid="../../etc/passwd"),
    "a key of another kind": signed(key=EC, algorithm="ES256", kid="r"),
    "an algorithm that is not asked for": signed(algorithm="RS512"),
    "an extension that must be understood": signed(crit=["b64"], b64=False),
    "another issuer": signed({**CLAIMS, "iss": "https://evil.example"}),
    "an issuer with a slash": signed({**CLAIMS, "iss": ISSUER + "/"}),
    "another audience": signed({**CLAIMS, "aud": "other"}),
    "the client is no audience": signed({**CLAIMS, "aud": "hornburg"}),
    "no audience": signed({k: v for k, v in CLAIMS.items() if k != "aud"}),
    "no end": signed({k: v for k, v in CLAIMS.items() if k != "exp"}),
    "expired": signed({**CLAIMS, "exp": NOW - 31}),
    "not yet": signed({**CLAIMS, "nbf": NOW + 31}),
    "of tomorrow": signed({**CLAIMS, "iat": NOW + 86400}),
    "an end that is no number": signed({**CLAIMS, "exp": True})[:-2] + "AA",
    "no subject": signed({k: v for k, v in CLAIMS.items() if k != "sub"}),
    "a subject that is no text": signed({**CLAIMS, "sub": "x" * 201}),
    "a name that moves the cursor": signed({**CLAIMS, "sub": "a\x1b[2J"}),
    "a token for logging in": signed({**CLAIMS, "nonce": "x"}),
    "an ID token of Keycloak": signed({**CLAIMS, "typ": "ID"}),
    "a changed claim": ".".join(
        [signed().split(".")[0], part({**CLAIMS, "sub": "root"}), signed().split(".")[2]]
    ),
    "no token": "abc",
    "empty parts": "..",
    "five parts": "a.b.c.d.e",
    "no base64": "*.*.*",
    "no JSON": f"{part(b'{')}.{part(b'{')}.AAAA",
    "deep JSON": f"{part(b'[' * 5000)}.{part(b'{}')}.AAAA",
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_what_proves_nobody(world, token):
    assert await world.check(token) is None


@given(st.text(max_size=200))
async def test_any_text_proves_nobody(text):
    assert await World().check(text) is None


async def test_without_an_audience_no_bearer_token_is_taken():
    assert await World(audiences=()).check(signed()) is None


async def test_a_token_ends_also_when_it_was_right_before(world):
    token = signed()
    assert await world.check(token) is not None
    await world.clock.advance(299)
    assert await world.check(token) is not None
    await world.clock.advance(40)
    assert await world.check(token) is None


async def test_the_provider_is_asked_once(world):
    for _ in range(3):
        await world.check(signed())
    assert world.provider.asked == [
        f"{ISSUER}/.well-known/openid-configuration",
        f"{ISSUER}/keys",
    ]


async def test_a_new_key_is_looked_up_and_an_old_one_goes(world):
    assert await world.check(signed()) is not None
    world.provider.keys = [jwk(OTHER, "new", "RS256")]
    await world.clock.advance(31)
    assert await world.check(signed(key=OTHER, kid="new")) is not None
    assert await world.check(signed({**CLAIMS, "jti": "2"})) is None


async def test_made_up_key_names_do_not_make_us_ask(world):
    await world.check(signed())
    before = len(world.provider.asked)
    await world.clock.advance(31)
    for number in range(50):
        await world.check(signed(kid=f"k{number}"))
    assert len(world.provider.asked) == before + 1


@pytest.mark.parametrize("said", [b"{", b"[]", b'{"issuer": "\xff"}', b'{"a":' + b"[" * 100_000])
async def test_a_provider_that_answers_rubbish(world, said):
    world.provider.rubbish = said
    with pytest.raises(ProviderUnreachableError):
        await world.keys.provider()
    assert await world.check(signed()) is None


async def test_a_provider_that_is_away_is_not_asked_for_each_login(world):
    world.provider.down = True
    before = len(world.provider.asked)
    for _ in range(50):
        with pytest.raises(ProviderUnreachableError):
            await world.keys.provider()
    assert len(world.provider.asked) == before + 1
    world.provider.down = False
    await world.clock.advance(4)
    assert await world.keys.provider() is await world.keys.provider()
    assert len(world.provider.asked) == before + 2


async def test_a_provider_that_is_away(world):
    world.provider.down = True
    assert await world.check(signed()) is None
    world.provider.down = False
    await world.clock.advance(31)
    assert await world.check(signed()) is not None
    # Its keys hold for a day.
    world.provider.down = True
    await world.clock.advance(3601)
    later = {**CLAIMS, "exp": NOW + 200_000}
    assert await world.check(signed(later)) is not None
    await world.clock.advance(24 * 3600)
    assert await world.check(signed({**later, "jti": "2"})) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://evil.example"),
        ("jwks_uri", "http://id.example/keys"),
        ("jwks_uri", "file:///etc/passwd"),
        ("jwks_uri", None),
        ("token_endpoint", 5),
        ("authorization_endpoint", "https://user:word@id.example/"),
    ],
)
async def test_a_provider_that_says_something_else(world, name, value):
    world.provider.document[name] = value
    assert await world.check(signed()) is None


@pytest.mark.parametrize(
    "keys",
    [
        {},
        [1, None, "x"],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "r"}],
        [{"kty": "RSA", "kid": "r"}],
        [{"kty": "RSA", "kid": "r", "n": "AQ", "e": "AQAB", "use": "enc"}],
        [{}] * 101,
    ],
)
async def test_keys_that_are_none(world, keys):
    world.provider.keys = keys
    assert await world.check(signed()) is None


# ---- identity tokens ----


LOGIN = {**CLAIMS, "aud": "hornburg", "nonce": "n"}


async def test_the_identity_of_a_login(world):
    assert (await world.tokens.identity(signed(LOGIN), "n")).name == "oidc:alice"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "other"},
        {"aud": "pacs"},
        {"aud": ["hornburg", "other"]},
        {"azp": "other"},
        {"aud": ["hornburg", "other"], "azp": "other"},
        {"exp": NOW - 31},
    ],
)
async def test_an_identity_that_is_not_for_this_login(world, changes):
    assert await world.tokens.identity(signed({**LOGIN, **changes}), "n") is None


async def test_no_nonce_is_not_the_empty_one(world):
    claims = {name: value for name, value in LOGIN.items() if name != "nonce"}
    assert await world.tokens.identity(signed(claims), "") is None


@pytest.mark.parametrize(
    ("claim", "path", "roles"),
    [
        ({"roles": ["a", "b"]}, "roles", ("a", "b")),
        ({"roles": "a b"}, "roles", ("a", "b")),
        ({"https://x.example/roles": ["a"]}, "https://x.example/roles", ("a",)),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ("a",)),
        ({"roles": {"a": 1}}, "roles", ()),
        ({"roles": [1, None, "", "a"]}, "roles", ("a",)),
        ({}, "a.b.c", ()),
    ],
)
async def test_roles(claim, path, roles):
    world = World(roles_claim=path)
    claims = {name: value for name, value in CLAIMS.items() if name != "realm"}
    assert (await world.check(signed({**claims, **claim}))).roles == roles
