// New work: a plan with what its kind asks for. The ladder: fix, feature, architecture.

import contractTemplate from '../../templates/CONTRACT.md'
import companionTemplate from '../../templates/IMPLEMENTATION.md'
import planTemplate from '../../templates/PLAN.md'
import specTemplate from '../../templates/SPEC.md'
import type { Refusal } from '../errors'
import type { Store } from '../store/store'
import { newCompanion } from './companion-edit'
import { isBad } from './crosscheck'
import { decideNew, decideText, exists, type NewRequest, newKeys } from './decide'
import { type Part, partKey, said } from './documents'
import { firstTasks, unreadable } from './importing'
import { docsOf, summaryOf } from './reading'
import type { Kind, Shape } from './schema'
import { readPlan } from './shapes/shapes'
import { slugFor, slugRefusal } from './slug'
import { specIssues } from './spec'
import { type Secrets, type Written, writeTo } from './writing'

/** What texts begin with; `{{title}}` and `{{goal}}` stand for what is not known yet. */
export const TEMPLATES = {
  spec: specTemplate,
  plan: planTemplate,
  companion: companionTemplate,
  contract: contractTemplate,
}

/** A template with the title in its place; what it is for is for somebody to write. */
export function fromTemplate(template: string, title: string, goal = ''): string {
  const words: Record<string, string> = { title: title.replace(/\s+/g, ' ').trim(), goal }
  return template
    .trimEnd()
    .replace(/\{\{(title|goal)\}\}/g, (_, name: string) => words[name] ?? '')
    .replace(/[ \t]+$/gm, '')
}

export interface NewPlan extends Secrets {
  title: string
  /** Absent: made from the title. */
  slug?: string
  kind: Kind
  /** For the companion's "started". */
  now?: Date
  /** Absent: that of the template. */
  text?: string
}

/** A plan and its companion. */
export function newPlan(store: Store, input: NewPlan): Written | Refusal {
  return make(store, input, ['companion'])
}

/**
 * What the kind of work asks for: of a fix nothing but the plan itself, of a feature a spec too, of work on the
 * architecture also a contract.
 */
export function begin(store: Store, input: Omit<NewPlan, 'text'>): Written | Refusal {
  const parts: Record<Kind, Exclude<Part, 'plan'>[]> = {
    fix: [],
    feature: ['spec', 'companion'],
    architecture: ['spec', 'contract', 'companion'],
  }
  return make(store, input.kind === 'fix' ? { ...input, text: fixText(input.title) } : input, parts[input.kind])
}

/** What is to be done next, as command lines; the rest of a fix is plain git. */
export function nextCommands(kind: Kind, slug: string): string[] {
  const edit = (part: Part) => `git dstack plan edit ${slug} --part ${part}`
  if (kind === 'fix') return [`git commit --trailer "Dstack-Slug: ${slug}"`, `git dstack plan archive ${slug}`]
  const spec = [edit('spec'), `git dstack spec check ${slug}`]
  if (kind === 'feature') return [...spec, edit('plan'), `git dstack plan check ${slug}`]
  return [...spec, edit('contract'), `git dstack decompose ${slug}`]
}

/** The form of a spec. */
export function specForm(title: string): string {
  return fromTemplate(specTemplate, title)
}

/** A fix is its title and the two things that it needs: a test that fails first, and a commit. */
function fixText(title: string): string {
  const line = title.replace(/\s+/g, ' ').trim()
  return `# ${line}\n\n- [ ] A test that fails without the fix\n- [ ] The fix, in one commit with its test`
}

function make(store: Store, input: NewPlan, parts: readonly Exclude<Part, 'plan'>[]): Written | Refusal {
  const { title, kind, text = fromTemplate(planTemplate, input.title, input.title) } = input
  const slug = input.slug ?? slugFor(title)
  const problem = title.trim() === '' ? noTitle() : slugRefusal(slug)
  if (problem !== null) return problem
  const read = readPlan(text, `${slug}.md`)
  if ('problem' in read) return unreadable(read.problem)
  const tasks = firstTasks(read)
  const phases = read.features.flatMap((feature) => feature.phases)
  const date = (input.now ?? store.env.now()).toISOString().slice(0, 10)
  const all: Record<Exclude<Part, 'plan'>, () => string> = {
    spec: () => fromTemplate(specTemplate, title),
    contract: () => fromTemplate(contractTemplate, title),
    companion: () => newCompanion(companionTemplate, { title, slug, date, phases }),
  }
  const request: NewRequest = {
    slug,
    title: title.trim(),
    kind,
    shape: read.shape as Shape,
    plan: text,
    texts: Object.fromEntries(parts.map((part) => [part, all[part]()])),
    tasks,
  }
  return writeTo(store, newKeys(request), (seen, me) => decideNew(seen, request, me), input)
}

function noTitle(): Refusal {
  return { refused: 'USAGE', message: 'It needs a title.', hint: 'Say in a few words what is to be done.' }
}

// --- specs --------------------------------------------------------------------------------------------------------------

export interface NewSpec extends Secrets {
  title: string
  slug?: string
  /** Absent: refused, with what a spec needs. */
  text?: string
}

/** A spec of a feature; refused without a predicate, and when it is longer than a light spec may be. */
export function newSpec(store: Store, input: NewSpec): Written | Refusal {
  const { title, text } = input
  const slug = input.slug ?? slugFor(title)
  const problem = title.trim() === '' ? noTitle() : slugRefusal(slug)
  if (problem !== null) return problem
  if (text === undefined) {
    const hint = 'Give it with `--file <file>`; `git dstack help spec` shows what is in one.'
    return { refused: 'USAGE', message: 'There is no text of the spec.', hint }
  }
  const docs = docsOf(store, slug)
  if (docs !== null && summaryOf(docs).kind === 'fix') return noSpecForFix(slug)
  // A spec that `begin` made and nobody has filled in is not one yet.
  const [draft] = docs === null ? [] : said(docs.texts.spec)
  if (draft !== undefined && draft.doc.body !== fromTemplate(specTemplate, String(draft.doc.head.title)))
    return exists(slug, 'spec')
  const refusal = specRefusal(text)
  if (refusal !== null) return refusal
  const request = {
    slug,
    part: 'spec' as const,
    text,
    title: title.trim(),
    saw: draft === undefined ? [] : [draft.oid],
  }
  return writeTo(store, [partKey(slug, 'spec')], (seen, me) => decideText(seen, request, me), input)
}

function noSpecForFix(slug: string): Refusal {
  return {
    refused: 'REFUSED',
    message: `${slug} is a fix: it needs a test and a commit, no spec.`,
    hint: 'Begin a feature: `git dstack begin --kind feature <title>`.',
  }
}

export function specRefusal(text: string): Refusal | null {
  const issues = specIssues(text).filter(isBad)
  if (issues.length === 0) return null
  return {
    refused: 'REFUSED',
    message: `The spec is not one yet. ${issues.map(({ message }) => message).join(' ')}`,
    hint: 'Mend that, and try again; `git dstack help spec` shows one.',
    data: { issues },
  }
}
