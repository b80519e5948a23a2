// The repository of the tests of memory serves those of plans too, with a second clone beside it.

import { afterEach } from 'vitest'
import { isRefusal, type Refusal } from '../../src/errors'
import { openStore, type Store } from '../../src/store/store'
import { Repo } from '../memory/repo'

const made: Repo[] = []
afterEach(() => {
  for (const repo of made.splice(0)) repo.dispose()
})

export function repository(): Repo {
  const repo = Repo.make()
  made.push(repo)
  return repo
}

/** The state as one command sees it: the clock goes on a second each time. */
export function storeOf(repo: Repo, vars: Record<string, string> = {}): Store {
  return openStore(repo.env(vars))
}

export function done<T>(value: T): Exclude<T, Refusal> {
  if (isRefusal(value)) throw new Error(`${value.refused}: ${value.message}`)
  return value as Exclude<T, Refusal>
}

export function refused<T>(value: T): Refusal {
  if (!isRefusal(value)) throw new Error(`not refused: ${JSON.stringify(value)}`)
  return value
}
