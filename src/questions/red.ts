// Would these tests fail without the change? They are put onto the code before it, and have to fail there. Pure.

import { safe } from '../env/env'
import { isRefusal, type Refusal } from '../errors'
import type { Oid } from '../git/git'
import { runCommand } from '../process/process'
import type { Store } from '../store/store'
import { isTrusted, untrusted } from '../trust/trust'
import { type ChangeSet, changesCode, filesOf, inlineTests } from './change'
import { judgeGreen, judgeRed, type SuiteRun, type Verdict } from './judge'
import { type Known, readOutput } from './read-output'
import { commandLine, type Suite, suitesOf } from './runners'
import { checkoutAt, overlay, type Scratch } from './scratch'

export interface RedSetup {
  /** Trees. */
  base: Oid
  tree: Oid
  /** Commit that HEAD is in the checkouts. */
  head: Oid | null
  change: ChangeSet
  /** Instead of what is detected. */
  command?: string
  hashes: ReadonlySet<string>
  limitSeconds: number
}

export interface Proof extends Verdict {
  /** Test files of the change. */
  tests: string[]
  /** Files of code with tests in them that can't be taken to other code. */
  inseparable: string[]
  commands: string[]
  definitions: string[]
  /** SHA-256 of what was printed; empty where nothing ran. */
  output: string
}

/** Characters of output that are read: a suite's names and reasons. */
const OUTPUT_CAP = 4 * 1024 * 1024

export async function tryRed(store: Store, setup: RedSetup): Promise<Proof | Refusal> {
  const { change, command } = setup
  const tests = filesOf(change, 'test').filter(({ after }) => after !== null)
  const inseparable = inlineTests(change).map(({ path }) => path)
  const paths = tests.map(({ path }) => path)
  const proof = (
    verdict: Partial<Verdict> & Pick<Verdict, 'outcome' | 'reason'>,
    more: Partial<Proof> = {},
  ): Proof => ({
    ...{ failures: [], decorative: [], tests: paths, inseparable, commands: [], definitions: [], output: '' },
    ...verdict,
    ...more,
  })
  if (paths.length === 0) {
    if (inseparable.length === 0) return proof({ outcome: 'no-tests', reason: 'The change holds no tests.' })
    const reason = `The tests stand in the files of the code (${safe(inseparable.join(', '))}).`
    return proof({ outcome: 'cannot-separate', reason })
  }
  if (!changesCode(change)) {
    return proof({
      outcome: 'only-tests',
      reason: 'The change holds only tests: there is no code to take away from them.',
    })
  }
  const manifests = manifestsOf(store, setup.tree)
  const suites = suitesOf(paths, manifests, command)
  const unknown = paths.filter((path) => !suites.some(({ files }) => files.includes(path)))
  if (unknown.length > 0) {
    return proof({ outcome: 'broken', reason: `Nothing is known here that runs ${safe(unknown.join(', '))}.` })
  }
  const known = knownModules(store, setup)
  const red = await runAt(store, setup, setup.base, suites, known, (scratch) => {
    overlay(store.env, store.repo, scratch.root, filesOf(change, 'test', 'support'))
  })
  if (isRefusal(red)) return red
  const found = judgeRed(red.runs, (name) => isNewTest(change, name))
  const facts = { commands: suites.map((suite) => suite.command), definitions: red.definitions, output: red.output }
  if (found.outcome !== 'proved' && found.outcome !== 'proved-by-absence') return proof(found, facts)
  const green = await runAt(store, setup, setup.tree, suites, known)
  if (isRefusal(green)) return green
  const output = store.repo.digest(red.output + green.output)
  const verdict = judgeGreen(green.runs) ?? found
  if (verdict !== found || inseparable.length === 0) return proof(verdict, { ...facts, output })
  const reason = `${found.reason} But the tests in ${safe(inseparable.join(', '))} stand in the files of the code.`
  return proof({ ...found, outcome: 'cannot-separate', reason }, { ...facts, output })
}

interface Runs {
  runs: SuiteRun[]
  definitions: string[]
  output: string
}

/** Runs the suites in a checkout of a tree; all of them are trusted there, or none is run. */
async function runAt(
  store: Store,
  setup: RedSetup,
  tree: Oid,
  suites: readonly Suite[],
  known: Known,
  prepare?: (scratch: Scratch) => void,
): Promise<Runs | Refusal> {
  const { env, repo } = store
  const { head, hashes, limitSeconds } = setup
  const scratch = await checkoutAt(store, { tree, head, hashes, limitSeconds })
  if (isRefusal(scratch)) return scratch
  try {
    prepare?.(scratch)
    // The names of the test files are no part of what is trusted: they follow the command, as quoted words.
    const where = { root: scratch.root, tree, hashes }
    const verdicts = suites.map(({ command }) => isTrusted(env, repo, command, where))
    const refused = verdicts.find(({ trusted }) => !trusted)
    if (refused !== undefined) return untrusted(refused)
    const runs: SuiteRun[] = []
    let printed = ''
    for (const [i, suite] of suites.entries()) {
      const ran = await runCommand(env, {
        command: commandLine(suite),
        cwd: scratch.root,
        limitSeconds,
        outputCap: OUTPUT_CAP,
        names: verdicts[i]?.after.names ?? [],
      })
      printed += ran.text
      const lines = ran.output.split('\n').filter((line) => line.trim() !== '')
      runs.push({
        command: suite.command,
        status: ran.status,
        timedOut: ran.timedOut,
        limitSeconds,
        last: (lines.at(-1) ?? 'it said nothing').trim().slice(0, 200),
        run: readOutput(suite.runner, ran.text, known),
      })
    }
    return { runs, definitions: verdicts.map(({ hash }) => hash), output: repo.digest(printed) }
  } finally {
    scratch.dispose()
  }
}

/** In the test files of the change, and nowhere in them before. */
function isNewTest(change: ChangeSet, name: string): boolean {
  const tests = filesOf(change, 'test')
  return tests.some(({ text }) => text.includes(name)) && !tests.some(({ before }) => before.includes(name))
}

export function manifestsOf({ repo }: Store, tree: Oid) {
  const read = (path: string) => {
    const [object] = repo.read([`${tree}:${path}`], 1 << 20)
    return object?.type === 'blob' ? object.bytes.toString('utf8') : null
  }
  return { read, has: (path: string) => read(path) !== null }
}

/** Python modules of the repository: folders and files at its top, or below `src`. */
function knownModules({ repo }: Store, { base, tree }: RedSetup): Known {
  let names: Set<string> | null = null
  const load = () => {
    const paths = [base, tree].flatMap((one) =>
      repo.files(one).map(({ path }) => path.replace(/^(src|lib|tests?)\//, '')),
    )
    return new Set(paths.map((path) => path.replace(/\.py$/, '').split('/')[0] ?? ''))
  }
  return {
    ownsModule(name) {
      names ??= load()
      return names.has(name)
    },
  }
}
