// The settings of guards: what stops a commit or a push, what only warns, and what the rules are about. Pure.

import { isWholeNumber } from './checks'
import type { Setting } from './table'

const LEVELS = ['off', 'warn', 'refuse'] as const
export type GuardLevel = (typeof LEVELS)[number]

function guard(name: string, byDefault: GuardLevel, help: string): Setting {
  return {
    name: `guard.${name}`,
    default: byDefault,
    help: `${help}: off, warn or refuse`,
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (LEVELS.some((level) => level === value) ? null : `it is none of ${LEVELS.join(', ')}`),
  }
}

function list(name: string, help: string): Setting {
  return {
    name: `guard.${name}`,
    default: '',
    help,
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (/^[^\s,]+([\s,]+[^\s,]+)*$/.test(value) ? null : 'it is no list of patterns'),
  }
}

export const GUARD_SETTINGS: readonly Setting[] = [
  guard('words', 'refuse', 'words of your own list in what is committed'),
  guard('secrets', 'refuse', 'what looks like a credential in what is committed'),
  guard('author', 'refuse', 'an address of the author that fits no pattern of guard.authorEmails'),
  guard('subject', 'warn', 'a first line of the message that is longer than guard.subjectLength'),
  guard('branches', 'refuse', 'a commit or a push on a branch of guard.protected, or its removal'),
  guard('force', 'warn', 'a push that takes commits away from a branch'),
  list('authorEmails', 'addresses that may author, for example *@example.com; without any, all may'),
  list('protected', 'branches that nobody commits on or pushes to, for example main release/*'),
  {
    name: 'guard.subjectLength',
    default: '72',
    help: 'characters that the first line of a message may have',
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (isWholeNumber(value, 20, 500) ? null : 'it is no number from 20 to 500'),
  },
]
