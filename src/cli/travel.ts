// Verbs that carry state from clone to clone: sync, fold, export.

import type { Env } from '../env/env'
import { DstackError, isRefusal, type Refusal } from '../errors'
import { noteTeamGate } from '../settings/settings'
import { clonesBelow } from '../setup/setup'
import { exportBundle, foldCarrier, type SyncReport, sync } from '../sync/sync'
import { answer, examples, type Register, type Reply } from './command'
import { repeated } from './fields'
import { ready } from './ready'
import { columns, plural, safe } from './render'

export const register: Register = (program, { handle }) => {
  const syncing = program
    .command('sync')
    .description('exchange with the remote, and read it back')
    .option('--all', 'the same in every opted-in clone below this folder')
    .option('--allow-secret <fingerprint>', 'it looks like a credential and is none; may be repeated', repeated)
    .action(
      handle(async (env, { all, allowSecret = [] }: { all?: true; allowSecret?: string[] }) => {
        return all ? syncAll(env, allowSecret) : syncOne(env, allowSecret)
      }),
    )
  examples(syncing, 'git dstack sync', '# every clone below a folder', 'git dstack -C ~/src sync --all')

  const folding = program
    .command('fold')
    .description('take in a bundle, another clone or a branch')
    .argument('<carrier>', 'a bundle file, a folder with a clone, or a ref')
    .action(
      handle(async (env, carrier: string) => {
        const report = await foldCarrier(await ready(env), carrier)
        return answer(report, ({ refs }) => {
          return columns(
            refs.map(({ ref, how }) => [safe(ref), HOW[how] ?? safe(how)]),
            env.out.columns,
          )
        })
      }),
    )
  examples(
    folding,
    'git dstack fold ../other-clone',
    'git dstack fold state.bundle',
    '# where the host allows only branches',
    'git dstack fold origin/dstack-state',
  )

  const exporting = program
    .command('export')
    .description('write all state into one bundle file')
    .argument('<file>', 'the bundle to make')
    .action(
      handle(async (env, file: string) => {
        const made = exportBundle(await ready(env), file)
        return answer(made, ({ refs }) => `${plural(refs.length, 'ref')} in ${safe(made.file)}.`)
      }),
    )
  examples(exporting, 'git dstack export state.bundle', '# at the other end', 'git dstack fold state.bundle')
}

/** What folding did to a ref, for people. */
const HOW: Readonly<Record<string, string>> = {
  nothing: 'nothing new',
  'fast-forward': 'taken in',
  adopt: 'taken in',
  merge: 'merged',
  refused: 'not taken in: both sides have moved',
}

// --- sync -----------------------------------------------------------------------------------------------------------

async function syncOne(env: Env, allowed: readonly string[]): Promise<Reply> {
  const store = await ready(env)
  const report = await sync(store, { allowSecrets: new Set(allowed) })
  noteTeamGate(store)
  return secretIn(report) ?? answer(report, () => syncLines(report).join('\n'), { exit: isSettled(report) ? 0 : 1 })
}

function secretIn(report: SyncReport): Refusal | null {
  const secret = report.refs.find(({ outcome }) => outcome === 'secret')
  if (secret === undefined) return null
  return {
    refused: 'SECRET',
    message: `${secret.ref} was not sent: ${secret.detail}.`,
    hint: 'If it is a credential, replace it where it is valid first. If it is none: `git dstack sync --allow-secret <fingerprint>`.',
    data: { ...report },
  }
}

/** Everything is on the remote, read back from it. */
function isSettled({ refs, checked }: SyncReport): boolean {
  return checked && !refs.some(({ outcome }) => ['stale', 'refused', 'redacted', 'newer'].includes(outcome))
}

function syncLines({ remote, sent, received, checked, refs, warnings }: SyncReport): string[] {
  const tip = checked ? 'remote tip checked' : 'not confirmed by the remote yet, run it again'
  const lines = [`${safe(remote)}: ${sent} sent, ${received} received, ${tip}.`]
  for (const { ref, outcome, detail } of refs) {
    if (detail !== undefined) lines.push(`${safe(ref)}: ${outcome}, ${safe(detail)}.`)
  }
  return [...lines, ...warnings.map(safe)]
}

interface FolderResult {
  folder: string
  /** `done`, or the code of what stood in the way. */
  outcome: string
  message: string
  exit: number
}

/** Every opted-in clone below the folder, one after the other; one that fails costs only itself. */
async function syncAll(env: Env, allowed: readonly string[]): Promise<Reply> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, ...vars } = env.vars
  const results: FolderResult[] = []
  for (const folder of await clonesBelow(env, env.cwd)) {
    const result = await syncFolder({ ...env, vars, cwd: folder }, allowed)
    if (result !== null) results.push(result)
  }
  if (results.length === 0) {
    return {
      refused: 'NOT_FOUND',
      message: `No clone below ${env.cwd} has opted in.`,
      hint: 'Run `git dstack init --all .` first.',
    }
  }
  const exit = Math.max(...results.map((result) => result.exit))
  const rows = results.map(({ folder, message }) => [safe(folder), safe(message)])
  return answer({ results }, () => columns(rows, env.out.columns), { exit })
}

/** Null where nobody opted in. */
async function syncFolder(env: Env, allowed: readonly string[]): Promise<FolderResult | null> {
  try {
    const reply = await syncOne(env, allowed)
    if (isRefusal(reply)) throw new DstackError(reply.refused, reply.message)
    const message = (await reply.text()).split('\n').join(' ')
    return { folder: env.cwd, outcome: reply.exit === 0 ? 'done' : 'NOT_CLEAN', message, exit: reply.exit }
  } catch (error) {
    if (!(error instanceof DstackError)) throw error
    if (error.code === 'NOT_INITIALISED') return null
    return { folder: env.cwd, outcome: error.code, message: error.message, exit: error.exit }
  }
}
