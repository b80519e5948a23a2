// Whose redactions count. Read from the person's own configuration only: the repository has no vote on it.

import type { Setting } from './table'

const ADDRESS = /^[^\s,@]+@[^\s,@]+$/

export const REDACTING_SETTINGS: readonly Setting[] = [
  {
    name: 'redactors',
    default: '',
    help: 'addresses of those whose redactions remove texts from your clones; without it only yours do',
    layers: ['personal'],
    problem: (value) =>
      value.split(/[\s,]+/).every((word) => ADDRESS.test(word)) ? null : 'it is no list of addresses',
  },
]
