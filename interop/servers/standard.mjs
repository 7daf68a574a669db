// A provider as the RFCs have it, by oidc-provider: client credentials, opaque
// tokens, and two protected resources that ask the provider about the token.

import Provider from 'oidc-provider';

import { configuration, json, listen, report } from './serve.mjs';

const config = await configuration();
let handler;
const base = await listen((req, res) => handler(req, res), config);

const provider = new Provider(base, {
  clients: config.clients.map((client) => ({
    ...client, grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
  })),
  scopes: ['api:admin', 'api:read', 'api:write'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
  },
  ttl: { ClientCredentials: 600 },
});

// Reported before the response goes out, so that who has the response can rely
// on the report.
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path !== '/token') return;
  const authorization = ctx.get('authorization');
  report({
    call: 'token', status: ctx.status, error: ctx.body?.error, token: ctx.body?.access_token,
    client: ctx.oidc?.client?.clientId, scope: ctx.oidc?.params?.scope,
    client_auth: /^basic /i.test(authorization) ? 'basic' : ctx.oidc?.params?.client_secret ? 'form' : 'none',
  });
});

const resources = { '/api/profile': 'api:read', '/api/orders': 'api:write' };
const callback = provider.callback();

handler = async (req, res) => {
  const { pathname } = new URL(req.url, base);
  const scope = resources[pathname];
  if (!scope) return callback(req, res);
  const answer = await authorize(req, scope);
  report({ call: pathname, status: answer.status });
  json(res, answer.status, answer.body, answer.challenge && { 'WWW-Authenticate': answer.challenge });
};
report({ base });

// authorize answers as RFC 6750, section 3, says.
async function authorize(req, scope) {
  const [scheme, value] = (req.headers.authorization ?? '').split(/ (.*)/s);
  if (scheme.toLowerCase() !== 'bearer') {
    return { status: 401, challenge: 'Bearer realm="standard"', body: { error: 'missing_token' } };
  }
  const refuse = (status, error) => ({ status, challenge: `Bearer realm="standard", error="${error}"`, body: { error } });
  const token = await provider.ClientCredentials.find(value);
  if (!token?.isValid) return refuse(401, 'invalid_token');
  if (!token.scope?.split(' ').includes(scope)) return refuse(403, 'insufficient_scope');
  return { status: 200, body: { client: token.clientId, scope: token.scope } };
}
