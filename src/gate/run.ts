// A run of the gate: which tree, in which checkout, all checks on it, and the verdict as a line of evidence. Pure.

import { join } from 'node:path'
import { version } from '../../package.json'
import { isRefusal, type Refusal } from '../errors'
import { changedSince, indexTree, type Oid, tryLock, workTreeDiffers } from '../git/git'
import { parsePredicate } from '../plan/predicate'
import { settingOf } from '../settings/settings'
import { person, type Store } from '../store/store'
import { patchBetween } from './added'
import { type Checked, runChecks } from './checks'
import { allLines, note, patchOf, verdictFor } from './lookup'
import { type Place, refuseUntrusted, scratchRoot, takePlace, waitABit } from './place'
import { acceptanceIn, type CommitFacts, commitNamed, emptyTree, type GateContext, prefixOf } from './subject'
import type { GateLine, Verdict } from './verdict'
import { commandIn, type Wanted, wantedFor } from './wanted'

export interface GateRequest {
  /** The index, HEAD, or a revision. */
  target: 'staged' | 'head' | { commit: string }
  context: GateContext
  /** Commands that are trusted by their hash. */
  hashes: ReadonlySet<string>
}

export interface GateRun {
  tree: Oid
  commit: Oid | null
  where: 'working tree' | 'scratch checkout'
  /** Another run of the same was going on; this is its verdict. */
  joined: boolean
  green: boolean
  line: GateLine
  /** What failed printed this, harmless; by check. */
  output: { id: string; text: string }[]
  /** What else there is to say, in sentences. */
  notes: string[]
}

interface Target {
  tree: Oid
  commit: CommitFacts | null
  /** Where the change begins; null: it is the first commit. */
  base: Oid | null
  /** What HEAD is in a scratch checkout. */
  head: Oid | null
  /** Why it can't be the working tree, as the end of a sentence; null: it can. */
  apart: string | null
}

/**
 * Checks one tree and notes the verdict on it, and on its commit when there is one. Refused: UNTRUSTED (nothing ran), CONFLICT (the
 * index has no tree), NOT_CLEAN (the working tree changed meanwhile; nothing is noted), REFUSED (the checkout can't be prepared).
 * @throws NOT_FOUND
 */
export async function runGate(store: Store, request: GateRequest): Promise<GateRun | Refusal> {
  const target = targetOf(store, request)
  if (isRefusal(target)) return target
  const [wanted] = wantedFor(store, [{ tree: target.tree, context: request.context }])
  if (wanted === undefined) throw new Error('one subject, one answer')
  const asked = [target.tree, target.base, target.commit?.oid, wanted.definitions, request.context.task?.id]
  const path = join(scratchRoot(store), 'locks', `run-${store.repo.digest(JSON.stringify(asked)).slice(0, 24)}`)
  /** The verdict that was there before the run that is waited for. */
  let former: Verdict | null = null
  let lock = tryLock(store.env, path)
  while (lock === null) {
    former ??= knownOf(store, request, target)
    await waitABit()
    lock = tryLock(store.env, path)
  }
  try {
    const taken = former === null ? null : joined(store, request, target, former)
    return taken ?? (await checkTarget(store, request, target, wanted))
  } finally {
    lock.release()
  }
}

function knownOf(store: Store, { context }: GateRequest, { tree, commit }: Target): Verdict {
  return verdictFor(store, { tree, commit, context })
}

function targetOf(store: Store, { target, context }: GateRequest): Target | Refusal {
  const { env, repo } = store
  const here = repo.work.head().oid
  const made = (commit: CommitFacts, apart: string | null): Target => {
    const base = baseOf(store, context, commit.parents[0] ?? null)
    return { tree: commit.tree, commit, base, head: commit.oid, apart }
  }
  if (typeof target === 'object') return made(commitNamed(store, target.commit), 'a commit was named')
  if (target === 'head') {
    if (here !== null) return made(commitNamed(store, here), workTreeDiffers(env, repo))
    return {
      refused: 'NOT_FOUND',
      message: 'There is no commit yet.',
      hint: 'Check what is staged: `git dstack gate run --staged`.',
    }
  }
  const tree = indexTree(env, repo)
  if (tree === null) {
    return { refused: 'CONFLICT', message: 'The index has no tree: paths are unmerged.', hint: 'See `git status`.' }
  }
  const commit = here === null ? null : commitNamed(store, here)
  if (commit?.tree === tree) return made(commit, 'what is staged was asked for')
  return { tree, commit: null, base: baseOf(store, context, here), head: here, apart: 'what is staged was asked for' }
}

/** Where the leaf began, if the change stands on that; else the commit before. */
function baseOf({ repo }: Store, { leaf }: GateContext, before: Oid | null): Oid | null {
  const base = leaf?.base ?? null
  return base !== null && before !== null && repo.work.isAncestor(base, before) ? base : before
}

/** The verdict of the run that was waited for; null when it left none. */
function joined(store: Store, request: GateRequest, target: Target, former: Verdict): GateRun | null {
  const { tree, commit } = target
  const { validity, green, line } = knownOf(store, request, target)
  if (validity !== 'valid' || line === null || line.id === former.line?.id) return null
  const where = target.apart === null ? 'working tree' : 'scratch checkout'
  return { tree, commit: commit?.oid ?? null, where, joined: true, green, line, output: [], notes: [] }
}

async function checkTarget(
  store: Store,
  request: GateRequest,
  target: Target,
  wanted: Wanted,
): Promise<GateRun | Refusal> {
  const { env, repo } = store
  const { context, hashes } = request
  const acceptance = acceptanceIn(context)
  const { lint, test } = wanted.tools
  const commands = [lint.command, test.command, ...acceptance.map(commandIn)].filter((command) => command !== null)
  const place = await placeFor(store, request, target, commands)
  if (isRefusal(place)) return place
  const isRed = (line: string) => {
    const predicate = parsePredicate(line)
    return !('problem' in predicate) && predicate.red
  }
  const before = acceptance.some(isRed) && target.base !== null ? commitNamed(store, target.base) : null
  const red =
    before === null
      ? null
      : await takePlace(store, {
          tree: before.tree,
          head: before.oid,
          hashes,
          commands: acceptance
            .filter(isRed)
            .map(commandIn)
            .filter((command) => command !== null),
        })
  try {
    if (isRefusal(red)) return red
    const limitSeconds = Number(settingOf(store, 'gate.limitSeconds').value)
    const base = target.base ?? emptyTree(store)
    const patch = patchBetween(repo, base, target.tree)
    const started = env.monotonic()
    const inWorkTree = target.apart === null
    let end: ((label?: string) => void) | null = null
    const checks = await runChecks(
      {
        store,
        context,
        wanted,
        site: { root: place.root, base, head: target.tree, limitSeconds, hashes },
        red:
          red === null || before === null
            ? null
            : { root: red.root, base: null, head: before.tree, limitSeconds, hashes },
        commit: target.commit,
        patch,
        former: context.task === null ? [] : formerOf(store, context),
        changed: () => (inWorkTree ? repo.work.changes().map(({ path }) => path) : changedSince(env, repo, place.root)),
      },
      (id) => {
        end?.()
        end = env.out.progress(`Checking ${id}`)
      },
    )
    const stop = end as ((label?: string) => void) | null
    stop?.()
    if (inWorkTree) {
      const moved = repo.work.head().oid === target.commit?.oid ? workTreeDiffers(env, repo) : 'HEAD has moved'
      if (moved !== null) return notNoted(moved)
    }
    const most = Number(settingOf(store, 'gate.largeDiff').value)
    const warnings = patch.changed > most ? [`The change has ${patch.changed} lines, more than ${most}.`] : []
    const ms = Math.round(env.monotonic() - started)
    const line = note(store, target.tree, lineOf(store, request, target, { checks, warnings, ms }))
    if (target.commit !== null) note(store, target.commit.oid, line)
    return {
      tree: target.tree,
      commit: target.commit?.oid ?? null,
      where: inWorkTree ? 'working tree' : 'scratch checkout',
      joined: false,
      green: checks.every(({ result }) => result === 'pass' || result === 'skip'),
      line,
      output: checks.filter(({ text }) => text !== '').map(({ id, text }) => ({ id, text })),
      notes: [...told(request, target), ...place.prepared],
    }
  } finally {
    place.release()
    if (red !== null && !isRefusal(red)) red.release()
  }
}

/** The working tree itself when it is exactly that; else a scratch checkout. */
async function placeFor(
  store: Store,
  { hashes }: GateRequest,
  { tree, head, apart }: Target,
  commands: readonly string[],
): Promise<Place | Refusal> {
  const { workTree } = store.repo
  if (apart !== null || workTree === null) return takePlace(store, { tree, head, hashes, commands })
  const refusal = refuseUntrusted(store, commands, { root: workTree, tree, hashes })
  return refusal ?? { root: workTree, prepared: [], release: () => undefined }
}

function told({ target }: GateRequest, { apart }: Target): string[] {
  return target === 'head' && apart !== null ? [`What HEAD holds was checked, not the working tree: ${apart}.`] : []
}

function notNoted(why: string): Refusal {
  return {
    refused: 'NOT_CLEAN',
    message: `The working tree changed while the gate ran (${why}), so the verdict is of no tree and was not noted.`,
    hint: 'Let git ignore what the checks leave behind, or run `git dstack gate run --commit HEAD`.',
  }
}

function formerOf(store: Store, { task, slug }: GateContext): GateLine[] {
  const lines = allLines(store).map(({ line }) => line)
  const own = lines.filter((line) => line.task === task?.id && line.slug === slug)
  return [...new Map(own.map((line) => [line.id, line])).values()]
}

function lineOf(
  store: Store,
  { context }: GateRequest,
  { tree, commit, base }: Target,
  { checks, warnings, ms }: { checks: readonly Checked[]; warnings: string[]; ms: number },
): GateLine {
  const ids = commit === null ? null : patchOf(store, commit)
  return {
    t: 'gate',
    id: '',
    commit: commit?.oid ?? null,
    tree,
    patch: ids?.patch ?? null,
    lines: ids?.lines ?? null,
    base,
    checks: checks.map(({ text: _text, ...check }) => check),
    warnings,
    task: context.task?.id ?? null,
    slug: context.slug,
    prefix: prefixOf(context),
    version,
    by: person(store).by,
    at: store.env.now().toISOString(),
    ms,
  }
}

export interface SetUp {
  tree: Oid
  folder: string
  /** What was done, in sentences. */
  prepared: string[]
}

/** Prepares a scratch checkout of HEAD, so that the first run does not have to. @throws NOT_FOUND */
export async function setUp(store: Store, hashes: ReadonlySet<string>): Promise<SetUp | Refusal> {
  const commit = commitNamed(store, 'HEAD')
  const place = await takePlace(store, { tree: commit.tree, head: commit.oid, hashes, commands: [] })
  if (isRefusal(place)) return place
  place.release()
  return { tree: commit.tree, folder: place.root, prepared: place.prepared }
}
