// The guards as a table: facts of a commit or a push in, what is wrong out. Pure.

import { safe } from '../env/env'
import type { PatchFile } from '../git/git'
import { covers } from '../store/glob'
import type { Finding as Secret } from '../store/store'

export const COMMIT_GUARDS = ['words', 'secrets', 'author', 'subject', 'branches'] as const
export const PUSH_GUARDS = ['branches', 'force'] as const
export type Guard = (typeof COMMIT_GUARDS)[number] | (typeof PUSH_GUARDS)[number]

export interface Issue {
  guard: Guard
  level: 'warn' | 'refuse'
  /** One sentence, harmless to print; it never repeats a word of the list or a secret. */
  message: string
  path?: string
  line?: number
}

/** A commit that is about to be made, or was made. */
export interface CommitFacts {
  /** What it changes. */
  files: readonly PatchFile[]
  /** Null: not known yet. */
  message: string | null
  /** Address of the author; null: not known. */
  author: string | null
  /** Null: a detached HEAD, or it is on a branch already. */
  branch: string | null
}

/** One ref that a push would move: from what the remote holds to what is here. */
export interface PushFact {
  ref: string
  from: string | null
  to: string | null
  /** Does `to` hold everything that `from` holds? */
  forward: boolean
}

/** What the rules are about, and the two scanners. */
export interface Policy {
  authorEmails: readonly string[]
  protected: readonly string[]
  subjectLength: number
  /** Offsets at which a word of the list begins. */
  words: (text: string) => readonly number[]
  secrets: (text: string) => readonly Secret[]
}

type Found = Omit<Issue, 'guard' | 'level'>
type CommitRule = (facts: CommitFacts, policy: Policy) => Found[]

export const COMMIT_RULES: Readonly<Record<(typeof COMMIT_GUARDS)[number], CommitRule>> = {
  words({ files, message, branch }, { words }) {
    const stands = (where: string) => `A word of your list stands ${where}.`
    const isHit = (text: string) => words(text).length > 0
    const inFiles = files.flatMap(({ path, added }) => [
      ...(isHit(path) ? [{ message: stands('in the name of this file'), path }] : []),
      ...added.filter(({ text }) => isHit(text)).map(({ line }) => ({ message: stands('here'), path, line })),
    ])
    return [
      ...inFiles,
      ...(message !== null && isHit(message) ? [{ message: stands('in the message') }] : []),
      ...(branch !== null && isHit(branch) ? [{ message: stands("in the branch's name") }] : []),
    ]
  },

  secrets({ files, message }, { secrets }) {
    const sentence = ({ rule, masked }: Secret) => `This looks like a credential (${rule}): ${safe(masked)}.`
    const inFiles = files.flatMap(({ path, added }) =>
      // Keys go over many lines, so the lines are looked at together.
      secrets(added.map(({ text }) => text).join('\n')).map((secret) => {
        const line = added[secret.line - 1]?.line
        return { message: sentence(secret), path, ...(line === undefined ? {} : { line }) }
      }),
    )
    const inMessage = message === null ? [] : secrets(message)
    return [...inFiles, ...inMessage.map((secret) => ({ message: `In the message: ${sentence(secret)}` }))]
  },

  author({ author }, { authorEmails }) {
    if (author === null || authorEmails.length === 0) return []
    if (authorEmails.some((pattern) => matchesEmail(pattern, author))) return []
    return [{ message: `${safe(author)} may not author here; allowed: ${safe(authorEmails.join(', '))}.` }]
  },

  subject({ message }, { subjectLength }) {
    const subject = subjectOf(message ?? '')
    const { length } = [...subject]
    // What git itself writes is as long as what it is about.
    if (length <= subjectLength || /^(Merge |Revert "|(fixup|squash|amend)! )/.test(subject)) return []
    return [{ message: `The first line of the message has ${length} characters; at most ${subjectLength} are good.` }]
  },

  branches({ branch }, policy) {
    if (branch === null || !isProtected(branch, policy)) return []
    return [{ message: `Nobody commits on ${safe(branch)}: it is protected.` }]
  },
}

export const PUSH_RULES: Readonly<Record<(typeof PUSH_GUARDS)[number], (update: PushFact, policy: Policy) => Found[]>> =
  {
    branches({ ref, to }, policy) {
      const branch = branchOf(ref)
      if (branch === null || !isProtected(branch, policy)) return []
      const what = to === null ? 'Nobody removes' : 'Nobody pushes to'
      return [{ message: `${what} ${safe(branch)}: it is protected.` }]
    },

    force({ ref, from, to, forward }) {
      const isShared = branchOf(ref) !== null || ref.startsWith('refs/tags/')
      if (!isShared || from === null || to === null || forward) return []
      return [{ message: `This push would take commits away from ${safe(ref)} on the remote.` }]
    },
  }

/** The first line that is neither empty nor a comment of git's editor. */
export function subjectOf(message: string): string {
  return (
    message
      .split('\n')
      .find((line) => line.trim() !== '' && !line.startsWith('#'))
      ?.trim() ?? ''
  )
}

function branchOf(ref: string): string | null {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null
}

function isProtected(branch: string, { protected: patterns }: Policy): boolean {
  return patterns.some((pattern) => covers(`/${pattern.replace(/^\//, '')}`, branch))
}

/** `*` stands for anything but an `@`; capitals don't count. */
function matchesEmail(pattern: string, address: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^@]*')
  return new RegExp(`^${source}$`, 'i').test(address)
}
