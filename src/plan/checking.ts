// Checks with what is here: a plan against its spec, contract, tasks and principles; a companion against the commits.

import { isRefusal, type Refusal } from '../errors'
import type { Repo } from '../git/git'
import { CONFIG, type Store, viewRef } from '../store/store'
import { readCompanion } from './companion'
import { type CompanionFacts, companionIssues, leafOfTask, type PlanCommit } from './companion-check'
import { type CheckReport, crossCheck, isBad } from './crosscheck'
import { change, type Done, unseen } from './decide'
import { planHeadOf, put, said, type TextDoc, textDoc } from './documents'
import { contractIn, needDocs, type PlanDocs, readStored, viewOf } from './reading'
import type { Issue } from './schema'
import { readSpec, requirementsOf, specIssues } from './spec'
import { type Secrets, type Written, writeTo } from './writing'

/** The document of refs/dstack/config in which a team says what it holds its plans to. */
export const PRINCIPLES = 'dstack/principles'

export function principlesOf(store: Store): TextDoc | null {
  return textDoc(viewRef(store, CONFIG).at(PRINCIPLES))
}

/** What the team holds every plan to, as a whole. */
export function writePrinciples(
  store: Store,
  text: string,
  { saw, ...secrets }: Secrets & { saw?: readonly string[] } = {},
): Written | Refusal {
  return writeTo(
    store,
    [PRINCIPLES],
    (seen, me) => {
      const live = seen.at(PRINCIPLES)
      const refusal = unseen(PRINCIPLES, live, saw)
      if (refusal !== null) return refusal
      const same = said(live).length === 1 && said(live)[0]?.doc.body === text
      const puts = same ? [] : [put(PRINCIPLES, { type: 'principles' }, text, said(live)[0])]
      return change<Done>('principles', me, puts, { slug: 'principles' })
    },
    secrets,
    CONFIG,
  )
}

export function checkPlan(store: Store, slug: string): CheckReport | Refusal {
  const docs = needDocs(store, slug)
  return isRefusal(docs) ? docs : crossCheck(checkInput(docs, principlesOf(store)?.text ?? null))
}

function checkInput(docs: PlanDocs, principles: string | null) {
  const { slug, texts } = docs
  const [winner] = said(texts.plan)
  const head = winner === undefined ? null : planHeadOf(winner)
  const read = winner === undefined || head === null ? null : readStored(head, winner.doc.body)
  const view = viewOf(docs)
  return {
    slug,
    plan: view.plan?.text ?? null,
    read: view.read,
    problem: read !== null && 'problem' in read ? read.problem : null,
    contract: contractIn(docs),
    spec: view.spec?.text ?? null,
    hasCompanion: view.companion !== null,
    tasks: view.todo,
    conflicts: view.conflicts,
    principles,
  }
}

export interface SpecReport {
  slug: string
  oid: string
  issues: Issue[]
  requirements: { id: string; text: string }[]
  ok: boolean
}

export function checkSpec(store: Store, slug: string): SpecReport | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const doc = textDoc(docs.texts.spec)
  if (doc === null) {
    const hint = `Write one: \`git dstack spec new --slug ${slug} <title>\`.`
    return { refused: 'NOT_FOUND', message: `${slug} has no spec.`, hint }
  }
  const issues = specIssues(doc.text)
  return { slug, oid: doc.oid, issues, requirements: requirementsOf(readSpec(doc.text)), ok: !issues.some(isBad) }
}

// --- companions ---------------------------------------------------------------------------------------------------------

/**
 * The commits of HEAD's history that were made for a plan: their trailer `Dstack-Slug` is the slug, or `Dstack-Task`
 * one of its tasks and no other slug is named.
 */
export function planCommits(repo: Repo, slug: string, tasks: readonly string[]): PlanCommit[] {
  const { oid: head } = repo.work.head()
  const range = head === null ? null : rangeOf(repo, head, slug)
  if (range === null) return []
  const ids = new Set(tasks)
  return repo.work.commits(range, { files: true }).flatMap((commit) => {
    const named = commit.trailers['Dstack-Slug'] ?? []
    const task = (commit.trailers['Dstack-Task'] ?? []).find((id) => ids.has(id))
    if (!(named.length > 0 ? named.includes(slug) : task !== undefined)) return []
    const leaf = commit.trailers['Dstack-Leaf']?.[0] ?? (task === undefined ? undefined : leafOfTask(task))
    return [
      {
        oid: commit.oid,
        subject: commit.subject,
        seconds: commit.seconds,
        files: commit.files.map(({ path }) => path),
        ...(leaf === undefined ? {} : { leaf }),
      },
    ]
  })
}

/** Where the plan's commits are; files are asked for in this part of history only. Null: it has none. */
function rangeOf(repo: Repo, head: string, slug: string): { from: string | null; to: string } | null {
  const pattern = `^Dstack-(Slug: ${slug}|Task: .*)$`
  const args = [
    'log',
    '--format=%H %P',
    '-E',
    `--grep=${pattern}`,
    '--no-show-signature',
    '--end-of-options',
    head,
    '--',
  ]
  const lines = repo
    .git(args)
    .stdout.split('\n')
    .filter((line) => line !== '')
  const oldest = lines.at(-1)
  return oldest === undefined ? null : { from: oldest.split(' ')[1] || null, to: head }
}

/** @param facts absent: the commits of HEAD's history */
export function checkCompanion(store: Store, slug: string, facts?: CompanionFacts): Issue[] | Refusal {
  const docs = needDocs(store, slug)
  if (isRefusal(docs)) return docs
  const view = viewOf(docs)
  if (view.companion === null) {
    const message = `${slug} has no companion.`
    return [{ severity: 'error', rule: 'no-companion', where: 'companion', message }]
  }
  const ids = view.todo.map(({ id }) => id)
  return companionIssues(
    {
      companion: readCompanion(view.companion.text),
      at: view.companion.at,
      contract: view.contract?.contract ?? null,
      phases: view.read?.features.flatMap(({ phases }) => phases) ?? [],
      tasks: view.todo,
    },
    facts ?? { commits: planCommits(store.repo, slug, ids) },
  )
}
