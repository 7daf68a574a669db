// A new provider for record_test.go: oidc-provider with the paths that
// authspec new assumes, and changes to its answers that a test asks for.

import { randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

import { configuration, json, listen, report } from './serve.mjs';

const config = await configuration();
const changed = new Set(config.changes ?? []);
let handler;
const base = await listen((req, res) => handler(req, res), config);

const provider = new Provider(base, {
  clients: config.clients.map((client) => ({
    ...client, grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
  })),
  scopes: ['api:read'],
  routes: { token: '/oauth/token' },
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  ttl: { ClientCredentials: 3600 },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path !== '/oauth/token' || !ctx.body) return;
  const { body } = ctx;
  if (body.access_token) {
    body.scope ??= 'api:read'; // a default scope, as many servers have one
    report({ call: 'token', status: ctx.status, token: body.access_token });
    if (changed.has('field renamed')) { body.tokenType = body.token_type; delete body.token_type; }
    if (changed.has('expiry as string')) body.expires_in = String(body.expires_in);
    if (changed.has('scope dropped')) delete body.scope;
    // What no fixture may keep.
    ctx.set('X-Request-Id', randomUUID());
    ctx.set('Set-Cookie', `session=${randomUUID()}`);
  } else if (ctx.status === 401 && changed.has('401 turned 400')) {
    ctx.status = 400;
  }
});

const callback = provider.callback();
handler = async (req, res) => {
  if (new URL(req.url, base).pathname !== '/me') return callback(req, res);
  const [scheme, value] = (req.headers.authorization ?? '').split(/ (.*)/s);
  if (scheme.toLowerCase() !== 'bearer') {
    return json(res, 401, { error: 'unauthorized' }, { 'WWW-Authenticate': 'Bearer realm="me"' });
  }
  const token = await provider.ClientCredentials.find(value);
  if (!token?.isValid) {
    return json(res, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer realm="me", error="invalid_token"' });
  }
  return json(res, 200, { id: config.account.id, email: config.account.email, client: token.clientId });
};
report({ base });
