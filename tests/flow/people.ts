// People who work on flows in real clones, through the doors: no command line in between.

import type { Output } from '../../src/env/env'
import { nodeEnv } from '../../src/env/node'
import { isRefusal, type Refusal } from '../../src/errors'
import * as flow from '../../src/flow/flow'
import { addCompanion, formatContract } from '../../src/plan/plan'
import type { Contract } from '../../src/plan/schema'
import { openStore, type Store } from '../../src/store/store'
import type { Clone } from '../support/clone'
import type { World } from '../support/world'
import { CONTRACT } from './fixtures'

const OUT: Output = {
  json: false,
  data: () => undefined,
  say: () => undefined,
  progress: () => () => undefined,
  columns: null,
  colour: false,
}

export const HUMAN: flow.Actor = { kind: 'human', disabled: null }
export const ENGINE: flow.Actor = { kind: 'engine', disabled: null }

/** A fresh process of this person, a tick later. */
export function storeOf(clone: Clone): Store {
  return openStore(nodeEnv({ cwd: clone.cwd, vars: clone.vars(), out: OUT, stdin: () => Buffer.alloc(0) }))
}

/** What was done. @throws with the refusal's sentence */
export function done<T>(value: T | Refusal): T {
  if (isRefusal(value))
    throw new Error(`${value.refused}: ${value.message} ${value.hint ?? ''} ${JSON.stringify(value.data ?? {})}`)
  return value
}

export function refusal<T>(value: T | Refusal): Refusal {
  if (!isRefusal(value)) throw new Error(`not refused: ${JSON.stringify(value)}`)
  return value
}

/** Alice and Bob, opted in, on a branch `work` that both have. */
export async function team(world: World): Promise<[Clone, Clone]> {
  const [alice, bob] = await world.clones('alice', 'bob')
  if (alice === undefined || bob === undefined) throw new Error('two people')
  await alice.commit('start', { 'README.md': 'payments\n' })
  await alice.git('push', '-q', 'origin', 'HEAD').ok()
  await alice.git('switch', '-q', '-c', 'work').ok()
  await alice.git('push', '-q', '-u', 'origin', 'work').ok()
  await bob.git('fetch', '-q').ok()
  await bob.git('switch', '-q', 'work').ok()
  for (const clone of [alice, bob]) await clone.inProcess('init').ok()
  return [alice, bob]
}

/** A flow with an approved contract, pushed. */
export async function approved(clone: Clone, slug = 'payments', contract: Contract = CONTRACT): Promise<void> {
  const text = formatContract(contract)
  done(await flow.decompose(storeOf(clone), HUMAN, { slug, goal: contract.goal, contract: text }))
  done(await flow.approve(storeOf(clone), slug, HUMAN, true))
  await clone.git('push', '-q', 'origin', 'HEAD').ok()
}

export function planFile(leaf: string, tasks: readonly object[] = [{}]): { text: string; name: string } {
  const all = tasks.map((task, i) => ({
    id: `${leaf}-C0${i + 1}`,
    title: `Task ${i + 1}`,
    files: ['src/**'],
    acceptance: ['exit 0 : npm test'],
    ...task,
  }))
  return { name: 'plan.json', text: JSON.stringify({ tasks: all }) }
}

export const review = (findings: readonly object[] = []) => JSON.stringify({ reviewer: 'codex', findings })

export const next = async (clone: Clone, slug = 'payments') => done(await flow.next(storeOf(clone), slug, ENGINE))
export const answer = async (clone: Clone, key: string, slug = 'payments', feedback?: string) =>
  done(await flow.answerWait(storeOf(clone), slug, HUMAN, { key, ...(feedback === undefined ? {} : { feedback }) }))
export const stepOf = (clone: Clone, slug = 'payments') => done(flow.report(storeOf(clone), slug, HUMAN)).position.step

/** The tasks of the present leaf, each with a commit, and what the companion says of them. */
export async function implement(clone: Clone, leaf: string, slug = 'payments', count = 1): Promise<void> {
  for (let i = 1; i <= count; i++) {
    const id = `${leaf}-C0${i}`
    const { prefix } = done(await flow.startTask(storeOf(clone), slug, ENGINE, id))
    await clone.commit(`${prefix}done`, { [`src/${slug}-${id}.ts`]: `${id}\n` })
    done(await flow.doneTask(storeOf(clone), slug, ENGINE, id))
  }
  done(
    addCompanion(storeOf(clone), slug, {
      phase: leaf,
      status: 'IN PROGRESS',
      details: `Wrote ${leaf}; all as planned.`,
    }),
  )
}

/** From Ready to Ready, with a person asked at each wait. */
export async function wholeLeaf(clone: Clone, leaf: string, slug = 'payments'): Promise<void> {
  await next(clone, slug)
  done(await flow.submitPlan(storeOf(clone), slug, ENGINE, planFile(leaf)))
  done(await flow.importReview(storeOf(clone), slug, ENGINE, { text: review() }))
  await next(clone, slug)
  await answer(clone, 'y', slug)
  await implement(clone, leaf, slug)
  await next(clone, slug)
  for (const track of ['A', 'B'] as const) {
    done(await flow.importReview(storeOf(clone), slug, ENGINE, { text: review(), track }))
  }
  await next(clone, slug)
  await answer(clone, 'y', slug)
  await answer(clone, 'y', slug)
}
