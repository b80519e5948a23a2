// Where a flow stands, as five sections: position, progress, gate and findings, running, risk and next. Pure.

import { byNumber } from './effects'
import type { Condition, Facts } from './facts'
import type { Due } from './next'
import type { Flow, Review, Track } from './schema'

export interface LeaseView {
  holder: string
  host: string
  session: string | null
  /** Seconds since it was first seen here; null: not seen yet. */
  age: number | null
  mine: boolean
}

export interface Report {
  slug: string
  goal: string
  position: {
    step: string
    status: string
    leaf: string | null
    task: string | null
    /** ISO 8601 of the last transition. */
    since: string
    branch: string | null
    paused: { from: string; condition: string | null; reason: string } | null
    /** What people wrote for whoever goes on with the leaf. */
    feedback: string | null
    lease: LeaseView | null
    /** How this clone's line stands to the remote's. */
    remote: string
  }
  progress: {
    leaves: { id: string; title: string; status: string; needs: string[]; amended: number; markers: number }[]
    sealed: number
    tasks: { done: number; total: number }
  }
  findings: {
    gate: string
    /** Work counts without evidence here. */
    unverified: string
    open: { track: Track; p1: number; p2: number; p3: number }[]
    reviews: string[]
  }
  running: {
    longprocs: { id: string; state: string; leaf: string | null }[]
    engine: string | null
    /** Minutes since the present run began. */
    minutes: number
    skip: number
    extensions: number
  }
  risk: { conditions: Condition[]; next: string[]; why: string }
}

export interface Seen {
  flow: Flow
  facts: Facts
  engine: string | null
  lease: LeaseView | null
  /** Markers that count, by leaf. */
  markers: ReadonlyMap<string, { plan: number; complete: number }>
  due: Due
}

export function reportOf({ flow, facts, engine, lease, markers, due }: Seen): Report {
  const { state } = flow
  const ids = Object.keys(state.leaves).sort(byNumber)
  const count = (id: string) => (markers.get(id)?.plan ?? 0) + (markers.get(id)?.complete ?? 0)
  const done = facts.tasks.filter(({ status }) => status === 'done' || status === 'skipped').length
  return {
    slug: state.slug,
    goal: state.goal,
    position: {
      step: state.step,
      status: state.status,
      leaf: state.leaf,
      task: facts.tasks.find(({ status }) => status === 'running')?.id ?? null,
      since: state.clocks.moved,
      branch: state.branch,
      paused:
        state.paused === null
          ? null
          : { from: state.paused.from, condition: state.paused.condition, reason: state.paused.reason },
      feedback: (state.leaf === null ? undefined : flow.feedback.get(state.leaf)) ?? null,
      lease,
      remote: facts.remote,
    },
    progress: {
      leaves: ids.flatMap((id) => {
        const leaf = state.leaves[id]
        if (leaf === undefined) return []
        const { title, status, needs, amended } = leaf
        return [{ id, title, status, needs, amended: amended.length, markers: count(id) }]
      }),
      sealed: ids.filter((id) => state.leaves[id]?.status === 'sealed').length,
      tasks: { done, total: facts.tasks.length },
    },
    findings: {
      gate: facts.gate,
      unverified: state.unverified,
      open: (['plan', 'A', 'B'] as const).map((track) => ({ track, ...openOn(flow, track) })),
      reviews: [...flow.reviews.values()].filter(({ superseded }) => !superseded).map(({ run }) => run),
    },
    running: {
      longprocs: state.longprocs.map(({ id, state: how, leaf }) => ({ id, state: how, leaf })),
      engine,
      minutes: Math.max(0, Math.floor((Date.parse(facts.now) - Date.parse(state.clocks.run)) / 60_000)),
      skip: state.skip,
      extensions: state.extensions,
    },
    risk: {
      conditions: [...facts.conditions],
      next: due.kind === 'fire' ? [`git dstack flow next ${state.slug}`] : due.kind === 'wait' ? due.commands : [],
      why: due.kind === 'fire' ? `${due.trigger} is due.` : due.why,
    },
  }
}

function openOn(flow: Flow, track: Track): { p1: number; p2: number; p3: number } {
  const open = [...flow.reviews.values()]
    .filter((review: Review) => review.track === track && !review.superseded)
    .flatMap(({ findings }) => findings)
    .filter(({ status }) => status === 'open')
  const of = (severity: string) => open.filter((finding) => finding.severity === severity).length
  return { p1: of('P1'), p2: of('P2'), p3: of('P3') }
}
