// Every setting of git dstack: where it may be set, what it takes, what holds without it. Pure.

import { flag, isWholeNumber } from './checks'
import { FLOW_SETTINGS } from './flow'
import { GATE_SETTINGS } from './gate'
import { GUARD_SETTINGS } from './guard'
import { MODE_SETTINGS } from './mode'
import { QUESTION_SETTINGS } from './questions'
import { REDACTING_SETTINGS } from './redacting'
import { REVIEW_SETTINGS } from './review'
import type { Layer, SettingValue } from './schema'

/** Layers that a person can write. Later ones win: team, personal (`--global`), this clone. */
export type WritableLayer = 'team' | 'personal' | 'clone'

export interface Setting {
  /** As people write it; git does not mind capitals. */
  name: string
  default: string
  help: string
  /**
   * Where it counts. What decides about trust, programs or the network is never read from the team's layer, and what opens
   * a protocol or opts in other clones not from the repository's own configuration either.
   */
  layers: readonly WritableLayer[]
  /** Why a value can't be used, as the end of a sentence; null when it can. */
  problem(value: string): string | null
}

export const SETTINGS: readonly Setting[] = [
  {
    name: 'enabled',
    default: 'false',
    help: 'this clone is opted in; set by init',
    layers: ['personal', 'clone'],
    problem: flag,
  },
  {
    name: 'disabled',
    default: 'false',
    help: 'switches everything off, whatever else is set; so does DSTACK_DISABLED=1 in the environment; for the team: gates',
    layers: ['team', 'personal', 'clone'],
    problem: flag,
  },
  {
    name: 'remote',
    default: '',
    help: 'the elected remote; chosen by init --remote',
    layers: ['personal', 'clone'],
    problem: (value) => (/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(value) ? null : 'it is no name of a remote'),
  },
  {
    name: 'transport',
    default: 'refs',
    help: 'refs, or branch:<name> where the host allows only branches',
    layers: ['personal', 'clone'],
    problem: (value) =>
      value === 'refs' || isBranch(/^branch:(.*)$/.exec(value)?.[1] ?? '')
        ? null
        : 'it is neither refs nor branch:<name>',
  },
  {
    name: 'pushLimit',
    default: '10',
    help: 'seconds that the pre-push hook may take in all',
    layers: ['personal', 'clone'],
    problem: (value) => (isWholeNumber(value, 1, 600) ? null : 'it is no number of seconds from 1 to 600'),
  },
  {
    name: 'budget',
    default: '2000',
    help: 'tokens that recall prints at most',
    layers: ['team', 'personal', 'clone'],
    problem: (value) => (isWholeNumber(value, 50, 1_000_000) ? null : 'it is no number of tokens from 50 to 1000000'),
  },
  ...FLOW_SETTINGS,
  ...REVIEW_SETTINGS,
  ...GUARD_SETTINGS,
  ...MODE_SETTINGS,
  ...GATE_SETTINGS,
  ...QUESTION_SETTINGS,
  {
    name: 'fsync',
    default: 'true',
    help: 'a write is on the disk, power loss included, before it is reported',
    layers: ['personal', 'clone'],
    problem: flag,
  },
  {
    name: 'ephemeral',
    default: '',
    help: 'every process is a writer of its own; without it so in CI, containers and sandboxes',
    layers: ['personal', 'clone'],
    problem: flag,
  },
  {
    name: 'memoryProvider',
    default: 'git',
    help: 'where memory is kept: git, or file for a folder of Markdown files',
    layers: ['personal'],
    problem: (value) => (value === 'git' || value === 'file' ? null : 'it is neither git nor file'),
  },
  {
    name: 'memoryPath',
    default: '',
    help: 'the folder of memoryProvider file',
    layers: ['personal'],
    problem: (value) => (value.startsWith('/') || /^[A-Za-z]:[\\/]/.test(value) ? null : 'it is no absolute path'),
  },
  {
    name: 'allowProtocol',
    default: '',
    help: 'protocols to allow besides https, ssh and file, for example http or git',
    layers: ['personal'],
    problem: (value) =>
      /^[a-z][a-z0-9+.-]*([\s:,]+[a-z][a-z0-9+.-]*)*$/.test(value) ? null : 'it is no list of protocols',
  },
  {
    name: 'gateEnv',
    default: '',
    help: 'names of further variables that commands of plans and gates get, for example HTTPS_PROXY JAVA_HOME',
    layers: ['personal'],
    problem: (value) =>
      /^[A-Za-z_]\w*([\s,]+[A-Za-z_]\w*)*$/.test(value) ? null : 'it is no list of names of variables',
  },
  ...REDACTING_SETTINGS,
  {
    name: 'autoInit',
    default: '',
    help: 'clones whose remote has a URL like this (`*` stands for anything) are opted in at the first command',
    layers: ['personal'],
    problem: (value) => (/^\S+$/.test(value) ? null : 'it is no pattern of a URL'),
  },
]

/** Without regard to case, as in git. */
export function findSetting(name: string): Setting | null {
  const wanted = name.toLowerCase().replace(/^dstack\./, '')
  return SETTINGS.find((setting) => setting.name.toLowerCase() === wanted) ?? null
}

/** The setting that the writer probably meant: at most a third of the letters differ. */
export function nearestSetting(name: string): string | null {
  const ranked = SETTINGS.map((setting) => ({
    name: setting.name,
    far: distance(name.toLowerCase(), setting.name.toLowerCase()),
  }))
  const [best] = ranked.sort((a, b) => a.far - b.far)
  return best !== undefined && best.far <= Math.max(1, Math.floor(name.length / 3)) ? best.name : null
}

/** A value and where it stands, from the weakest layer to the strongest. */
export interface Stand {
  layer: Layer
  origin: string
  value: string
}

/** The value that counts; a layer in which the setting does not count is passed over, as is a value that can't be used. */
export function resolveSetting(setting: Setting, stands: readonly Stand[]): SettingValue {
  const counts = (layer: Layer) =>
    layer === 'command' ? setting.layers.includes('clone') : layer !== 'default' && setting.layers.includes(layer)
  const best = stands.findLast(({ layer, value }) => counts(layer) && setting.problem(value) === null)
  return { name: setting.name, ...(best ?? { layer: 'default' as const, origin: '', value: setting.default }) }
}

/** Does a pattern of `dstack.autoInit` fit this URL? `*` stands for any run of characters. */
export function matchesUrl(pattern: string, url: string): boolean {
  const plain = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${plain.join('.*')}$`).test(url)
}

function isBranch(name: string): boolean {
  const word = /^[A-Za-z0-9_][A-Za-z0-9_.+=-]*$/
  return name.split('/').every((part) => word.test(part) && !part.includes('..') && !/\.lock$|\.$/.test(part))
}

/** Edits (insert, remove, replace) that turn one word into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
