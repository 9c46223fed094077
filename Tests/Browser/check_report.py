#!/usr/bin/env python3
"""Reads report.html in a headless Chromium, as people do, and checks what it shows and does.

Usage: check_report.py FOLDER HOSTILE

FOLDER holds the report.html of a store with several tasks and models, and its report.json; HOSTILE
the one of a store whose names are markup, marks of writing direction and the like. Needs Debian's
chromium and chromium-driver, and selenium. Exits with status 1 at the first thing that is not so.
"""

import json
import pathlib
import shutil
import sys
import unicodedata
import urllib.parse

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

CHECKS = []


def check(holds, text):
    """Counts what holds, and ends the run with what does not."""
    if not holds:
        sys.exit(f"check_report: not so: {text}")
    CHECKS.append(text)


def start():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = shutil.which("chromedriver") or "/usr/bin/chromedriver"
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class Page:
    def __init__(self, browser, folder):
        self.browser = browser
        self.address = (folder.resolve() / "report.html").as_uri()
        browser.get(self.address)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def settle(self):
        """Waits until scrolling is over: it hides values, and its event comes with a later frame."""
        self.browser.execute_async_script("""
          const done = arguments[arguments.length - 1];
          let [last, still] = [null, 0];
          const look = () => {
            still = scrollY === last ? still + 1 : 0;
            last = scrollY;
            still < 4 ? requestAnimationFrame(look) : done();
          };
          look()""")

    def texts(self, selector):
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)", selector)

    def check_quiet(self, name):
        """No message on the console, and no request but for the page itself."""
        messages = self.browser.get_log("browser")
        check(not messages, f"{name}: nothing on the console: {messages}")
        requests = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                requests.append(message["params"]["request"]["url"])
        others = {url.split("#")[0] for url in requests} - {self.address, "data:,"}
        check(requests and not others, f"{name}: no request for anything else: {others}")


def scores_of(folder):
    """The first table of report.md: the scores of each model on all tasks."""
    lines = (folder / "report.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines[: lines.index("", next(i for i, t in enumerate(lines) if t.startswith("|")))]
             if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table[2:]]
    return {row[0]: [cell.strip("*") for cell in row[1:]] for row in rows if not row[0].startswith("*")}


def check_tables(page, report, scores):
    models = [name.strip() for name in page.texts("#overview tbody:not(.references) th")]
    check(models == report["models"], "the overview has the models in the grid's order")
    rows = sum(len(task["results"]) for task in report["tasks"])
    check(len(page.all("#results tbody > tr")) == rows, "a row for every result")
    cells = page.texts("#overview tbody:not(.references) td")
    written = [score for row in scores.values() for score in row]
    check(cells == written, "the overview has the numbers of report.md")
    shown = page.texts("#results tbody tr > td:nth-of-type(2)")
    by_task = [row[place] for place in range(len(report["tasks"])) for row in scores.values()]
    check(shown == [score for score in by_task if score != "–"], "and so has the table of all results")


def check_sorting(page, report):
    button = page.one("#overview thead th:nth-of-type(2) button")
    heading = page.one("#overview thead th:nth-of-type(2)")
    in_order = page.texts("#overview tbody:not(.references) th")

    def scores():
        cells = page.texts("#overview tbody:not(.references) tr td:nth-of-type(1)")
        return [float(cell.split(" ")[0]) for cell in cells]

    given = scores()
    button.click()
    check(scores() == sorted(given, reverse=True) != given, "the first press sorts the best score up")
    check(heading.get_attribute("aria-sort") == "descending", "the heading says so")
    button.send_keys(Keys.ENTER)
    check(scores() == sorted(given), "the second press, by the keyboard, sorts the other way")
    button.click()
    check(page.texts("#overview tbody:not(.references) th") == in_order, "the third restores the order")
    page.one("#results thead th:nth-of-type(2) button").click()
    names = page.texts("#results tbody tr > td:nth-of-type(1)")
    check(len(names) > 1 and names == sorted(names), "texts are sorted by letters")


def check_filters(page, report):
    total = len(page.all("#results tbody > tr"))
    model, task = report["models"][1], report["tasks"][-1]["name"]
    page.one("#filter-text").send_keys(model.split(" ")[0])
    left = page.texts("#results tbody tr > td:nth-of-type(1)")
    check(0 < len(left) < total and all(model.split(" ")[0] in name for name in left), "the text filters rows")
    check(page.one("#shown").text == f"{len(left)} of {total} results", "the count says how many are left")
    page.one("#filter-text").send_keys(" no-such-word")
    check(not page.all("#results") and page.texts(".none") == ["No result has these words."], "nothing is said so")
    page.one("#clear").click()
    check(len(page.all("#results tbody > tr")) == total, "clear brings all back")
    Select(page.one("#filter-task")).select_by_visible_text(task)
    check(set(page.texts("#results tbody tr > th")) == {task}, "the task filters rows")
    check(len(page.all("#overview thead th")) == 2, "the task filters columns")
    check(len(page.all("#curves figure")) == 1, "the task filters plots")
    Select(page.one("#filter-model")).select_by_visible_text(model)
    check(len(page.all("#results tbody > tr")) == 1, "the model filters rows")
    chosen = urllib.parse.parse_qs(urllib.parse.urlparse(page.browser.current_url).fragment)
    check(chosen == {"task": [task], "model": [model]}, "the choice is in the address")
    address = page.browser.current_url
    page.browser.get("about:blank")
    page.browser.get(address)
    check(len(page.all("#results tbody > tr")) == 1, "the address brings the choice back")
    page.one("#clear").click()


def check_colours(page):
    def paper():
        return page.run("return getComputedStyle(document.body).backgroundColor")

    def prefer(scheme):
        page.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    light, dark = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
    prefer("light")
    check(paper() == light, "light where the system is")
    prefer("dark")
    check(paper() == dark, "dark where the system is")
    button = page.one("#theme")
    button.click()
    check(paper() == light and button.text == "Colours: light", "the button makes it light")
    button.click()
    prefer("light")
    check(paper() == dark and "theme=dark" in page.browser.current_url, "and dark")
    check(page.run("return localStorage.length + sessionStorage.length + document.cookie.length") == 0,
          "nothing is stored")
    button.click()
    check(paper() == light and "theme" not in page.browser.current_url, "and as the system has it")


def check_values(page, report, scores):
    plot = page.one("#state figure svg")
    page.run("arguments[0].scrollIntoView({block: 'center'})", plot)
    page.settle()
    marker = page.one("#state figure svg .marker")
    ActionChains(page.browser).move_to_element(marker).perform()
    tip = page.one("#tip")
    known = {result["model"]: result for result in report["tasks"][0]["results"]}
    name = page.texts("#tip strong")[0]
    check(tip.is_displayed() and name in known, f"the pointer tells a model: {name}")
    check(scores[name][0] in tip.text, f"and its score: {tip.text!r}")
    ActionChains(page.browser).move_to_element(page.one("h1")).perform()
    check(not tip.is_displayed(), "away from it the values go")
    page.run("arguments[0].focus()", plot)
    page.settle()
    active = page.browser.switch_to.active_element
    told = []
    for _ in known:
        active.send_keys(Keys.ARROW_RIGHT)
        told.append(page.texts("#tip strong")[0])
    check(tip.is_displayed() and set(told) == set(known), f"the arrow keys tell every model: {told}")
    active.send_keys(Keys.ESCAPE)
    check(not tip.is_displayed(), "the escape key ends it")
    plots = page.all("#curves figure svg")
    points = page.run(
        "return [...arguments[0].querySelectorAll('.line')].map((line) => line.points.length)", plots[0])
    curves = [len(result["curve"]) for result in report["tasks"][0]["results"]]
    check(points == curves, "a curve with all its points for every model")
    entry = page.one("#curves .legend button")
    entry.click()
    off = page.run("return document.querySelectorAll('#curves [data-group].off').length")
    check(off == len(plots) and entry.get_attribute("aria-pressed") == "false", "the legend hides a series")
    entry.click()


def check_details(page):
    opener = page.one("#results .opener")
    page.run("arguments[0].scrollIntoView({block: 'center'})", opener)
    opener.click()
    check(opener.get_attribute("aria-expanded") == "true", "a row opens")
    check(len(page.all("#results .details figure svg")) >= 1, "and shows its learning curve")
    opener.click()
    check(not page.all("#results .details"), "and closes")


def check_access(page):
    """What can be told without looking: names of controls, headings of tables, contrast of texts."""
    check(page.run("return document.documentElement.lang") == "en", "the page has a language")
    unnamed = page.run("""
      const named = (node) => (node.getAttribute("aria-label") ?? node.textContent).trim() ||
        node.labels?.length || node.getAttribute("aria-labelledby");
      return [...document.querySelectorAll("button, select, input, figure > svg")]
        .filter((node) => !named(node)).map((node) => node.outerHTML)""")
    check(not unnamed, f"every control and plot has a name: {unnamed}")
    loose = page.run("return [...document.querySelectorAll('th')].filter((cell) => !cell.scope).length")
    check(loose == 0, "every heading of a table says what it heads")
    for scheme in ("light", "dark"):
        page.run("document.documentElement.dataset.theme = arguments[0]", scheme)
        # Canvas makes numbers of any notation of colours.
        faint = page.run("""
          const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const light = (colour) => {
            context.fillStyle = colour;
            context.fillRect(0, 0, 1, 1);
            const part = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
            const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
            return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
          };
          const behind = (node) => {
            for (; node; node = node.parentElement) {
              const { backgroundColor } = getComputedStyle(node);
              if (!/^rgba\\(.* 0\\)$/.test(backgroundColor)) return backgroundColor;
            }
            return "white";
          };
          const least = { ratio: 99 };
          for (const node of document.querySelectorAll("p, td, th, caption, dt, dd, button:enabled, h1, h2, output")) {
            const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < least.ratio) Object.assign(least, { ratio, text: node.textContent.slice(0, 40) });
          }
          return least""")
        check(faint["ratio"] >= 4.5, f"{scheme}: texts have a contrast of at least 4.5 to 1: {faint}")
    page.run("delete document.documentElement.dataset.theme")


def check_narrow(page):
    page.browser.set_window_size(500, 900)
    overflow = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check(overflow <= 0, f"a narrow window needs no scrolling to the side: {overflow} pixels")
    page.browser.set_window_size(1400, 1000)


def check_hostile(page, report):
    """The names are there, each as a text, and none of them became an element or ran."""
    check(page.run("return typeof window.hacked") == "undefined", "no name ran as a script")
    allowed = {"application/json", ""}
    kinds = page.run("return [...document.scripts].map((script) => script.type)")
    check(len(kinds) == 2 and set(kinds) == allowed, "the page has its own scripts alone")
    foreign = page.run(
        "return document.querySelectorAll('img, iframe, object, embed, a[href]:not(.skip), [onerror], [onload]').length")
    check(foreign == 0, "no name became an element")
    # What a name may lose is what cannot be printed.
    def plain(name):
        kinds = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Co": "", "Cn": ""}
        return "".join(kinds.get(unicodedata.category(c), c) for c in name).split()

    shown = [plain(text) for text in page.texts("#overview tbody:not(.references) th")]
    for model in report["models"]:
        check((plain(model) or ["(no", "name)"]) in shown, f"the name is shown as it is: {model!r}")
    for button in page.all("#results .opener"):
        page.run("arguments[0].click()", button)
    for heading in page.all("thead th:first-of-type button"):
        page.run("arguments[0].click()", heading)
    for option in range(len(Select(page.one("#filter-model")).options)):
        Select(page.one("#filter-model")).select_by_index(option)
    check(page.run("return typeof window.hacked") == "undefined", "no name ran when rows were opened")
    page.one("#clear").click()
    check_narrow(page)


def read(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def main():
    folder, hostile = map(pathlib.Path, sys.argv[1:])
    browser = start()
    try:
        page, report, scores = Page(browser, folder), read(folder), scores_of(folder)
        check_tables(page, report, scores)
        check_sorting(page, report)
        check_filters(page, report)
        check_values(page, report, scores)
        check_details(page)
        check_colours(page)
        check_access(page)
        check_narrow(page)
        page.check_quiet("the report")
        page = Page(browser, hostile)
        check_hostile(page, read(hostile))
        page.check_quiet("hostile names")
        version = browser.capabilities["browserVersion"]
    finally:
        browser.quit()
    print(f"{len(CHECKS)} checks in Chromium {version}")


if __name__ == "__main__":
    main()
