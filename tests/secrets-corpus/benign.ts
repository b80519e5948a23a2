// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts about variables, not templates.

// Texts without a secret that look as if they had one: hashes, ids, images, lock files, code about passwords, documents
// with filled-in examples. Put together when a test runs, from a seed.

import { readFileSync } from 'node:fs'
import {
  BASE36,
  BASE62,
  BASE64,
  BASE64URL,
  base64,
  bytes,
  type Chance,
  chance,
  DIGITS,
  HEX,
  UPPER36,
  uuid,
} from './random'

export interface Benign {
  kind: string
  text: string
}

const SHAPES: Record<string, (random: Chance) => string> = {
  'commit ids': (r) => `Fixed in ${r.text(HEX, 40)}, reverted by ${r.text(HEX, 10)}; see also ${r.text(HEX, 64)}.`,
  'git log': (r) =>
    `commit ${r.text(HEX, 40)}\nMerge: ${r.text(HEX, 7)} ${r.text(HEX, 7)}\nAuthor: Alice <alice@acme.io>\n\n    auth: read the token from the environment\n`,
  uuids: (r) =>
    `request_id=${uuid(r)} session ${uuid(r)} user: ${uuid(r)}\n{"id": "${uuid(r)}", "traceId": "${r.text(HEX, 32)}"}`,
  'base64 image': (r) => `![logo](data:image/png;base64,iVBORw0KGgo${base64(bytes(r, 300 + r.below(900)))})`,
  'wrapped base64': (r) => (base64(bytes(r, 700)).match(/.{1,76}/g) ?? []).join('\n'),
  'npm lock': (r) =>
    `"node_modules/x${r.below(99)}": {\n  "version": "1.${r.below(9)}.0",\n  "resolved": "https://packages.example.com/x/-/x-1.0.0.tgz",\n  "integrity": "sha512-${base64(bytes(r, 64))}"\n}`,
  'yarn lock': (r) =>
    `token-types@^4.1.1:\n  version "4.2.${r.below(9)}"\n  resolved "https://registry.yarnpkg.com/token-types/-/token-types-4.2.1.tgz#${r.text(HEX, 40)}"\n  integrity sha1-${base64(bytes(r, 20))}`,
  'cargo lock': (r) =>
    `[[package]]\nname = "secrecy"\nversion = "0.8.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${r.text(HEX, 64)}"`,
  'go sum': (r) =>
    `golang.org/x/oauth2 v0.${r.below(30)}.0 h1:${base64(bytes(r, 32))}\ngolang.org/x/oauth2 v0.15.0/go.mod h1:${base64(bytes(r, 32))}`,
  'python lock': (r) =>
    `keyring==24.3.0 \\\n    --hash=sha256:${r.text(HEX, 64)} \\\n    --hash=sha256:${r.text(HEX, 64)}`,
  'image digest': (r) =>
    `FROM registry.acme.io/api-token-service:1.2@sha256:${r.text(HEX, 64)}\nRUN --mount=type=secret,id=npm_token npm ci`,
  'public key': (r) => `deploy key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${r.text(BASE64, 43)} alice@laptop`,
  'public key in PEM': (r) =>
    `-----BEGIN PUBLIC KEY-----\n${r.text(BASE64, 64)}\n${r.text(BASE64, 64)}\n-----END PUBLIC KEY-----`,
  certificate: (r) =>
    `-----BEGIN CERTIFICATE-----\nMIID${r.text(BASE64, 60)}\n${r.text(BASE64, 64)}\n${r.text(BASE64, 40)}==\n-----END CERTIFICATE-----`,
  fingerprint: (r) => `The host key is SHA256:${r.text(BASE64, 43)}; the GPG key ${r.text(HEX, 40).toUpperCase()}.`,
  'recv keys': (r) => `gpg --keyserver hkps://keys.openpgp.org --recv-keys ${r.text(HEX, 40).toUpperCase()}`,
  'subresource integrity': (r) =>
    `<script src="/app.${r.text(HEX, 8)}.js" integrity="sha384-${r.text(BASE64, 64)}" crossorigin></script>`,
  'trace ids in a log': (r) =>
    `2024-05-01T10:00:${10 + r.below(49)}Z WARN auth token refresh took ${r.below(900)}ms trace=${r.text(HEX, 32)} span=${r.text(HEX, 16)} user=${r.below(99999)}`,
  'stack trace': (r) =>
    `TypeError: token is undefined\n    at refreshAccessToken (/srv/app/dist/chunk-${r.text(UPPER36, 8)}.js:${r.below(900)}:17)\n    at async TokenProvider.getToken (/srv/app/src/auth/token-provider.ts:${r.below(300)}:5)`,
  'long urls': (r) =>
    `https://docs.acme.io/guides/${r.text(BASE36, 12)}/how-to-rotate-secrets-and-tokens?utm_source=mail&id=${r.text(DIGITS, 9)}#api-key-rotation`,
  'video and issue links': (r) =>
    `https://www.youtube.com/watch?v=${r.text(BASE64URL, 11)} and https://github.com/acme/api/commit/${r.text(HEX, 40)}#diff-${r.text(HEX, 64)}`,
  'source map': (r) =>
    `{"version":3,"mappings":"${r.text('ACEGIKMOQSUWYacegikmoqsuwy,;', 300)}","names":["accessToken","apiKey"]}`,
  'minified code': (r) =>
    `function ${r.text(BASE62, 2)}(e,t){return e.token=t.${r.text('abcdefgh', 1)},e.apiKey=n(${r.below(9)}),e.password=o[${r.below(9)}].value,e}`,
  'hex constants': (r) =>
    `const K = [0x${r.text(HEX, 8)}, 0x${r.text(HEX, 8)}, 0x${r.text(HEX, 8)}]; // SHA-256 round keys`,
  'chain address': (r) => `The token contract is 0x${r.text(HEX, 40)} on the test network.`,
  'numbers and limits': (r) =>
    `max_tokens: ${r.below(9000)}\ntoken_limit=${r.below(9000)}\ntokens: ${r.text(DIGITS, 7)}\nsecret_version: ${r.below(40)}\npassword_min_length: 12`,
  'names of secrets': (r) =>
    `secret_name: ${r.pick(['prod', 'staging'])}/billing/stripe-api-key-${r.below(99)}\nsecret_arn: arn:aws:secretsmanager:eu-west-1:${r.text(DIGITS, 12)}:secret:billing-${r.text(BASE62, 6)}\ntoken_path: /var/run/secrets/kubernetes.io/serviceaccount/token`,
  'hashes of secrets': (r) =>
    `token_hash: ${r.text(HEX, 64)}\napi_key_sha256=${r.text(HEX, 64)}\npassword_digest: "${r.text(HEX, 40)}"\nkey_id: ${uuid(r)}`,
  'cursor of a page': (r) =>
    `{"items": [], "nextPageToken": "${r.text(BASE64URL, 40)}", "continuation_token": "${r.text(BASE62, 48)}"}`,
  'public keys by name': (r) =>
    `STRIPE_PUBLISHABLE_KEY=pk_test_${r.text(BASE62, 24)}\nPUBLIC_KEY=${r.text(BASE64, 43)}=\nRECAPTCHA_SITE_KEY=6L${r.text(BASE64URL, 38)}`,
  'cache key': (r) =>
    `key: node-${r.text(HEX, 40)}\ncache_key=${r.text(HEX, 64)}\nprimary_key: ${uuid(r)}\nidempotency-key: ${uuid(r)}`,
  'filled with x': (r) =>
    `export GITHUB_TOKEN=${r.pick(['ghp', 'gho'])}_${'x'.repeat(36)}\nOPENAI_API_KEY=sk-${'X'.repeat(48)}\nSLACK=xoxb-${'0'.repeat(12)}-${'0'.repeat(12)}-${'x'.repeat(24)}`,
  'counted through': (r) =>
    `TOKEN=${r.pick(['ghp', 'ghs'])}_1234567890abcdefghij1234567890abcdefgh\nAPI_KEY=0123456789abcdef0123456789abcdef\nkey: AIzaSyABCDEFGHIJKLMNOPQRSTUVWXYZ1234567`,
  "examples of the makers' documents": (r) =>
    r.pick([
      `aws_access_key_id = AKIAIOSFODNN7${'EXAMPLE'}\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY${'EXAMPLEKEY'}`,
      `token: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.${'SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c'}`,
      'Authorization: Bearer <your-access-token>\nX-Api-Key: YOUR_API_KEY_GOES_HERE',
      'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX',
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg...\n-----END PRIVATE KEY-----',
      '-----BEGIN RSA PRIVATE KEY-----\n<your key here>\n-----END RSA PRIVATE KEY-----',
      'Files that begin with `-----BEGIN OPENSSH PRIVATE KEY-----` must never be committed, neither the key nor its backup.',
      'machine git.example.com login alice password <token>',
      'glpat-your-token-here-please and npm_yourTokenGoesHereAsSoonAsYouHaveOne',
    ]),
  'stand-ins for passwords': (r) =>
    r.pick([
      'DB_PASSWORD=changeme\nDB_PASSWORD=${DB_PASSWORD}\nDB_PASSWORD=$DB_PASSWORD',
      'password: "********"\npassword: \'<redacted>\'\npassword: [hidden]',
      'postgres://user:password@localhost:5432/db\npostgres://postgres:postgres@db/test',
      'https://<user>:<token>@github.com/acme/api.git and https://${USER}:${TOKEN}@git.acme.io',
      'mysql://root:root@127.0.0.1/test, amqp://guest:guest@rabbit:5672/',
      'redis://:${REDIS_PASSWORD}@cache:6379/0 or redis://default:changeme@cache',
      'password = "my-secret-password"; secret = "test-secret-123"; token = "dummy-token-for-tests"',
      'curl -u username:password https://api.example.com; curl -u "$USER:$TOKEN" https://api.example.com',
      'ADMIN_PASSWORD=admin123 only in the test container; password: "password123"',
    ]),
  'references to secrets': (r) =>
    r.pick([
      'env:\n  NPM_TOKEN: ${{ secrets.NPM_TOKEN }}\n  GH_TOKEN: ${{ github.token }}',
      'password: {{ vault "secret/data/db" "password" }}\ntoken: {{ .Values.auth.token }}',
      'const token = process.env.GITHUB_TOKEN\nconst apiKey = config.get("stripe.apiKey")\nconst secret = await vault.read(path)',
      'password = os.environ["DB_PASSWORD"]\ntoken = settings.AUTH_TOKEN\napi_key=get_api_key(region)',
      'secretKeyRef:\n  name: db-credentials\n  key: password\nvalueFrom: arn:aws:ssm:eu-west-1:123:parameter/db/password',
      'password = var.db_password\nsecret = data.aws_secretsmanager_secret.db.id\ntoken = random_password.token.result',
      '$PASSWORD = $Config->{password}; $token = shift->token_for($user2);',
      'op://Engineering/Stripe/api-key and vault:secret/billing#token',
      'PGPASSWORD="$(cat /run/secrets/pg)" psql; --password-file /run/secrets/db2',
    ]),
  'types and signatures': (r) =>
    r.pick([
      'interface Login { user: string; password: string; token?: AccessToken; secret: Buffer }',
      'def login(user: str, password: str = None, token: Optional[str] = None) -> Session:',
      'fn authenticate(token: &AuthToken, password: SecretString) -> Result<Session, AuthError2>',
      'password: z.string().min(12), token: z.uuid(), apiKey: ApiKeySchema.optional()',
      'CREATE TABLE users (password_hash varchar(255) NOT NULL, api_key_id uuid, token text UNIQUE);',
      'const tokenProvider = createRefreshTokenProviderFactory2(); const authHeader = `Bearer ${token}`',
      'private readonly passwordEncoder: BCryptPasswordEncoder2 = new BCryptPasswordEncoder2(12)',
      "case 'token': return parseToken(input.slice(1)); // token = IDENT | NUMBER | STRING_LITERAL",
    ]),
  'prose about secrets': (r) =>
    r.pick([
      'The token is refreshed 60 s before it expires. Password: at least 12 characters, one digit, no rotation.',
      'Secret scanning: our own rules run at write, the second opinion at push. Auth: OAuth2 with PKCE.',
      'We keep the API key in the vault; the password is never logged. Ask the platform team for access.',
      'token = one unit of text; a secret is 32 random bytes; the key: never share it. Pass: 12 of 12 tests.',
      'Das Passwort ist im Tresor. Kennwort: bitte bei der Plattformgruppe erfragen.',
      '| field | meaning |\n|---|---|\n| password | at least 12 characters |\n| token | issued by auth-service-2 |',
      'authorization: required; authentication: mTLS; author: dependabot[bot]; bypass: false; compass: north2',
      'Credential helpers: `git config credential.helper cache`, token lifetime 3600, api-key header X-Api-Key.',
    ]),
  'style sheet': (r) =>
    `.sk-circle-fade-dot:nth-child(${r.below(9)}) { animation-delay: -0.${r.below(9)}s; --token-color-${r.text(HEX, 6)}: #${r.text(HEX, 6)}; }`,
  'identifiers of many words': (r) =>
    `sk-${r.pick(['learn', 'folding-cube', 'chasing-dots'])}-contrib-extension-package-${r.below(9)} and npm_config_registry_url_override, hf_hub_download_progress_bar, key-${r.pick(['value', 'press'])}-store`,
  regexes: (r) =>
    `/^(ghp|gho)_[A-Za-z0-9]{36}$/ and AKIA[A-Z0-9]{16} or xox[bp]-[0-9]{12}-[A-Za-z0-9]{24} (rule ${r.below(50)})`,
  'random ids of services': (r) =>
    `instance i-${r.text(HEX, 17)}, subnet subnet-${r.text(HEX, 17)}, build ${r.text(DIGITS, 10)}, run_${r.text(BASE62, 14)}, pod api-${r.text(HEX, 10)}-${r.text(BASE36, 5)}`,
  'mail headers': (r) =>
    `Message-ID: <${r.text(BASE62, 30)}@mail.acme.io>\nETag: "${r.text(HEX, 32)}"\nDKIM-Signature: v=1; bh=${r.text(BASE64, 43)}=; b=${r.text(BASE64, 80)}`,
}

/** Always the same for the same seed: `perKind` texts of each shape, and the entries of the recall set. */
export function benign(seed: number, perKind: number): Benign[] {
  const random = chance(seed)
  const shapes = Object.entries(SHAPES).flatMap(([kind, make]) =>
    Array.from({ length: perKind }, () => ({ kind, text: make(random) })),
  )
  return [...shapes, ...recallSet()]
}

function recallSet(): Benign[] {
  const lines = readFileSync(new URL('../recall-set/entries.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('text' in entry)) throw new Error('No text in an entry.')
    return { kind: 'recall set', text: String(entry.text) }
  })
}
