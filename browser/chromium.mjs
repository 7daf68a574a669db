// Debian's Chromium, with nothing to talk to.
import { chromium } from "playwright-core";

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

// open opens a page and keeps what it asks for and complains about; at another
// time, if there is one.
export async function open(browser, address, { now, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  if (now) await context.clock.install({ time: now });
  const page = await context.newPage();
  page.asked = [];
  page.complained = [];
  page.on("request", (r) => { if (!r.url().startsWith("data:")) page.asked.push(r.url()); });
  page.on("console", (m) => page.complained.push(m.text()));
  page.on("pageerror", (e) => page.complained.push(String(e)));
  page.on("dialog", (d) => { page.complained.push(`dialog: ${d.message()}`); d.dismiss(); });
  await page.goto(address);
  return page;
}
