// A server that accepts anything, by oauth2-mock-server. With "names" its
// answers take a provider's own form, so that only what it should have refused
// tells it from the provider.

import { OAuth2Server } from 'oauth2-mock-server';

import { configuration, report } from './serve.mjs';

const config = await configuration();
const server = new OAuth2Server(undefined, undefined, {
  endpoints: { token: '/oauth/token', userinfo: '/api/v1/me' },
});
await server.issuer.keys.generate('RS256');

server.service.on('beforeResponse', (response, req) => {
  const { access_token: accessToken, expires_in: lifetime, scope } = response.body;
  report({ call: 'token', status: response.statusCode, token: accessToken });
  if (config.names === 'antsomi') {
    const opaque = accessToken.slice(accessToken.lastIndexOf('.') + 1);
    report({ call: 'token', token: opaque });
    response.body = {
      accessToken: opaque, accessTokenExpiresAt: new Date(Date.now() + lifetime * 1000), scope: req.body.scope,
    };
  } else {
    response.body = { ...response.body, scope };
  }
});

server.service.on('beforeUserinfo', (response) => {
  report({ call: 'me', status: response.statusCode });
  if (config.names === 'ankorstore') {
    const at = '2020-01-28T11:26:35+00:00';
    response.body = {
      data: { type: 'user', id: 1234, email: 'api@example.com', first_name: 'A', last_name: 'B', created_at: at, updated_at: at },
    };
  }
});

await server.start(0, '127.0.0.1');
report({ base: `http://127.0.0.1:${server.address().port}` });
