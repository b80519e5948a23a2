// Each predicate form on real trees: one that holds, one that does not, one that can't be found out.

import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Env } from '../../src/env/env'
import { type Context, evaluate, evaluateRed, type Result } from '../../src/gate/gate'
import { type Repo as GitRepo, openRepo } from '../../src/git/git'
import { commandOf, type Predicate, parsePredicate } from '../../src/plan/predicate'
import { definitionOf } from '../../src/trust/trust'
import { Repo } from '../memory/repo'

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

let repo: Repo
let git: GitRepo
let base: string
let head: string

beforeAll(() => {
  repo = Repo.make()
  base = repo.commit('before', {
    'src/a.ts': 'export const a = 1\n// TODO later\n',
    'package.json': '{"version":"1.0.0"}',
    'old.txt': 'x\n',
  })
  symlinkSync('/etc/passwd', join(repo.path, 'outside'))
  symlinkSync('src/a.ts', join(repo.path, 'inside'))
  symlinkSync('/etc', join(repo.path, 'folder-outside'))
  rmSync(join(repo.path, 'old.txt'))
  head = repo.commit('after', {
    'src/a.ts': 'export const a = 2\n',
    'src/deep/b.ts': 'TODO one TODO two\nthree\n',
    'docs/empty.md': '',
    'docs/full.md': 'full\n',
    'slow.txt': `${'a'.repeat(40)}!\n`,
    'bin.dat': 'a\0b\nc\n',
    'package.json':
      '{"version":"1.2.0","n":3,"deep":{"a/b":[10,{"~x":true}]},"nothing":null,"list":[1,2],"__proto__":{"x":1}}',
    'conf.yaml': 'port: 8080\nname: "8080"\non: yes\nwhen: 2026-01-01\nbig: &b [1]\nalias: *b\n',
    'conf.toml': 'port = 8080\nwhen = 2026-01-01\n[a.b]\nc = "d"\n',
    'broken.json': '{"a":',
    'broken.yml': 'a: [1\nb: }',
    'broken.toml': 'a = = 1',
  })
  git = openRepo(repo.env())
})
afterAll(() => repo.dispose())

interface Options extends Partial<Context> {
  vars?: Record<string, string>
  env?: Env
  trust?: boolean
}

/** Checks a line on the head; its command is trusted by its hash unless told otherwise. */
async function check(line: string, { vars, env, trust = true, ...more }: Options = {}, red = false): Promise<Result> {
  const predicate = parsed(line)
  const world = env ?? repo.env(vars)
  const context: Context = { root: repo.path, base, head, ...more }
  const command = commandOf(predicate)
  const hash =
    command === null ? '' : definitionOf(world, git, command, { root: context.root, tree: context.head }).hash
  const hashes = new Set(trust ? [hash] : [])
  return (red ? evaluateRed : evaluate)(world, git, predicate, { ...context, hashes })
}

function parsed(line: string): Predicate {
  const predicate = parsePredicate(line)
  if ('problem' in predicate) throw new Error(`${line}: ${predicate.problem}`)
  return predicate
}

const shown = ({ result, reason }: Result) => `${result}: ${reason}`

describe('the six forms', () => {
  test.each([
    // exit
    ['exit 0 : true', 'pass: It ended with 0.'],
    ['exit 3 : exit 3', 'pass: It ended with 3.'],
    ['exit 0 : exit 3', 'fail: It ended with 3, not with 0.'],
    ['exit 1 : true', 'fail: It ended with 0, not with 1.'],
    ['exit 127 : no-such-program', 'pass: It ended with 127.'],
    ['exit 1 : no-such-program', /^error: A program that it starts is not there \(exit 127\): .*not found\.$/],
    ['exit 0 : ./package.json', /^error: What it starts is no program \(exit 126\)/],
    ['exit 0 : kill -KILL $$', 'error: It was ended by SIGKILL.'],
    ['exit 0 : test "$(cat src/a.ts)" = "export const a = 2"', 'pass: It ended with 0.'],
    // output
    ['out /PASS/ : echo all PASS', 'pass: Its output matches.'],
    ['out /pass/i : echo all PASS >&2', 'pass: Its output matches.'],
    ['out /^b$/m : echo a; echo b', 'pass: Its output matches.'],
    ['out /pass/ : echo all PASS', 'fail: Its output does not match.'],
    ['out !/FAIL/ : echo all PASS', 'pass: Its output does not match.'],
    ['out !/PASS/ : echo all PASS', 'fail: Its output matches.'],
    ['out /PASS/ : echo PASS; exit 2', 'fail: It ended with 2, so its output does not count.'],
    ['out /(a+)+$/ : cat slow.txt', 'error: The search in its output took more than a second.'],
    ['out /red text/ : printf "\\033[31mred\\033[0m text"', 'pass: Its output matches.'],
    // path
    ['path exists src/a.ts', 'pass: There is src/a.ts.'],
    ['path exists *.ts', 'pass: There is src/a.ts, src/deep/b.ts.'],
    ['path exists src', 'pass: There is src/a.ts, src/deep/b.ts.'],
    ['path exists ./package.json', 'pass: There is package.json.'],
    ['path exists ./b.ts', 'fail: Nothing is at ./b.ts.'],
    ['path exists src/*.js', 'fail: Nothing is at src/*.js.'],
    ['path exists untracked.txt', 'fail: Nothing is at untracked.txt.'],
    ['path absent old.txt', 'pass: Nothing is at old.txt.'],
    ['path absent src/**', 'fail: There is src/a.ts, src/deep/b.ts.'],
    ['path nonempty docs/full.md', 'pass: There is docs/full.md.'],
    ['path nonempty docs/*.md', 'fail: Nothing is in docs/empty.md.'],
    ['path nonempty docs/none.md', 'fail: Nothing is at docs/none.md.'],
    ['path nonempty outside', 'fail: There is no file at outside, only outside.'],
    [`path sha256=${EMPTY} docs/empty.md`, 'pass: docs/empty.md has this digest.'],
    [`path sha256=${EMPTY} docs/full.md`, /^fail: docs\/full\.md has the digest [0-9a-f]{64}\.$/],
    [`path sha256=${EMPTY} docs/none.md`, 'fail: There is no file docs/none.md.'],
    [`path sha256=${EMPTY} outside`, 'error: outside is no plain file, and links are not followed.'],
    [`path sha256=${EMPTY} folder-outside/passwd`, 'fail: There is no file folder-outside/passwd.'],
    // text
    ['text /TODO/ in src/**', 'pass: At least 1 match.'],
    ['text /TODO/ in src/** >=2', 'pass: At least 2 matches.'],
    ['text /TODO/ in src/** >=3', 'fail: 2 matches.'],
    ['text /TODO/ in src/** ==2', 'pass: 2 matches.'],
    ['text /TODO/ in src/** ==1', 'fail: At least 2 matches.'],
    ['text /TODO/ in src/** absent', 'fail: At least 1 match.'],
    ['text /FIXME/ in src/** absent', 'pass: 0 matches.'],
    ['text /FIXME/ in lib/** absent', 'pass: 0 matches; no file is at lib/**.'],
    ['text /c$/m in bin.dat', 'pass: At least 1 match.'],
    ['text /root:/ in outside', 'fail: 0 matches; no file is at outside.'],
    ['text /root:/ in folder-outside', 'fail: 0 matches; no file is at folder-outside.'],
    ['text /a = 2/ in inside', 'fail: 0 matches; no file is at inside.'],
    ['text /(a+)+$/ in slow.txt', 'error: The search in slow.txt took more than a second.'],
    // value
    ['value package.json /version == "1.2.0"', 'pass: /version is "1.2.0".'],
    ['value package.json /version == "1.3.0"', 'fail: /version is "1.2.0", not "1.3.0".'],
    ['value package.json /version > "1.10.0"', 'pass: /version is "1.2.0".'],
    ['value package.json /n >= 3', 'pass: /n is 3.'],
    ['value package.json /n > 3', 'fail: /n is 3, not > 3.'],
    ['value package.json /n < 3.5', 'pass: /n is 3.'],
    ['value package.json /n <= 2', 'fail: /n is 3, not <= 2.'],
    ['value package.json /n == "3"', 'fail: /n is 3, not "3".'],
    ['value package.json /n != "3"', 'pass: /n is 3.'],
    ['value package.json /n < "4"', 'fail: /n is 3, which can not be compared by < with "4".'],
    ['value package.json /n in [1, 2, 3]', 'pass: /n is 3.'],
    ['value package.json /n in ["3"]', 'fail: /n is 3, not in ["3"].'],
    ['value package.json /list == [1, 2]', 'pass: /list is [1,2].'],
    ['value package.json /list/1 == 2', 'pass: /list/1 is 2.'],
    ['value package.json /list/01 == 2', 'fail: There is nothing at /list/01 of package.json.'],
    ['value package.json /list/- == 2', 'fail: There is nothing at /list/- of package.json.'],
    ['value package.json /list/length == 2', 'fail: There is nothing at /list/length of package.json.'],
    ['value package.json /deep/a~1b/1/~0x == true', 'pass: /deep/a~1b/1/~0x is true.'],
    ['value package.json /nothing == null', 'pass: /nothing is null.'],
    ['value package.json /missing != 1', 'fail: There is nothing at /missing of package.json.'],
    ['value package.json /toString != 1', 'fail: There is nothing at /toString of package.json.'],
    ['value package.json /__proto__/x == 1', 'pass: /__proto__/x is 1.'],
    ['value conf.yaml /port == 8080', 'pass: /port is 8080.'],
    ['value conf.yaml /name == 8080', 'fail: /name is "8080", not 8080.'],
    ['value conf.yaml /on == "yes"', 'pass: /on is "yes".'],
    ['value conf.yaml /when == "2026-01-01"', 'pass: /when is "2026-01-01".'],
    ['value conf.yaml /alias/0 == 1', 'pass: /alias/0 is 1.'],
    ['value conf.toml /a/b/c == "d"', 'pass: /a/b/c is "d".'],
    ['value conf.toml /when == "2026-01-01"', 'pass: /when is "2026-01-01".'],
    ['value $(echo "{\\"a\\":1}"; echo noise >&2) /a == 1', 'pass: /a is 1.'],
    ['value $(echo "[]"; exit 4) /a == 1', 'fail: The command ended with 4.'],
    ['value $(echo no) /a == 1', 'error: What the command printed is not valid JSON.'],
    ['value broken.json /a == 1', 'error: broken.json is not valid JSON.'],
    ['value broken.yml /a == 1', 'error: broken.yml is not valid YAML.'],
    ['value broken.toml /a == 1', 'error: broken.toml is not valid TOML.'],
    ['value none.json /a == 1', 'fail: There is no file none.json.'],
    ['value outside /a == 1', 'error: outside is no plain file, and links are not followed.'],
    // diff
    ['diff touches src/**', 'pass: It changes src/a.ts, src/deep/b.ts.'],
    ['diff touches lib/**', 'fail: It changes nothing of what it should touch.'],
    ['diff within src, docs, ./*, *.yaml', 'pass: All 16 changed files are within.'],
    ['diff within src', /^fail: It changes bin\.dat, broken\.json, broken\.toml and 11 more\.$/],
    ['diff max 100 lines', /^pass: \d+ lines changed\.$/],
    ['diff max 3 lines', /^fail: \d+ lines changed, more than 3\.$/],
  ])('%s', async (line, expected) => {
    expect(shown(await check(line))).toMatch(
      typeof expected === 'string' ? new RegExp(`^${escaped(expected)}$`) : expected,
    )
  })
})

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

test('what a result carries', async () => {
  const ran = await check(
    'out /b/ : for i in $(seq 2000); do echo "line $i"; done; printf "b\\033]0;x\\007\\342\\200\\256"',
  )
  expect(ran).toMatchObject({ predicate: expect.stringMatching(/^out \/b\/ : /), result: 'pass', inputs: ['tree'] })
  expect(ran.output.length).toBeLessThan(2020)
  expect(ran.output).toMatch(/^line \d+\n[\s\S]*line 2000\nb<U\+202E>$/)
  expect(ran.outputHash).toMatch(/^[0-9a-f]{64}$/)
  expect(ran.ms).toBeGreaterThan(0)
  expect(await check('path exists src')).toMatchObject({ output: '', outputHash: '' })
  expect(await check('diff max 9 lines')).toMatchObject({ inputs: ['tree', 'base'] })
})

test('weakening a check, its command or a file that it names makes another definition', async () => {
  const definitions = [
    await check('exit 0 : cat src/a.ts'),
    await check('exit 0 : cat src/a.ts '),
    await check('exit 1 : cat src/a.ts'),
    await check('exit 0 : cat src/a.ts || true'),
    await check('exit 0 : cat src/a.ts', {}, true),
    await check('exit 0 : cat src/a.ts', { vars: { GIT_CONFIG_COUNT: '0' }, root: repo.path, head: base }),
    await check('text /a/ in src >=2'),
    await check('text /a/ in src >=1'),
  ].map(({ definition }) => definition)
  expect(definitions[1]).toBe(definitions[0])
  expect(definitions[5]).toBe(definitions[0]) // the same bytes lie in the folder
  expect(new Set(definitions).size).toBe(6)
})

describe('commands', () => {
  test('what is not trusted does not run', async () => {
    const found = await check('exit 0 : touch ran.txt', { trust: false })
    expect(found).toMatchObject({ result: 'error', refused: 'UNTRUSTED', output: '' })
    expect(found.reason).toBe('Not run: untrusted: touch ran.txt.')
    expect(shown(await check('path exists ran.txt', { head: null }))).toBe('fail: Nothing is at ran.txt.')
  })

  test('the time limit is an error', async () => {
    const found = await check('exit 0 : echo began; sleep 30', { limitSeconds: 0.3 })
    expect(found).toMatchObject({ result: 'error', reason: 'It was ended after 0.3 seconds.', output: 'began\n' })
  })

  test('output beyond the cap can not exclude anything', async () => {
    const flood = 'head -c 200000 /dev/zero | tr "\\0" x'
    expect(shown(await check(`out !/secret/ : echo secret | cat - /dev/null > /dev/null; ${flood}`))).toMatch(
      /^error: Its output does not match as far as it was kept, and 134464 bytes of it were not\.$/,
    )
    expect(shown(await check(`out /x$/ : ${flood}`))).toBe('pass: Its output matches.')
    expect(shown(await check(`value $(${flood}) /a == 1`))).toMatch(/^error: The command printed \d+ bytes too many/)
  })

  test('a file that the command names must be the same when it has run', async () => {
    writeFileSync(join(repo.path, 'check.sh'), 'echo "#" >> check.sh\n')
    repo.git('add', 'check.sh')
    const tree = repo.git('write-tree').trim()
    const found = await check('exit 0 : sh check.sh', { head: tree })
    expect(shown(found)).toBe('error: A file that the command names changed while it ran.')
    repo.git('rm', '-qf', 'check.sh')
  })

  test('names of gateEnv come from the person only, and pass', async () => {
    repo.git('config', 'dstack.gateEnv', 'TOKEN')
    expect(shown(await check('out /^no$/m : echo $TOKEN no | tr -d " "', { vars: { TOKEN: 's3' } }))).toMatch(/^pass/)
    const vars = { TOKEN: 's3', GIT_CONFIG_GLOBAL: join(repo.root, 'own') }
    writeFileSync(vars.GIT_CONFIG_GLOBAL, '[dstack]\n\tgateEnv = TOKEN, OTHER\n')
    const world = repo.env(vars)
    git = openRepo(world)
    expect(shown(await check('out /^s3$/m : echo $TOKEN', { env: world }))).toMatch(/^pass/)
    git = openRepo(repo.env())
    repo.git('config', '--unset', 'dstack.gateEnv')
  })
})

describe('@red', () => {
  const at = () => ({ head: base, base: null })
  test.each([
    ['text /TODO/ in src absent @red', 'pass: At the base it fails: At least 1 match.'],
    ['path exists src/a.ts @red', 'fail: At the base it holds already: There is src/a.ts.'],
    ['exit 0 : false @red', 'pass: At the base it fails: It ended with 1, not with 0.'],
    ['exit 0 : no-such-program @red', /^error: At the base: A program that it starts is not there/],
    ['value broken.json /a == 1 @red', 'pass: At the base it fails: There is no file broken.json.'],
    ['diff max 3 lines @red', 'error: A difference can not fail at the base: nothing has changed there.'],
  ])('%s', async (line, expected) => {
    const found = await check(line, at(), true)
    expect(shown(found)).toMatch(typeof expected === 'string' ? new RegExp(`^${escaped(expected)}$`) : expected)
    expect(found.inputs).toEqual(['tree', 'base'])
  })

  test('what is not trusted does not run there either', async () => {
    expect(await check('exit 0 : false @red', { ...at(), trust: false }, true)).toMatchObject({
      result: 'error',
      refused: 'UNTRUSTED',
    })
  })
})

describe('without a tree', () => {
  test('the folder as it is, without following links', async () => {
    mkdirSync(join(repo.path, 'new'))
    writeFileSync(join(repo.path, 'new/file.txt'), 'fresh\n')
    const folder = { head: null }
    expect(shown(await check('path exists new/file.txt', folder))).toMatch(/^pass/)
    expect(shown(await check('path exists new/file.txt'))).toMatch(/^fail/)
    expect(shown(await check('text /fresh/ in new', folder))).toMatch(/^pass/)
    expect(shown(await check('text /root:/ in folder-outside', folder))).toMatch(/^fail/)
    expect(shown(await check('text /root:/ in **', folder))).toMatch(/^fail/)
    expect(shown(await check('value outside /a == 1', folder))).toMatch(/^error/)
    expect(shown(await check('value folder-outside/passwd "" == 1', folder))).toMatch(/^fail: There is no file/)
    expect(shown(await check('path exists .git/HEAD', folder))).toMatch(/^fail/)
    expect(shown(await check('diff max 3 lines', folder))).toMatch(/^error/)
    rmSync(join(repo.path, 'new'), { recursive: true })
  })

  test.skipIf(process.getuid?.() === 0)('what can not be read is an error', async () => {
    mkdirSync(join(repo.path, 'closed'))
    chmodSync(join(repo.path, 'closed'), 0)
    expect(shown(await check('path exists x', { head: null }))).toMatch(/^error: The files can't be read/)
    chmodSync(join(repo.path, 'closed'), 0o755)
  })
})

test('attributes of the repository hide no lines', async () => {
  const hidden = repo.commit('hide', { '.gitattributes': '*.ts -diff\n', 'src/a.ts': 'x\n'.repeat(50) })
  const found = await check('diff max 10 lines', { base: head, head: hidden })
  expect(shown(found)).toBe('fail: 52 lines changed, more than 10.')
  const binary = repo.commit('draw', { 'picture.png': '\0\n\n\n\n\n\n\n\n\n\n\n\n', 'one.txt': '1\n2\n' })
  expect(shown(await check('diff max 3 lines', { base: hidden, head: binary }))).toBe('pass: 3 lines changed.')
})
