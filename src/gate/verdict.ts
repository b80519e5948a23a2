// A verdict as one line of evidence, and whether it still counts: computed each time, never stored. Pure.

import * as z from 'zod/mini'
import type { Oid } from '../git/git'
import type { EvidenceLine } from '../store/store'
import type { CommitFacts } from './subject'
import { CHECKS, type CheckId, type Wanted } from './wanted'

const Check = z.looseObject({
  id: z.enum(CHECKS),
  result: z.enum(['pass', 'fail', 'skip', 'error']),
  /** One sentence, harmless to print. */
  reason: z.string(),
  ms: z.int(),
  /** SHA-256 of what was asked. */
  definition: z.string(),
  inputs: z.array(z.enum(['tree', 'base', 'message', 'history'])),
  /** SHA-256 of what was printed; empty where nothing ran. */
  output: z.string(),
})

const Line = z.looseObject({
  t: z.literal('gate'),
  id: z.string(),
  commit: z.nullable(z.string()),
  tree: z.string(),
  /** `git patch-id --stable` against the first parent; null for what has none (no commit, nothing changed, binary files). */
  patch: z.nullable(z.string()),
  /** SHA-256 of the added and removed lines with their blanks, which a patch id leaves out. */
  lines: z.nullable(z.string()),
  base: z.nullable(z.string()),
  checks: z.array(Check),
  warnings: z.array(z.string()),
  task: z.nullable(z.string()),
  slug: z.nullable(z.string()),
  /** How the subject of the task's commits begins. */
  prefix: z.nullable(z.string()),
  version: z.string(),
  by: z.string(),
  /** ISO 8601, when it ended. */
  at: z.string(),
  ms: z.int(),
})

export type GateCheck = Pick<
  z.infer<typeof Check>,
  'id' | 'result' | 'reason' | 'ms' | 'definition' | 'inputs' | 'output'
>
export type GateLine = z.infer<typeof Line>

/** Null for lines of other kinds, and for what can't be read. */
export function readGateLine(line: EvidenceLine): GateLine | null {
  const parsed = z.safeParse(Line, line)
  return parsed.success ? parsed.data : null
}

/**
 * `valid`: of this very tree, by today's definitions and inputs. `carried`: of the same patch on another tree. `stale`: of
 * something that is no longer the same. Only a valid one can be green.
 */
export type Validity = 'valid' | 'carried' | 'stale' | 'none'

export interface Verdict {
  validity: Validity
  /** Valid, and no check failed. */
  green: boolean
  /** No check of the line failed, whatever the line is worth now. */
  passed: boolean
  line: GateLine | null
  /** Checks that failed, and what is no longer the same; sentences. */
  why: string[]
}

/** What a verdict is asked for. */
export interface Subject {
  tree: Oid
  /** Null: a tree that no commit has yet. */
  commit: CommitFacts | null
  wanted: Wanted
  /** Where the leaf began; null where that is not known. */
  leafBase: Oid | null
  /** The task that it belongs to, and how its commits begin; null: as the line says. */
  rule: PrefixRule | null
  /** Does a difference from there take in all of the change? */
  baseFits(base: Oid | null): boolean
  /** What the commit changes; asked for only where it may decide. */
  patch(): PatchIds | null
}

export interface PatchIds {
  patch: string
  lines: string
}

/** The newest line that counts decides. Lines are those of the tree and of the commit, of people whose word counts. */
export function judge(lines: readonly GateLine[], subject: Subject): Verdict {
  const newest = [...lines].sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1))
  const here = newest.filter(({ tree }) => tree === subject.tree)
  const valid = here.find((line) => differences(line, subject, true).length === 0)
  if (valid !== undefined) {
    const why = failures(valid, subject)
    return { validity: 'valid', green: why.length === 0, passed: why.length === 0, line: valid, why }
  }
  const elsewhere = newest.filter(
    ({ tree, patch, lines: exact }) => tree !== subject.tree && patch !== null && exact !== null,
  )
  const now = elsewhere.length === 0 ? null : subject.patch()
  const carried = elsewhere.find((line) => {
    const same = now !== null && line.patch === now.patch && line.lines === now.lines
    return same && differences(line, subject, false).length === 0
  })
  if (carried !== undefined) {
    const failed = failures(carried, subject)
    const why = [`It was earned on the tree ${carried.tree.slice(0, 12)}, by the same patch.`, ...failed]
    return { validity: 'carried', green: false, passed: failed.length === 0, line: carried, why }
  }
  const [line] = here.length > 0 ? here : newest
  if (line === undefined) return { validity: 'none', green: false, passed: false, line: null, why: [] }
  const other = line.tree === subject.tree ? [] : [`It was earned on the tree ${line.tree.slice(0, 12)}.`]
  const why = [...other, ...differences(line, subject, line.tree === subject.tree)]
  return { validity: 'stale', green: false, passed: failures(line, subject).length === 0, line, why }
}

/** What of the line is not as it is wanted, in sentences. */
function differences(line: GateLine, { wanted, leafBase, baseFits }: Subject, bases: boolean): string[] {
  const found = CHECKS.flatMap((id): string[] => {
    const check = line.checks.find((one) => one.id === id)
    if (check === undefined) return [`${id} was not checked.`]
    if (wanted.any.includes(id)) return []
    if (check.definition !== wanted.definitions[id]) return [`${id} was another check then.`]
    const fromBase = id === 'acceptance' && check.inputs.includes('base')
    const rebased = bases && fromBase && leafBase !== null && line.base !== leafBase
    return rebased ? ['acceptance was checked from another base.'] : []
  })
  return bases && !baseFits(line.base) ? [...found, 'The change was looked at from another base.'] : found
}

/** Checks of the line that failed, in sentences. What only asks for the message is asked anew. */
function failures(line: GateLine, { commit, rule }: Subject): string[] {
  const own = rule ?? (line.task === null ? null : { prefix: line.prefix ?? '', task: line.task })
  return line.checks.flatMap((check) => {
    const asked = check.id === 'commit_prefix' && commit !== null ? { ...check, ...prefixCheck(own, commit) } : check
    return asked.result === 'fail' || asked.result === 'error' ? [`${asked.id}: ${asked.reason}`] : []
  })
}

export interface PrefixRule {
  prefix: string
  task: string
}

/** Does the message say which task the commit belongs to: by how it begins, or by a trailer? */
export function prefixCheck(
  rule: PrefixRule | null,
  commit: Pick<CommitFacts, 'subject' | 'trailers'> | null,
): { result: 'pass' | 'fail' | 'skip'; reason: string } {
  if (rule === null) return { result: 'skip', reason: 'No task is going on.' }
  if (commit === null) return { result: 'skip', reason: 'There is no commit yet.' }
  const begins = rule.prefix !== '' && commit.subject.startsWith(rule.prefix)
  const named = (commit.trailers.get('Dstack-Task') ?? []).includes(rule.task)
  if (begins || named)
    return { result: 'pass', reason: begins ? 'The subject begins so.' : 'A trailer names the task.' }
  return {
    result: 'fail',
    reason: `The subject does not begin with "${rule.prefix}", and no trailer Dstack-Task names ${rule.task}.`,
  }
}

/** Is this the third time in a row that nothing got better: the same tree, or the same failure with the same output? */
export function loops(
  former: readonly GateLine[],
  tree: Oid,
  failing: readonly { id: CheckId; output: string }[],
): string | null {
  const byTime = [...former].sort((a, b) => (a.at < b.at ? -1 : 1))
  const last = byTime.slice(-2)
  const isRed = ({ checks }: GateLine) =>
    checks.some(({ id, result }) => id !== 'loop' && (result === 'fail' || result === 'error'))
  if (failing.length === 0 || last.length < 2 || !last.every(isRed)) return null
  if (last.every((line) => line.tree === tree)) return 'The same tree failed three times in a row.'
  const again = failing.find(
    ({ id, output }) =>
      output !== '' &&
      last.every(({ checks }) => checks.some((one) => one.id === id && one.output === output && one.result !== 'pass')),
  )
  return again === undefined ? null : `${again.id} failed three times in a row with the same output.`
}
