// Who speaks: a person, or the agent in whose shell the command runs.

import { agentIn, type Vars } from '../env/env'
import type { Actor } from './rules'

/**
 * `DSTACK_AGENT` says it outright: `<tool>` or `<tool>/<model>`, or `none` for a person in a shell that an agent started.
 * Otherwise the clients' own variables tell.
 */
export function actorOf(vars: Vars, name: string): Actor {
  const said = vars.DSTACK_AGENT
  if (said === 'none') return { name, kind: 'person' }
  if (said !== undefined && said !== '') {
    const [tool = said, ...model] = said.split('/')
    return { name, kind: 'agent', tool, ...(model.length === 0 ? {} : { model: model.join('/') }) }
  }
  const tool = agentIn(vars)
  return tool === null ? { name, kind: 'person' } : { name, kind: 'agent', tool }
}
