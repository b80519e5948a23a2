// The six forms of acceptance predicate, one line each: text to value and back. Evaluating them is another module's work.

import type { Json } from '../store/schema'

/** A shell-like pattern over paths of the repository: slashes, relative to its root. */
export type Glob = string

const OPS = ['==', '!=', '<', '<=', '>', '>=', 'in'] as const
export type ValueOp = (typeof OPS)[number]

/** A regex as it stands in a predicate: JavaScript's source, and flags of i, m, s. Nothing here bounds its running time. */
export interface Regex {
  pattern: string
  flags: string
}

/** What a predicate asks. */
export type Question =
  | { form: 'exit'; code: number; command: string }
  | ({ form: 'output'; negated: boolean; command: string } & Regex)
  | { form: 'path'; check: 'exists' | 'absent' | 'nonempty'; glob: Glob }
  | { form: 'path'; check: 'sha256'; hex: string; file: string }
  | ({ form: 'text'; glob: Glob; count: { op: '>=' | '=='; n: number } | 'absent' } & Regex)
  | { form: 'value'; source: { file: string } | { command: string }; pointer: string; op: ValueOp; literal: Json }
  | { form: 'diff'; check: 'within' | 'touches'; globs: Glob[] }
  | { form: 'diff'; check: 'max'; lines: number }

/**
 * `red`: it must fail at the base of the leaf. `text`: the line in its canonical spelling, so equal predicates have
 * equal texts.
 */
export type Predicate = Question & { red: boolean; text: string }

/** Why a line is no predicate: one sentence or two. */
export interface Problem {
  problem: string
}

/** Longest line, in UTF-16 units: longer checks belong in a script of the repository. */
export const MAX_PREDICATE = 4096

/** Deepest nesting of a literal. */
const MAX_DEPTH = 32

/** Control characters, and those that make a line read otherwise than it runs. */
const UNSAFE = /(?!\t)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u

const SIX_FORMS =
  'Write one of: `exit 0 : <command>`, `out /re/ : <command>`, `path exists <glob>`, `text /re/ in <glob> >=1`, ' +
  '`value <file> /pointer == <literal>`, `diff within <globs>`.'

const FORMS: Record<string, (rest: string) => Question | Problem> = {
  exit: readExit,
  out: readOutput,
  path: readPath,
  text: readText,
  value: readValue,
  diff: readDiff,
}

/**
 * Reads a predicate: its line (backticks around it don't count, ` @red` behind it does), or the object that
 * `predicateJson` gives. Prose is refused with a sentence that shows the six forms.
 */
export function parsePredicate(given: string | Record<string, unknown>): Predicate | Problem {
  if (typeof given !== 'string') return readJson(given)
  const line = withoutBackticks(given.trim())
  const unfit = unfitLine(line)
  if (unfit !== null) return no(unfit)
  const red = / @red$/.test(line)
  const body = red ? line.slice(0, -5).trimEnd() : line
  const [word = ''] = body.split(/[\s:]/, 1)
  if (word === 'manual') return no(`\`manual:\` is not a predicate, because no program can check it. ${SIX_FORMS}`)
  const read = Object.hasOwn(FORMS, word) ? FORMS[word] : undefined
  if (read === undefined) return no(`This is prose, not a predicate. ${SIX_FORMS}`)
  const question = read(body.slice(word.length).trim())
  return 'problem' in question ? question : complete(question, red)
}

/** The canonical line of a predicate: what `parsePredicate` reads back as the same. */
export function formatPredicate(predicate: Question & { red: boolean }): string {
  return `${formatQuestion(predicate)}${predicate.red ? ' @red' : ''}`
}

/** The JSON twin: everything but `text`. */
export function predicateJson(predicate: Predicate): Record<string, Json> {
  const { text: _, ...rest } = predicate
  return JSON.parse(JSON.stringify(rest)) as Record<string, Json>
}

/** The shell command that evaluating it would run, exactly; null when it runs none. */
export function commandOf(predicate: Question): string | null {
  if (predicate.form === 'exit' || predicate.form === 'output') return predicate.command
  if (predicate.form === 'value' && 'command' in predicate.source) return predicate.source.command
  return null
}

/** The regex of a predicate; its pattern was compiled once when it was read, so this does not throw. */
export function regexOf({ pattern, flags }: Regex): RegExp {
  return new RegExp(pattern, flags)
}

function no(problem: string): Problem {
  return { problem }
}

function complete(question: Question, red: boolean): Predicate | Problem {
  const text = formatPredicate({ ...question, red })
  return text.length > MAX_PREDICATE ? no(TOO_LONG) : { ...question, red, text }
}

const TOO_LONG = `A predicate has at most ${MAX_PREDICATE} characters. Put a longer check into a script and call that.`

function unfitLine(line: string): string | null {
  if (line.length > MAX_PREDICATE) return TOO_LONG
  if (UNSAFE.test(line)) return 'A predicate is one line without control characters or marks that change its direction.'
  return null
}

/** `` `exit 0 : npm test` `` as people write it in Markdown. */
function withoutBackticks(line: string): string {
  let ticks = 0
  while (line[ticks] === '`' && ticks * 2 < line.length) ticks++
  return ticks > 0 && line.endsWith('`'.repeat(ticks)) ? line.slice(ticks, -ticks).trim() : line
}

function formatQuestion(q: Question): string {
  switch (q.form) {
    case 'exit':
      return `exit ${q.code} : ${q.command}`
    case 'output':
      return `out ${q.negated ? '!' : ''}/${q.pattern}/${q.flags} : ${q.command}`
    case 'path':
      return q.check === 'sha256' ? `path sha256=${q.hex} ${q.file}` : `path ${q.check} ${q.glob}`
    case 'text':
      return `text /${q.pattern}/${q.flags} in ${q.glob} ${q.count === 'absent' ? 'absent' : `${q.count.op}${q.count.n}`}`
    case 'value': {
      const source = 'command' in q.source ? `$(${q.source.command})` : q.source.file
      return `value ${source} ${q.pointer === '' ? '""' : q.pointer} ${q.op} ${JSON.stringify(q.literal)}`
    }
    case 'diff':
      return q.check === 'max' ? `diff max ${q.lines} lines` : `diff ${q.check} ${q.globs.join(', ')}`
  }
}

function readExit(rest: string): Question | Problem {
  const [, code, command] = /^(\d{1,3})\s*:\s*(\S.*)$/.exec(rest) ?? []
  if (code === undefined || command === undefined)
    return no('Write `exit <code> : <command>`, as in `exit 0 : npm test`.')
  if (Number(code) > 255) return no('An exit code is a number from 0 to 255.')
  return { form: 'exit', code: Number(code), command }
}

function readOutput(rest: string): Question | Problem {
  const negated = rest.startsWith('!')
  const regex = readRegex(negated ? rest.slice(1) : rest)
  if ('problem' in regex) return regex
  const [, command] = /^\s*:\s*(\S.*)$/.exec(regex.rest) ?? []
  if (command === undefined) return no('Write `out /re/ : <command>` or `out !/re/ : <command>`.')
  return { form: 'output', pattern: regex.pattern, flags: regex.flags, negated, command }
}

function readPath(rest: string): Question | Problem {
  const [, check, path] = /^(\S+)\s+(\S.*)$/.exec(rest) ?? []
  if (check === undefined || path === undefined) {
    return no('Write `path exists <glob>`, `path absent <glob>`, `path nonempty <glob>` or `path sha256=<hex> <file>`.')
  }
  const unfit = unfitPath(path)
  if (unfit !== null) return no(unfit)
  if (check === 'exists' || check === 'absent' || check === 'nonempty') return { form: 'path', check, glob: path }
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(check) ?? []
  if (hex !== undefined) return { form: 'path', check: 'sha256', hex: hex.toLowerCase(), file: path }
  return no(`"${check}" is no check of paths: use exists, absent, nonempty or sha256=<64 hex digits>.`)
}

function readText(rest: string): Question | Problem {
  const regex = readRegex(rest)
  if ('problem' in regex) return regex
  const [, after] = /^\s+in\s+(\S.*)$/.exec(regex.rest) ?? []
  if (after === undefined)
    return no('Write `text /re/ in <glob>`, and behind it `>=n`, `==n` or `absent` where you need it.')
  const [tail, op, digits] = /(?<!\s)\s+(?:absent|(>=|==)\s*(\d{1,9}))$/.exec(after) ?? []
  const glob = tail === undefined ? after : after.slice(0, -tail.length)
  const unfit = unfitPath(glob)
  if (unfit !== null) return no(unfit)
  const n = Number(digits ?? 1)
  if (op === '>=' && n === 0) return no('`>=0` is true of every text: write `>=1`, `==0` or `absent`.')
  const count = tail !== undefined && op === undefined ? 'absent' : ({ op: op === '==' ? '==' : '>=', n } as const)
  return { form: 'text', pattern: regex.pattern, flags: regex.flags, glob, count }
}

function readDiff(rest: string): Question | Problem {
  const [, check, what] = /^(\S+)\s+(\S.*)$/.exec(rest) ?? []
  if (check === 'max') {
    const [, lines] = /^(\d{1,9})(?:\s+lines?)?$/.exec(what ?? '') ?? []
    return lines === undefined ? no('Write `diff max <n> lines`.') : { form: 'diff', check, lines: Number(lines) }
  }
  if ((check !== 'within' && check !== 'touches') || what === undefined) {
    return no('Write `diff within <globs>`, `diff touches <globs>` or `diff max <n> lines`.')
  }
  const globs = splitGlobs(what)
  for (const glob of globs) {
    const unfit = /\s/.test(glob)
      ? 'Globs of a diff are separated by commas; for a space in a name write `?`.'
      : unfitPath(glob)
    if (unfit !== null) return no(unfit)
  }
  return { form: 'diff', check, globs }
}

/** At commas, but not at those of `{a,b}`. */
function splitGlobs(text: string): string[] {
  const globs: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const sign = text[at]
    if (sign === '{') depth++
    else if (sign === '}') depth = Math.max(0, depth - 1)
    else if (sign === undefined || (sign === ',' && depth === 0)) {
      globs.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return globs
}

function readValue(rest: string): Question | Problem {
  const byCommand = rest.startsWith('$(')
  const words = [...rest.matchAll(/\S+/g)].map((found) => ({ word: found[0], at: found.index }))
  let problem =
    'Write `value <file> <json-pointer> <op> <literal>` or `value $(<command>) <json-pointer> <op> <literal>`.'
  for (const [i, { word: op }] of words.entries()) {
    const before = words[i - 2]
    const pointer = words[i - 1]?.word
    const after = words[i + 1]
    if (!isOp(op) || before === undefined || pointer === undefined || after === undefined) continue
    if (pointer !== '""' && !/^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer)) continue
    const source = rest.slice(0, before.at + before.word.length)
    // A command ends at the first `)` behind which all the rest can be read.
    if (byCommand && !(source.endsWith(')') && source.slice(2, -1).trim() !== '')) continue
    const literal = readLiteral(rest.slice(after.at), op)
    if (typeof literal === 'string') {
      problem = literal
      continue
    }
    const unfit = byCommand ? null : unfitPath(source)
    if (unfit !== null) return no(unfit)
    return {
      form: 'value',
      source: byCommand ? { command: source.slice(2, -1).trim() } : { file: source },
      pointer: pointer === '""' ? '' : pointer,
      op,
      literal: literal.value,
    }
  }
  return no(problem)
}

function isOp(word: unknown): word is ValueOp {
  return OPS.some((op) => op === word)
}

/** The literal, or what is wrong with it. */
function readLiteral(text: string, op: ValueOp): { value: Json } | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'What a value is compared with is a JSON literal: `3`, `"1.0.0"`, `true`, `null`, `["a", "b"]`.'
  }
  return checkLiteral(value, op)
}

function checkLiteral(value: unknown, op: ValueOp): { value: Json } | string {
  if (!isJson(value, MAX_DEPTH)) return `A literal is JSON with finite numbers, at most ${MAX_DEPTH} levels deep.`
  if (op === 'in' && !Array.isArray(value)) return 'Behind `in` stands a list: `in ["a", "b"]`.'
  if (/^[<>]/.test(op) && typeof value !== 'number' && typeof value !== 'string') {
    return `Behind \`${op}\` stands a number or a text.`
  }
  // Once more through JSON, so that -0 and its like have one spelling.
  return { value: JSON.parse(JSON.stringify(value)) as Json }
}

function isJson(value: unknown, depth: number): value is Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth === 0) return false
  return Object.values(value).every((each) => isJson(each, depth - 1))
}

/** A regex literal at the beginning of a text; a slash in a class or behind a backslash doesn't end it. */
function readRegex(text: string): (Regex & { rest: string }) | Problem {
  if (!text.startsWith('/')) return no('Here stands a regex between slashes, as in `/no errors/i`.')
  let inClass = false
  for (let at = 1; at < text.length; at++) {
    const sign = text[at]
    if (sign === '\\') at++
    else if (sign === '[') inClass = true
    else if (sign === ']') inClass = false
    else if (sign === '/' && !inClass) {
      const flags = /^[a-z]*/i.exec(text.slice(at + 1))?.[0] ?? ''
      const regex = checkRegex(text.slice(1, at), flags)
      return 'problem' in regex ? regex : { ...regex, rest: text.slice(at + 1 + flags.length) }
    }
  }
  return no('The regex has no closing slash.')
}

function checkRegex(pattern: string, flags: string): Regex | Problem {
  if (pattern === '') return no('An empty regex matches every text.')
  if (!/^[ims]*$/.test(flags)) return no('A regex may have the flags i, m and s.')
  try {
    const { source, flags: sorted } = new RegExp(pattern, flags)
    return { pattern: source, flags: sorted }
  } catch (error) {
    return no(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

function unfitPath(path: string): string | null {
  if (path === '') return 'A path is missing.'
  if (path.startsWith('/') || path.includes('\\') || path.split('/').includes('..')) {
    return `"${path}" does not name files of this repository: write slashes, relative to its root, without "..".`
  }
  return null
}

/** From the JSON twin: written as a line and read again, so that both have one grammar. */
function readJson(given: Record<string, unknown>): Predicate | Problem {
  const lossy = no('This object is not the JSON form of a predicate, or it says something that no line can say.')
  const { red = false, text: _, ...rest } = given
  if (typeof red !== 'boolean') return lossy
  const regex = typeof rest.pattern === 'string' ? checkRegex(rest.pattern, String(rest.flags ?? '')) : null
  if (regex !== null && 'problem' in regex) return regex
  const question: Record<string, unknown> = { ...rest, ...regex }
  if (question.form === 'value') {
    if (!isOp(question.op)) return lossy
    const literal = checkLiteral(question.literal, question.op)
    if (typeof literal === 'string') return no(literal)
    question.literal = literal.value
  }
  const line = lineOfJson(question)
  if (line === null) return lossy
  const predicate = parsePredicate(red ? `${line} @red` : line)
  if ('problem' in predicate) return predicate
  return same(predicateJson(predicate), { ...question, red }) ? predicate : lossy
}

function lineOfJson(question: Record<string, unknown>): string | null {
  const { globs, source, count, form } = question
  if (globs !== undefined && !(Array.isArray(globs) && globs.every((glob) => typeof glob === 'string'))) return null
  if (form === 'value' && (typeof source !== 'object' || source === null)) return null
  if (form === 'text' && count !== 'absent' && (typeof count !== 'object' || count === null)) return null
  // What is missing or of another kind shows when the line is read and compared.
  return formatQuestion(question as Question) ?? null
}

/** Whether two JSON values are equal, whatever the order of their names. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b) || Object.keys(a).length !== Object.keys(b).length) return false
  return Object.entries(a).every(([name, value]) => {
    return Object.hasOwn(b, name) && same(value, (b as Record<string, unknown>)[name])
  })
}
