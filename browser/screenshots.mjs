// Screenshots: of every page in every form for whoever looks at a build
// (node screenshots.mjs), and the few of the README (node screenshots.mjs readme).
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { launch, open } from "./chromium.mjs";
import { here, out, pages, url } from "./pages.mjs";

const browser = await launch();

async function shoot(file, to, { print, clip, prepare, ...options } = {}) {
  const page = await open(browser, url(file), options);
  if (print) await page.emulateMedia({ media: "print" });
  await prepare?.(page);
  await page.screenshot(clip ? { path: to } : { path: to, fullPage: true });
  await page.context().close();
}

if (process.argv[2] === "readme") {
  const images = join(dirname(here), "docs/images");
  mkdirSync(images, { recursive: true });
  // What authspec docs writes here and now, at a size that can be read in a README.
  const view = (height, id, colorScheme = "light") => ({
    viewport: { width: 1120, height }, colorScheme, clip: { x: 0, y: 0, width: 1120, height },
    prepare: (page) => id && page.evaluate((id) => document.getElementById(id).scrollIntoView(), id),
  });
  await shoot("plain-site/index.html", join(images, "index.png"), view(600));
  await shoot("plain-site/providers/ankorstore.html", join(images, "provider.png"), view(880, "flow"));
  await shoot("plain-site/providers/antsomi.html", join(images, "errors.png"), view(640, "errors", "dark"));
  await shoot("failing.html", join(images, "report.png"), view(980));
  await shoot("night.html", join(images, "status.png"), view(900));
} else {
  const to = join(out, "screenshots");
  mkdirSync(to, { recursive: true });
  for (const [name, file] of Object.entries(pages)) {
    const base = join(to, name.replaceAll(" ", "-"));
    await shoot(file, `${base}.light.png`);
    await shoot(file, `${base}.dark.png`, { colorScheme: "dark" });
    await shoot(file, `${base}.phone.png`, { viewport: { width: 320, height: 640 } });
    await shoot(file, `${base}.print.png`, { print: true, viewport: { width: 794, height: 1123 } });
  }
}
await browser.close();
