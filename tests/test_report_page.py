"""The page of `rondo report` in a real browser: headless Chromium opens it, tests/report_selftest.js uses it, and the test reads what
the page became.

The variable RONDO_PROGRAM is the command. Without Chromium the exit status is 77: the test is skipped.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from fake_comparison import write_comparison  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ADDRESS = "http://127.0.0.1:9/x"  # the port "discard": nothing answers
VARIANTS, SEEDS, LINES = 9, 3, 20
NAMES = [f"v{number}" for number in range(VARIANTS - 1)] + ["</script><b>\u2028 & 'x'"]


def report(folder, *arguments):
    subprocess.run([os.environ["RONDO_PROGRAM"], "report", *arguments, "--out", "page.html"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    with open(f"{folder}/page.html", encoding="utf-8") as stream:
        return stream.read()


class Page:
    """What a page became: the element of the self-test, and the lines of the console."""

    def __init__(self, folder, html, width=1280, tries_network=None):
        with open(f"{HERE}/report_selftest.js", encoding="utf-8") as stream:
            selftest = stream.read()
        catch = "window.seenErrors = []; addEventListener('error', (event) => seenErrors.push(event.message));"
        catch += f"window.triesNetwork = {json.dumps(tries_network)};"
        html = html.replace("<head>", f"<head><script>{catch}</script>", 1)
        end = html.rindex("</body>")
        with open(f"{folder}/opened.html", "w", encoding="utf-8") as stream:
            stream.write(f"{html[:end]}<script>(() => {{ {selftest} }})();</script>{html[end:]}")
        profile = f"{folder}/profile"
        command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-extensions", "--disable-background-networking", f"--user-data-dir={profile}",
                   "--enable-logging=stderr", "--virtual-time-budget=3000", f"--window-size={width},1000", "--dump-dom"]
        done = subprocess.run([*command, f"file://{folder}/opened.html"], env=dict(os.environ, HOME=folder), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", timeout=120)
        self.dom = done.stdout
        self.console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        found = re.search(r'<script type="application/json" id="selftest">(.*?)</script>', self.dom, re.DOTALL)
        self.seen = json.loads(found.group(1)) if found else None


class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.folder = cls.holder.name
        write_comparison(f"{cls.folder}/c", VARIANTS, SEEDS, LINES, NAMES)
        cls.html = report(cls.folder, "c")
        cls.page = Page(cls.folder, cls.html)
        cls.seen = cls.page.seen
        cls.narrow = Page(cls.folder, cls.html, width=500, tries_network=ADDRESS)  # the narrowest window of Chromium

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def roles(self, state, title, **expected):
        self.assertEqual(self.seen[state][title]["roles"], expected, f"{state}: {title}")

    def test_the_console_has_no_message(self):
        self.assertIsNotNone(self.seen, "the self-test has not come to its end")
        self.assertEqual(self.page.console, [])
        self.assertEqual(self.seen["errors"], [])

    def test_every_chart_is_drawn_with_all_its_series(self):
        titles = ["Scores: each seed, mean and 95\u202f% interval", "Score against parameters",
                  "Score against time of training", "loss", "accuracy", "f1", "learning rate", "gradient norm", "Gradient at the states of layers.0",
                  "Gradient at the inputs", "Gates near their limits", "Update-to-weight ratio, median over the parameters"]
        titles += [f"accuracy of {name}" for name in NAMES]
        self.assertEqual(list(self.seen["start"]), titles)
        for title, chart in self.seen["start"].items():
            self.assertGreater(chart["pixels"], 200, title)
            self.assertIn("Chart: ", chart["label"])
        for title in titles[:3]:
            self.roles("start", title, seeds=VARIANTS, mean=VARIANTS)
        self.roles("start", "loss", mean=2 * VARIANTS, edge=2 * VARIANTS)  # validation and training; bands of the former
        self.roles("start", "accuracy", mean=VARIANTS, edge=2 * VARIANTS)
        self.roles("start", "learning rate", mean=VARIANTS)  # the same for all seeds
        self.roles("start", "gradient norm", mean=VARIANTS, edge=2 * VARIANTS)
        self.roles("start", "Gradient at the states of layers.0", mean=3)  # an LSTM has two states
        self.roles("start", "Gradient at the inputs", mean=2)
        self.roles("start", "Gates near their limits", low=1, high=1)
        self.roles("start", "Update-to-weight ratio, median over the parameters", mean=2)
        self.roles("start", "accuracy of v3", mean=VARIANTS, edge=2)
        self.assertEqual(self.seen["start"]["accuracy"]["points"], LINES)

    def test_settings_change_the_charts(self):
        self.assertEqual((self.seen["start"]["loss"]["x"], self.seen["start"]["loss"]["y"]), ("updates", "linear"))
        self.assertGreaterEqual(self.seen["start"]["loss"]["xMax"], 25 * LINES)
        self.assertEqual((self.seen["seconds"]["loss"]["x"], self.seen["seconds"]["loss"]["y"]),
                         ("seconds of training", "logarithmic"))
        self.assertLess(self.seen["seconds"]["loss"]["xMax"], 25 * LINES)
        self.roles("seeds", "accuracy", seed=VARIANTS * SEEDS)
        self.roles("bare", "loss", mean=VARIANTS)
        self.assertEqual(self.seen["smoothing"], "0.9")
        self.roles("hidden", "accuracy", mean=VARIANTS - 1)
        self.roles("hidden", "Score against parameters", seeds=VARIANTS - 1, mean=VARIANTS - 1)
        self.assertEqual(self.seen["pressed"], "false")
        self.assertNotEqual(*self.seen["themes"])

    def test_tables_are_sorted_by_value(self):
        up, down, state = self.seen["sorted"]["Mean"]
        self.assertEqual(up, sorted(up, key=float))
        self.assertEqual(down, up[::-1])
        self.assertEqual(state, "descending")
        self.assertEqual(len(set(up)), VARIANTS)
        up, down, _ = self.seen["sorted"]["Steps to target"]
        self.assertIn("never", up)
        self.assertEqual(up[-1], "never")
        self.assertEqual(down[0], "never")
        self.assertEqual(self.seen["sorted"]["Variant"][1][0], "v7")

    def test_every_chart_has_a_table(self):
        tables = dict((title, sizes) for title, *sizes in self.seen["tables"])
        self.assertEqual(list(tables), list(self.seen["start"]))
        self.assertEqual(tables["accuracy"], [1 + VARIANTS, LINES])
        self.assertEqual(tables["Gates near their limits"], [3, 4])
        self.assertEqual(tables["Gradient at the states of layers.0"], [4, 30])
        self.assertEqual(tables["Score against parameters"], [4, VARIANTS * SEEDS])

    def test_the_page_asks_for_nothing_and_may_not(self):
        self.assertEqual(self.seen["requests"], [])
        self.assertEqual(re.findall(r'\b(?:src|href)\s*=\s*"(?!#|data:,")', self.html.split('id="data"')[0]), [])
        self.assertEqual(sorted(set(self.narrow.seen["violations"])), ["connect-src", "img-src"])

    def test_a_name_adds_no_element(self):
        self.assertEqual(self.seen["scripts"], 5)  # data, Chart.js, the page, and two of this test
        self.assertNotIn("<b>", self.page.dom)

    def test_a_telephone_shows_the_whole_page(self):
        self.assertEqual(self.narrow.seen["errors"], [])
        self.assertEqual(self.narrow.seen["wide"], 0)

    def test_tables_need_no_script(self):
        plain = re.sub(r"<script.*?</script>", "", self.html, flags=re.DOTALL)
        for text in ("<noscript>", '<table id="variants"', '<table id="runs"', '<table id="environment"', NAMES[0]):
            self.assertIn(text, plain)

    def broken(self, *changes):
        html = self.html
        for was, now in changes:
            self.assertIn(was, html)
            html = html.replace(was, now, 1)
        return Page(self.folder, html, tries_network=ADDRESS)

    def test_this_test_finds_a_broken_script(self):
        page = self.broken(("const data = JSON.parse(", 'const data = JSON.parse("{" + '))
        self.assertTrue(page.console)
        self.assertTrue(page.seen["errors"])

    def test_this_test_finds_missing_charts_and_an_open_network(self):
        page = self.broken(("showTheme();\naddCharts();", "showTheme();"), ("default-src 'none'", "default-src *"))
        self.assertEqual(page.seen["start"], {})
        self.assertNotIn("connect-src", page.seen["violations"])


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: there is no Chromium")
        sys.exit(77)
    unittest.main()
