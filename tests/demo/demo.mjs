// npm run demo: two people, one bare remote, plain git push and git fetch. Every command is run for real, in a temporary folder.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

const root = mkdtempSync(join(tmpdir(), 'git-dstack-demo-'))
const main = resolve(import.meta.dirname, '../../dist/main.cjs')
const bin = join(root, 'bin')
const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)

mkdirSync(bin)
writeFileSync(
  join(bin, 'git-dstack'),
  `#!/bin/sh\nunset NODE_EXTRA_CA_CERTS\nexec "${process.execPath}" "${main}" "$@"\n`,
)
chmodSync(join(bin, 'git-dstack'), 0o755)

/** Each person has a home, a name and a folder of their own; nothing of the machine's own git settings is used. */
function person(name) {
  const home = join(root, `home-${name}`)
  mkdirSync(home)
  const git = `[user]\n\tname = ${name}\n\temail = ${name.toLowerCase()}@example.com\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n`
  writeFileSync(join(home, '.gitconfig'), git)
  const { PATH, LANG, TERM } = process.env
  return {
    name,
    dir: join(root, name.toLowerCase()),
    vars: { PATH: `${bin}${delimiter}${PATH}`, LANG, TERM, HOME: home, GIT_CONFIG_NOSYSTEM: '1', NO_COLOR: '1' },
  }
}

const alice = person('Alice')
const bob = person('Bob')

function say(text) {
  process.stdout.write(`\n${paint('1', `# ${text}`)}\n`)
}

/** Runs a command line in a person's clone, shows it and what it said, and stops when it ends otherwise than expected. */
function run(who, line, { cwd = who.dir, exit = 0, shows } = {}) {
  process.stdout.write(`${paint('36', `${who.name.toLowerCase()}$`)} ${line}\n`)
  const done = spawnSync('sh', ['-c', line], { cwd, env: who.vars, encoding: 'utf8' })
  const output = `${done.stdout}${done.stderr}`.replaceAll(root, '…').trimEnd()
  if (output !== '')
    process.stdout.write(
      `${output
        .split('\n')
        .map((text) => `  ${text}`)
        .join('\n')}\n`,
    )
  if (done.status !== exit) throw new Error(`exit ${done.status}, expected ${exit}: ${line}`)
  if (shows !== undefined && !output.includes(shows)) throw new Error(`"${shows}" is not in the answer to: ${line}`)
  return done.stdout
}

try {
  say('A bare remote and two clones, as every team has them.')
  run(alice, 'git init -q --bare remote.git', { cwd: root })
  run(alice, 'git clone -q remote.git alice', { cwd: root })
  run(alice, 'git commit -q --allow-empty -m "first commit"')
  run(alice, 'git push -q -u origin main')
  run(bob, 'git clone -q remote.git bob', { cwd: root })

  say('Both opt in. Nothing but configuration, one folder in .git and a hook is touched.')
  run(alice, 'git dstack init')
  run(bob, 'git dstack init')

  say('Alice remembers something, and pushes as she always does.')
  run(
    alice,
    'git dstack remember --key build/tools/package-manager --state CONFIRMED "Use pnpm, not npm: the lock file is pnpm-lock.yaml."',
  )
  run(alice, 'git commit -q --allow-empty -m "some work" && git push -q')

  say('Bob fetches as he always does, and his next question has the answer.')
  run(bob, 'git fetch -q')
  run(bob, 'git dstack recall "npm or pnpm"', { shows: 'Use pnpm' })

  say('It is an ordinary document in an ordinary ref; git alone can read it.')
  run(bob, 'git log --oneline refs/dstack/memory')
  run(bob, 'git grep pnpm refs/dstack/memory', { shows: 'Use pnpm' })

  say('Both correct it at the same time.')
  run(
    alice,
    'git dstack memory correct build/tools/package-manager "Use pnpm 10: the lock file is pnpm-lock.yaml." --reason "we upgraded"',
  )
  run(
    bob,
    'git dstack memory correct build/tools/package-manager "Use bun: we are moving." --reason "decided on Tuesday"',
  )
  run(alice, 'git dstack sync')
  run(bob, 'git dstack sync')

  say("Nobody's text is dropped: both are kept, and everybody is told.")
  run(bob, 'git dstack conflicts', { shows: 'build/tools/package-manager' })

  say('Bob has seen both and settles it.')
  run(bob, 'git dstack resolve build/tools/package-manager --text "Use pnpm 10 until the move to bun is done."')
  run(bob, 'git dstack sync')
  run(alice, 'git fetch -q && git dstack recall pnpm', { shows: 'until the move to bun' })

  say('Every step is in the log, as a diff.')
  run(alice, 'git log -p -1 --format="%h %an: %s" refs/dstack/memory')

  say('A mistake is taken back by a new commit; history is never rewritten.')
  run(alice, 'git dstack remember --key notes/demo/mistake "This was a mistake."')
  run(alice, 'git dstack undo')
  run(alice, 'git dstack memory show notes/demo/mistake', { exit: 1 })
  run(alice, 'git dstack status')

  process.stdout.write(`\n${paint('32', 'demo: ok')}\n`)
} catch (error) {
  process.stdout.write(`\ndemo: failed: ${error.message}\n`)
  process.exitCode = 1
} finally {
  rmSync(root, { recursive: true, force: true })
}
