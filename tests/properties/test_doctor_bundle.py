"""The support bundle: whatever secrets a site has and wherever they turn up, none leaves the box."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.accounts.passwords import TOKEN_MARK, new_code, new_secret
from courtyard.agent.tools.bundle import PART_BYTES, WHOLE_BYTES, cleaner, pack, secrets_of_site
from tests.gateway_rig import examples

SECRET = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=8, max_size=40)
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


def content(bundle: bytes) -> bytes:
    """Everything that the parts say."""
    with tarfile.open(fileobj=BytesIO(gzip.decompress(bundle))) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers()]
        return b"\n".join(file.read() for file in files if file is not None)


@settings(max_examples=examples(60), deadline=None)
@given(SECRET, SECRET, AROUND, AROUND)
def test_no_secret_of_the_site_is_in_the_bundle(in_file: str, inline: str, before: str, after: str) -> None:
    with TemporaryDirectory() as folder:
        site = Path(folder, "site.toml")
        Path(folder, "secrets").mkdir()
        Path(folder, "secrets", "one").write_text(in_file + "\n", encoding="utf-8")
        Path(folder, "elsewhere").write_text(in_file[::-1] + "\n", encoding="utf-8")
        site.write_text(
            f'[[wearables]]\nbind_key = {json.dumps(inline, ensure_ascii=False)}\n[modem]\npin_file = "elsewhere"\n',
            encoding="utf-8",
        )
        redactor = cleaner(secrets_of_site(site))
        secrets = (in_file, inline, in_file[::-1])
        spellings = [
            spelling
            for secret in secrets
            for spelling in (
                secret,
                quote(secret, safe=""),
                json.dumps(secret)[1:-1],
                base64.b64encode(secret.encode()).decode().rstrip("="),
            )
        ]
        parts = {
            "site.toml": site.read_text(encoding="utf-8"),
            "log.txt": "\n".join(before + spelling + after for spelling in spellings),
            "status.json": {"deep": [{"text": spelling} for spelling in spellings], **dict.fromkeys(secrets, 1)},
        }
        plain = content(pack(parts, redactor))
        for spelling in spellings:
            assert spelling.encode() not in plain.replace(b"***", b"\x00")


@settings(max_examples=examples(40), deadline=None)
@given(AROUND, AROUND)
def test_nothing_that_looks_like_a_secret_is_in_the_bundle(before: str, after: str) -> None:
    code, token = new_code(), TOKEN_MARK + new_secret()
    parts = {"log.txt": f"{before} {code} {after}\n{before} {token} {after}\ncall +8613912345678 or 13912345678."}
    plain = content(pack(parts, cleaner(iter(()))))
    for secret in (code, token, "13912345678"):
        assert secret.encode() not in plain


def test_the_bundle_is_bounded_and_keeps_what_happened_last() -> None:
    log = "".join(f"line {number}\n" for number in range(1_000_000))
    bundle = pack({f"log-{number}.txt": log for number in range(8)}, cleaner(iter(())))
    with tarfile.open(fileobj=BytesIO(gzip.decompress(bundle))) as archive:
        sizes = {member.name: member.size for member in archive.getmembers()}
        first = archive.extractfile("courtyard-support/log-0.txt")
        assert first is not None
        text = first.read().decode()
    assert max(sizes.values()) <= PART_BYTES
    assert sum(sizes.values()) <= WHOLE_BYTES
    assert text.startswith("[cut] line ")
    assert text.endswith("line 999999\n")


def test_a_site_that_is_broken_or_missing_still_gives_its_secrets_up_to_the_masks(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/one").write_text("hunter2-hunter2\n")
    assert "hunter2-hunter2" in set(secrets_of_site(tmp_path / "none.toml"))
    (tmp_path / "site.toml").write_text("[[[ broken")
    assert "hunter2-hunter2" in set(secrets_of_site(tmp_path / "site.toml"))
