// What the gate is to hold work on a flow to. Pure.

import type { GateContext } from '../gate/gate'
import type { LeafSpec, Task } from '../plan/schema'
import type { Flow } from './schema'

/** The leaf as it was approved: not what the contract may say by now. */
export function pinnedLeaf(flow: Flow | null, id: string): LeafSpec | null {
  const text = flow?.specs.get(id)
  return text === undefined ? null : (JSON.parse(text) as LeafSpec)
}

/** What a task asks of its commits. */
export function asked({ id, files, acceptance, commit_prefix }: Task): NonNullable<GateContext['task']> {
  return { id, files, acceptance, commit_prefix: commit_prefix ?? null }
}

/** A task's predicates, else those of its leaf, else those of the whole contract. */
export function contextIn(flow: Flow, task: Task | null, whole: readonly string[]): GateContext {
  const { leaf: id, leaves, longprocs, slug } = flow.state
  const spec = id === null ? null : pinnedLeaf(flow, id)
  const leaf = id === null || spec === null ? null : { id, in_scope: spec.in_scope, base: leaves[id]?.base ?? null }
  return {
    slug,
    leaf,
    task: task === null ? null : asked(task),
    acceptance: spec?.acceptance ?? whole,
    longprocs: longprocs.filter((one) => one.leaf === id).map(({ id: name, state }) => ({ id: name, state })),
  }
}
