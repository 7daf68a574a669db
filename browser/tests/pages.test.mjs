import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { launch, open } from "../chromium.mjs";
import { everyFile, hostileText, pages, planted, url } from "../pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const [name, file] of Object.entries(pages)) {
  describe(name, () => {
    for (const colorScheme of ["light", "dark"]) {
      test(`axe finds nothing, ${colorScheme}`, async () => {
        const page = await open(browser, url(file), { colorScheme, bypassCSP: true });
        await page.evaluate(() => { for (const d of document.querySelectorAll("details:not([name])")) d.open = true; });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        const told = violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.html} ${n.failureSummary}`));
        assert.deepEqual(told, []);
        await page.context().close();
      });
    }

    test("nothing is wider than a phone", async () => {
      const page = await open(browser, url(file), { viewport: { width: 320, height: 640 } });
      await page.evaluate(() => { for (const d of document.querySelectorAll("details:not([name])")) d.open = true; });
      const wide = await page.evaluate(() => {
        const beyond = [...document.body.querySelectorAll("*")].filter((e) => {
          if (e.closest("pre, .sprite, .unseen, .skip, thead")) return false;
          const box = e.getBoundingClientRect();
          return box.width && box.right > innerWidth + 1;
        });
        return [document.documentElement.scrollWidth, ...beyond.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
      });
      assert.deepEqual(wide, [320]);
      await page.context().close();
    });

    test("it asks for nothing and obeys its policy", async () => {
      const page = await open(browser, url(file));
      await page.waitForTimeout(100);
      assert.deepEqual(page.asked, [url(file)]);
      assert.deepEqual(page.complained, []);
      const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
      assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'none'; img-src data:; base-uri 'none'; form-action 'none'$/);
      await page.context().close();
    });

    test("it is complete without JavaScript", async () => {
      const off = await open(browser, url(file), { javaScriptEnabled: false });
      const on = await open(browser, url(file));
      // Text that only a script adds is comfort: buttons, filters, counts.
      const words = async (page) => (await page.locator("main").textContent()).replaceAll(/\s+/g, " ");
      const without = await words(off);
      await on.evaluate(() => { for (const b of document.querySelectorAll(".copy")) b.remove(); });
      assert.equal(without, await words(on));
      assert.equal(await off.locator("button:visible, input:visible").count(), 0, "a control that does nothing without JavaScript");
      // What is folded opens without a script.
      const folded = off.locator("details:not([open]) > summary");
      if (await folded.count()) {
        await folded.first().click();
        assert.ok(await off.locator("details[open]").count());
      }
      await off.context().close();
      await on.context().close();
    });

    test("the keyboard reaches everything", async () => {
      const page = await open(browser, url(file));
      const want = await page.evaluate(() => {
        const all = [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter((e) => e.checkVisibility({ contentVisibilityAuto: true }) && !e.closest("details:not([open]) > :not(summary)"));
        all.forEach((e, i) => { e.dataset.reach = i; });
        return Math.min(all.length, 400);
      });
      const reached = new Set();
      for (let i = 0; i < want + 5; i++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => document.activeElement?.dataset.reach);
        if (at === undefined && reached.size) break;
        reached.add(at);
        if (i < 40) {
          const seen = await page.evaluate(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0; });
          assert.ok(seen, `element ${at} shows no focus`);
        }
      }
      assert.ok(reached.size >= want, `${reached.size} of ${want}`);
      await page.context().close();
    });

    test("print opens what is folded", async () => {
      for (const javaScriptEnabled of [true, false]) {
        const page = await open(browser, url(file), { javaScriptEnabled });
        await page.emulateMedia({ media: "print" });
        const hidden = await page.locator("details").evaluateAll((all) => all.flatMap((d) => [...d.children].slice(1)).filter((e) => e.getBoundingClientRect().height === 0).map((e) => e.outerHTML.slice(0, 80)));
        assert.deepEqual(hidden.slice(0, 3), []);
        await page.context().close();
      }
    });
  });
}

describe("comfort", () => {
  test("the filter leaves what it is asked for", async () => {
    const page = await open(browser, url(pages["index of 200"]));
    await page.keyboard.press("/");
    await page.keyboard.type("copy 117");
    assert.equal(await page.locator("[data-item]:visible").count(), 1);
    assert.equal(await page.locator("output").textContent(), "1 of 200");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("[data-item]:visible").count(), 200);
    await page.context().close();
  });

  test("pressed verdicts filter the report", async () => {
    const page = await open(browser, url(pages["failing report"]));
    await page.getByRole("button", { name: "skipped" }).click();
    assert.equal(await page.locator("[data-item]:visible").count(), 1);
    assert.ok(await page.locator("#failures").isHidden());
    await page.context().close();
  });

  test("a deep link opens what is folded", async () => {
    const id = "gigastore-a-token-lives-for-a-day";
    const page = await open(browser, `${url(pages["failing report"])}#${id}`);
    assert.ok(await page.locator(`#${id}`).evaluate((d) => d.open));
    await page.context().close();
  });

  test("code is copied as it stands", async () => {
    const page = await open(browser, url(pages.antsomi), { permissions: ["clipboard-read", "clipboard-write"] });
    await page.locator(".samples summary", { hasText: "Python" }).click();
    const block = page.locator(".samples details[open] .block");
    await block.getByRole("button").click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await block.locator("code").textContent());
    await page.context().close();
  });

  test("one sample is open at a time", async () => {
    const page = await open(browser, url(pages.antsomi));
    for (const language of ["Go", "JavaScript", "curl"]) {
      await page.locator(".samples summary", { hasText: new RegExp(`^${language}$`) }).click();
      assert.deepEqual(await page.locator(".samples details[open] summary").allTextContents(), [language]);
      assert.equal(await page.locator(".samples pre:visible").first().isVisible(), true);
    }
    await page.context().close();
  });
});

describe("the status page", () => {
  const until = async (name) => {
    const page = await open(browser, url(pages[name]));
    const at = Date.parse(await page.locator("main").getAttribute("data-until"));
    await page.context().close();
    return at;
  };
  const looks = (page) => page.evaluate(() => ({
    word: document.querySelector("h1 .word").textContent,
    colour: getComputedStyle(document.querySelector("h1")).color,
    still: getComputedStyle(document.documentElement).getPropertyValue("--still"),
    green: [...document.querySelectorAll("main use")].filter((u) => u.getAttribute("href") === "#i-passed").length,
    colours: [...new Set([...document.querySelectorAll("main .word, main .icon")].map((e) => { const s = getComputedStyle(e); return e.tagName === "svg" ? s.stroke : s.color; }))],
    states: [...new Set([...document.querySelectorAll("[data-checked] .word")].map((e) => e.textContent))],
    aged: document.querySelector(".aged").checkVisibility() && document.querySelector(".aged").textContent,
  }));

  test("goes grey before one's eyes", async () => {
    const end = await until("green status page");
    const page = await open(browser, url(pages["green status page"]), { now: end - 60e3 });
    const before = await looks(page);
    assert.equal(before.word, "All work");
    assert.equal(before.aged, false);
    assert.deepEqual(before.states, ["passed"]);
    await page.clock.fastForward("03:00");
    const after = await looks(page);
    assert.equal(after.word, "Stale");
    assert.match(after.aged, /^Not checked since \d{4}-\d\d-\d\d \d\d:\d\d UTC\. All this is how it stood then\.$/);
    assert.deepEqual(after.states, ["stale, last passed"]);
    assert.equal(after.green, 0);
    assert.deepEqual(after.colours, [after.colour]);
    assert.notEqual(after.colour, before.colour);
    assert.match(await page.title(), /^Stale · /);
    await page.clock.fastForward("03:00"); // and is told once
    assert.deepEqual((await looks(page)).states, ["stale, last passed"]);
    await page.context().close();
  });

  for (const name of ["status page", "green status page", "status page of a history"]) {
    test(`is grey when it is opened too late: ${name}`, async () => {
      const page = await open(browser, url(pages[name]), { now: await until(name) + 24 * 3600e3 });
      const { word, green, colour, colours } = await looks(page);
      assert.deepEqual([word, green, colours], ["Stale", 0, [colour]]);
      await page.context().close();
    });
  }

  test("says without JavaScript how long it is good", async () => {
    const page = await open(browser, url(pages["green status page"]), { javaScriptEnabled: false });
    assert.match(await page.locator("main").innerText(), /Good until \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    await page.context().close();
  });

  test("is filtered by name, owner and state", async () => {
    const page = await open(browser, url(pages["status page"]));
    await page.keyboard.press("/");
    await page.keyboard.type("growth@ in 4 checks");
    assert.deepEqual(await page.locator("[data-item]:visible h3").allTextContents(), ["antsomi-eu"]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "inconclusive" }).click();
    assert.deepEqual(await page.locator("[data-item]:visible > a").allTextContents(), ["ankorstore-de", "ankorstore-fr", "ankorstore-it"]);
    assert.ok(await page.locator("#works").isHidden());
    await page.context().close();
  });

  test("has a link to every credential", async () => {
    for (const id of ["antsomi-eu", "ankorstore-fr", "shop-07"]) {
      const page = await open(browser, `${url(pages["status page"])}#${id}`);
      assert.ok(await page.locator(`#${id}:target`).isVisible());
      assert.ok(await page.locator(`#${id}`).evaluate((e) => { const box = e.getBoundingClientRect(); return box.top >= 0 && box.top < innerHeight; }));
      await page.context().close();
    }
  });

  test("holds no secret", () => {
    for (const name of ["status page", "green status page", "status page of a history", "hostile status page"]) {
      const source = readFileSync(new URL(url(pages[name])), "utf8");
      for (const secret of ["test-antsomi/client-secret", "test-antsomi/wrong-secret", "test-antsomi%2Fclient-secret"]) assert.ok(!source.includes(secret), `${name}: ${secret}`);
    }
  });

  test("is private: the site tells no credential, owner or address", () => {
    for (const file of everyFile().filter((f) => f.includes("/nightly-site/"))) {
      const source = readFileSync(file, "utf8");
      for (const part of ["antsomi-eu", "shop-01", "ankorstore-fr", "@example.com", "127.0.0.1", "revoked: put"]) assert.ok(!source.includes(part), `${file}: ${part}`);
    }
  });
});

describe("hostile text", () => {
  for (const name of ["hostile page", "hostile report", "hostile status page"]) {
    test(`is inert in the ${name}`, async () => {
      const page = await open(browser, url(pages[name]));
      assert.deepEqual(page.complained, []);
      assert.equal(await page.locator("img, iframe, object, embed, base").count(), 0);
      assert.equal(await page.locator("script").count(), 1);
      const text = await page.locator("main").textContent();
      for (const part of ["<script>alert(1)</script>", "{{.}}", "]]>", "::error::owned", "\\x1b[31mred", "<U+202E>gpj.exe"]) {
        assert.ok(text.includes(part), `${part} is not shown`);
      }
      const source = readFileSync(new URL(url(pages[name])), "utf8");
      assert.ok(!source.includes("\u001b") && !source.includes("\u202e") && !/(^|\s)::error::/m.test(source) && !source.includes("##[error]"));
      await page.context().close();
    });
  }

  test("is inert in Markdown", () => {
    const source = readFileSync(new URL(url("hostile-site/providers/antsomi.md")), "utf8");
    assert.ok(source.includes("alert"));
    // Between backticks a text is shown as it is; elsewhere nothing is markup.
    const prose = source.replaceAll(/^(`{3,}).*?^\1$/gms, "").replaceAll(/`[^`]*`/g, "");
    assert.ok(!/<(script|img)/.test(prose), prose.match(/.*<(script|img).*/)?.[0]);
    assert.ok(!source.includes("\u001b") && !source.includes("\u202e") && !/(^|\s)::error::/m.test(source) && !source.includes("##[error]"));
  });
});

test("no file holds a planted secret", () => {
  const files = everyFile();
  assert.ok(files.length > 400, `${files.length} files`);
  const forms = [planted(), encodeURIComponent(planted()), Buffer.from(planted()).toString("base64"), JSON.stringify(planted()).slice(1, -1)];
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const form of forms) assert.ok(!text.includes(form), file);
  }
  assert.ok(hostileText.length);
});
