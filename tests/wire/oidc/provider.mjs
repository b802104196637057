// A real OpenID Connect provider for the tests: any password is right, roles follow the name.
// Arguments: the port of the server under test. Prints its own issuer as the first line.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const redirect = process.argv[2];
const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const roles = { alice: ['radiologist'], root: ['administrator'], carol: [] };
const key = (kid) => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid, use: 'sig', alg: 'RS256',
});

const provider = new Provider(issuer, {
  jwks: { keys: [key('one')] },
  cookies: { keys: ['a key of the tests'] },
  clients: [
    {
      client_id: 'hornburg',
      client_secret: 'a secret: of the tests/+',
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: 'script',
      client_secret: 'another',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
    },
  ],
  claims: { openid: ['sub', 'roles'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, roles: roles[id] ?? [] }) }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: '', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300,
      }),
    },
  },
  extraTokenClaims: () => ({ roles: ['radiologist'] }),
});
server.on('request', provider.callback());
console.log(issuer);
