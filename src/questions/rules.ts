// Two rules of the same kind as the questions: code comes with tests, a fix comes after its root cause. Pure.

import { type ChangeSet, changesCode, filesOf, inlineTests } from './change'

export interface Rule {
  rule: 'tests' | 'root-cause'
  /** Null: it can't be told before there is a message. */
  holds: boolean | null
  /** One sentence. */
  said: string
}

export interface RuleInput {
  change: ChangeSet
  /** The whole commit message; absent: there is none yet. */
  message?: string
  /** How much ceremony the work gets; absent: nobody said. */
  kind?: string
  /** A companion or a plan of the work records the root cause. */
  rootCause?: boolean
}

export function rulesFor(input: RuleInput): Rule[] {
  return [testsRule(input), rootCauseRule(input)].filter((rule) => rule !== null)
}

/** Null: the rule is about another kind of change. */
function testsRule({ change, message }: RuleInput): Rule | null {
  if (!changesCode(change)) return null
  const tests = [...filesOf(change, 'test').filter(({ after }) => after !== null), ...inlineTests(change)]
  if (tests.length > 0) return { rule: 'tests', holds: true, said: 'The change brings code and tests.' }
  const reason = /^none\s+(\S.*)$/i.exec(trailer(message, 'Tests') ?? '')?.[1]
  if (reason !== undefined) return { rule: 'tests', holds: true, said: 'It has no tests, and the message says why.' }
  const said = 'It changes code without any test; add one, or say why not: `Tests: none <reason>` as a trailer.'
  return { rule: 'tests', holds: message === undefined ? null : false, said }
}

/** Source: systematic debugging: no fix before the root cause is known. */
function rootCauseRule({ message, kind, rootCause }: RuleInput): Rule | null {
  const subject = message?.split('\n')[0] ?? ''
  if (kind !== 'fix' && !/^fix(?:\([^)]*\))?!?:/i.test(subject)) return null
  if (rootCause === true) return { rule: 'root-cause', holds: true, said: 'The root cause is recorded.' }
  if ((trailer(message, 'Root-Cause') ?? '') !== '') {
    return { rule: 'root-cause', holds: true, said: 'The message names the root cause.' }
  }
  const said =
    'A fix needs its root cause first: in the companion or the plan, or as the trailer `Root-Cause: <what it was>`.'
  return { rule: 'root-cause', holds: message === undefined ? null : false, said }
}

/** Does a text of the plan record a root cause: a heading or a field of that name with something behind it? */
export function recordsRootCause(text: string): boolean {
  const field = /^[ \t]*(?:[-*+] |#{1,6} )?(?:\*\*|__)?root[ -_]cause(?:\*\*|__)?:?(?:\*\*|__)?[ \t]*(.*)$/gim
  return [...text.matchAll(field)].some((match) => {
    const behind = match[1] ?? ''
    const below =
      text
        .slice((match.index ?? 0) + match[0].length)
        .trimStart()
        .split('\n')[0] ?? ''
    const said = behind !== '' ? behind : /^(?:#|[-*+] \*\*|$)/.test(below) ? '' : below
    return /\p{L}{2}/u.test(said.replace(/\b(?:todo|tbd|unknown|none|n\/a)\b/gi, ''))
  })
}

/** Of the last paragraph, and only when it is not the first. Source: git-interpret-trailers(1). */
function trailer(message: string | undefined, name: string): string | null {
  const paragraphs = (message ?? '')
    .replace(/^#.*$/gm, '')
    .trimEnd()
    .split(/\n\s*\n/)
  if (paragraphs.length < 2) return null
  const found = new RegExp(`^${name}: *(.*?)\\s*$`, 'im').exec(paragraphs.at(-1) ?? '')
  return found?.[1] ?? null
}
