from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from papertrace.cli.index import BLOCK, THUMBNAIL, build_index, thumbnail, write_index
from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import Row
from papertrace.cli.table import line_of, read_lines, tabulate
from tests.papertrace.cli.runs import read_row, report_of, ward

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def scripts(html: str, attributes: str) -> list[str]:
    return re.findall(rf"<script{attributes}>(.*?)</script>", html, re.DOTALL)


def data_of(html: str) -> dict:
    return json.loads(scripts(html, ' type="application/json" id="data"')[0])


def test_rows_and_thumbnails_are_in_one_order_the_worst_first(tmp_path):
    table, _ = read_lines(ward(tmp_path))
    html = build_index(table, ["QQ==", "Qg==", "Qw==", None])
    data = data_of(html)
    name = data["columns"].index("name")
    assert [row[name] for row in data["rows"]] == [None, "b", "a", "deep/c"]
    assert [json.loads(block) for block in scripts(html, ' type="application/json" class="block"')] == [
        ["", "Qg==", "QQ==", "Qw=="]
    ]


def test_thumbnails_come_in_blocks():
    rows = [read_row(f"{number}.png", f"{number}", report_of()) for number in range(BLOCK + 1)]
    html = build_index(
        tabulate([line_of(row, None) for row in rows], {}), [f"{number:04d}" for number in range(BLOCK + 1)]
    )
    blocks = [json.loads(block) for block in scripts(html, ' type="application/json" class="block"')]
    assert [len(block) for block in blocks] == [BLOCK, 1] and blocks[1] == [f"{BLOCK:04d}"]


def test_no_text_ends_an_element_and_only_its_own_script_may_run():
    evil = "</script><script>alert(1)</script><!--"
    table = tabulate([line_of(Row(evil, "1", "failed", error=evil), None)], {"<b>": [evil]})
    html = build_index(table, ['"><img src=x>'])
    assert "alert(1)</script>" not in html and html.count("<!--") == 0 and "<img" not in html
    (script,) = scripts(html, "")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        *("default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'")
    ]
    assert not re.search(r"https?://|innerHTML|eval\(", html)
    assert data_of(html)["rows"][0][1] == evil


def test_a_thumbnail_is_small():
    picture = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8)
    picture[::8] = 255
    before = picture.copy()
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail(picture))))
    assert image.format == "WEBP" and (picture == before).all()
    assert image.width <= THUMBNAIL[0] and image.height <= THUMBNAIL[1] and image.width / image.height > 1.3


def test_another_index_stays(tmp_path):
    table, thumbnails = read_lines(ward(tmp_path))
    assert write_index(table, thumbnails, tmp_path) == write_index(table, thumbnails, tmp_path)
    (tmp_path / "index.html").write_text("<p>mine</p>")
    with pytest.raises(FolderError, match=r"index.html: not a page of this program"):
        write_index(table, thumbnails, tmp_path)
    assert (tmp_path / "index.html").read_text() == "<p>mine</p>"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: chromium)")
def test_a_browser_draws_it(tmp_path):
    table, thumbnails = read_lines(ward(tmp_path / "out"))
    table["sample"] = [True, False, False, False]
    path = write_index(table, thumbnails, tmp_path / "out")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    drawn = re.findall(r'<tr class="page".*?</tr>', done.stdout, re.DOTALL)
    assert [re.sub("<[^>]+>", " ", row).split()[0] for row in drawn] == ["d.png", "b", "a", "deep/c"]
    assert 'href="./deep/c.json"' in drawn[3] and "data:image/webp;base64,QUJD" in drawn[3]
    assert "62/min" in drawn[2] and "yes" in drawn[2] and "AFIB" in drawn[2]
