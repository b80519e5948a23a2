// What a team holds its plans to: the lines of principles.md, and those of them that a program can judge.

import { covers } from '../store/glob'
import type { Contract, Issue, Task } from './schema'
import { TASK_ID } from './schema'
import { codeSpan, readLines, splitList } from './shapes/lines'
import { byLeaf } from './tasks'

export interface Principle {
  weight: 'MUST' | 'SHOULD'
  text: string
  /** Null: it is prose, and nobody but a reader can judge it. */
  rule: Rule | null
  /** Why what looks like a rule is none. */
  problem: string | null
  /** 1-based. */
  line: number
}

/** `rule.text` is how it stands in the file. */
export type Rule = { text: string } & (
  | { is: 'text'; pattern: RegExp; wanted: boolean }
  | { is: 'kind'; kind: string; beside: string | null }
  | { is: 'section'; name: string }
  | { is: 'part'; part: 'spec' | 'contract' | 'companion' }
  | { is: 'files'; globs: string[]; inside: boolean }
  | { is: 'acceptance'; pattern: RegExp }
  | { is: 'most'; tasks: number }
)

/** What a rule is judged on. */
export interface Subject {
  /** The plan's, the contract's and the spec's text. */
  texts: readonly string[]
  has: { spec: boolean; contract: boolean; companion: boolean }
  tasks: readonly Task[]
  contract: Contract | null
}

const LINE = /^\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+(?:\*\*)?(MUST|SHOULD)(?: NOT)?(?:\*\*)?\b/

export function readPrinciples(text: string): Principle[] {
  return readLines(text).flatMap((line, at) => {
    const [head, weight] = (line.kind === 'text' ? LINE.exec(line.text) : null) ?? []
    if (head === undefined) return []
    const said = line.text.replace(/^\s*(?:[-*+]|\d{1,3}[.)])\s+/, '').trim()
    const spans = [...said.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , inner = '']) => inner.trim())
    const last = spans.at(-1)
    const read = last === undefined ? null : parseRule(last)
    const rule = read !== null && !('problem' in read) ? read : null
    const problem = read !== null && 'problem' in read ? read.problem : null
    return [{ weight: weight as Principle['weight'], text: said, rule, problem, line: at + 1 }]
  })
}

const KIND = '[CTDGMRL]'
/** A group that repeats and holds a repetition: such a pattern can take for ever on a text of somebody else. */
const EXPLOSIVE = /\([^()]*[+*}][^()]*\)\s*[+*{]/

function pattern(source: string, flags: string): RegExp | { problem: string } {
  if (source.length > 300 || EXPLOSIVE.test(source)) return { problem: `/${source}/ is too complicated for a rule` }
  try {
    return new RegExp(source, `${flags.replace(/[^im]/g, '')}u`)
  } catch {
    return { problem: `/${source}/ is no pattern` }
  }
}

/** A rule, or why it is none. The forms are those of the manual page `plan`. */
export function parseRule(text: string): Rule | { problem: string } {
  const at = (form: RegExp) => form.exec(text)
  const regex = at(/^(?:text|acceptance) \/(.+)\/([im]*)(?: (absent|present))?$/s)
  if (regex !== null) {
    const [, source = '', flags = '', wanted] = regex
    const found = pattern(source, flags)
    if ('problem' in found) return found
    if (text.startsWith('text') && wanted !== undefined)
      return { text, is: 'text', pattern: found, wanted: wanted === 'present' }
    if (text.startsWith('acceptance') && wanted === undefined) return { text, is: 'acceptance', pattern: found }
  }
  const kind = at(new RegExp(`^requires kind (${KIND})(?: beside (${KIND}))?$`))
  if (kind !== null) return { text, is: 'kind', kind: kind[1] ?? '', beside: kind[2] ?? null }
  const part = at(/^requires (spec|contract|companion)$/)?.[1]
  if (part !== undefined) return { text, is: 'part', part: part as 'spec' }
  const section = at(/^requires section (.+)$/)?.[1]
  if (section !== undefined) return { text, is: 'section', name: section }
  const files = at(/^files (within|outside) (.+)$/)
  if (files !== null) return { text, is: 'files', globs: splitList(files[2] ?? ''), inside: files[1] === 'within' }
  const most = at(/^at most (\d{1,3}) tasks$/)?.[1]
  if (most !== undefined) return { text, is: 'most', tasks: Number(most) }
  return { problem: `${codeSpan(text)} is no rule` }
}

/** Where the rule is broken, and how; empty: it holds. */
export function judge(rule: Rule, subject: Subject): { where: string; message: string }[] {
  const { tasks, texts, has } = subject
  switch (rule.is) {
    case 'text': {
      const everything = [...texts, ...tasks.map(({ title, action }) => `${title}\n${action}`)]
      const found = everything.map((text) => rule.pattern.exec(text)?.[0]).find((match) => match !== undefined)
      if (rule.wanted) return found === undefined ? [{ where: 'plan', message: 'nothing in it matches' }] : []
      return found === undefined ? [] : [{ where: 'plan', message: `it says "${found.slice(0, 60)}"` }]
    }
    case 'kind':
      return [...byLeaf(tasks)].flatMap(([leaf, own]) => {
        const kinds = new Set(own.map(({ id }) => TASK_ID.exec(id)?.[2]))
        const asked = rule.beside === null || kinds.has(rule.beside)
        return asked && !kinds.has(rule.kind)
          ? [{ where: leaf, message: `phase ${leaf} has no task of kind ${rule.kind}` }]
          : []
      })
    case 'section': {
      const wanted = rule.name.toLowerCase()
      const there = texts.some((text) => readLines(text).some((line) => headed(line.text, line.kind, wanted)))
      return there ? [] : [{ where: 'plan', message: `there is no section "${rule.name}"` }]
    }
    case 'part':
      return has[rule.part] ? [] : [{ where: 'plan', message: `there is no ${rule.part}` }]
    case 'files':
      return tasks.flatMap(({ id, files }) => {
        const wrong = files.filter((file) => rule.globs.some((glob) => covers(glob, file)) !== rule.inside)
        return wrong.length === 0 ? [] : [{ where: id, message: `${id} may change ${wrong.join(', ')}` }]
      })
    case 'acceptance': {
      const lines = tasks.map(({ id, acceptance }) => ({ where: id, acceptance }))
      return lines
        .filter(({ acceptance }) => !acceptance.some((line) => rule.pattern.test(line)))
        .map(({ where }) => ({ where, message: `no acceptance predicate of ${where} is like that` }))
    }
    case 'most':
      return [...byLeaf(tasks)].flatMap(([leaf, own]) =>
        own.length > rule.tasks ? [{ where: leaf, message: `phase ${leaf} has ${own.length} tasks` }] : [],
      )
  }
}

function headed(text: string, kind: string, wanted: string): boolean {
  return (
    kind === 'text' &&
    /^ {0,3}#{1,6}\s/.test(text) &&
    text
      .replace(/^[\s#]+/, '')
      .toLowerCase()
      .startsWith(wanted)
  )
}

/** A broken MUST is critical. One that no program can judge is said, never passed over. */
export function principleIssues(text: string, subject: Subject): Issue[] {
  return readPrinciples(text).flatMap(({ weight, text: said, rule, problem, line }): Issue[] => {
    if (rule === null) {
      if (weight !== 'MUST') return []
      const why = problem === null ? '' : `: ${problem}`
      return [
        {
          severity: 'warning',
          rule: 'not-checkable',
          where: `principles.md:${line}`,
          message: `Not checkable here${why}: ${said}`,
        },
      ]
    }
    return judge(rule, subject).map(({ where, message }) => ({
      severity: weight === 'MUST' ? 'critical' : 'warning',
      rule: 'principle',
      where,
      message: `${said} (${message}).`,
    }))
  })
}
