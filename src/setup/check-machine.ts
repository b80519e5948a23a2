// doctor's look at what we run on: git, its formats, node.

import type { Store } from '../store/store'
import type { Problem } from './problem'

/** The oldest git that is supported: `cat-file --batch-command` and `core.fsync` came with it. */
const OLDEST_GIT = [2, 36] as const
/** A bare start of node, in milliseconds, that makes every hook feel slow. */
const SLOW_START = 150

export function gitVersion({ repo }: Store): Problem[] {
  const said = repo.git(['--version']).stdout.trim()
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said) ?? []
  const [oldMajor, oldMinor] = OLDEST_GIT
  if (Number(major) > oldMajor || (Number(major) === oldMajor && Number(minor) >= oldMinor)) return []
  const what = `This is ${said}; ${OLDEST_GIT.join('.')} is the oldest that is supported.`
  return [
    { code: 'GIT_VERSION', severity: 'error', subject: 'git', what, risk: 'Writing fails.', command: 'git --version' },
  ]
}

export function formats({ repo }: Store): Problem[] {
  const storage = repo.config.get('extensions.refstorage') ?? 'files'
  const unusual = [...(repo.format === 'sha1' ? [] : [repo.format]), ...(storage === 'files' ? [] : [storage])]
  if (unusual.length === 0) return []
  const what = `This repository uses ${unusual.join(' and ')}.`
  return [
    {
      code: 'FORMAT',
      severity: 'info',
      subject: 'format',
      what,
      risk: 'Everything works; the independent auditor of `git dstack fsck` can not read it.',
      command: '',
    },
  ]
}

export function startUp({ env }: Store): Problem[] {
  const runs = [1, 2, 3].map(() => {
    const before = env.monotonic()
    env.run({ program: 'node', args: ['-e', '0'], limit: 10_000 })
    return env.monotonic() - before
  })
  const best = Math.round(Math.min(...runs))
  const version = env.run({ program: 'node', args: ['--version'], limit: 10_000 }).stdout.toString('latin1')
  const certificates = env.vars.NODE_EXTRA_CA_CERTS !== undefined && /^v(18|20)\./.test(version)
  if (best < SLOW_START && !certificates) return []
  const why = certificates
    ? ' NODE_EXTRA_CA_CERTS is set, which this node reads at every start; our hooks unset it.'
    : ''
  return [
    {
      code: 'SLOW_START',
      severity: 'info',
      subject: 'node',
      what: `node takes ${best} ms to start.${why}`,
      risk: 'Every command takes that long at least.',
      command: certificates ? 'unset NODE_EXTRA_CA_CERTS' : '',
    },
  ]
}
