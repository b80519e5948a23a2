// What a verdict has to have checked to count for a tree: each check with the hash of its definition. Pure.

import { hashText, type Oid } from '../git/git'
import { commandOf, parsePredicate } from '../plan/predicate'
import type { Store } from '../store/store'
import { acceptanceIn, type GateContext } from './subject'
import { type Tools, toolsOf } from './tools'

export const CHECKS = ['lint', 'test', 'acceptance', 'longproc', 'todo', 'commit_prefix', 'loop'] as const
export type CheckId = (typeof CHECKS)[number]

/** What a result depends on besides its definition. */
export type Input = 'tree' | 'base' | 'message' | 'history'

export const INPUTS: Readonly<Record<CheckId, readonly Input[]>> = {
  lint: ['tree'],
  test: ['tree'],
  acceptance: ['tree', 'base'],
  longproc: ['history'],
  todo: ['tree', 'base'],
  commit_prefix: ['message'],
  loop: ['tree', 'history'],
}

/** Raised when a rule of a check gets stricter or laxer: verdicts by the old rule are stale then. */
const RULES: Readonly<Record<CheckId, number>> = {
  lint: 1,
  test: 1,
  acceptance: 1,
  longproc: 1,
  todo: 1,
  commit_prefix: 1,
  loop: 1,
}

export interface Wanted {
  tree: Oid
  tools: Tools
  definitions: Readonly<Record<CheckId, string>>
  /** Checks for which any definition will do: what nobody asks for here, or what is of its moment. */
  any: readonly CheckId[]
}

const MOST_BYTES = 16 * 1024 * 1024

/** The definitions that hold for each tree now. Two processes for all of them. */
export function wantedFor(store: Store, subjects: readonly { tree: Oid; context: GateContext }[]): Wanted[] {
  const tools = toolsOf(store, [...new Set(subjects.map(({ tree }) => tree))])
  const plans = subjects.map(({ tree, context }) => {
    const own = tools.get(tree) ?? { lint: NONE, test: NONE }
    return { tree, context, tools: own, paths: pathsIn(own, context) }
  })
  const names = plans.flatMap(({ tree, paths }) => paths.map((path) => `${tree}:${path}`))
  const found = new Map(store.repo.read(names, MOST_BYTES).map((object, i) => [names[i] ?? '', object?.oid ?? null]))
  return plans.map(({ tree, context, tools: own }) => {
    const files = (command: string | null) => {
      const named = wordsOf(command).map((path) => [path, found.get(`${tree}:${path}`) ?? null] as const)
      return named.filter(([, oid]) => oid !== null)
    }
    const hash = (id: CheckId, asked: unknown) => hashText(JSON.stringify({ v: RULES[id], id, asked }))
    const ofTool = (id: 'lint' | 'test') => {
      const { command, means } = own[id]
      return hash(id, { command, means, files: files(command) })
    }
    const predicates = acceptanceIn(context)
    const asked = predicates.map((text) => ({ text, files: files(commandIn(text)) }))
    return {
      tree,
      tools: own,
      definitions: {
        lint: ofTool('lint'),
        test: ofTool('test'),
        acceptance: hash('acceptance', asked),
        longproc: hash('longproc', null),
        todo: hash('todo', null),
        commit_prefix: hash('commit_prefix', null),
        loop: hash('loop', null),
      },
      any: predicates.length === 0 ? ['acceptance'] : [],
    }
  })
}

const NONE = { command: null, means: '', from: '' }

export function commandIn(text: string): string | null {
  const predicate = parsePredicate(text)
  return 'problem' in predicate ? null : commandOf(predicate)
}

function pathsIn(tools: Tools, context: GateContext): string[] {
  const commands = [tools.lint.command, tools.test.command, ...acceptanceIn(context).map(commandIn)]
  return [...new Set(commands.flatMap(wordsOf))]
}

/** Words of a command that may be files of the tree; whatever is none does no harm. */
function wordsOf(command: string | null): string[] {
  if (command === null) return []
  const words = command.split(/[\s'"`=;&|()<>:,@]+/).map((word) => word.replace(/^(\.\/)+/, ''))
  return [...new Set(words.filter((word) => /^[^/-]/.test(word) && !word.split('/').includes('..')))].sort()
}
