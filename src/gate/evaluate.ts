// Whether a predicate holds on a tree, and whether it failed before.

import type { Env } from '../env/env'
import { DstackError } from '../errors'
import type { Repo } from '../git/git'
import { commandOf, type Predicate } from '../plan/predicate'
import { definitionOf } from '../trust/trust'
import { checkDiff } from './changes'
import { checkExit, checkOutput } from './commands'
import type { Context, Site } from './context'
import { checkPath, checkText } from './files'
import { error, type Finding, type Result } from './result'
import { sourceOf } from './source'
import { checkValue } from './value'

export type { Context } from './context'

const LIMIT_SECONDS = 120
/** Characters of output that a result carries. */
const EXCERPT = 2000

/** Does the predicate hold on the head? `@red` is another question; see `evaluateRed`. Never throws for what it finds. */
export async function evaluate(env: Env, repo: Repo, predicate: Predicate, context: Context): Promise<Result> {
  return resultOf(env, repo, predicate, context, 'head', (site) => check(site, predicate))
}

/**
 * Did the predicate fail on the base, as `@red` asks? `context` is that of the base: its `head` and a checkout of it.
 * Passes when it fails there; what could not be found out there is an error, not a failure for the right reason.
 */
export async function evaluateRed(env: Env, repo: Repo, predicate: Predicate, context: Context): Promise<Result> {
  return resultOf(env, repo, predicate, context, 'red', async (site) => {
    if (predicate.form === 'diff') return error('A difference can not fail at the base: nothing has changed there.')
    const found = await check(site, predicate)
    if (found.result === 'error') return { ...found, reason: `At the base: ${found.reason}` }
    return found.result === 'fail'
      ? { ...found, result: 'pass', reason: `At the base it fails: ${found.reason}` }
      : { ...found, result: 'fail', reason: `At the base it holds already: ${found.reason}` }
  })
}

function check(site: Site, predicate: Predicate): Finding | Promise<Finding> {
  switch (predicate.form) {
    case 'exit':
      return checkExit(site, predicate.command, predicate.code)
    case 'output':
      return checkOutput(site, predicate.command, predicate, predicate.negated)
    case 'path':
      return checkPath(site, predicate)
    case 'text':
      return checkText(site, predicate)
    case 'value':
      return checkValue(site, predicate)
    case 'diff':
      return checkDiff(site, predicate)
  }
}

async function resultOf(
  env: Env,
  repo: Repo,
  predicate: Predicate,
  context: Context,
  mode: 'head' | 'red',
  find: (site: Site) => Finding | Promise<Finding>,
): Promise<Result> {
  const started = env.monotonic()
  const definition = definitionHash(env, repo, predicate, context, mode)
  const limitMs = (context.limitSeconds ?? LIMIT_SECONDS) * 1000
  let found: Finding
  try {
    found = await find({ ...context, env, repo, limitMs, source: sourceOf(env, repo, context.root, context.head) })
  } catch (failure) {
    found = error(sentenceOf(failure))
  }
  const { result, reason, output = '', refused } = found
  return {
    predicate: predicate.text,
    result,
    reason,
    ms: Math.round(env.monotonic() - started),
    output: excerpt(output),
    outputHash: output === '' ? '' : repo.digest(output),
    definition,
    inputs: mode === 'red' || predicate.form === 'diff' ? ['tree', 'base'] : ['tree'],
    ...(refused === undefined ? {} : { refused }),
  }
}

/** The hash of what is asked; see `Result.definition`. Looks at the bytes of the files that a command names. */
export function definitionHash(
  env: Env,
  repo: Repo,
  predicate: Predicate,
  { root, head }: Context,
  mode: 'head' | 'red' = 'head',
): string {
  const command = commandOf(predicate)
  const runs = command === null ? null : definitionOf(env, repo, command, { root, tree: head }).hash
  return repo.digest(JSON.stringify({ v: 1, predicate: predicate.text, mode, runs }))
}

/** What the machine or the repository can't do is an outcome, too; a mistake of ours is not. */
function sentenceOf(failure: unknown): string {
  if (failure instanceof DstackError && failure.code !== 'INTERNAL') return failure.message
  if (failure instanceof Error && 'syscall' in failure) return `The files can't be read: ${failure.message}.`
  throw failure
}

/** The end of the output, from the beginning of a line on. */
function excerpt(output: string): string {
  if (output.length <= EXCERPT) return output
  const end = output.slice(-EXCERPT)
  return end.slice(end.indexOf('\n') + 1)
}
