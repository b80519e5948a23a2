// The targets, and what a benchmark says of each. Floor = node running an empty CommonJS file, in the same run.

export interface Target {
  /** Unique: further limits of one target have a word behind its number. */
  id: string
  what: string
  limit: number
  /** What limit and measured value are counted in. */
  unit: 'x' | 'bytes' | 'count'
  /** Absent: at most. */
  bound?: 'at least'
}

/** What a case saw. */
export interface Outcome {
  id: string
  /** In the unit of the target; null: could not be measured here, and `detail` says why. */
  measured: number | null
  /** The figures behind it, for people. */
  detail: string
}

/** A figure that is reported and has no limit. */
export interface Figure {
  id: string
  what: string
  measured: number
  unit: Target['unit']
  detail: string
}

export interface Row extends Target {
  measured: number | null
  status: 'met' | 'missed' | 'later'
  detail: string
}

export const TARGETS: readonly Target[] = [
  { id: 'P1', what: 'hook, nothing matches, against the floor', limit: 0.2, unit: 'x' },
  { id: 'P2', what: 'hook that does nothing inside node, against the floor', limit: 1.15, unit: 'x' },
  { id: 'P3', what: 'hook with a large NODE_EXTRA_CA_CERTS, against without', limit: 1.1, unit: 'x' },
  { id: 'P4', what: 'hook with one git call, against the floor', limit: 1.3, unit: 'x' },
  { id: 'P5', what: 'command line parsed, nothing done, against the floor', limit: 1.4, unit: 'x' },
  { id: 'P6', what: 'append of a document at 100k, against the floor', limit: 2.0, unit: 'x' },
  { id: 'P6-flat', what: 'append at 100k, against at 100', limit: 1.1, unit: 'x' },
  { id: 'P7', what: 'loose bytes of an append at 10k', limit: 4096, unit: 'bytes' },
  { id: 'P7-100k', what: 'loose bytes of an append at 100k', limit: 6144, unit: 'bytes' },
  { id: 'P7-wire', what: 'bytes of an append on the wire', limit: 1024, unit: 'bytes' },
  { id: 'P8', what: 'recall at 100k, selective question, against the floor', limit: 1.5, unit: 'x' },
  { id: 'P8-common', what: 'recall at 100k, 38 % are hits, against the floor', limit: 2.2, unit: 'x' },
  { id: 'P9', what: 'recall after one new document at 100k, against the floor', limit: 1.8, unit: 'x' },
  { id: 'P9-1k', what: 'recall after one new document at 1k, against the floor', limit: 1.8, unit: 'x' },
  { id: 'P10', what: '16 writers: acknowledged writes lost', limit: 0, unit: 'count' },
  { id: 'P10-retries', what: '16 writers: tries again under the lock', limit: 0, unit: 'count' },
  { id: 'P11', what: 'last 20 entries of the history at 100k, against at 10k', limit: 1.1, unit: 'x' },
  { id: 'P12', what: 'plain fetch of one new document at 10k, against at 1k', limit: 2.0, unit: 'x' },
  { id: 'P13', what: 'fetch of 50 repositories, 4 at a time, against one at a time', limit: 0.6, unit: 'x' },
  { id: 'P14', what: 'first read beside a 370 MB pack, against a small one', limit: 1.2, unit: 'x' },
  { id: 'P15', what: 'create at 1,000, times faster than backlog.md', limit: 5, unit: 'x', bound: 'at least' },
  { id: 'P15-append', what: 'append at 100k, times faster than server-memory', limit: 5, unit: 'x', bound: 'at least' },
  { id: 'P16', what: 'cold status at 10k, against the floor', limit: 2.0, unit: 'x' },
  { id: 'P17', what: 'SessionStart hook at 10k, against the floor', limit: 2.0, unit: 'x' },
  { id: 'P18', what: 'sync of one entry at 10k, against plain fetch and push', limit: 3.0, unit: 'x' },
  { id: 'P19', what: 'pre-commit, cheap gate, against the floor', limit: 2.0, unit: 'x' },
]

/** The row of a target; what was not measured comes later. */
export function rowOf(target: Target, outcome: Outcome | undefined): Row {
  const measured = outcome?.measured ?? null
  const detail = outcome?.detail ?? ''
  if (measured === null) return { ...target, measured, status: 'later', detail }
  const met = target.bound === 'at least' ? measured >= target.limit : measured <= target.limit
  return { ...target, measured: Number(measured.toFixed(3)), status: met ? 'met' : 'missed', detail }
}

/** `1.43x`, `3,214 bytes`, `0`. */
export function amount(value: number, unit: Target['unit']): string {
  if (unit === 'x') return `${value.toFixed(2)}x`
  return `${Math.round(value).toLocaleString('en-US')}${unit === 'bytes' ? ' bytes' : ''}`
}
