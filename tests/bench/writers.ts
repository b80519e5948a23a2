// P10: 16 writers at once, in one clone and over linked worktrees. Nothing acknowledged may be lost.

import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MEMORY, pathOf } from '../../src/store/store'
import type { Ground } from './ground'
import { expect, type Group } from './group'

const WORKTREES = 4

interface Contest {
  acknowledged: number
  lost: number
  retries: number
}

/** Lets many processes append into these folders of one repository, all at once. */
async function contest(ground: Ground, folders: readonly string[]): Promise<Contest> {
  const { writers: count, each } = ground.smoke ? { writers: 4, each: 2 } : { writers: 16, each: 10 }
  const [main = ''] = folders
  const before = Number(ground.git(main, 'rev-list', '--count', MEMORY))
  const traces = join(main, '.git', 'traces')
  mkdirSync(traces)
  const writers = Array.from({ length: count }, (_, i) => {
    const args = [ground.program('writer'), folders[i % folders.length] ?? main, `writer-${i}`, String(each)]
    return printedBy(args, { ...ground.vars, GIT_TRACE2_EVENT: traces })
  })
  const acknowledged = (await Promise.all(writers)).flatMap((text) => text.split('\n').filter((line) => line !== ''))
  expect(acknowledged.length, count * each, 'acknowledged writes')
  const commits = new Set(ground.git(main, 'rev-list', MEMORY).split('\n'))
  const paths = new Set(ground.git(main, 'ls-tree', '-r', '--name-only', MEMORY).split('\n'))
  const kept = acknowledged.filter((line) => {
    const [key = '', commit = ''] = line.split(' ')
    return commits.has(commit) && paths.has(pathOf(key))
  })
  expect(commits.size, before + kept.length, 'commits: each write once')
  // Each try ends in one update-ref; those that no write came of were tries in vain.
  const tries = readdirSync(traces).filter((name) => isUpdateRef(readFileSync(join(traces, name), 'utf8'))).length
  return { acknowledged: acknowledged.length, lost: acknowledged.length - kept.length, retries: tries - kept.length }
}

function isUpdateRef(trace: string): boolean {
  return trace.includes('"event":"cmd_name"') && /"event":"cmd_name"[^\n]*"name":"update-ref"/.test(trace)
}

function printedBy(args: string[], vars: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env: vars, stdio: ['ignore', 'pipe', 'inherit'] })
    const printed: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk))
    child.once('error', reject)
    child.once('close', (status, signal) => {
      if (status === 0) resolve(Buffer.concat(printed).toString('utf8'))
      else reject(new Error(`A writer ended with ${status ?? signal}.`))
    })
  })
}

export const writers: Group = {
  targets: ['P10'],
  async run(ground) {
    const { clone } = await ground.site(1_000)
    const one = await contest(ground, [clone])
    const linked = await ground.site(1_000)
    const worktrees = Array.from({ length: WORKTREES }, (_, i) => {
      const folder = join(linked.clone, '..', `worktree-${i + 1}`)
      ground.git(linked.clone, 'worktree', 'add', '-q', '--detach', folder)
      return folder
    })
    const many = await contest(ground, [linked.clone, ...worktrees])
    const both = (count: (contest: Contest) => number) =>
      `one clone ${count(one)}, ${WORKTREES} linked worktrees ${count(many)}`
    return {
      outcomes: [
        {
          id: 'P10',
          measured: one.lost + many.lost,
          detail: `${both(({ lost }) => lost)}; of ${one.acknowledged} and ${many.acknowledged} acknowledged`,
        },
        { id: 'P10-retries', measured: one.retries + many.retries, detail: both(({ retries }) => retries) },
      ],
    }
  },
}
