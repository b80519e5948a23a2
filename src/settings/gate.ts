// The settings of the gate: what it runs, where, for how long, and whose word counts. Pure.

import { flag, isWholeNumber } from './checks'
import type { Setting } from './table'

const SHARED = ['team', 'personal', 'clone'] as const

/** Text that is run only when a person trusts it here, so a team may propose it. */
function command(name: string, help: string): Setting {
  return {
    name: `gate.${name}`,
    default: '',
    help,
    layers: ['team', 'clone'],
    problem: (value) => (/\S/.test(value) && !/[\n\0]/.test(value) ? null : 'it is no command of one line'),
  }
}

function counted(name: string, byDefault: number, least: number, most: number, help: string): Setting {
  return {
    name: `gate.${name}`,
    default: String(byDefault),
    help,
    layers: SHARED,
    problem: (value) => (isWholeNumber(value, least, most) ? null : `it is no number from ${least} to ${most}`),
  }
}

export const GATE_SETTINGS: readonly Setting[] = [
  command('lint', 'the lint command; none for no such check; without it, what the repository looks like decides'),
  command('test', 'the test command; none for no such check; without it, what the repository looks like decides'),
  command('setup', 'the command that prepares a scratch checkout, for example npm ci; then nothing is shared'),
  {
    name: 'gate.share',
    default: 'node_modules .venv target',
    help: 'ignored folders at the top of the working tree that scratch checkouts link to',
    layers: SHARED,
    problem: (value) =>
      /^[^\s/\\]+(\s+[^\s/\\]+)*$/.test(value) && !/(^|\s)\.{1,2}(\s|$)|(^|\s)\.git(\s|$)/i.test(value)
        ? null
        : 'it is no list of names of folders',
  },
  {
    name: 'gate.scratch',
    default: '',
    help: 'folder for scratch checkouts, where tools mind a path with .git in it',
    layers: ['personal', 'clone'],
    problem: (value) => (value.startsWith('/') || /^[A-Za-z]:[\\/]/.test(value) ? null : 'it is no absolute path'),
  },
  counted('limitSeconds', 900, 1, 86_400, 'seconds that each command of a gate may take'),
  counted('largeDiff', 800, 1, 1_000_000, 'changed lines from which a gate warns'),
  {
    name: 'gate.accept',
    default: 'team',
    help: 'whose verdicts count: team, or own for those of this person only',
    layers: SHARED,
    problem: (value) => (value === 'own' || value === 'team' ? null : 'it is neither own nor team'),
  },
  {
    name: 'gate.acceptCarried',
    default: 'false',
    help: 'a verdict on the same patch on another base counts for evidence check; it never makes a gate green',
    layers: SHARED,
    problem: flag,
  },
]
