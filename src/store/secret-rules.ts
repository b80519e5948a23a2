// The formats of credentials that their makers publish. One row per kind; a new row needs one in tests/secrets-corpus too.
//
// To stay linear on hostile input, a quantifier is bounded, or its class holds no start of another match.

import {
  isReference,
  isWeakPassword,
  looksInvented,
  looksLikePassword,
  looksRandom,
  looksWorded,
} from './secret-shapes'

export interface Rule {
  id: string
  /** Literal strings; every match holds one of them. They are quick to look for and spare most texts the pattern. */
  hints: readonly string[]
  /** Global, with two groups: what may be shown (the public prefix), and what was drawn at random. */
  pattern: RegExp
  /** Says whether the random part is a real one and not filler. */
  real: (body: string) => boolean
}

const ALNUM = '[A-Za-z0-9]'
const WORD = '[\\w-]'
const HEX = '[0-9a-f]'
const BASE64 = '[A-Za-z0-9+/]'
/** Between two lines of a key: white space, quotes, comment signs, and the `\\` of an escaped line break. */
const GAP = '[\\s\\\\"\'`|>#*.,]'

const drawn = (body: string): boolean => !looksInvented(body)
const mixed = (body: string): boolean => !looksWorded(body)
/** For bodies that begin with public numbers or a header: the part behind the last separator is the secret. */
const drawnAfter =
  (separator: string) =>
  (body: string): boolean =>
    drawn(body.slice(body.lastIndexOf(separator) + 1))
/** A key's bytes begin with lengths, which base64 shows as rows of `A`; its start is enough to judge. */
const drawnKey = (body: string): boolean => drawn(body.slice(0, 160).replace(/A{3,}/g, ''))

/** Credentials without white space: looked for in each long word of a text. */
export const TOKEN_RULES: readonly Rule[] = [
  // docs.github.com, "About authentication to GitHub"
  prefixed('github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', `${ALNUM}{36,251}`, mixed),
  prefixed('github-token', 'github_pat_', `${ALNUM}{22}_${ALNUM}{59}`, mixed),
  // docs.gitlab.com, "GitLab token overview"
  prefixed(
    'gitlab-token',
    'glpat- gldt- glrt- glrtr- glptt- glcbt- glsoat- glft- glimt- glagent- gloas- glffct- GR1348941',
    `${WORD}{20,300}(?:\\.${WORD}{2,9}){0,2}`,
    mixed,
  ),
  // docs.aws.amazon.com, "Unique identifiers" of IAM
  prefixed('aws-access-key-id', 'AKIA ASIA ABIA ACCA', '[A-Z0-9]{16}', drawn),
  prefixed('google-api-key', 'AIza', `${WORD}{35}`, mixed),
  prefixed('google-oauth', 'GOCSPX- ya29.', `${WORD}{24,500}`, mixed),
  prefixed('azure-key', 'AccountKey= SharedAccessKey= AccessKey=', '[A-Za-z0-9+/]{43,88}={1,2}', drawn),
  special('azure-signature', 'sig=', /([?&]sig=)([A-Za-z0-9%+/]{43,80}(?:%3D|=)?)/g, drawn),
  special('azure-client-secret', 'Q~', /(?<![\w.~-])([\w.~]{3}\dQ~)([\w.~-]{31,34})(?![\w~-])/g, mixed),
  prefixed('digitalocean-token', 'dop_v1_ doo_v1_ dor_v1_', `${HEX}{64}`, drawn),
  prefixed('heroku-key', 'HRKU-', `${WORD}{36,70}`, drawn),
  prefixed('databricks-token', 'dapi', `${HEX}{32}(?:-\\d)?`, drawn),
  prefixed('vault-token', 'hvs. hvb. hvr.', `${WORD}{24,300}`, mixed),
  special('terraform-token', '.atlasv1.', /(?<![\w-])([A-Za-z0-9]{14}\.atlasv1\.)([\w-]{60,80})(?![\w-])/g, mixed),
  prefixed('platform-token', 'pul- sbp_', `${HEX}{40}`, drawn),
  prefixed(
    'platform-token',
    'pscale_tkn_ pscale_pw_ pscale_oauth_ sb_secret_ glsa_ fo1_ fm2_',
    `${WORD}{31,600}`,
    looksRandom,
  ),
  special('platform-token', 'dp.', /(?<![\w.-])(dp\.(?:pt|st|ct|sa|scim|audit)\.)([\w.-]{40,80})/g, looksRandom),

  prefixed('anthropic-key', 'sk-ant-', `${WORD}{40,400}`, mixed),
  // OpenAI, and those that took over its prefix (DeepSeek, OpenRouter, LiteLLM)
  prefixed('openai-key', 'sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-', `${WORD}{20,400}`, looksRandom),
  prefixed('huggingface-token', 'hf_ api_org_', `${ALNUM}{30,60}`, mixed),
  prefixed('model-service-key', 'gsk_ pplx- r8_ xai- nvapi- tgp_v1_ csk- jina_ fw_', `${WORD}{24,120}`, looksRandom),

  prefixed('npm-token', 'npm_', `${ALNUM}{36}`, mixed),
  prefixed('pypi-token', 'pypi-AgE', `${WORD}{40,400}`, mixed),
  prefixed('rubygems-key', 'rubygems_', `${HEX}{48}`, drawn),
  prefixed('registry-token', 'cio oy2 CLOJARS_', `${ALNUM}{32,60}`, looksRandom),
  prefixed('docker-token', 'dckr_pat_ dckr_oat_', `${WORD}{27,40}`, mixed),

  prefixed(
    'slack-token',
    'xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs- xapp-',
    '[\\w.%-]{20,400}',
    drawnAfter('-'),
  ),
  special(
    'slack-webhook',
    'hooks.slack.com/',
    /(hooks\.slack\.com\/[a-z]{8,10}\/)([A-Za-z0-9/]{30,120})/g,
    drawnAfter('/'),
  ),
  prefixed('stripe-key', 'sk_live_ rk_live_ pk_prod_ sk_prod_ rk_prod_ whsec_', '[A-Za-z0-9+/]{16,250}', mixed),
  prefixed('twilio-key', 'SK', `${HEX}{32}`, drawn),
  special('sendgrid-key', 'SG.', /(?<![\w-])(SG\.)([\w-]{16,32}\.[\w-]{32,64})(?![\w-])/g, mixed),
  special('mailgun-key', 'key-', /(?<![\w-])(key-)([0-9a-f]{32})(?!\w)/g, drawn),
  prefixed('brevo-key', 'xkeysib-', `${HEX}{64}-${ALNUM}{16}`, drawn),
  special('mailchimp-key', '-us', /(?<![A-Za-z0-9])()([0-9a-f]{32}-us\d{1,2})(?!\w)/g, drawn),
  // core.telegram.org/bots/api, "Authorizing your bot"
  special('telegram-token', ':AA', /(?<!\d)(\d{8,10}:)(AA[\w-]{33})(?![\w-])/g, mixed),
  // The first part is the base64 of a decimal number, which begins with one of these pairs.
  special(
    'discord-token',
    'MD MT Mj Mz ND NT Nj Nz OD OT',
    /(?<![\w-])([MNO])([\w-]{22,27}\.[\w-]{6}\.[\w-]{27,38})(?![\w-])/g,
    looksRandom,
  ),
  special(
    'discord-webhook',
    '/api/webhooks/',
    /(discord(?:app)?\.com\/api\/webhooks\/)(\d{17,20}\/[\w-]{60,80})/g,
    drawnAfter('/'),
  ),
  prefixed('shopify-token', 'shpat_ shpca_ shppa_ shpss_ shpua_', '[0-9a-fA-F]{32}', drawn),
  prefixed('square-token', 'sq0atp- sq0csp- sq0idp- EAAA', `${WORD}{22,64}`, looksRandom),
  prefixed('linear-key', 'lin_api_ lin_oauth_', `${ALNUM}{32,64}`, mixed),
  prefixed('notion-token', 'ntn_ secret_', `${ALNUM}{43,50}`, mixed),
  prefixed('atlassian-token', 'ATATT3 ATCTT3 ATBB', '[\\w=-]{28,400}', mixed),
  prefixed('postman-key', 'PMAK-', `${HEX}{24}-${HEX}{34}`, drawn),
  prefixed('airtable-token', 'pat', `${ALNUM}{14}\\.${HEX}{64}`, drawn),
  prefixed('work-tool-token', 'figd_ tfp_ NRAK- NRJS- sntrys_ sntryu_ sgp_ pnu_', '[\\w=+/-]{19,400}', looksRandom),
  prefixed('1password-token', 'ops_eyJ', `${WORD}{100,4000}`, drawn),
  prefixed('1password-key', 'A3-', '[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}', drawn),

  // RFC 7519
  special('jwt', 'eyJ', /(?<![\w-])(eyJ)([\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{16,2000})/g, isSigned),
  // The inside of an OpenSSH key, when its first and last line were left off
  special('private-key', 'b3BlbnNzaC1rZXkt', /(b3BlbnNzaC1rZXkt)([A-Za-z0-9+/]{40,8000})/g, drawnKey),
  // base64 of `-----BEGIN `, then of `PRIVATE`, `RSA PRIVATE`, `EC PRIVATE`, `OPENSSH`, `ENCRYPTED`: kubeconfig, CI variables
  special(
    'private-key',
    'LS0tLS1CRUdJTi',
    /(LS0tLS1CRUdJTi)((?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU)[A-Za-z0-9+/]{60,12000})/g,
    drawnKey,
  ),
  // age-encryption.org/v1: Bech32, in capitals
  prefixed('age-secret-key', 'AGE-SECRET-KEY-1 AGE-SECRET-KEY-PQ-1', '[02-9AC-HJ-NP-Z]{58,120}', drawn),
  // RFC 3986 userinfo under any scheme: https, postgres, mongodb+srv, redis, amqp. A digest after "@" is a container image.
  special(
    'url-password',
    '://',
    /((?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@:"'`<>]{0,100}:([^\s/?"'`<>]{3,200})@(?!sha\d+:)[\w.[-]/gi,
    (body) => isChosen(body) && !/^[\d.]+$/.test(body),
  ),
]

/** Credentials over several words or lines: looked for in the whole text. */
export const TEXT_RULES: readonly Rule[] = [
  // RFC 7468, OpenSSH's PROTOCOL.key, RFC 4880 armour: the first line, labels, the lines with what may stand between them
  // (`\n`, quotes, `> `), and the last line when it is there.
  {
    id: 'private-key',
    hints: ['PRIVATE KEY'],
    pattern: new RegExp(
      `(-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5})((?:${GAP}|[A-Za-z-]{3,20}: [^\\n\\\\]{1,80}[\\n\\\\]){0,60}` +
        `${BASE64}{16,}={0,2}(?:${GAP}{1,40}${BASE64}{16,}={0,2}){0,400}` +
        `(?:(?:${GAP}{1,40}[A-Za-z0-9+/=]{1,80}){0,3}${GAP}{0,40}-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5})?)`,
      'g',
    ),
    real: holdsKeyLine,
  },
  // PuTTY's format (PPK)
  special('private-key', 'Private-Lines:', /(Private-Lines: )(\d{1,3}\s{1,8}[A-Za-z0-9+/=]{40,64})/g, holdsKeyLine),
  // RFC 7517: "d" of a JSON Web Key is private, whether RSA or elliptic curve
  special('private-key', '"kty"', /("d"\s{0,4}:\s{0,4}")([\w-]{40,1000})"/g, drawn),
  special(
    'netrc',
    'login',
    /\b(machine)\s{1,8}\S{1,200}\s{1,8}login\s{1,8}\S{1,200}\s{1,8}password\s{1,8}(\S{4,200})/g,
    isChosen,
  ),
  special(
    'command-password',
    'curl wget',
    /(?<=\s)(-u ?|--user[ =]{1,2})["']?[\w.@+-]{0,64}:["']?([^\s"']{6,128})/g,
    isTyped,
  ),
  special(
    'command-password',
    'mysql mariadb login sshpass',
    /\b(mysql\w{0,10}|mariadb|login|sshpass)\b[^\n]{0,100}?\s-p ?["']?([^\s"']{6,128})/g,
    isTyped,
  ),
  special(
    'command-password',
    'requirepass masterauth',
    /\b((?:requirepass|masterauth) )["']?([^\s"']{6,128})/g,
    isTyped,
  ),
]

/** One of the prefixes, then the body, and neither before nor after it a character that the body may hold. */
function prefixed(id: string, prefixes: string, body: string, real: (body: string) => boolean): Rule {
  const hints = prefixes.split(' ')
  const outside = body.includes('\\w') ? '[\\w-]' : ALNUM
  const either = hints.map((prefix) => prefix.replaceAll('.', '\\.')).join('|')
  return { id, hints, pattern: new RegExp(`(?<!${outside})(${either})(${body})(?!${outside})`, 'g'), real }
}

function special(id: string, hints: string, pattern: RegExp, real: (body: string) => boolean): Rule {
  return { id, hints: hints.split(' '), pattern, real }
}

function isChosen(password: string): boolean {
  return !isReference(password) && !isWeakPassword(password)
}

/** The signature is drawn, and the payload is not that of the example on jwt.io. */
function isSigned(body: string): boolean {
  return drawnAfter('.')(body) && drawn(body.slice(body.indexOf('.') + 1, body.indexOf('.') + 41))
}

function isTyped(password: string): boolean {
  return !isReference(password) && looksLikePassword(password, true)
}

/** At least one whole line of a key stands among what surrounds it. */
function holdsKeyLine(body: string): boolean {
  const line = /[A-Za-z0-9+/]{40,}/.exec(body)
  return line !== null && drawnKey(line[0])
}
