// Makes the pages that are looked at, in out/: a site, a site of 200 providers,
// a site and reports with hostile text in them.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const out = join(here, "out");
const root = dirname(here);
const authspec = join(out, "authspec");
const env = { ...process.env, ANTSOMI_CLIENT_SECRET: planted(), GIGASTORE_CLIENT_ID: "some-client", GIGASTORE_CLIENT_SECRET: `${planted()}-too` };

// planted is a secret that authspec is told of; it must be in no page.
export function planted() { return "planted-s3cret-Zq8/+=x"; }

function run(...args) {
  const done = spawnSync(authspec, args, { cwd: out, env, encoding: "utf8" });
  if (done.error || done.status === 70 || done.status === 2) throw new Error(`authspec ${args.join(" ")}: ${done.stderr}${done.stdout}`);
  return done;
}

export const url = (file) => pathToFileURL(join(out, file)).href;

export function make() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  execFileSync("go", ["build", "-o", authspec, "./cmd/authspec"], { cwd: root, stdio: "inherit" });

  // Runs: one that is green, and one in which providers answer otherwise.
  run("run", "--report", "json=green.json", "--report", "html=green.html", "--report", "messages=green.ndjson");
  const drifted = join(out, "drifted");
  workspace(drifted);
  edit(join(drifted, "fixtures/antsomi/token/issued.http"), (s) => s.replace('"scope": "item"', '"scopes": "item"'));
  edit(join(drifted, "fixtures/ankorstore/me/invalid_token.http"), (s) => s.replace("Unauthenticated.", "Please log in."));
  run("run", "--dir", "drifted", "--report", "json=failing.json", "--report", "html=failing.html", "--report", "messages=failing.ndjson");
  run("run", "gigastore", "--live", "--base-url", "gigastore=http://127.0.0.1:9", "--report", "json=offline.json", "--report", "html=offline.html", "--report", "messages=offline.ndjson");
  const history = ["--results", "green.json", "--results", "failing.json"];
  for (let day = 1; day <= 26; day++) {
    const bad = day === 9 || day === 10 || day === 17;
    const past = JSON.parse(readFileSync(join(out, bad ? "failing.json" : "green.json"), "utf8"));
    past.mode = day % 2 ? "live" : "simulated";
    past.started = new Date(Date.UTC(2026, 9, 20 + day, 2, 30)).toISOString();
    for (const s of past.scenarios) { s.started = past.started; s.duration_ms *= 40; }
    writeFileSync(join(out, `past-${day}.json`), JSON.stringify(past));
    history.push("--results", `past-${day}.json`);
  }

  run("docs", "--out", "plain-site"); // what a reader of the README gets

  // The site, in its second version: there is something that changed.
  run("docs", "--out", "site");
  const lock = join(out, "site/authspec-docs.lock.json");
  edit(lock, (s) => s.replace('"error token/invalid_scope": "400 invalid_scope"', '"error token/invalid_scope": "401 invalid_scope"').replace(/ *"field token.scope": "string",?\n/, ""));
  run("docs", "--out", "site", ...history);

  many();
  hostile();
}

// workspace is a copy of what comes with authspec.
function workspace(dir) {
  for (const room of ["providers", "features", "fixtures"]) {
    cpSync(join(root, room), join(dir, room), { recursive: true, filter: (f) => !f.endsWith(".go") && !f.includes("simulator") });
  }
}

function edit(file, change) {
  const before = readFileSync(file, "utf8"), after = change(before);
  if (before === after) throw new Error(`${file}: nothing changed`);
  writeFileSync(file, after);
}

// many is a workspace of 200 providers.
function many() {
  const dir = join(out, "many");
  workspace(dir);
  for (let i = 1; i <= 197; i++) {
    const id = `copy${String(i).padStart(3, "0")}`, name = `Copy ${i} of Antsomi`;
    writeFileSync(join(dir, `providers/${id}.yaml`), readFileSync(join(dir, "providers/antsomi.yaml"), "utf8").replace("name: Antsomi", `name: ${name}`));
    writeFileSync(join(dir, `features/${id}.feature`), readFileSync(join(dir, "features/antsomi.feature"), "utf8").replaceAll(/Antsomi( access| credentials)/g, `${name}$1`));
    cpSync(join(dir, "fixtures/antsomi"), join(dir, `fixtures/${id}`), { recursive: true });
  }
  run("docs", "--out", "many-site", "--dir", "many");
}

export const hostileText = `<script>alert(1)</script> ]]> {{.}} ::error::owned \u001b[31mred \u202egpj.exe "><img src=x onerror=alert(1)> ##[error]x`;

// hostile is a provider that tries whatever a text can try.
function hostile() {
  const dir = join(out, "hostile");
  workspace(dir);
  edit(join(dir, "providers/antsomi.yaml"), (s) => s.replace("business objects", `business ${hostileText.replaceAll('"', "'").replaceAll("\u001b", "").replaceAll("\u202e", "")} objects`).replace(/item: (.*)\n/, (_, v) => `item: ${JSON.stringify(v)}\n`));
  edit(join(dir, "features/antsomi.feature"), (s) => s
    .replace("The expiry lies ahead", `The expiry ${hostileText}`)
    .replace("Antsomi documents no lifetime", `Antsomi ${hostileText} documents`)
    .replace("A scope is required.", `A scope ${hostileText} is required.`)
    .replace('| message    | "Invalid scope: Requested scope is invalid" |', () => `| message    | ${JSON.stringify(hostileText)} |`));
  edit(join(dir, "fixtures/antsomi/token/invalid_scope.http"), (s) => s
    .replace("Content-Type:", `X-Evil: ${hostileText}\nContent-Type:`)
    .replace("Requested scope is invalid", JSON.stringify(hostileText).slice(1, -1)));
  run("run", "antsomi", "--dir", "hostile", "--report", "html=hostile.html", "--report", "json=hostile.json", "--report", "messages=hostile.ndjson");
  run("docs", "--out", "hostile-site", "--dir", "hostile", "--results", "hostile.json");
}

// pages is every page that is looked at, by what it is.
export const pages = {
  index: "site/index.html",
  ankorstore: "site/providers/ankorstore.html",
  antsomi: "site/providers/antsomi.html",
  gigastore: "site/providers/gigastore.html",
  "index of 200": "many-site/index.html",
  "green report": "green.html",
  "failing report": "failing.html",
  "offline report": "offline.html",
  "hostile page": "hostile-site/providers/antsomi.html",
  "hostile report": "hostile.html",
};

export function everyFile() {
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && /\.(html|md|json|txt|ndjson)$/.test(f.name) && !/\/(drifted|many|hostile)(\/|$)/.test(f.parentPath ?? f.path))
    .map((f) => join(f.parentPath ?? f.path, f.name));
}
