// Does a string look drawn at random, chosen as a password, or made up for a document? Only arithmetic and word lists.

/**
 * What people write where a token would stand. Four letters of one word turn up in 1 of 30,000 random tokens. The last is
 * the payload of the example on jwt.io, which half of all documents quote.
 */
const INVENTED =
  /example|sample|placeholder|change.?me|dummy|fake|redact|your|insert|replace|xxxx|qwerty|deadbeef|\.\.\.|eyJzdWIiOiIxMjM0NTY3ODkw/i

/** What people write where a password would stand; none of these words protects anything. */
const WEAK_WORDS = new RegExp(
  [
    'pass(?:word|wd|phrase|code)?|passw0rd|passwort|pwd|credentials?|secret|token|api|key|value|string|change(?:me|it)?',
    'example|sample|dummy|fake|mock|placeholder|redacted|removed|hidden|masked|foo|bar|baz|test(?:ing|er)?|demo|enter',
    'insert|replace|your|here|with|this|some|new|old|the|my|me|admin|root|user(?:name)?|guest|default|login|none|null',
    'undefined|true|false|required|optional|local(?:host)?|dev|prod|staging|database|db|postgres(?:ql)?|mysql|mongo(?:db)?',
    'redis|rabbitmq|app|argon2(?:id?)?|bcrypt|scrypt|pbkdf2|sha\\d+|md5|oauth2?|base64|utf8|abc|xyz|qwerty|x{3,}',
  ].join('|'),
  'gi',
)

/** How often each character was seen; all zero between two calls of `entropy`. */
const seen = new Uint16Array(256)

/** Shannon entropy in bits per character, of the first 4,096. Characters beyond Latin-1 count as one. */
export function entropy(text: string): number {
  const length = Math.min(text.length, 4096)
  const codeAt = (i: number): number => Math.min(text.charCodeAt(i), 255)
  for (let i = 0; i < length; i++) seen[codeAt(i)] = (seen[codeAt(i)] ?? 0) + 1
  let weighted = 0
  for (let i = 0; i < length; i++) {
    const count = seen[codeAt(i)] ?? 0
    if (count > 1) weighted += count * Math.log2(count)
    seen[codeAt(i)] = 0
  }
  return length === 0 ? 0 : Math.log2(length) - weighted / length
}

/**
 * Mean length of the words in a string, cut at changes of case and between letters and digits. Measured: random base62
 * of 20 characters and more has 1.9, in 99 of 100 cases below 3.3; identifiers and slugs have 3.4 and more.
 */
function wordLength(text: string): number {
  const words = text.match(/[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g) ?? []
  return words.length === 0 ? text.length : words.reduce((sum, word) => sum + word.length, 0) / words.length
}

/** `123456`, `abcdef`, `000000`: six characters, each the next one or each the same. */
function isRow(text: string): boolean {
  let rising = 1
  let same = 1
  for (let i = 1; i < text.length; i++) {
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1)
    rising = step === 1 ? rising + 1 : 1
    same = step === 0 ? same + 1 : 1
    if (rising >= 6 || same >= 6) return true
  }
  return false
}

/**
 * Is the random part of a token filler (`xxxxxxxx`, `1234567890`, `EXAMPLE`) instead of a real one? Measured: of real parts
 * with 16 characters and more, fewer than 1 in 2,000 are taken for filler.
 */
export function looksInvented(body: string): boolean {
  return isRow(body) || entropy(body) < (body.length < 20 ? 2.3 : 2.8) || INVENTED.test(body)
}

/** `looksInvented`, and for alphabets with both cases and digits also words run together: `thisIsNotARealToken`. */
export function looksWorded(body: string): boolean {
  return looksInvented(body) || /^(?:[a-z_-]+|[A-Z_-]+)$/.test(body) || (/[A-Z]/.test(body) && wordLength(body) > 4.2)
}

/**
 * Does a string next to a word such as `secret` look like a key? Hexadecimal from 32 characters; else from 20 characters
 * with an entropy of 0.78 of what the length allows (4.0 from 35 characters on), and words no longer than chance makes them.
 */
export function looksRandom(text: string): boolean {
  if (text.length < 16 || looksInvented(text)) return false
  if (/^(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)$/.test(text))
    return text.length >= 32 && entropy(text) >= 3 && /[a-f]/i.test(text)
  const kinds = characterKinds(text)
  if (text.length < 20) return kinds >= 3 && wordLength(text) <= 2.8 && entropy(text) >= 3.2
  if (entropy(text) < Math.min(4, 0.78 * Math.log2(text.length))) return false
  // One case, no separators: base32 and base36, whose runs of letters are longer.
  if (/^(?:[a-z0-9]+|[A-Z0-9]+)=*$/.test(text)) return (text.match(/\d/g) ?? []).length >= 2 && wordLength(text) <= 8
  const mixed = /[a-z]/.test(text) && /[A-Z]/.test(text)
  return (mixed || kinds >= 3) && wordLength(text) <= 3.3
}

/** How many of lower case, upper case, digits and symbols there are. Separators of names and paths are no symbols. */
function characterKinds(text: string): number {
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9\s._:/-]/].filter((kind) => kind.test(text)).length
}

/**
 * Was it chosen as a password? `clear`: it stands where only a password can stand (in quotes, in a line of an env file),
 * so letters with a digit or symbol do. Otherwise it must be as mixed as no word of a sentence is.
 */
export function looksLikePassword(text: string, clear: boolean): boolean {
  if (text.length < (clear ? 7 : 8) || text.length > 128) return false
  const kinds = characterKinds(text)
  return kinds >= (clear ? 2 : 3) && isMixed(text, clear) && !isWeakPassword(text)
}

function isMixed(text: string, clear: boolean): boolean {
  if (!/[a-z]/i.test(text)) return clear && text.length >= 8
  if (!clear) return wordLength(text) <= 3.3 || /[!@#$%^&*+?~]/.test(text)
  return /[0-9]|[^A-Za-z0-9\s._:/'-]/.test(text) || (text.length >= 12 && wordLength(text) <= 2.6)
}

/** Nothing but well-known words, counting and repetition: `changeme`, `my-secret-123`, `********`. */
export function isWeakPassword(text: string): boolean {
  const rest = text.replace(WEAK_WORDS, '').replace(/\d*(?:0123|1234|4321|2345)\d*|[^A-Za-z0-9]/g, '')
  return rest.length < 4 || entropy(text) < 1.6
}

/** Is what another scanner took for a credential only what a document writes in its place? Keys of several lines never are. */
export function isFiller(found: string): boolean {
  const password = /:\/\/[^\s/@:]*:(\S+)@/.exec(found)?.[1]
  if (password !== undefined) return isReference(password) || isWeakPassword(password)
  return found.length < 400 && looksInvented(found)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A UUID that somebody drew: not all zeroes, not counting. */
export function isDrawnUuid(text: string): boolean {
  return UUID.test(text) && !looksInvented(text.replaceAll('-', ''))
}

/** Is it the name of a value instead of the value: `${TOKEN}`, `$PASS`, `<token>`, `{{ x }}`, `%s`, `process.env.X`, a path? */
export function isReference(text: string): boolean {
  return (
    /^(?:\$[{(]|\$[A-Za-z_]\w*$|%\w*%?$|%\(|[{<[]|@[\w.]+@?$|#\{)/.test(text) ||
    /@sha\d+:|\$\{|\{\{|\(\)|\.\.\.|…|\*\*\*|•|<[\w -]+>/.test(text) ||
    /^(?:process\.env|os\.environ|env|secrets?|vars?|config|settings|self|this|vault|op|ssm)[.:[]/i.test(text) ||
    /^(?:\.{0,2}\/(?:[a-z.~]|Users\/|Library\/)|~\/|[A-Za-z]:\\|[a-z][a-z0-9+.-]{1,20}:\/\/|data:|arn:|urn:|sha\d+[-:]|ssh-|ecdsa-|AAAA[BCE][23]NzaC)/.test(
      text,
    )
  )
}
