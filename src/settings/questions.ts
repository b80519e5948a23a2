// The settings of the five questions: where they count, what proves that a test is red, what shows it live. Pure.

import type { Setting } from './table'

const SHARED = ['team', 'personal', 'clone'] as const

function chosen(name: string, values: readonly string[], byDefault: string, help: string): Setting {
  return {
    name: `questions.${name}`,
    default: byDefault,
    help,
    layers: SHARED,
    problem: (value) => (values.includes(value) ? null : `it is none of ${values.join(', ')}`),
  }
}

const MODES = ['off', 'remind', 'strict']

export const QUESTION_SETTINGS: readonly Setting[] = [
  chosen('mode', MODES, 'remind', 'the five questions: off, remind of what is open, or strict: what is open stops'),
  chosen('modeFix', MODES, '', 'the same for fixes; without it, questions.mode'),
  chosen('modeFeature', MODES, '', 'the same for features; without it, questions.mode'),
  chosen('modeArchitecture', MODES, '', 'the same for changes of the architecture; without it, questions.mode'),
  chosen(
    'absence',
    ['accept', 'refuse'],
    'accept',
    'a test that is red only because what it uses is not there yet: accept or refuse it as proof',
  ),
  {
    name: 'questions.verify',
    default: '',
    help: 'the command that shows the change live; it runs only when a person trusts it',
    layers: ['team', 'clone'],
    problem: (value) => (/\S/.test(value) && !/[\n\0]/.test(value) ? null : 'it is no command of one line'),
  },
]
