// Reviewers as real programs: two at the same time, one that changes something, and each way to get no review (A8).

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import { openRepo } from '../../src/git/git'
import { type Reviewed, type ReviewRequest, runReviews } from '../../src/review/review'
import { openStore } from '../../src/store/store'
import { definitionOf } from '../../src/trust/trust'
import { Repo } from '../memory/repo'

const MATERIAL = { slug: 'pay', leaf: '1.1', spec: 'LEAF', contract: 'CONTRACT', plan: 'PLAN' }

let repo: Repo
let base: string
let head: string

beforeEach(() => {
  repo = Repo.make()
  base = repo.commit('before', { 'a.txt': 'one\ntwo\n', 'old.txt': 'old\n' })
  head = repo.commit('after', { 'a.txt': 'one\n2\n', 'sub/b.txt': 'b\n' })
})
afterEach(() => repo.dispose())

/** A program outside of the repository; `$2` is where it can leave things for the test. */
function program(script: string, name = 'reviewer'): string {
  const path = join(repo.root, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const place = () => join(repo.root, 'left')

async function review(
  command: string,
  more: Partial<ReviewRequest> & { limit?: number; vars?: Record<string, string> } = {},
) {
  mkdirSync(place(), { recursive: true })
  const global = join(repo.root, 'gitconfig')
  const quoted = `"${command.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  writeFileSync(global, `[dstack "review"]\n\treviewer = ${quoted}\n\tlimitSeconds = ${more.limit ?? 20}\n`)
  const env = repo.env({ GIT_CONFIG_GLOBAL: global, ...more.vars })
  const { hash } = definitionOf(env, openRepo(env), command, { tree: head })
  const { limit: _limit, vars: _vars, ...request } = more
  return runReviews(openStore(env), {
    ...{ tracks: ['A'], head, base, material: MATERIAL, earlier: [], hashes: new Set([hash]) },
    ...request,
  })
}

function done(value: Awaited<ReturnType<typeof runReviews>>): Reviewed {
  if (isRefusal(value)) throw new Error(value.message)
  return value
}

const NONE = `echo '{"findings":[]}'`
const only = ({ reviews, failures }: Reviewed) => {
  expect([reviews.length, failures.length, failures[0]?.track]).toEqual([0, 1, 'A'])
  return failures[0]
}
const leftovers = () =>
  existsSync(join(repo.path, '.git/dstack/scratch')) ? readdirSync(join(repo.path, '.git/dstack/scratch')) : []

test('two tracks run at the same time, each in a process and on a checkout of its own', async () => {
  // Each waits until the other one has begun: one after the other, neither would end.
  const path = program(`
    track=$(sed -n 's/^# Review of .*, track //p' "$1")
    pwd > "$2/$track"; echo $$ > "$2/pid-$track"
    other=A; [ "$track" = A ] && other=B
    i=0; while [ ! -s "$2/pid-$other" ] && [ $i -lt 300 ]; do i=$((i+1)); sleep 0.05; done
    kill -0 "$(cat "$2/pid-$other")" && echo alive > "$2/saw-$track"
    : > "$2/done-$track"
    i=0; while [ ! -e "$2/done-$other" ] && [ $i -lt 300 ]; do i=$((i+1)); sleep 0.05; done
    printf '{"reviewer":"r%s","findings":[]}' "$track"`)
  const { reviews, failures } = done(await review(`${path} {prompt} ${place()}`, { tracks: ['A', 'B'] }))
  expect(failures).toEqual([])
  expect(reviews.map(({ track, reviewer }) => `${track} ${reviewer}`)).toEqual(['A rA', 'B rB'])
  const left = (name: string) => readFileSync(join(place(), name), 'utf8').trim()
  expect([left('saw-A'), left('saw-B')]).toEqual(['alive', 'alive'])
  expect(left('A')).not.toBe(left('B'))
  expect(leftovers()).toEqual([])
})

test('it gets the prompt, the commit and its history, and no way to write that we left open', async () => {
  const path = program(`
    cp "$1" "$2/prompt"; ls -l a.txt > "$2/mode"; cat a.txt sub/b.txt > "$2/files"
    git rev-parse HEAD > "$2/head"; git diff --name-only ${base} HEAD > "$2/diff"; git status --short > "$2/status"
    env > "$2/env"; ${NONE}`)
  writeFileSync(join(repo.path, 'a.txt'), 'not committed\n')
  done(await review(`${path} {prompt} ${place()}`, { vars: { SECRET_TOKEN: 'x', GIT_INDEX_FILE: '/tmp/none' } }))
  const left = (name: string) => readFileSync(join(place(), name), 'utf8')
  expect(left('files')).toBe('one\n2\nb\n')
  expect(left('mode')).toMatch(/^-r--r--r--/)
  expect([left('head').trim(), left('diff'), left('status')]).toEqual([head, 'a.txt\nsub/b.txt\n', ''])
  expect(left('prompt')).toMatch(/CONTRACT[\s\S]*PLAN[\s\S]*\+2/)
  expect(left('env')).not.toMatch(/SECRET_TOKEN|GIT_INDEX_FILE/)
})

test.each([
  ['standard output', '', 'echo'],
  ['a file', '{output}', 'tee "$1" <<E >/dev/null\n'],
])('findings come from %s, the task by standard input', async (_, place, how) => {
  const found =
    '{"model":"gpt-5","findings":[{"severity":"P1","class":"bug","claim":"two is gone","path":"a.txt","lines":"2"},{"severity":"P1","class":"bug","claim":"old","path":"old.txt"}]}'
  const say = how === 'echo' ? `echo '${found}'` : `${how}${found}\nE`
  const path = program(`grep -q 'track A' || exit 9\n${say}`)
  const { reviews } = done(await review(`${path} ${place}`.trim(), { vars: { DSTACK_AGENT: 'codex' } }))
  expect(reviews).toMatchObject([
    {
      reviewer: 'reviewer',
      decided: { findings: [{ claim: 'two is gone', verified: true, path: 'a.txt' }], preexisting: [{ claim: 'old' }] },
      warnings: [expect.stringContaining('same make as the author')],
    },
  ])
})

test('words of a command are words: no shell looks at them', async () => {
  const path = program(`printf '%s|' "$@" > "$1/args"; ${NONE}`)
  done(await review(`${path} ${place()} '$(touch ${place()}/ran)' ';' 'it"s' {prompt}`))
  expect(readFileSync(join(place(), 'args'), 'utf8')).toContain(`|$(touch ${place()}/ran)|;|it"s|`)
  expect(existsSync(join(place(), 'ran'))).toBe(false)
})

describe('a run that changed something is void', () => {
  const cases: [string, string, string][] = [
    ['a file of its checkout', 'chmod u+w . a.txt; echo x >> a.txt', 'a.txt'],
    ['a new file', 'chmod u+w .; : > new.txt', 'new.txt'],
    ['a file that it took away', 'chmod u+w .; rm -f a.txt', 'a.txt'],
    ['its HEAD', 'chmod -R u+w .git; git update-ref HEAD HEAD~1', '.git/HEAD'],
    ['a branch of the repository', 'git -C "$2" branch stray', 'refs/heads/stray'],
    ['a file of the working tree', 'echo x > "$2/a.txt"', 'a.txt'],
    ['an untracked file there', ': > "$2/stray.txt"', 'stray.txt'],
    ['its settings', 'git -C "$2" config core.pager evil', '.git/config'],
    ['a hook', 'mkdir -p "$2/.git/hooks"; : > "$2/.git/hooks/post-commit"', '.git/hooks/post-commit'],
  ]
  test.each(cases)('%s', async (_, script, name) => {
    const path = program(`unset GIT_DIR\n${script}\n${NONE}`)
    const failure = only(done(await review(`${path} {prompt} ${repo.path}`)))
    expect(failure).toMatchObject({ cause: 'voided', attempts: 1, reason: expect.stringContaining(name) })
    expect(leftovers()).toEqual([])
  })

  test('what we do meanwhile, and what a fetch brings, is not', async () => {
    const path = program(
      `git -C "$2" update-ref refs/dstack/memory HEAD; git -C "$2" update-ref refs/remotes/o/x HEAD; ${NONE}`,
    )
    expect(done(await review(`${path} {prompt} ${repo.path}`)).failures).toEqual([])
  })
})

describe('no review (A8), and never "no findings"', () => {
  const count = () => readFileSync(join(place(), 'count'), 'utf8').trim().split('\n').length
  test.each<[string, string, string, string, number]>([
    ['it ends badly', 'echo half; echo broken >&2; exit 3', 'failed', 'ended with 3: broken.', 2],
    ['it ends badly with an answer', `${NONE}; exit 1`, 'failed', 'ended with 1', 2],
    ['a signal ends it', 'kill -9 $$', 'failed', 'was ended by SIGKILL', 2],
    ['it talks', 'echo Looks good to me.', 'unparsable', 'holds no whole JSON', 2],
    ['it says nothing', ':', 'unparsable', 'answered nothing', 2],
    ['it was cut off', `printf '{"findings":[{"severity":"P1"'`, 'unparsable', 'holds no whole JSON', 2],
    ['another form', 'echo \'{"error":"quota"}\'', 'unparsable', 'another form', 2],
    ['a part of a program is missing', 'exec no-such-program', 'missing', 'could not be started', 1],
  ])('%s', async (_, script, cause, reason, attempts) => {
    const path = program(`echo x >> "$2/count"\n${script}`)
    const failure = only(done(await review(`${path} {prompt} ${place()}`)))
    expect(failure).toMatchObject({ cause, attempts, reason: expect.stringContaining(reason) })
    expect(count()).toBe(attempts)
  })

  test('there is no such program', async () => {
    expect(only(done(await review('/nowhere/reviewer {prompt}')))).toMatchObject({ cause: 'missing', attempts: 1 })
  })

  test('a file that is only half written counts, whatever is printed', async () => {
    const path = program(`printf '{"findings":[' > "$1"; ${NONE}`)
    expect(only(done(await review(`${path} {output}`)))).toMatchObject({ cause: 'unparsable', attempts: 2 })
  })

  test('its time is over, and what it started ends with it', async () => {
    const path = program(`sleep 60 & echo $! > "$2/pid"; wait; ${NONE}`)
    const failure = only(done(await review(`${path} {prompt} ${place()}`, { limit: 1 })))
    expect(failure).toMatchObject({ cause: 'timeout', attempts: 1, reason: 'The reviewer was ended after 1 seconds.' })
    const pid = Number(readFileSync(join(place(), 'pid'), 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  test('the second try may be understood', async () => {
    const path = program(`[ -e "$2/again" ] && { ${NONE}; exit; }; : > "$2/again"; echo '{"find'`)
    const { reviews, failures } = done(await review(`${path} {prompt} ${place()}`))
    expect([reviews.length, failures.length]).toEqual([1, 0])
  })

  test('one track without a review leaves the other one as it is', async () => {
    const path = program(`grep -q 'track A$' "$1" && exit 1; ${NONE}`)
    const { reviews, failures } = done(await review(`${path} {prompt}`, { tracks: ['A', 'B'] }))
    expect([reviews.map(({ track }) => track), failures.map(({ track }) => track)]).toEqual([['B'], ['A']])
  })
})

describe('nothing is started', () => {
  test('that nobody trusts', async () => {
    const path = program(`: > "$2/ran"; ${NONE}`)
    expect(await review(`${path} {prompt} ${place()}`, { hashes: new Set() })).toMatchObject({ refused: 'UNTRUSTED' })
    expect(existsSync(join(place(), 'ran'))).toBe(false)
  })
  test('where no reviewer is set', async () => {
    const request = { tracks: ['A'], head, base, material: MATERIAL, earlier: [] } as const
    expect(await runReviews(openStore(repo.env()), request)).toMatchObject({ refused: 'BAD_CONFIG' })
  })
})
