// A client of simulated providers in another language: it reads the line of
// authspec mock --json from the variable MOCK, and prints what it gets.
const mock = JSON.parse(process.env.MOCK)
const provider = id => mock.providers.find(p => p.id === id)

async function show(what, response) {
  const type = response.headers.get('content-type')
  const body = await response.json()
  console.log([what, response.status, type, body.error ?? body.name ?? body.message].join(' ').trim())
  return body
}

const token = (p, credentials, scope) => fetch(p.base_url + '/oauth/token', {
  method: 'POST',
  body: new URLSearchParams({ grant_type: 'client_credentials', scope, ...credentials }),
})

const antsomi = provider('antsomi')
const issued = await show('antsomi, a scope it knows:', await token(antsomi, antsomi.credentials, 'item'))
console.log('  expires in', Math.round((new Date(issued.accessTokenExpiresAt) - Date.now()) / 60000), 'minutes, scope', issued.scope)
await show('antsomi, a scope it does not know:', await token(antsomi, antsomi.credentials, 'nonsense'))
await show('antsomi, revoked:', await token(antsomi, antsomi.special.revoked, 'item'))
await show('antsomi, limited, its scope:', await token(antsomi, antsomi.special.limited, 'event'))
await show('antsomi, limited, another:', await token(antsomi, antsomi.special.limited, 'item'))

const ankorstore = provider('ankorstore')
const { access_token } = await show('ankorstore, a token:', await token(ankorstore, ankorstore.credentials, '*'))
const me = authorization => fetch(ankorstore.base_url + '/api/v1/me', { headers: { authorization } })
const account = await show('ankorstore, me:', await me('Bearer ' + access_token))
console.log('  type', account.data.type)
await show('ankorstore, me, another token:', await me('Bearer x' + access_token))
await show('ankorstore, wrong secret:', await token(ankorstore, { ...ankorstore.credentials, client_secret: 'wrong' }, '*'))

const gigastore = provider('gigastore')
const basic = (id, secret) => 'Basic ' + Buffer.from(id + ':' + secret).toString('base64')
const authenticate = authorization => fetch(gigastore.base_url + '/reseller/authenticate', { method: 'POST', headers: { authorization } })
const { client_id, client_secret } = gigastore.credentials
const { accessToken } = await show('gigastore, a token:', await authenticate(basic(client_id, client_secret)))
const inventory = await fetch(gigastore.base_url + '/gigastore/products/inventory', { headers: { authorization: 'Bearer ' + accessToken } })
await show('gigastore, inventory:', inventory)
const refused = await authenticate(basic(client_id, 'wrong'))
await show('gigastore, wrong secret:', refused)
console.log('  challenge', refused.headers.get('www-authenticate'))

const down = await fetch(antsomi.base_url + '/oauth/token', { method: 'POST', headers: { 'authspec-fault': 'status=503,retry-after=30s' } })
await show('antsomi, a fault:', down)
console.log('  retry after', down.headers.get('retry-after'))
await fetch(antsomi.base_url + '/oauth/token', { method: 'POST', headers: { 'authspec-fault': 'reset' } })
  .catch(err => console.log('antsomi, reset:', err.cause.code))
