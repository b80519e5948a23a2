// Where commands come from: every kind of document that can name one tells which. Today: contracts and tasks of open plans, and the
// settings that name reviewers.

import { contractOf, listPlans, tasksOf } from '../plan/plan'
import { commandOf, parsePredicate } from '../plan/predicate'
import { settingOf } from '../settings/settings'
import type { Store } from '../store/store'

export interface Named {
  command: string
  /** Where it stands, for people: `auth 1.2-C01 acceptance 1`. */
  where: string
}

/** One row for each kind of document; recipes are a further one. */
const SOURCES: readonly ((store: Store) => Named[])[] = [inPlans, inSettings]

/** Every command that a document of this repository names, each with the first place where it stands. */
export function collectCommands(store: Store): Named[] {
  const found = new Map<string, Named>()
  for (const source of SOURCES) {
    for (const named of source(store)) if (!found.has(named.command)) found.set(named.command, named)
  }
  return [...found.values()]
}

function inPlans(store: Store): Named[] {
  return listPlans(store).flatMap(({ slug }) => {
    const contract = contractOf(store, slug)?.contract
    return [
      ...commandsIn(contract?.acceptance ?? [], `${slug} contract`),
      ...(contract?.leaves ?? []).flatMap((leaf) => commandsIn(leaf.acceptance, `${slug} ${leaf.id}`)),
      ...tasksOf(store, slug).flatMap((task) => commandsIn(task.acceptance, `${slug} ${task.id}`)),
    ]
  })
}

function inSettings(store: Store): Named[] {
  return ['review.reviewer', 'review.reviewerB'].flatMap((name) => {
    const { value } = settingOf(store, name)
    return value === '' ? [] : [{ command: value, where: `setting ${name}` }]
  })
}

function commandsIn(predicates: readonly string[], where: string): Named[] {
  return predicates.flatMap((line, i) => {
    const predicate = parsePredicate(line)
    const command = 'problem' in predicate ? null : commandOf(predicate)
    return command === null ? [] : [{ command, where: `${where} acceptance ${i + 1}` }]
  })
}
