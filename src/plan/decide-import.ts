// What taking a plan in becomes: its documents, beside those that are there. Pure.

import type { Decision, Put, Seen } from '../store/schema'
import type { PhaseTitle } from './companion'
import { mergeCompanions, newCompanion, withPhases } from './companion-edit'
import { change, type Done, type Me, unseen } from './decide'
import { partKey, planHeadOf, putPlan, putTask, putText, said, taskKey, tombstone } from './documents'
import type { Known, PlanHead, Task } from './schema'

/** What became of one plan. */
export interface Imported extends Done {
  title: string
  /** The repository that this part of the source is for. */
  repo?: string
  outcome: 'added' | 'updated' | 'same'
  tasks: { added: string[]; changed: string[]; removed: string[] }
  /** Tasks whose box somebody changed in the file. */
  followed: string[]
  /** The plan's text is now one of the file and of what was changed here: write it out to have it. */
  merged: boolean
  /** What was left out or understood in spite of itself. */
  warnings: string[]
}

export interface ImportRequest {
  slug: string
  head: Omit<Known<PlanHead>, 'type' | 'state'>
  text: string
  /** Every task that the text has, as it is to be. */
  tasks: readonly Task[]
  /** Of these, which are new or differ. */
  added: readonly string[]
  changed: readonly string[]
  gone: readonly string[]
  /** The versions of the plan that this is based on; empty: there was none. */
  saw: readonly string[]
  companion: { template: string; date: string; phases: readonly PhaseTitle[] }
  followed: readonly string[]
  merged: boolean
  warnings: readonly string[]
  subject?: string
}

export function importKeys({ slug, tasks, gone }: ImportRequest): string[] {
  const ids = [...tasks.map(({ id }) => id), ...gone]
  return [...new Set([partKey(slug, 'plan'), partKey(slug, 'companion'), ...ids.map((id) => taskKey(slug, id))])]
}

export function decideImport(seen: Seen, request: ImportRequest, me: Me): Decision<Imported> {
  const { slug, head, text, added, changed, gone, saw } = request
  const key = partKey(slug, 'plan')
  const refusal = unseen(key, seen.at(key), saw)
  if (refusal !== null) return refusal
  const [former] = said(seen.at(key))
  const before = former === undefined ? null : planHeadOf(former)
  const puts: Put[] = []
  const same = former?.doc.body === text && before !== null && facts(before) === facts({ ...head, state: before.state })
  if (!same || said(seen.at(key)).length > 1)
    puts.push(putPlan(slug, { ...head, state: before?.state ?? 'open' }, text, former))
  const touched = new Set([...added, ...changed])
  for (const task of request.tasks) {
    if (touched.has(task.id)) puts.push(putTask(slug, task, said(seen.at(taskKey(slug, task.id)))[0]))
  }
  for (const id of gone) {
    if (said(seen.at(taskKey(slug, id))).length > 0)
      puts.push(tombstone(taskKey(slug, id), 'task', 'no longer in the plan'))
  }
  puts.push(...companionPut(seen, request))
  const outcome = former === undefined ? 'added' : puts.length === 0 ? 'same' : 'updated'
  return change(request.subject ?? `import ${slug}: ${head.title}`, me, puts, {
    slug,
    title: head.title,
    ...(head.repo === undefined ? {} : { repo: head.repo }),
    outcome,
    tasks: { added: [...added], changed: [...changed], removed: [...gone] },
    followed: [...request.followed],
    merged: request.merged,
    warnings: [...request.warnings],
  } satisfies Omit<Imported, 'keys'>)
}

function facts({ title, kind, state, shape, repo, source, bands }: Omit<Known<PlanHead>, 'type'>): string {
  return JSON.stringify([title, kind, state, shape, repo, source, bands])
}

/** Every phase has its place in the companion; what stands in it stays. */
function companionPut(seen: Seen, { slug, head, companion }: ImportRequest): Put[] {
  const { template, date, phases } = companion
  const live = said(seen.at(partKey(slug, 'companion')))
  const [winner, ...others] = live
  if (winner === undefined) {
    return [putText(slug, 'companion', head.title, newCompanion(template, { title: head.title, slug, date, phases }))]
  }
  const texts = others.map(({ doc }) => doc.body)
  const text = withPhases(template, mergeCompanions(template, winner.doc.body, texts), phases)
  return text === winner.doc.body && others.length === 0 ? [] : [putText(slug, 'companion', head.title, text, winner)]
}
