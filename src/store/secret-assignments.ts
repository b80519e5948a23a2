// Secrets without a format of their own, found by the name they stand next to: `password: …`, `API_KEY=…`, `"token": "…"`.

import { isDrawnUuid, isReference, looksLikePassword, looksRandom } from './secret-shapes'

export interface Assigned {
  rule: 'password' | 'named-secret'
  start: number
  end: number
}

/** The core of a name that says secret. Group 1: chosen by a person; group 2: only a secret behind one of `KEYS`. */
const NAME =
  /(pass(?!ed|es|ing|ion|ive)|pwd?(?![a-z])|kennwort)|secret(?:[-_ ]?(?:access[-_ ]?)?key)?|token|credential|creds|bearer|auth(?!or(?!i[sz]))|(key)/gi
const NOT_PASSWORD = /(?:by|com|sur|tres|ex)$/i
const KEYS = /(?:api|access|account|private|encryption|signing|master|service|license|client)[-_ .]?$|[a-z0-9][-_]$/i
/** The rest of the name, and what closes it: quotes, Markdown emphasis, a bracket. */
const NAME_END = /([\w.-]{0,24}?)(?:\\{0,2}["'`]|\*{1,2}|__|\]){0,3}(?=[\s:=|>,→]|\*\*)/y
/**
 * What joins a name to its value: a sign; the attribute of an XML element; words or a dash of a sentence (group 1); mere white
 * space (group 2); the comma between two strings (group 3). Then the scheme of an HTTP header.
 */
const JOIN = new RegExp(
  [
    String.raw`(?:[ \t]{0,8}(?:: ?&?[A-Za-z]{2,12} =|=>|:=|==?|\||→|:(?:\*\*|__)?)[ \t]{0,8}\n?[ \t]{0,8}|>`,
    String.raw`[ \t]{1,4}value=(?=["'])`,
    String.raw`[ \t]{1,4}((?:is|was|are|ist|lautet)(?: now)?:?|[–—-])[ \t]{1,4}`,
    String.raw`([ \t]{1,4})`,
    String.raw`(,)[ \t]{0,4}(?=\\{0,2}["'${'`'}]))(?:(?:bearer|basic|(?:api-?)?token|apikey)[ \t]{1,4})?`,
  ].join('|'),
  'iy',
)
const QUOTED = /(?:[brfu@]|\*\*)?(\\{0,2}["'`])/iy
const BARE = /[^\s"'`<>()[\]{},;|\\]{6,256}/y
const WORD = /^(?:[A-Za-z]?[a-z_.:=-]*|[A-Z_.:=-]*)$/

/** Names of something about a secret end like this; those of what everybody may know begin like that. */
const ABOUT =
  /(?:^|[_.-])(?:ids?|hash(?:ed|es)?|sha\d*|digest|checksum|fingerprint|ur[il]|name|path|file|dir|folder|counts?|limit|len(?:gth)?|size|types?|kind|ttl|age|expir\w*|version|regex|pattern|policy|rule|scann\w*|manager|provider|ref|arn|label|field|column|prefix|suffix|format|rotation|budget|usage|audience|per\w*)$/i
const PUBLIC =
  /(?:^|[^A-Za-z])(?:pub|public|next|prev|page|continuation|cursor|[cx]srf|publishable|anon|known)[-_ .]*$|arn:[\w:/-]{1,24}$/i
const PUBLIC_KEY =
  /(?:^|[^A-Za-z])(?:primary|foreign|cache|idempotency|partition|sort|shard|routing|index|object|lookup|dedup\w*|site|host|recv|gpg|ssh)[-_ .]*$/i
/** Names under which a UUID is a secret. */
const UUID_KEYS = /(?:secret|key|(?:auth|api|access)[-_]?token|authorization|credentials?)[\w.-]{0,24}$/i
/** An option of a command, or an instruction that sets a variable: white space joins name and value. */
const SETTER = /(?:(?:^|\s)--?[\w-]{0,24}|\b(?:ENV|ARG|setx?|export)\s+\w{0,24})$/

/** How often names inside one value are looked at; more would make `token=token=token=…` costly. */
const MAX_NESTED = 2

/** Values next to names that say secret, in the order of the text. Linear: each look at a name is bounded. */
export function findAssigned(text: string): Assigned[] {
  const found: Assigned[] = []
  let seenTo = 0
  let nested = 0
  NAME.lastIndex = 0
  for (let match = NAME.exec(text); match !== null; match = NAME.exec(text)) {
    const name = {
      start: match.index,
      end: NAME.lastIndex,
      password: match[1] !== undefined,
      key: match[2] !== undefined,
    }
    const value = valueOfName(text, name)
    if (value === null) continue
    nested = name.start < seenTo ? nested + 1 : 0
    seenTo = value.end
    const rule = nested > MAX_NESTED ? null : judge(text, name, value)
    if (rule !== null) found.push({ rule, start: value.start, end: value.end })
    if (rule !== null || nested > MAX_NESTED) NAME.lastIndex = value.end
  }
  return found
}

/** A word of prose or a plain name: neither a password nor a key. */
function isWord(text: string): boolean {
  return text.length < 40 && WORD.test(text)
}

interface Name {
  start: number
  end: number
  password: boolean
  key: boolean
}

interface Value {
  text: string
  start: number
  end: number
  quoted: boolean
  /** Name and value are words of a sentence, or items of a list. */
  loose: boolean
  /** Nothing but white space joins them. */
  spaced: boolean
}

/** What a name is joined to; null when that is nothing, a sentence, or a call. */
function valueOfName(text: string, name: Name): Value | null {
  NAME_END.lastIndex = name.end
  if (!NAME_END.test(text)) return null
  JOIN.lastIndex = NAME_END.lastIndex
  const join = JOIN.exec(text)
  if (join === null) return null
  const spaced = join[2] !== undefined
  const shape = { loose: spaced || join[1] !== undefined || join[3] !== undefined, spaced }

  const start = JOIN.lastIndex
  QUOTED.lastIndex = start
  const quote = QUOTED.exec(text)
  if (quote !== null) {
    const inside = text.slice(QUOTED.lastIndex, QUOTED.lastIndex + 257)
    const length = inside.indexOf(quote[1] ?? '')
    const value = inside.slice(0, length)
    if (length < 6 || isWord(value) || /\s/.test(value)) return null
    return { ...shape, text: value, start: QUOTED.lastIndex, end: QUOTED.lastIndex + length, quoted: true }
  }
  BARE.lastIndex = start
  const bare = BARE.exec(text)?.[0]
  if (bare === undefined || isWord(bare)) return null
  // What a bracket follows is a call, an index, a type or an arrow; `</` closes an XML element.
  if (/^(?:[([{>]|<[^/])/.test(text.slice(start + bare.length, start + bare.length + 2))) return null
  // The next field of a form or query, and the end of a sentence, are no part of it.
  const value = bare.replace(/&[\w.-]+=.*/, '').replace(/[.,:*]+$/, '')
  return { ...shape, text: value, start, end: start + value.length, quoted: false }
}

function judge(text: string, name: Name, value: Value): Assigned['rule'] | null {
  // Arithmetic first: it settles most values, and costs less than a look around.
  const random = looksRandom(value.text)
  const uuid = !random && isDrawnUuid(value.text)
  if (!random && !uuid && !looksLikePassword(value.text, true)) return null

  const before = text.slice(Math.max(0, name.start - 30), name.start)
  const rest = /^[\w.-]{0,24}/.exec(text.slice(name.end, name.end + 24))?.[0] ?? ''
  const whole = text.slice(name.start, name.end) + rest
  if (name.password && NOT_PASSWORD.test(before)) return null
  if (name.key && (!KEYS.test(before) || PUBLIC_KEY.test(apart(before)))) return null
  if (ABOUT.test(apart(whole)) || PUBLIC.test(apart(before)) || isReference(value.text)) return null

  const spaced = value.spaced && !SETTER.test(before)
  if (name.password) return !spaced && (random || isPassword(text, value)) ? 'password' : null
  if (uuid) return UUID_KEYS.test(before + whole) ? 'named-secret' : null
  // Next to a word of prose stand commit ids, too.
  if (random) return spaced && /^(?:0x)?[0-9a-f]+$|^.{0,23}$/i.test(value.text) ? null : 'named-secret'
  // `secret: "…"`: named like a key, chosen like a password.
  return value.quoted && !value.spaced && !name.key && looksLikePassword(value.text, false) ? 'password' : null
}

/** `nextPageToken` → `next_Page_Token`. */
function apart(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
}

/** Is a value that could be a password one, given where it stands? */
function isPassword(text: string, value: Value): boolean {
  if (value.spaced || (value.quoted && !value.loose)) return true
  // A path through objects is code, and so is what doesn't end its line.
  const ends = /^[ \t]*(?:$|[\r\n;&|])/.test(text.slice(value.end, value.end + 40))
  const path = /^!*[A-Za-z_$][\w$]*(?:(?:\??\.|->|::)[A-Za-z_$][\w$]*)+$/.test(value.text)
  const clear = !value.quoted && !value.loose && ends && !path
  return clear || looksLikePassword(value.text, false)
}
