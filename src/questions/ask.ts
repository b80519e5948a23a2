// The five questions about a change: what can be computed is, what somebody said is heard, the rest is open. Pure.

import { safe } from '../env/env'
import { type ChangeSet, changesCode } from './change'
import { type AnswerLine, NUMBERS, type Number5, QUESTIONS, type RedLine, type VerifyLine } from './schema'
import { leftovers, negativeTests, type Sign } from './signs'

export type Status = 'yes' | 'no' | 'unanswered'

/** What is known of the work besides the change itself. Absent: not known. */
export interface Facts {
  /** Null: the work has none. */
  companion?: CompanionFacts | null
  /** Of the task, the leaf or the plan that is worked on. */
  openTasks?: readonly string[]
}

export interface CompanionFacts {
  slug: string
  /** When it was last written, ISO. */
  at: string
  /** Phases that are DONE and say nothing of what was done. */
  bare: readonly string[]
}

export interface Evidence {
  change: ChangeSet
  facts: Facts
  /** By the committer's clock, seconds since 1970; null: there is no commit yet. */
  lastCommit: number | null
  /** The setting; empty: there is no probe. */
  verifyCommand: string
  /** Is red by absence enough? */
  absence: boolean
  red: RedLine | null
  verify: VerifyLine | null
  answers: readonly AnswerLine[]
}

export interface Question {
  number: Number5
  name: string
  text: string
  status: Status
  how: 'computed' | 'answered' | 'open'
  /** One sentence; foreign names in it are harmless to print. */
  said: string
  /** What the computation alone says; differs from `status` where a person overruled it. */
  computed: Status
  /** Who answered. */
  by?: string
  /** The tool in whose shell it was answered. */
  agent?: string
  /** Lines of the change that it is about. */
  found: Sign[]
}

interface Computed {
  status: Status
  said: string
  found?: Sign[]
}

export function fiveQuestions(evidence: Evidence): Question[] {
  const compute: Readonly<Record<Number5, (evidence: Evidence) => Computed>> = {
    1: negative,
    2: live,
    3: companion,
    4: red,
    5: done,
  }
  return NUMBERS.map((number) => {
    const computed = compute[number](evidence)
    return withAnswers(number, computed, evidence.answers)
  })
}

/**
 * The newest answer counts, with three limits: an agent's yes changes neither a person's no nor what was computed as no,
 * and nobody's yes is needed where it was computed.
 */
function withAnswers(number: Number5, computed: Computed, all: readonly AnswerLine[]): Question {
  const asked = { number, ...QUESTIONS[number], found: computed.found ?? [], computed: computed.status }
  const own = all.filter(({ question }) => question === number).sort(byTime)
  const person = own.findLast(({ agent }) => agent === undefined)
  const newest = own.at(-1)
  const valid = newest?.agent !== undefined && newest.answer === 'yes' && person?.answer === 'no' ? person : newest
  const counts =
    valid !== undefined &&
    (valid.answer === 'no' ||
      computed.status === 'unanswered' ||
      (computed.status === 'no' && valid.agent === undefined))
  if (!counts) {
    const how = computed.status === 'unanswered' ? 'open' : 'computed'
    return { ...asked, status: computed.status, how, said: computed.said }
  }
  const { answer, by, agent, text } = valid
  const who = agent === undefined ? safe(by) : `${safe(agent)} for ${safe(by)}`
  const overruled = computed.status !== 'unanswered' && computed.status !== answer ? ` Computed: ${computed.said}` : ''
  const said = `${who} said ${answer}${text === '' ? '' : `: ${safe(text)}`}.${overruled}`.replace(/([.!?])\./, '$1')
  return { ...asked, status: answer, how: 'answered', said, by, ...(agent === undefined ? {} : { agent }) }
}

/** Of one moment, a no comes last. */
function byTime(a: AnswerLine, b: AnswerLine): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return Number(a.answer === 'no') - Number(b.answer === 'no')
}

// --- what can be computed -----------------------------------------------------------------------------------------------

const NO_CODE: Computed = { status: 'yes', said: 'The change touches no code.' }

function negative({ change }: Evidence): Computed {
  const found = negativeTests(change)
  if (found.length > 0)
    return { status: 'yes', said: `${count(found.length, 'line')} of its tests assert a failure.`, found }
  if (!changesCode(change)) return NO_CODE
  return { status: 'unanswered', said: 'No test of the change asserts that something fails.' }
}

function live({ verify, verifyCommand }: Evidence): Computed {
  if (verifyCommand === '') {
    return { status: 'unanswered', said: 'No command shows it live (setting questions.verify); somebody has to say.' }
  }
  const command = safe(verifyCommand)
  if (verify === null) return { status: 'unanswered', said: `${command} did not run on this tree.` }
  if (verify.exit === 0) return { status: 'yes', said: `${command} passed on this tree at ${verify.at}.` }
  return { status: 'no', said: `${command} failed on this tree (${verify.exit ?? 'it was ended'}).` }
}

function companion({ facts, lastCommit }: Evidence): Computed {
  const known = facts.companion
  if (known === undefined || known === null) return { status: 'unanswered', said: 'There is no companion to look at.' }
  const written = Date.parse(known.at) / 1000
  if (lastCommit !== null && !(written > lastCommit)) {
    return { status: 'no', said: `The companion of ${known.slug} was not written since the last commit.` }
  }
  if (known.bare.length > 0) {
    const phases = known.bare.map(safe).join(', ')
    return { status: 'no', said: `The companion of ${known.slug} says nothing of what was done in ${phases}.` }
  }
  return { status: 'yes', said: `The companion of ${known.slug} was written at ${known.at}.` }
}

function red({ change, red: line, absence }: Evidence): Computed {
  if (line === null) {
    if (!changesCode(change) && !change.files.some(({ role }) => role === 'test')) return NO_CODE
    return { status: 'unanswered', said: 'Nobody tried: `git dstack gate prove-red` does.' }
  }
  const said = safe(line.reason)
  switch (line.outcome) {
    case 'proved':
      return { status: 'yes', said }
    case 'proved-by-absence':
      return absence
        ? { status: 'yes', said: `${said} That is accepted (questions.absence).` }
        : { status: 'no', said: `${said} That is not enough (questions.absence).` }
    case 'decorative':
      return { status: 'no', said }
    default:
      return { status: 'unanswered', said }
  }
}

function done({ change, facts }: Evidence): Computed {
  const found = leftovers(change)
  const open = facts.openTasks ?? []
  if (open.length + found.length === 0)
    return { status: 'yes', said: 'Nothing is open, skipped, mocked or marked for later.' }
  const kinds = [...new Set(found.map(({ kind }) => kind))].map((kind) => {
    return count(found.filter((sign) => sign.kind === kind).length, kind)
  })
  const tasks = open.length === 0 ? [] : [`${count(open.length, 'open task')} (${open.map(safe).join(', ')})`]
  return { status: 'no', said: `There is still ${[...tasks, ...kinds].join(', ')}.`, found }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
