// The official formatter reads our messages, and counts what we count.
import assert from "node:assert/strict";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { CucumberHtmlStream } from "@cucumber/html-formatter";
import { launch, open } from "../chromium.mjs";
import { out, url } from "../pages.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const name of ["green", "failing", "hostile", "offline"]) {
  test(`${name}: the formatter shows the same counts`, async () => {
    const envelopes = readFileSync(join(out, `${name}.ndjson`), "utf8").trim().split("\n").map((line) => JSON.parse(line));
    const page = `${name}.cucumber.html`;
    await pipeline(Readable.from(envelopes), new CucumberHtmlStream(), createWriteStream(join(out, page)));
    const { counts } = JSON.parse(readFileSync(join(out, `${name}.json`), "utf8"));

    const opened = await open(browser, url(page));
    await opened.getByText(/scenarios/i).first().waitFor();
    const text = (await opened.locator("body").innerText()).replaceAll(/\s+/g, " ");
    assert.deepEqual(opened.complained.filter((c) => /error/i.test(c)), []);
    const shown = (word) => Number(text.match(new RegExp(`${word.toUpperCase()} (\\d+)`))?.[1] ?? 0);
    assert.equal(shown("passed"), counts.passed, text.slice(0, 400));
    assert.equal(shown("failed"), counts.drifted + counts.rejected, text.slice(0, 400));
    assert.equal(shown("skipped"), counts.skipped, text.slice(0, 400));
    assert.equal(shown("pending"), counts.inconclusive, text.slice(0, 400));
    assert.equal(envelopes.filter((e) => e.testCase).length, Object.values(counts).reduce((a, b) => a + b));
    await opened.context().close();
  });
}
