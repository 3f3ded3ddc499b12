// An independent OpenID Provider on a free loopback port, for tests/support/oidc_provider.py.
// Argument: a JSON object {"nodes": [resource URL], "machine_jwk": public key, "consoles": [base URL]}.
// Prints {"issuer"}. Each console is registered twice: "console-public", and "console-proven" by its key.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { Provider, errors } from 'oidc-provider';

const { nodes, machine_jwk: machineKey, consoles = [] } = JSON.parse(process.argv[2]);
const asConsole = {
  application_type: 'web', response_types: ['code'], grant_types: ['authorization_code'],
  redirect_uris: consoles.map((url) => `${url}/console/sign-in/done`),
  post_logout_redirect_uris: consoles.flatMap((url) => [`${url}/en/signed-out`, `${url}/fr/signed-out`]),
};
const registered = consoles.length === 0 ? [] : [
  { ...asConsole, client_id: 'console-public', token_endpoint_auth_method: 'none' },
  { ...asConsole, client_id: 'console-proven', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [machineKey] } },
];
const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['for these tests only'] },
    scopes: ['openid', 'offline_access'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      { client_id: 'comity-cli', application_type: 'native', token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] },
      { client_id: 'machine', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [machineKey] },
        redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
      ...registered,
    ],
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context, resource) => {
          if (!nodes.includes(resource)) throw new errors.InvalidTarget('unknown node');
          return { scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
        },
      },
    },
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
