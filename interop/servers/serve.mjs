// What the servers of this folder share. A server reads its configuration, one
// line of JSON on the standard input, and serves until that input closes or
// SIGTERM comes. On the standard output it reports one JSON object a line: its
// base URL once it serves, then each request before the answer goes out.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createInterface } from 'node:readline';

// Libraries may print notices; the standard output is for reports.
console.log = console.info = console.error;

export function report(event) {
  process.stdout.write(JSON.stringify(event) + '\n');
}

// configuration resolves to the first line of the standard input.
export async function configuration() {
  process.on('SIGTERM', () => process.exit(0));
  const lines = createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  const [line] = await once(lines, 'line');
  return JSON.parse(line);
}

// listen serves on a free port of this machine, over TLS if there is a
// certificate (PEM), and resolves to the base URL.
export async function listen(handler, { key, cert }) {
  const server = key ? createSecureServer({ key, cert }, handler) : createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `${key ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
}

// form reads a request body as a form.
export async function form(req) {
  let body = '';
  for await (const chunk of req) body += chunk;
  return Object.fromEntries(new URLSearchParams(body));
}

// clientAuth says how a client authenticates to a token endpoint.
export function clientAuth(req, params) {
  if (/^basic /i.test(req.headers.authorization ?? '')) return 'basic';
  return params.client_secret ? 'form' : 'none';
}

export function json(res, status, body, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
  res.end(JSON.stringify(body));
}
