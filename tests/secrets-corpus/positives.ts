// Texts with one made-up credential each. They are put together when a test runs: this file holds shapes, no tokens, since
// hosts refuse a push that contains what looks like one.

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

export interface Positive {
  kind: string
  text: string
  /** What must not get out, and where it stands. */
  secret: string
  start: number
}

/** A token that stands for itself, and can be put anywhere. */
const TOKENS: Record<string, (random: Chance) => string> = {
  'github classic': (r) => `${r.pick(['ghp', 'gho', 'ghu', 'ghs', 'ghr'])}_${r.text(BASE62, 36)}`,
  'github fine-grained': (r) => `github_pat_${r.text(BASE62, 22)}_${r.text(BASE62, 59)}`,
  'gitlab personal': (r) => `glpat-${r.text(BASE64URL, 20)}`,
  'gitlab routable': (r) => `glpat-${r.text(BASE64URL, 27)}.${r.text(BASE36, 2)}.${r.text(BASE36, 9)}`,
  'gitlab other': (r) => `${r.pick(['gldt', 'glrt', 'glptt', 'glsoat'])}-${r.text(BASE64URL, 20)}`,
  'aws access key id': (r) => `${r.pick(['AKIA', 'ASIA'])}${r.text('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`,
  'google api key': (r) => `AIza${r.text(BASE64URL, 35)}`,
  'google client secret': (r) => `GOCSPX-${r.text(BASE64URL, 28)}`,
  'slack bot': (r) => `xoxb-${r.text(DIGITS, 12)}-${r.text(DIGITS, 13)}-${r.text(BASE62, 24)}`,
  'slack user': (r) => `xoxp-${r.text(DIGITS, 12)}-${r.text(DIGITS, 12)}-${r.text(DIGITS, 13)}-${r.text(HEX, 32)}`,
  'slack app': (r) => `xapp-1-A${r.text(UPPER36, 10)}-${r.text(DIGITS, 13)}-${r.text(HEX, 64)}`,
  'slack webhook': (r) =>
    `https://hooks.slack.com/services/T${r.text(UPPER36, 10)}/B${r.text(UPPER36, 10)}/${r.text(BASE62, 24)}`,
  'stripe secret': (r) => `sk_${'live'}_${r.text(BASE62, r.pick([24, 99]))}`,
  'stripe restricted': (r) => `rk_${'live'}_${r.text(BASE62, 99)}`,
  'openai project': (r) => `sk-proj-${r.text(BASE64URL, 74)}T3Blbk${'FJ'}${r.text(BASE64URL, 74)}`,
  'openai legacy': (r) => `sk-${r.text(BASE62, 20)}T3Blbk${'FJ'}${r.text(BASE62, 20)}`,
  openrouter: (r) => `sk-or-v1-${r.text(HEX, 64)}`,
  anthropic: (r) => `sk-ant-${r.pick(['api03', 'admin01', 'oat01'])}-${r.text(BASE64URL, 93)}AA`,
  huggingface: (r) => `hf_${r.text(BASE62, 34)}`,
  groq: (r) => `gsk_${r.text(BASE62, 52)}`,
  npm: (r) => `npm_${r.text(BASE62, 36)}`,
  pypi: (r) => `pypi-AgEIcHlwaS5vcmc${r.text(BASE64URL, 150)}`,
  docker: (r) => `dckr_pat_${r.text(BASE64URL, 27)}`,
  jwt: (r) =>
    ['{"alg":"HS256","typ":"JWT"}', `{"sub":"${r.text(DIGITS, 9)}","iat":1${r.text(DIGITS, 9)}}`]
      .map((part) => base64(part).replace(/=+$/, ''))
      .concat(r.text(BASE64URL, 43))
      .join('.'),
  'azure storage': (r) => `DefaultEndpointsProtocol=https;AccountName=files;AccountKey=${base64(bytes(r, 64))}`,
  'azure client secret': (r) => `${r.text(BASE62, 3)}8Q~${r.text(BASE64URL, 34)}`,
  twilio: (r) => `SK${r.text(HEX, 32)}`,
  sendgrid: (r) => `SG.${r.text(BASE64URL, 22)}.${r.text(BASE64URL, 43)}`,
  mailgun: (r) => `key-${r.text(HEX, 32)}`,
  mailchimp: (r) => `${r.text(HEX, 32)}-us${1 + r.below(20)}`,
  digitalocean: (r) => `dop_v1_${r.text(HEX, 64)}`,
  telegram: (r) => `${r.text('123456789', 10)}:AA${r.text(BASE64URL, 33)}`,
  'discord bot': (r) => `${base64(r.text('123456789', 18))}.${r.text(BASE64URL, 6)}.${r.text(BASE64URL, 38)}`,
  'discord webhook': (r) => `https://discord.com/api/webhooks/${r.text(DIGITS, 18)}/${r.text(BASE64URL, 68)}`,
  age: (r) => `AGE-SECRET-KEY-1${r.text('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}`,
  vault: (r) => `hvs.${r.text(BASE64URL, 95)}`,
  databricks: (r) => `dapi${r.text(HEX, 32)}`,
  shopify: (r) => `shpat_${r.text(HEX, 32)}`,
  linear: (r) => `lin_api_${r.text(BASE62, 40)}`,
  notion: (r) => `ntn_${r.text(DIGITS, 11)}${r.text(BASE62, 35)}`,
  square: (r) => `EAAA${r.text(BASE64URL, 60)}`,
  heroku: (r) => `HRKU-AA${r.text(BASE64URL, 58)}`,
  atlassian: (r) => `ATATT3${r.text(BASE64URL, 180)}=${r.text(UPPER36, 8)}`,
  'terraform cloud': (r) => `${r.text(BASE62, 14)}.atlasv1.${r.text(BASE64URL, 67)}`,
  grafana: (r) => `glsa_${r.text(BASE62, 32)}_${r.text(HEX, 8)}`,
  postman: (r) => `PMAK-${r.text(HEX, 24)}-${r.text(HEX, 34)}`,
  kubeconfig: (r) => base64(pem(r, 'RSA PRIVATE KEY', `MIIEpAIBAAKCAQEA${base64(bytes(r, 600))}`)).replace(/\n/g, ''),
}

/** Ways to mention a token. */
const SETTINGS: ((token: string) => string)[] = [
  (token) => `The deploy job logs in with ${token}, which nobody may share.`,
  (token) => `Use this one for now:\n\n\`\`\`\n${token}\n\`\`\`\n\nIt expires on Friday.`,
  (token) => `Set the variable to \`${token}\` and restart.`,
  (token) => `ci:\n  settings:\n    value: ${token}\n    retries: 3\n`,
  (token) => `# local settings\nREGION=eu-west-1\nTHING="${token}"\nDEBUG=0\n`,
  (token) => JSON.stringify({ name: 'staging', value: token, since: 2024 }, null, 2),
  (token) => `curl -s "https://api.example.com/v1/items?limit=5&x=${token}&page=2"`,
  (token) => `| service | value |\n|---|---|\n| billing | ${token} |\n| search | none |`,
  (token) => `- rotate every quarter\n- current: **${token}**\n- owner: platform team`,
  (token) => `> alice: which one do we use?\n> bob: (${token})`,
  (token) => `const client = new Client({ region: 'eu', value: '${token}' })`,
  (token) => `2024-05-01T10:00:00Z INFO connected value=${token} in 12ms`,
]

/** A secret that is one only because of what stands around it. */
const CONTEXTS: Record<string, (random: Chance) => { before: string; secret: string; after?: string }> = {
  'aws secret key': (r) => ({
    before: r.pick([
      '[default]\naws_secret_access_key = ',
      'AWS_SECRET_ACCESS_KEY=',
      '"SecretAccessKey": "',
      'export AWS_SECRET_ACCESS_KEY="',
      'The AWS secret key is ',
    ]),
    secret: r.text(BASE64, 40),
  }),
  'rsa key': (r) => ({
    before: 'The key:\n',
    secret: pem(r, 'RSA PRIVATE KEY', `MIIEpAIBAAKCAQEA${base64(bytes(r, 900))}`),
  }),
  'pkcs8 key': (r) => ({
    before: '',
    secret: pem(r, 'PRIVATE KEY', `MIIEvQIBADANBgkqhkiG9w0BAQEF${base64(bytes(r, 900))}`),
  }),
  'ec key': (r) => ({
    before: '```\n',
    secret: pem(r, 'EC PRIVATE KEY', `MHcCAQEEI${base64(bytes(r, 112))}`),
    after: '\n```',
  }),
  'openssh key': (r) => ({ before: '', secret: pem(r, 'OPENSSH PRIVATE KEY', openssh(r)) }),
  'openssh key without its first line': (r) => ({ before: 'id_ed25519:\n', secret: openssh(r) }),
  'encrypted key': (r) => ({
    before: '',
    secret: pem(
      r,
      'RSA PRIVATE KEY',
      base64(bytes(r, 600)),
      `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${r.text(HEX, 32).toUpperCase()}\n\n`,
    ),
  }),
  'pgp key': (r) => ({ before: '', secret: pem(r, 'PGP PRIVATE KEY BLOCK', `lQdGBF${base64(bytes(r, 900))}`, '\n') }),
  'quoted key': (r) => ({
    before: '> ',
    secret: pem(r, 'RSA PRIVATE KEY', `MIIEpAIBAAKCAQEA${base64(bytes(r, 300))}`).replace(/\n(?=.)/g, '\n> '),
  }),
  'google service account': (r) => ({
    before: `{\n  "type": "service_account",\n  "private_key_id": "${r.text(HEX, 40)}",\n  "private_key": "`,
    secret: pem(r, 'PRIVATE KEY', `MIIEvQIBADANBgkqhkiG9w0BAQEF${base64(bytes(r, 900))}`).replace(/\n/g, '\\n'),
    after: '",\n  "client_email": "a@b.iam.gserviceaccount.com"\n}',
  }),
  'url password': (r) => ({
    before: `${r.pick(['https', 'ftp', 'http', 'smtp'])}://deploy:`,
    secret: password(r),
    after: '@git.internal.acme.io/tools.git',
  }),
  'database url': (r) => ({
    before: `${r.pick(['postgres', 'postgresql', 'mysql', 'mongodb+srv', 'amqp', 'rediss'])}://${r.pick(['app', 'svc_user', ''])}:`,
    secret: password(r),
    after: '@db-1.acme.io:5432/orders?sslmode=require',
  }),
  'connection string': (r) => ({
    before: `Server=tcp:db.acme.io,1433;User Id=svc;${r.pick(['Password', 'Pwd'])}=`,
    secret: password(r),
    after: ';Encrypt=True;',
  }),
  'password in an env file': (r) => ({
    before: `DB_HOST=db-1\n${r.pick(['DB_PASSWORD', 'PGPASSWORD', 'export SMTP_PASS', 'MYSQL_ROOT_PASSWORD'])}=`,
    secret: password(r),
    after: '\nDB_PORT=5432\n',
  }),
  'password in YAML': (r) => ({
    before: `database:\n  user: app\n  ${r.pick(['password: ', 'password: "', "db_password: '"])}`,
    secret: password(r),
  }),
  'password in JSON': (r) => ({ before: '{"user": "app", "password": "', secret: password(r), after: '"}' }),
  'password in code': (r) => ({
    before: r.pick(["const password = '", 'connect(host, password="', 'String dbPassword = "', ":password => '"]),
    secret: password(r),
  }),
  'password in a sentence': (r) => ({
    before: r.pick(['Log in as admin, the password is ', 'Router: **Password:** ', 'password: ', 'Passwort: ']),
    secret: strongPassword(r),
    after: '\nAsk Bob first.',
  }),
  'password in a table': (r) => ({
    before: '| field | value |\n|---|---|\n| user | app |\n| password | ',
    secret: strongPassword(r),
    after: ' |',
  }),
  'password on a command line': (r) => ({
    before: r.pick(['psql-load --host db --password ', 'curl -u deploy:', 'tool login --password=']),
    secret: strongPassword(r),
    after: ' --verbose',
  }),
  'hexadecimal key': (r) => ({
    before: r.pick(['api_key: ', 'DD_API_KEY=', '"apiKey": "', "secret = '", 'auth_token=', 'The API key is ']),
    secret: r.text(HEX, r.pick([32, 40, 64])),
  }),
  'base62 key': (r) => ({
    before: r.pick([
      'API_KEY=',
      '"client_secret": "',
      'token: ',
      'JWT_SECRET=',
      "accessToken: '",
      'x-api-key: ',
      'encryption_key = "',
    ]),
    secret: r.text(BASE62, r.pick([24, 32, 40, 64])),
  }),
  'base64 key': (r) => ({
    before: r.pick(['PrivateKey = ', 'SESSION_SECRET=', 'signing_key: ', 'master-key: "']),
    secret: base64(bytes(r, 32)),
  }),
  'uuid key': (r) => ({
    before: r.pick(['HEROKU_API_KEY=', 'client_secret: ', '"api_key": "', '//registry.acme.io/:_authToken=']),
    secret: uuid(r),
  }),
  'authorization header': (r) => ({
    before: `GET /v1/items HTTP/1.1\nAuthorization: ${r.pick(['Bearer ', 'token ', 'Bearer '])}`,
    secret: r.text(BASE64URL, r.pick([32, 48])),
    after: '\nAccept: */*',
  }),
  'key in a query': (r) => ({
    before: 'https://api.acme.io/v1/items?api_key=',
    secret: r.text(BASE62, 32),
    after: '&page=2',
  }),
  'key in a sentence': (r) => ({
    before: r.pick(['our API key ', 'use the secret token ', 'the access key ']),
    secret: r.text(BASE62, 32),
    after: ' until May.',
  }),
  netrc: (r) => ({
    before: `machine git.acme.io${r.pick([' ', '\n  '])}login deploy${r.pick([' ', '\n  '])}password `,
    secret: password(r),
  }),
}

/** Always the same for the same seed: `perKind` texts of each kind. */
export function positives(seed: number, perKind: number): Positive[] {
  const random = chance(seed)
  const all: Positive[] = []
  const add = (kind: string, before: string, secret: string, after: string): void => {
    const lead = random.pick(['', 'Note from the migration.\n\n', '# Setup\n'])
    all.push({ kind, text: `${lead}${before}${secret}${after}`, secret, start: lead.length + before.length })
  }
  for (const [kind, make] of Object.entries(TOKENS)) {
    for (let i = 0; i < perKind; i++) {
      const token = make(random)
      const text = random.pick(SETTINGS)(token)
      const start = text.indexOf(token)
      add(kind, text.slice(0, start), token, text.slice(start + token.length))
    }
  }
  for (const [kind, make] of Object.entries(CONTEXTS)) {
    for (let i = 0; i < perKind; i++) {
      const { before, secret, after } = make(random)
      const quote = /["']$/.exec(before)?.[0] ?? ''
      add(kind, before, secret, after ?? quote)
    }
  }
  return all
}

/** How many kinds `positives` has. */
export const KINDS = Object.keys(TOKENS).length + Object.keys(CONTEXTS).length

function pem(_random: Chance, label: string, body: string, labels = ''): string {
  const lines = body.match(/.{1,64}/g) ?? []
  const dashes = '-'.repeat(5)
  return `${dashes}BEGIN ${label}${dashes}\n${labels}${lines.join('\n')}\n${dashes}END ${label}${dashes}\n`
}

function openssh(random: Chance): string {
  const head =
    'openssh-key-v1\0\0\0\0\u0004none\0\0\0\u0004none\0\0\0\0\0\0\0\u0001\0\0\u00003\0\0\0\u000bssh-ed25519\0\0\0 '
  return base64(head + bytes(random, 180))
}

/** As people choose them: words with digits and a sign, or drawn by a manager. */
function password(random: Chance): string {
  return random.pick([
    () => strongPassword(random),
    () => random.text(BASE62, 14 + random.below(8)),
    () =>
      `${random.pick(['winter', 'Bicycle', 'tango', 'Orchid'])}${random.text(DIGITS, 3)}${random.pick(['!', '#', '$', '%21'])}`,
    () =>
      `${random.pick(['correct', 'purple', 'seven'])}-${random.pick(['horse', 'kettle'])}-${random.text(DIGITS, 3)}`,
  ])()
}

function strongPassword(random: Chance): string {
  return `${random.pick(['Tr0ub', 'Zeppelin', 'k9Quartz', 'mY8ird'])}${random.pick(['&', '!', '#', '%'])}${random.text(BASE62, 5)}7`
}
