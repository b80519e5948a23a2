// The cached configuration is always what git would say now.

import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Command, Env } from '../../src/env/env'
import { cachedConfig } from '../../src/git/config'
import { findLayout } from '../../src/git/layout'
import { envOf, makeHub } from '../simulate/world'
import { addClone, dispose, gitIn, type Hub, type SimClone } from '../store/clones'

let hub: Hub
let alice: SimClone
let asked: Command[]
let env: Env

beforeEach(() => {
  hub = makeHub(0, 'config')
  alice = addClone(hub, 'alice')
  asked = []
  const real = envOf(hub, alice, 1, 1)
  env = {
    ...real,
    vars: { ...real.vars, GIT_CONFIG_GLOBAL: undefined },
    run(command) {
      asked.push(command)
      return real.run({ ...command, vars: { ...command.vars, GIT_CONFIG_GLOBAL: undefined } })
    },
  }
})
afterEach(() => dispose(hub))

const home = () => join(hub.root, 'home-alice')
const read = (name: string) => cachedConfig(env, findLayout(env, alice.dir)).get(name)

/** A file that was changed this moment isn't trusted; the tests make it look older. */
function settle(...files: string[]): void {
  const old = Date.now() / 1000 - 60
  for (const file of [join(alice.dir, '.git/config'), ...files]) utimesSync(file, old, old)
}

test('git is asked once, and again after every kind of change', () => {
  settle()
  expect(read('user.name')).toBe('alice')
  expect(read('user.name')).toBe('alice')
  expect(asked).toHaveLength(1)

  gitIn(hub.root, alice.dir, ['config', 'user.name', 'alice b'])
  settle()
  expect(read('user.name')).toBe('alice b')
  expect(asked).toHaveLength(2)

  writeFileSync(join(home(), '.gitconfig'), '[dstack]\n\tcolour = red\n')
  settle(join(home(), '.gitconfig'))
  expect(read('dstack.colour')).toBe('red')
  expect(asked).toHaveLength(3)

  writeFileSync(join(home(), 'more'), '[dstack]\n\tcolour = blue\n')
  writeFileSync(join(home(), '.gitconfig'), `[include]\n\tpath = ${join(home(), 'more')}\n`)
  settle(join(home(), '.gitconfig'), join(home(), 'more'))
  expect(read('dstack.colour')).toBe('blue')
  writeFileSync(join(home(), 'more'), '[dstack]\n\tcolour = green\n')
  expect(read('dstack.colour')).toBe('green')
})

test('a linked file is followed', () => {
  mkdirSync(join(home(), 'dotfiles'), { recursive: true })
  writeFileSync(join(home(), 'dotfiles/gitconfig'), '[dstack]\n\tcolour = red\n')
  symlinkSync('dotfiles/gitconfig', join(home(), '.gitconfig'))
  settle(join(home(), 'dotfiles/gitconfig'))
  expect(read('dstack.colour')).toBe('red')
  writeFileSync(join(home(), 'dotfiles/gitconfig'), '[dstack]\n\tcolour = blue\n')
  expect(read('dstack.colour')).toBe('blue')
})

test('settings of the command line are never cached, and conditions of a branch neither', () => {
  settle()
  env = {
    ...env,
    vars: { ...env.vars, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'dstack.colour', GIT_CONFIG_VALUE_0: 'red' },
  }
  expect(read('dstack.colour')).toBe('red')
  env = { ...env, vars: { ...env.vars, GIT_CONFIG_COUNT: undefined } }
  expect(read('dstack.colour')).toBeUndefined()
  gitIn(hub.root, alice.dir, ['config', 'includeIf.onbranch:main.path', '/nowhere'])
  settle()
  const before = asked.length
  read('user.name')
  read('user.name')
  expect(asked.length - before).toBe(2)
})

test('a torn cache is read again', () => {
  settle()
  read('user.name')
  writeFileSync(join(alice.dir, '.git/dstack/cache/config.json'), '{"v":1,"val')
  expect(read('user.name')).toBe('alice')
})
