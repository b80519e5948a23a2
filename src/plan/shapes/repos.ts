// Sources that name more than one repository: which part of the text belongs to which.

import { frontOf, textsOf } from './front'
import { type Line, readLines, type Section, sectionsOf } from './lines'
import { indentOf } from './text'
import type { ReadPlan, RepoPart } from './types'

/** `## API [repo: api]`, `- [ ] Add the route (repo: api)`. */
const MARK = /[[(]repo(?:sitory)?:[ \t]{0,3}([\w.@/-]{1,100})[ \t]{0,3}[\])]$/i
/** `Repo: api`, `**Repository:** api`. */
const LINE = /^\s*(?:[-*+]\s+)?(?:\*\*)?(?:target )?repo(?:sitory)?(?:\*\*)?:(?:\*\*)?\s+`?([\w.@/-]{1,100})`?\s*$/i
const LIST_ITEM = /^[\s>]*(?:[-*+]|\d{1,9}[.)])[ \t]/

/** A heading or a label without its mark. */
export function withoutRepo(text: string): string {
  const trimmed = text.trim()
  const mark = MARK.exec(trimmed)
  return mark === null ? trimmed : trimmed.slice(0, mark.index).trimEnd()
}

interface Owned {
  lines: readonly Line[]
  sections: readonly Section[]
  /** Repository of each line; null: of all. */
  owners: (string | null)[]
  repos: string[]
}

/** Repositories that a text names, in its order. */
export function reposOf(text: string): string[] {
  return ownersOf(text).repos
}

function ownersOf(text: string): Owned {
  const lines = readLines(text)
  const sections = sectionsOf(lines)
  const owners: (string | null)[] = lines.map(() => null)
  const repos = new Set(textsOf(frontOf(lines).repos))
  const named: (string | null)[] = []
  for (const section of sections) {
    const own = ownRepo(lines, section)
    // What stands before the first heading is around all sections.
    const repo = own ?? named[Math.max(section.parent, 0)] ?? null
    named.push(repo)
    if (own !== null) repos.add(own)
    for (let at = section.start; at < section.end; at++) if (lines[at]?.kind !== 'front') owners[at] = repo
    for (const { from, to, repo: ofTask } of markedItems(lines, section)) {
      repos.add(ofTask)
      owners.fill(ofTask, from, to)
    }
  }
  return { lines, sections, owners, repos: [...repos] }
}

/** What the heading, or a line directly below it that is no task's, says. */
function ownRepo(lines: readonly Line[], { start, end, heading }: Section): string | null {
  const [, marked] = MARK.exec(heading) ?? []
  if (marked !== undefined) return marked
  for (let at = start; at < end; at++) {
    const line = lines[at]
    const [, repo] = line?.kind === 'text' && indentOf(line.text) < 2 ? (LINE.exec(line.text) ?? []) : []
    if (repo !== undefined) return repo
  }
  return null
}

/** List items that name a repository themselves, with the lines below that are theirs. */
function markedItems(lines: readonly Line[], { start, end }: Section): { from: number; to: number; repo: string }[] {
  const found: { from: number; to: number; repo: string }[] = []
  for (let from = start; from < end; from++) {
    const line = lines[from]
    if (line?.kind !== 'text' || !LIST_ITEM.test(line.text)) continue
    const to = endOfItem(lines, from, end)
    const [, repo] = MARK.exec(line.text.trimEnd()) ?? fieldOf(lines, from + 1, to)
    if (repo === undefined) continue
    found.push({ from, to, repo })
  }
  return found
}

/** `repo: api` below a task, before anything nested in it. */
function fieldOf(lines: readonly Line[], from: number, to: number): RegExpExecArray | [] {
  for (let at = from; at < to; at++) {
    const line = lines[at]
    if (line?.kind !== 'text' || LIST_ITEM.test(line.text)) break
    const found = LINE.exec(line.text)
    if (found !== null) return found
  }
  return []
}

function endOfItem(lines: readonly Line[], from: number, end: number): number {
  const indent = indentOf(lines[from]?.text ?? '')
  let to = from + 1
  for (let at = to; at < end; at++) {
    const { text = '' } = lines[at] ?? {}
    if (text.trim() === '') continue
    if (indentOf(text) <= indent) break
    to = at + 1
  }
  return to
}

/**
 * One text per repository that the source names: its own sections and tasks, all that names none, and the headings
 * above. A source that names one repository is its only part; one that names none has no parts.
 */
export function splitByRepo(text: string, plan: Pick<ReadPlan, 'shape'>): RepoPart[] {
  if (plan.shape === 'taskxml') return []
  const owned = ownersOf(text)
  return owned.repos.map((repo) => partOf(text, owned, repo))
}

function partOf(text: string, { lines, sections, owners, repos }: Owned, repo: string): RepoPart {
  const wanted = owners.map((owner) => owner === null || owner === repo)
  // From the last section to the first, so that a heading is kept for the sake of what stands deeper.
  const kept = sections.map(({ start, end }) => wanted.slice(start, end).includes(true))
  for (let at = sections.length - 1; at >= 0; at--) {
    const section = sections[at]
    if (section === undefined || !kept[at]) continue
    if (section.level > 0) wanted[section.start] = true
    if (section.parent >= 0) kept[section.parent] = true
  }
  let part = ''
  let inRepos = false
  for (const [at, line] of lines.entries()) {
    if (!wanted[at]) continue
    const raw = text.slice(at === 0 ? 0 : line.at, lines[at + 1]?.at ?? text.length)
    inRepos =
      line.kind === 'front' &&
      (/^repos\s*:/.test(line.text) || (inRepos && /^\s*-/.test(line.text) && line.text.trim() !== '---'))
    if (!inRepos || repos.length < 2) part += raw
    else if (/^repos/.test(line.text))
      part += `repos: [${repo}]${raw.slice(line.text.length + (raw.startsWith('\ufeff') ? 1 : 0))}`
  }
  const headings = sections.flatMap((section, at) => (kept[at] && section.heading !== '' ? [section.heading] : []))
  return { repo, text: part, sections: headings }
}
