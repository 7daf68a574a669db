// Antsomi's token endpoint, by @node-oauth/oauth2-server: its token and error
// objects serialised as they are, scopes joined by commas.

import OAuth2Server from '@node-oauth/oauth2-server';

import { clientAuth, configuration, form, json, listen, report } from './serve.mjs';

const config = await configuration();
const clients = config.clients ?? [config]; // each with client_id and client_secret
const known = ['item', 'event', 'profile', 'promotion'];

const oauth = new OAuth2Server({
  accessTokenLifetime: 3600,
  model: {
    getClient: (id, secret) =>
      clients.some((c) => id === c.client_id && secret === c.client_secret) && { id, grants: ['client_credentials'] },
    getUserFromClient: (client) => ({ id: client.id }),
    validateScope: (user, client, scope) => {
      // The library splits at blanks. Antsomi's separator is the comma.
      const requested = (scope ?? []).join(' ').split(',');
      return requested.every((s) => known.includes(s)) && [requested.join(',')];
    },
    saveToken: (token, client, user) => ({ ...token, client, user }),
    getAccessToken: () => undefined,
  },
});

const base = await listen(async (req, res) => {
  const { pathname, searchParams } = new URL(req.url, base);
  if (pathname !== '/oauth/token') return json(res, 404, { statusCode: 404, message: 'Not Found' });
  const params = await form(req);
  const answer = await token(req, params, Object.fromEntries(searchParams));
  report({
    call: 'token', status: answer.status, error: answer.body.name, token: answer.body.accessToken,
    client_auth: clientAuth(req, params), scope: params.scope, agent: req.headers['user-agent'],
  });
  json(res, answer.status, answer.body, answer.headers);
}, config);
report({ base });

async function token(req, body, query) {
  const response = new OAuth2Server.Response();
  try {
    const request = new OAuth2Server.Request({ headers: req.headers, method: req.method, query, body });
    const { accessToken, accessTokenExpiresAt, scope } = await oauth.token(request, response);
    return { status: 200, body: { accessToken, accessTokenExpiresAt, scope: scope.join(',') } };
  } catch ({ statusCode, status, code, message, name }) {
    return { status: code, body: { statusCode, status, code, message, name }, headers: response.headers };
  }
}
