// The door to guards: what must not be committed or pushed. Each has a switch of its own (`guard.*`: off, warn, refuse).

import { join } from 'node:path'
import type { Env } from '../env/env'
import { DstackError, type Refusal } from '../errors'
import { hashObject, hashText, indexTree, type Oid, type PatchFile, type Repo, readPatch } from '../git/git'
import { settingOf } from '../settings/settings'
import { findSecrets, type Store } from '../store/store'
import { stateHome } from '../trust/trust'
import {
  COMMIT_GUARDS,
  COMMIT_RULES,
  type CommitFacts,
  type Guard,
  type Issue,
  type Policy,
  PUSH_GUARDS,
  PUSH_RULES,
} from './rules'
import { addWord, removeWord, type WordList, wordFinder } from './words'

export type { CommitFacts, Issue } from './rules'

/** What is wrong with a commit, as the switches say; refusals first. */
export function guardCommit(store: Store, facts: CommitFacts): Issue[] {
  const policy = policyOf(store)
  return sorted(
    COMMIT_GUARDS.flatMap((guard) => {
      const level = levelOf(store, guard)
      return level === 'off' ? [] : COMMIT_RULES[guard](facts, policy).map((found) => ({ guard, level, ...found }))
    }),
  )
}

/** A line of pre-push: what the remote's ref is, and what it would be; null for none. */
export interface PushUpdate {
  ref: string
  from: Oid | null
  to: Oid | null
}

/** What is wrong with a push. Our own refs are not looked at. */
export function guardPush(store: Store, updates: readonly PushUpdate[]): Issue[] {
  const { work } = store.repo
  const policy = policyOf(store)
  const facts = updates.map((update) => ({
    ...update,
    forward: update.from === null || update.to === null || work.isAncestor(update.from, update.to),
  }))
  return sorted(
    PUSH_GUARDS.flatMap((guard) => {
      const level = levelOf(store, guard)
      if (level === 'off') return []
      return facts.flatMap((fact) => PUSH_RULES[guard](fact, policy).map((found) => ({ guard, level, ...found })))
    }),
  )
}

const sorted = (issues: Issue[]) => issues.sort((a, b) => Number(a.level === 'warn') - Number(b.level === 'warn'))

function levelOf(store: Store, guard: Guard): 'off' | Issue['level'] {
  const { value } = settingOf(store, `guard.${guard}`)
  return value === 'warn' || value === 'refuse' ? value : 'off'
}

function policyOf(store: Store): Policy {
  const listOf = (name: string) =>
    settingOf(store, name)
      .value.split(/[\s,]+/)
      .filter((word) => word !== '')
  return {
    authorEmails: listOf('guard.authorEmails'),
    protected: listOf('guard.protected'),
    subjectLength: Number(settingOf(store, 'guard.subjectLength').value),
    words: wordFinder(readWords(store.env, store.repo) ?? NO_WORDS, hashText),
    secrets: (text) => findSecrets(text, { hash: hashText }),
  }
}

// --- facts ------------------------------------------------------------------------------------------------------------

/** What a commit of the index would change and who would author it; in a hook that of the commit which is being made. */
export function stagedFacts(store: Store, message: string | null = null): CommitFacts | Refusal {
  const { env, repo } = store
  const tree = indexTree(env, repo)
  if (tree === null) {
    return { refused: 'REFUSED', message: 'Some paths are not merged yet.', hint: 'See `git status`.' }
  }
  const { oid, branch } = repo.work.head()
  return { files: changes(repo, oid ?? emptyTree(repo), tree), message, author: authorNow(repo), branch }
}

/** What a commit changes against its first parent. NOT_FOUND when there is no such commit. */
export function commitFacts(store: Store, rev: string): CommitFacts | Refusal {
  const { repo } = store
  const done = repo.git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`], {
    ok: [0, 1, 128],
  })
  const oid = done.stdout.trim()
  const [commit] = done.status === 0 ? repo.log([oid], { limit: 1 }) : []
  if (commit === undefined) return { refused: 'NOT_FOUND', message: `There is no commit "${rev}".` }
  const parent = commit.parents[0] ?? emptyTree(repo)
  const message = `${commit.subject}\n\n${commit.body}`
  return { files: changes(repo, parent, oid), message, author: commit.email, branch: null }
}

const emptyTree = (repo: Repo) => hashObject(repo.format, 'tree', Buffer.alloc(0))

function changes(repo: Repo, before: Oid, after: Oid): PatchFile[] {
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--src-prefix=a/', '--dst-prefix=b/']
  return readPatch(repo.git(['diff-tree', '-r', '-p', '-U0', ...plain, '--end-of-options', before, after]).stdout)
}

function authorNow(repo: Repo): string | null {
  const done = repo.git(['var', 'GIT_AUTHOR_IDENT'], { ok: [0, 128] })
  return /<([^<>]*)> \d+ [+-]\d{4}$/.exec(done.stdout.trim())?.[1] ?? null
}

// --- words ------------------------------------------------------------------------------------------------------------

const NO_WORDS: WordList = { v: 1, salt: '', hashes: [], longest: 0 }

/** One list for all repositories of a person, outside of them all. */
function wordsPath(env: Env, repo: Repo): string {
  return join(stateHome(env, repo), 'guard', 'words.json')
}

/** Null when there is none. @throws CORRUPT, TOO_NEW */
function readWords(env: Env, repo: Repo): WordList | null {
  const path = wordsPath(env, repo)
  const bytes = env.files.read(path)
  if (bytes === null) return null
  const list = parseWords(bytes)
  if (list !== null && list.v > 1) {
    throw new DstackError('TOO_NEW', `${path} was written by a newer git dstack.`, { hint: 'Update git dstack.' })
  }
  if (list === null || typeof list.salt !== 'string' || !Array.isArray(list.hashes)) {
    throw new DstackError('CORRUPT', `${path} is no list of words.`, {
      hint: 'Move it away, then add your words again.',
    })
  }
  return { ...list, longest: Number(list.longest) || 1 }
}

function parseWords(bytes: Buffer): WordList | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as WordList | null
  } catch {
    return null // said by the caller
  }
}

/** Adds words; gives how many the list has now. Only their hashes are kept. @throws USAGE for what is no word */
export function addWords(store: Store, words: readonly string[]): number {
  const { env } = store
  const fresh = { ...NO_WORDS, salt: `${env.newId()}${env.newId()}${env.newId()}` }
  return changeWords(store, words, (list, word) => addWord(list ?? fresh, word, hashText), 'is no word')
}

/** @throws USAGE for what is not in the list */
export function removeWords(store: Store, words: readonly string[]): number {
  return changeWords(store, words, (list, word) => list && removeWord(list, word, hashText), 'is not in the list')
}

function changeWords(
  { env, repo }: Store,
  words: readonly string[],
  change: (list: WordList | null, word: string) => WordList | null,
  problem: string,
): number {
  const lock = repo.lock()
  try {
    let list = readWords(env, repo)
    for (const word of words) {
      list = change(list, word)
      if (list === null) throw new DstackError('USAGE', `One of the words ${problem}; nothing was changed.`)
    }
    if (list === null) return 0
    env.files.write(wordsPath(env, repo), `${JSON.stringify(list)}\n`, { mode: 0o600, sync: true })
    return list.hashes.length
  } finally {
    lock?.release()
  }
}
