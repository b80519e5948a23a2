// A branch in memory: commits as `Work.commits` would read them, without git.

import type { WorkCommit } from '../../src/git/git'

/** A 40-digit id that is the same for the same number. */
export const oidOf = (n: number) => n.toString(16).padStart(40, '0')

export const STATE = 'f'.repeat(40)

/** Parses a message as git does where its last paragraph is all trailers. */
export function commitOf(n: number, message: string, more: Partial<WorkCommit> = {}): WorkCommit {
  const [subject = '', ...rest] = message.split('\n')
  const trailers: Record<string, string[]> = {}
  const lines = message.trim().split('\n\n').slice(1).at(-1)?.split('\n') ?? []
  const pairs = lines.map((line) => /^([A-Za-z][A-Za-z0-9-]*): (.*)$/.exec(line))
  for (const pair of pairs.every((each) => each !== null) ? pairs : []) {
    const [, name = '', value = ''] = pair ?? []
    trailers[name] = [...(trailers[name] ?? []), value]
  }
  return {
    oid: oidOf(n),
    tree: oidOf(1000 + n),
    parents: n > 1 ? [oidOf(n - 1)] : [],
    subject,
    body: rest.join('\n').replace(/^\n/, ''),
    trailers,
    author: 'alice',
    email: 'alice@example.com',
    seconds: n,
    files: [],
    ...more,
  }
}

/** Numbered from 1, each on the one before it. */
export function branchOf(...messages: string[]): WorkCommit[] {
  return messages.map((message, i) => commitOf(i + 1, message))
}
