// The seven checks of a task's gate, as a table: what each looks at, and when it holds. Pure.

import { safe } from '../env/env'
import { hashText, type Oid } from '../git/git'
import { parsePredicate } from '../plan/predicate'
import type { Store } from '../store/store'
import { type Patch, todoCheck } from './added'
import { type Context, evaluate, evaluateRed } from './evaluate'
import { type Outcome, some } from './result'
import type { CommitFacts, GateContext } from './subject'
import { acceptanceIn, prefixOf } from './subject'
import { type GateCheck, type GateLine, loops, prefixCheck } from './verdict'
import { CHECKS, type CheckId, INPUTS, type Wanted } from './wanted'

/** Everything that a check may look at. */
export interface Run {
  store: Store
  context: GateContext
  wanted: Wanted
  /** The checkout of the tree. */
  site: Context & { head: Oid; base: Oid }
  /** A checkout of the base, for `@red`; null where none is asked for. */
  red: (Context & { head: Oid }) | null
  commit: CommitFacts | null
  patch: Patch
  /** Former verdicts of the same task. */
  former: readonly GateLine[]
  /** Files of the tree that commands have changed in the checkout. */
  changed(): string[]
}

interface Found {
  result: GateCheck['result']
  reason: string
  /** SHA-256 of what was printed. */
  output?: string
  /** For people; not a part of the verdict. */
  text?: string
}

export interface Checked extends GateCheck {
  /** The end of what was printed by what failed; harmless. */
  text: string
}

type Check = (run: Run, before: readonly GateCheck[]) => Found | Promise<Found>

const TABLE: Readonly<Record<CheckId, Check>> = {
  lint: (run) => {
    const { command } = run.wanted.tools.lint
    return command === null ? { result: 'skip', reason: 'There is no lint command.' } : ask(run, `exit 0 : ${command}`)
  },
  test: (run) => {
    const { command, from } = run.wanted.tools.test
    if (command !== null) return ask(run, `exit 0 : ${command}`)
    if (from !== '') return { result: 'skip', reason: `${from} says that there is none.` }
    if (acceptanceIn(run.context).length > 0) return { result: 'skip', reason: 'There is no test command.' }
    return {
      result: 'error',
      reason: 'No test command was found, so nothing would be tested; set gate.test, or set it to none.',
    }
  },
  acceptance: async (run) => {
    const predicates = acceptanceIn(run.context)
    if (predicates.length === 0) return { result: 'skip', reason: 'No task asks for anything.' }
    const found: (Found & { predicate: string })[] = []
    for (const predicate of predicates) found.push({ ...(await ask(run, predicate)), predicate })
    const bad = found.filter(({ result }) => result !== 'pass')
    const output = hashText(bad.map(({ predicate, output: hash }) => `${predicate}\n${hash ?? ''}\n`).join(''))
    const [first] = bad
    if (first === undefined) return { result: 'pass', reason: `All ${predicates.length} hold.`, output: '' }
    const more = bad.length > 1 ? ` ${bad.length - 1} more do not hold either.` : ''
    const reason = `${safe(first.predicate)}: ${first.reason}${more}`
    return { result: first.result, reason, output, text: first.text ?? '' }
  },
  longproc: ({ context }) => {
    const open = (context.longprocs ?? []).filter(({ state }) => state === 'ACTIVE' || state === 'STUCK')
    if (open.length === 0) return { result: 'pass', reason: 'No long process is open.' }
    return {
      result: 'fail',
      reason: `Not ended: ${some(
        open.map(({ id, state }) => `${id} (${state})`),
        safe,
      )}.`,
    }
  },
  todo: ({ patch }) => todoCheck(patch),
  commit_prefix: ({ context, commit }) => {
    const prefix = prefixOf(context)
    const rule = context.task === null || prefix === null ? null : { prefix, task: context.task.id }
    const { result, reason } = prefixCheck(rule, commit)
    return { result, reason: safe(reason) }
  },
  loop: ({ context, former, site }, before) => {
    if (context.task === null) return { result: 'skip', reason: 'No task is going on.' }
    const failing = before.filter(({ result }) => result === 'fail' || result === 'error')
    const why = loops(former, site.head, failing)
    return why === null ? { result: 'pass', reason: 'It is no loop.' } : { result: 'fail', reason: why }
  },
}

/** All seven, one after the other: they share one checkout, and the last one looks at the others. */
export async function runChecks(run: Run, tell: (id: CheckId) => void): Promise<Checked[]> {
  const done: Checked[] = []
  for (const id of CHECKS) {
    tell(id)
    const started = run.store.env.monotonic()
    const { result, reason, output = '', text = '' } = await TABLE[id](run, done)
    const ms = Math.round(run.store.env.monotonic() - started)
    const inputs = inputsOf(id, run)
    done.push({ id, result, reason, ms, definition: run.wanted.definitions[id], inputs, output, text })
  }
  return done
}

/** The acceptance depends on a base only where a predicate asks for one. */
function inputsOf(id: CheckId, { context }: Run): GateCheck['inputs'] {
  const usesBase = acceptanceIn(context).some((line) => {
    const predicate = parsePredicate(line)
    return !('problem' in predicate) && (predicate.red || predicate.form === 'diff')
  })
  return INPUTS[id].filter((input) => id !== 'acceptance' || input !== 'base' || usesBase)
}

/** One predicate on the tree. What changes the files that it is to judge has judged something else. */
async function ask(run: Run, line: string): Promise<Found> {
  const { env, repo } = run.store
  const predicate = parsePredicate(line)
  if ('problem' in predicate) return { result: 'error', reason: `It can't be checked: ${predicate.problem}.` }
  const { result, reason, output, outputHash } = await evaluate(env, repo, predicate, run.site)
  const changed = run.changed()
  if (changed.length > 0) {
    return { result: 'error', reason: `It changed ${some(changed, safe)} of what it was to judge.`, output: outputHash }
  }
  const head: Found = {
    result: result satisfies Outcome,
    reason,
    output: outputHash,
    text: result === 'pass' ? '' : output,
  }
  if (!predicate.red || result !== 'pass') return head
  if (run.red === null) return { result: 'error', reason: 'There is no base at which it could have failed.' }
  const before = await evaluateRed(env, repo, predicate, run.red)
  return {
    result: before.result,
    reason: before.reason,
    output: before.outputHash,
    text: before.result === 'pass' ? '' : before.output,
  }
}
