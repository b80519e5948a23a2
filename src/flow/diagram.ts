// The machine as a picture, made of its table: Mermaid for documents, SVG for everything else. Pure.

import { TRANSITIONS, type Transition } from './machine'
import { STATUS_OF, STEPS, type Step } from './schema'

/** Steps that nothing leaves. */
const ENDS: readonly Step[] = ['Done', 'Aborted']
/** Possible nearly everywhere: drawn once, as a note, or the picture would be a thicket. */
const EVERYWHERE = new Set(['pause', 'resume', 'abort'])

interface Edge {
  from: Step
  to: Step
  label: string
}

function edges(): Edge[] {
  return TRANSITIONS.filter(({ trigger }) => !EVERYWHERE.has(trigger)).flatMap(({ id, trigger, from, to }) =>
    from.flatMap((a) => to.map((b) => ({ from: a, to: b, label: `${id} ${trigger}` }))),
  )
}

/** `flow show --graph`. `at` is the step to point at. */
export function mermaid(at?: Step): string {
  const lines = ['stateDiagram-v2', '  direction LR', '  [*] --> NotStarted']
  for (const { from, to, label } of edges()) lines.push(`  ${from} --> ${to}: ${label}`)
  for (const { id, trigger, from, to } of TRANSITIONS.filter(isEverywhere)) {
    // One line stands for all: Mermaid would draw every one.
    const [first = 'Ready'] = from
    if (trigger === 'resume') lines.push(`  Paused --> ${to[0]}: ${id} ${trigger} (to where it was)`)
    else lines.push(`  ${first} --> ${to[0]}: ${id} ${trigger} (from ${from.length} steps)`)
  }
  for (const end of ENDS) lines.push(`  ${end} --> [*]`)
  if (at !== undefined) lines.push('  classDef here fill:#fde68a,stroke:#b45309', `  class ${at} here`)
  return `${lines.join('\n')}\n`
}

const isEverywhere = ({ trigger }: Transition) => EVERYWHERE.has(trigger)

// --- SVG ------------------------------------------------------------------------------------------------------------

const BOX = { width: 132, height: 40 }
const GAP = { x: 76, y: 58 }
const MARGIN = 24

/** Column of each step: how many transitions lie before it on the longest way there without going back. */
export function columns(): Map<Step, number> {
  const place = new Map<Step, number>(STEPS.map((step) => [step, 0]))
  const forward = edges().filter(({ from, to }) => STEPS.indexOf(from) < STEPS.indexOf(to))
  for (const step of STEPS) {
    for (const { to } of forward.filter(({ from }) => from === step)) {
      place.set(to, Math.max(place.get(to) ?? 0, (place.get(step) ?? 0) + 1))
    }
  }
  return place
}

interface Point {
  x: number
  y: number
}

function layout(): { at: Map<Step, Point>; width: number; height: number } {
  const column = columns()
  const at = new Map<Step, Point>()
  const filled = new Map<number, number>()
  for (const step of STEPS) {
    const x = column.get(step) ?? 0
    const y = filled.get(x) ?? 0
    filled.set(x, y + 1)
    at.set(step, { x: MARGIN + x * (BOX.width + GAP.x), y: MARGIN + GAP.y + y * (BOX.height + GAP.y) })
  }
  const right = Math.max(...[...at.values()].map(({ x }) => x)) + BOX.width + MARGIN
  const bottom = Math.max(...[...at.values()].map(({ y }) => y)) + BOX.height + MARGIN + GAP.y
  return { at, width: right, height: bottom }
}

const FILL: Readonly<Record<string, string>> = {
  idle: '#f3f4f6',
  running: '#dbeafe',
  waiting: '#fef3c7',
  paused: '#fee2e2',
  aborted: '#e5e7eb',
  done: '#dcfce7',
}

/** The same as a standalone SVG document. */
export function svg(at?: Step): string {
  const { at: places, width, height } = layout()
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>git dstack flow</title>',
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#6b7280"/></marker></defs>',
  ]
  const joined = new Map<string, Edge & { labels: string[] }>()
  for (const edge of edges()) {
    const key = `${edge.from} ${edge.to}`
    const known = joined.get(key)
    if (known === undefined) joined.set(key, { ...edge, labels: [edge.label] })
    else known.labels.push(edge.label)
  }
  let bend = 0
  for (const { from, to, labels } of joined.values()) {
    parts.push(arrow(places.get(from) ?? { x: 0, y: 0 }, places.get(to) ?? { x: 0, y: 0 }, labels.join(', '), bend++))
  }
  for (const [step, { x, y }] of places) {
    const stroke = step === at ? '#b45309' : '#6b7280'
    const thick = step === at ? 3 : 1
    const middle = `x="${x + BOX.width / 2}" y="${y + BOX.height / 2 + 4}" text-anchor="middle"`
    parts.push(
      `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="8" fill="${FILL[STATUS_OF[step]]}" stroke="${stroke}" stroke-width="${thick}"/>`,
      `<text ${middle}>${step}</text>`,
    )
  }
  const notes = TRANSITIONS.filter(isEverywhere).map(({ id, trigger, from, to }) =>
    trigger === 'resume'
      ? `${id} resume: Paused to where it was`
      : `${id} ${trigger}: from ${from.length} steps to ${to[0]}`,
  )
  parts.push(`<text x="${MARGIN}" y="${height - MARGIN / 2}" fill="#374151">${notes.join(' · ')}</text>`, '</svg>')
  return `${parts.join('\n')}\n`
}

/** Forward from side to side; back, and within a column, in a bow above. */
function arrow(a: Point, b: Point, label: string, nth: number): string {
  const forward = b.x > a.x
  const from = forward ? { x: a.x + BOX.width, y: a.y + BOX.height / 2 } : { x: a.x + BOX.width / 2, y: a.y }
  const to = forward ? { x: b.x, y: b.y + BOX.height / 2 } : { x: b.x + BOX.width / 2, y: b.y }
  const far = forward && b.x - a.x > BOX.width + GAP.x
  const lift = forward && !far ? 0 : 24 + (nth % 3) * 12
  const control = { x: (from.x + to.x) / 2, y: Math.min(from.y, to.y) - lift * 2 }
  const path =
    lift === 0
      ? `M${from.x} ${from.y}L${to.x} ${to.y}`
      : `M${from.x} ${from.y}Q${control.x} ${control.y} ${to.x} ${to.y}`
  const words = {
    x: (from.x + to.x) / 2,
    y: lift === 0 ? (from.y + to.y) / 2 - 5 : control.y / 2 + (from.y + to.y) / 4,
  }
  return [
    `<path d="${path}" fill="none" stroke="#6b7280" marker-end="url(#head)"/>`,
    `<text x="${words.x}" y="${words.y}" text-anchor="middle" font-size="9" fill="#374151">${label}</text>`,
  ].join('\n')
}
