// Makes the pages that are looked at, in out/: a site, a site of 200 providers,
// a site and reports with hostile text in them.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
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
  if (done.error || done.status === 70 || done.status === 2 && args[0] !== "check") throw new Error(`authspec ${args.join(" ")}: ${done.stderr}${done.stdout}`);
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
  nightly();
}

// nightly is a few nights of authspec check, at simulated providers, and the
// pages that come of them.
function nightly() {
  const dir = join(out, "nightly");
  workspace(join(dir, "ws"));
  edit(join(dir, "ws/fixtures/antsomi/token/issued.http"), (s) => s.replace('"scope": "item"', '"scopes": "item"'));
  edit(join(dir, "ws/fixtures/gigastore/inventory/ok.http"), (s) => s.replace('"items"', '"packages"'));
  const [good, drifted, evil] = [mock("good"), mock("drifted", "--dir", "nightly/ws"), mock("evil", "--dir", "hostile")];
  try {
    const day = (days) => new Date(Date.now() + days * 24 * 3600e3).toISOString().slice(0, 10);
    const entry = (name, provider, at, { client = "client-id", secret = "client-secret", owner, lines = [] } = {}) => {
      writeFileSync(join(dir, `${provider}-${client}.id`), `test-${provider}/${client}`, { mode: 0o600 });
      if (secret === "client-secret") writeFileSync(join(dir, `${provider}.secret`), `test-${provider}/client-secret`, { mode: 0o600 });
      return [`  - name: ${JSON.stringify(name)}`, `    provider: ${provider}`, `    values: {client_id: "file:${provider}-${client}.id", client_secret: "file:${secret === "client-secret" ? `${provider}.secret` : secret}"}`,
        `    base_url: ${at}`, ...(owner ? [`    owner: ${JSON.stringify(owner)}`] : []), ...lines.map((l) => `    ${l}`)].join("\n");
    };
    const down = "http://127.0.0.1:9";
    const write = (file, ...entries) => writeFileSync(join(dir, file), `credentials:\n${entries.join("\n")}\n`);
    const shops = Array.from({ length: 14 }, (_, i) => entry(`shop-${String(i + 1).padStart(2, "0")}`, "antsomi", good.antsomi, { owner: "shops@example.com", lines: ["scopes: [item]", "expires: 2099-03-31"] }));
    const all = (last) => [
      entry("antsomi-eu", "antsomi", good.antsomi, { client: "client-id-revoked", owner: "growth@example.com", lines: [`expires: ${day(200)}`] }),
      entry("antsomi-us", "antsomi", good.antsomi, { client: "client-id-limited", owner: "growth@example.com", lines: ["scopes: [item, customer]"] }),
      entry("antsomi-restless", "antsomi", good.antsomi, { secret: "restless.secret", owner: "growth@example.com" }),
      entry("antsomi-expiring", "antsomi", good.antsomi, { owner: "growth@example.com", lines: [`expires: ${day(6)}`] }),
      entry("antsomi-unset", "antsomi", good.antsomi, { secret: "nowhere.secret" }),
      ...["fr", "de", "it"].map((c) => entry(`ankorstore-${c}`, "ankorstore", down, { owner: `${c}@example.com` })),
      entry("ankorstore-control", "ankorstore", good.ankorstore, { client: "client-id-revoked", lines: ["control: bad"] }),
      entry("ankorstore-uk", "ankorstore", good.ankorstore),
      entry("antsomi-asia", "antsomi", last.antsomi, { owner: "growth@example.com" }),
      entry("gigastore", "gigastore", last.gigastore, { owner: "packages@example.com" }), ...shops];
    const check = (file, ...args) => run("check", "--credentials", `nightly/${file}.yaml`, "--jitter", "0", "--budget", "100", "--no-color", ...args);
    for (const [night, secret] of ["client-secret", "wrong-secret", "client-secret", "wrong-secret"].entries()) {
      writeFileSync(join(dir, "restless.secret"), `test-antsomi/${secret}`, { mode: 0o600 });
      write("night.yaml", ...all(night < 3 ? good : drifted));
      check("night", "--page", "night.html");
    }
    write("green.yaml", ...shops);
    check("green", "--page", "green-night.html");
    run("history", "--history", "nightly/night.history.db", "--page", "history.html");
    write("hostile.yaml", entry(`<script>alert(1)</script> ]]> {{.}} "><img src=x onerror=alert(1)>`, "antsomi", evil.antsomi, { owner: hostileText, lines: ["scopes: [nonsense]"] }));
    check("hostile", "--dir", "hostile", "--page", "hostile-night.html");
    run("docs", "--out", "nightly-site", "--results", "nightly/night.history.db");
  } finally {
    for (const server of [good, drifted, evil]) server.stop();
  }
}

// mock starts simulated providers, and returns where they are.
function mock(name, ...args) {
  const ready = join(out, `${name}.ready.json`);
  const server = spawn(authspec, ["mock", "--quiet", "--ready-file", ready, ...args], { cwd: out, env, stdio: "ignore" });
  for (let tries = 0; !existsSync(ready) && tries < 200; tries++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  const { providers } = JSON.parse(readFileSync(ready, "utf8"));
  return { ...Object.fromEntries(providers.map((p) => [p.id, p.base_url])), stop: () => server.kill("SIGTERM") };
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
  "index of nights": "nightly-site/index.html",
  "antsomi by night": "nightly-site/providers/antsomi.html",
  "gigastore by night": "nightly-site/providers/gigastore.html",
  "status page": "night.html",
  "green status page": "green-night.html",
  "status page of a history": "history.html",
  "hostile status page": "hostile-night.html",
  "hostile page": "hostile-site/providers/antsomi.html",
  "hostile report": "hostile.html",
};

export function everyFile() {
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && /\.(html|md|json|txt|ndjson)$/.test(f.name) && !/\/(drifted|many|hostile|nightly)(\/|$)/.test(f.parentPath ?? f.path))
    .map((f) => join(f.parentPath ?? f.path, f.name));
}
