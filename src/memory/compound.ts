// What a finished piece of work teaches: proposals from its commits and from `[LEARN]` lines. Proposals only; a person says yes.

import { fnv1a } from '../store/keys'
import { type Actor, cleanText, DEFAULT_CONFIDENCE, sourceOf } from './rules'
import type { Portable } from './schema'
import { keyFor, titleOf } from './topic'

export interface WorkCommit {
  oid: string
  subject: string
  body: string
  /** Paths that it changes. */
  files: readonly string[]
}

export interface Proposal {
  /** Marked as proposed. */
  entry: Portable
  /** Why it is proposed: the end of the sentence "Proposed because …". */
  reason: string
}

/** One thing worth keeping, still without a place. */
interface Lesson {
  category: 'gotchas' | 'decisions' | 'learnings' | 'conventions'
  /** What it is about, when the text alone would not say so. */
  title?: string
  text: string
  /** A word that the writer gave for its subject. */
  topic?: string
  reason: string
}

/** What authors write before something that others should know. `why` belongs to the decision above it. */
const MARKERS: readonly [pattern: RegExp, kind: Lesson['category'] | 'cause' | 'why'][] = [
  [/^root[- ]cause$/i, 'cause'],
  [/^(decision|decided)$/i, 'decisions'],
  [/^(because|why|rationale|reason)$/i, 'why'],
  [/^(gotcha|pitfall|caveat|beware|warning)$/i, 'gotchas'],
  [/^(lesson|lessons? learned|learned|learning|learnt)$/i, 'learnings'],
  [/^(convention|rule)$/i, 'conventions'],
]

/** Words with which a message explains a fault. */
const EXPLAINS =
  /\b(root cause|because|caused by|due to|turn(s|ed) out|the reason|the culprit|happen(s|ed) (when|if)|never (was|were)|was never)\b/i

/** Longest text of a proposal in characters: a lesson, not a report. */
const MAX_TEXT = 4000

/** Proposals of a piece of work, oldest commit first. The same commits always give the same proposals. */
export function compound(commits: readonly WorkCommit[], actor: Actor): Proposal[] {
  const proposals = commits.flatMap((commit) => {
    const from = `${commit.oid.length === 64 ? 'sha256' : 'sha1'}:${commit.oid}`
    const { scope } = partsOf(commit.subject)
    const paths = globsFor(commit.files)
    return lessonsOf(commit).map((lesson) =>
      proposalFor({ ...(scope === undefined ? {} : { topic: scope }), ...lesson }, actor, { from, paths }),
    )
  })
  return withoutRepeats(proposals)
}

/** Proposals from what an assistant said: its `[LEARN]` lines. `from` says where, for the entry's source. */
export function learned(message: string, actor: Actor, from?: string): Proposal[] {
  const where = from === undefined ? {} : { from }
  return withoutRepeats(learnLines(message).map((lesson) => proposalFor(lesson, actor, { ...where, paths: [] })))
}

function lessonsOf(commit: WorkCommit): Lesson[] {
  const short = commit.oid.slice(0, 8)
  const body = cleanText(commit.body)
  const { title, fixes, reverts } = partsOf(commit.subject)
  if (/^Merge\b/.test(commit.subject)) return []
  const marked = markedLessons(body, title, short)
  const said = [...learnLines(body), ...marked]
  if (said.length > 0) return said
  const paragraphs = body.split(/\n{2,}/).filter((paragraph) => !isTrailers(paragraph))
  if (reverts !== undefined) {
    const why = paragraphs.filter((paragraph) => !/^This reverts commit [0-9a-f]+\.?$/.test(paragraph)).join('\n\n')
    if (why === '') return []
    return [
      { category: 'gotchas', title: `${reverts} (reverted)`, text: why, reason: `${short} reverts it and says why` },
    ]
  }
  const explanation = fixes ? paragraphs.find((paragraph) => EXPLAINS.test(paragraph)) : undefined
  if (explanation === undefined) return []
  return [{ category: 'gotchas', title, text: explanation, reason: `${short} fixes it and says what it was` }]
}

/** `fix(auth): token expires` → its words without the prefix, and what the prefix says. */
function partsOf(subject: string): { title: string; scope?: string; fixes: boolean; reverts?: string } {
  const [, revertedSubject] = /^Revert "(.+)"$/.exec(subject) ?? []
  if (revertedSubject !== undefined) {
    const { title, scope } = partsOf(revertedSubject)
    return { title, ...(scope === undefined ? {} : { scope }), fixes: false, reverts: title }
  }
  const [, type, scope, rest] = /^([a-z]+)(?:\(([^)]+)\))?!?:\s+(.+)$/i.exec(subject) ?? []
  const fixes = /^(fix|bugfix|hotfix|fixes|fixed)$/i.test(type ?? '') || /^(fix|fixes|fixed)\b/i.test(subject)
  return { title: rest ?? subject, ...(scope === undefined ? {} : { scope }), fixes }
}

/** Lines such as `Decision: …`; what follows belongs to them up to the next empty line, marker or trailer. */
function markedLessons(body: string, title: string, short: string): Lesson[] {
  const lessons: Lesson[] = []
  for (const { name, value } of markedValues(body)) {
    const kind = MARKERS.find(([pattern]) => pattern.test(name))?.[1]
    const last = lessons.at(-1)
    const reason = `${short} says “${name}:”`
    if (kind === undefined || value === '') continue
    if (kind === 'cause') lessons.push({ category: 'gotchas', title, text: `Root cause: ${value}`, reason })
    else if (kind !== 'why') lessons.push({ category: kind, text: value, reason })
    else if (last?.category === 'decisions') last.text += `\n\nBecause: ${value}`
    else lessons.push({ category: 'decisions', title, text: `Because: ${value}`, reason })
  }
  return lessons
}

function markedValues(body: string): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = []
  let inside = false
  for (const line of proseLines(body)) {
    const [, name, rest] = /^(?:[-*]\s+)?(?:\*\*)?([A-Za-z][A-Za-z -]{1,24}?):(?:\*\*)?(?:\s+(.*))?$/.exec(line) ?? []
    const last = found.at(-1)
    if (name !== undefined && isMarker(name)) {
      found.push({ name, value: rest ?? '' })
      inside = true
    } else if (isTrailer(line)) {
      inside = false
    } else if (line.trim() === '') {
      // A marker on a line of its own speaks of the paragraph below it.
      inside &&= last?.value === ''
    } else if (inside && last !== undefined) {
      last.value += `${last.value === '' ? '' : '\n'}${line}`
    }
  }
  return found
}

function isMarker(name: string): boolean {
  return MARKERS.some(([pattern]) => pattern.test(name))
}

function isTrailer(line: string): boolean {
  return /^[A-Z][A-Za-z]*(-[A-Za-z]+)+: \S/.test(line)
}

function isTrailers(paragraph: string): boolean {
  return paragraph.split('\n').every(isTrailer)
}

/** `[LEARN] Category: rule` with `Mistake:` and `Correction:` below, or `[LEARN] mistake -> correction`. */
function learnLines(text: string): Lesson[] {
  const lessons: Lesson[] = []
  let open: Lesson | null = null
  for (const line of proseLines(cleanText(text))) {
    const [, said] = /^\s*(?:[-*>]\s+)*(?:\*\*)?\[LEARN\](?:\*\*)?:?\s+(\S.*)$/i.exec(line) ?? []
    const [, name, value] = /^\s*(?:[-*>]\s+)*(?:\*\*)?(Mistake|Correction):(?:\*\*)?\s+(\S.*)$/i.exec(line) ?? []
    if (said !== undefined) {
      open = learnLesson(said.trim())
      lessons.push(open)
    } else if (open !== null && name !== undefined && value !== undefined) {
      const label = name.toLowerCase() === 'mistake' ? 'Mistake' : 'Correction'
      open.text += `${/\n(Mistake|Correction): /.test(open.text) ? '' : '\n'}\n${label}: ${value.trim()}`
    } else if (line.trim() === '') {
      open = null
    }
  }
  return lessons
}

function learnLesson(said: string): Lesson {
  const reason = 'it was marked with [LEARN]'
  const [, mistake, correction] = /^(.+?)\s+(?:->|=>|→)\s+(.+)$/.exec(said) ?? []
  if (mistake !== undefined && correction !== undefined) {
    return { category: 'learnings', text: `${correction}\n\nMistake: ${mistake}\nCorrection: ${correction}`, reason }
  }
  const [, topic, rule] = /^([\p{L}][\p{L}\p{N} _/-]{0,30}):\s+(\S.*)$/u.exec(said) ?? []
  if (topic === undefined || rule === undefined) return { category: 'learnings', text: said, reason }
  return { category: 'learnings', topic, text: rule, reason }
}

/** The lines outside of code fences: what stands inside is an example. */
function proseLines(text: string): string[] {
  let fence: string | null = null
  return text.split('\n').filter((line) => {
    const [mark] = /^\s*(```+|~~~+)/.exec(line)?.slice(1) ?? []
    if (mark !== undefined && (fence === null || mark.startsWith(fence))) {
      fence = fence === null ? mark : null
      return false
    }
    return fence === null
  })
}

function proposalFor(lesson: Lesson, actor: Actor, where: { from?: string; paths: string[] }): Proposal {
  const whole = lesson.title === undefined ? lesson.text : `${lesson.title}\n\n${lesson.text}`
  const text = cleanText(whole.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, ''))
  const hints = { paths: where.paths, ...(lesson.topic === undefined ? {} : { tags: [lesson.topic] }) }
  const entry: Portable = {
    key: keyFor(lesson.category, lesson.title ?? titleOf(text), hints),
    text,
    state: 'INFERRED',
    confidence: DEFAULT_CONFIDENCE.INFERRED,
    source: sourceOf(actor, where.from),
    scope: 'repository',
    paths: where.paths,
    tags: [],
    pin: false,
    links: where.from === undefined || !/^sha(1|256):/.test(where.from) ? [] : [where.from],
    proposed: true,
    reason: lesson.reason,
  }
  return { entry, reason: lesson.reason }
}

const NOISE = /(^|\/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|go\.sum|CHANGELOG\.md)$/

/** A few files as they are; many as the folder that holds them. Locks and changelogs say nothing about the subject. */
function globsFor(files: readonly string[]): string[] {
  // A file's name may hold what means something in a glob: `[id].tsx`.
  const telling = files
    .filter((file) => !NOISE.test(file))
    .map((file) => file.replace(/[[\]{}*]/g, '?'))
    .sort()
  if (telling.length <= 3) return telling
  const folders = telling.map((file) => file.split('/').slice(0, -1))
  const [first = []] = folders
  const shared = first.findIndex((name, i) => folders.some((names) => names[i] !== name))
  const common = shared < 0 ? first : first.slice(0, shared)
  return common.length === 0 ? [] : [`${common.join('/')}/**`]
}

/** The same text once; another text that would get the same key gets a longer one. */
function withoutRepeats(proposals: readonly Proposal[]): Proposal[] {
  const byKey = new Map<string, Proposal>()
  const texts = new Set<string>()
  for (const { entry, reason } of proposals) {
    const text = entry.text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()
    if (texts.has(text)) continue
    texts.add(text)
    const key = byKey.has(entry.key) ? `${entry.key}-${fnv1a(entry.text).toString(36)}` : entry.key
    byKey.set(key, { entry: { ...entry, key }, reason })
  }
  return [...byKey.values()]
}
