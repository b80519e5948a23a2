// npm run bench [-- --json FILE] [--only P6,P8] [--smoke]: measures the targets, and says which are met.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { append } from './append'
import { makeGround } from './ground'
import type { Group } from './group'
import { look } from './look'
import { packs } from './packs'
import { peers } from './peers'
import { recall } from './recall'
import { start } from './start'
import { amount, type Figure, type Outcome, type Row, rowOf, TARGETS } from './targets'
import { travel } from './travel'
import { writers } from './writers'

const GROUPS: readonly Group[] = [start, append, recall, writers, look, travel, packs, peers]

interface Report {
  v: 1
  node: string
  git: string
  cpu: string
  /** Absent in a full run: sizes and rounds were tiny, so that no figure means anything. */
  smoke?: true
  targets: Row[]
  /** What is only reported. */
  figures: Figure[]
  /** Cases that did not run, or whose result was wrong. */
  broken: string[]
}

const USAGE = 'Usage: npm run bench -- [--json FILE] [--only P6,P8] [--smoke]\n'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, only: { type: 'string' }, smoke: { type: 'boolean', default: false } },
  })
  const only = values.only?.toUpperCase().split(',')
  const unknown = only?.find((id) => !TARGETS.some((target) => target.id === id))
  if (unknown !== undefined) {
    process.stderr.write(`There is no target ${unknown}.\n${USAGE}`)
    return 64
  }
  const chosen = GROUPS.filter(({ targets }) => only === undefined || targets.some((id) => only.includes(id)))
  const report = await measure(chosen, values.smoke)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(values.smoke ? smokeText(report) : table(report))
  return report.broken.length === 0 ? 0 : 1
}

async function measure(groups: readonly Group[], smoke: boolean): Promise<Report> {
  const ground = makeGround({ smoke })
  const outcomes = new Map<string, Outcome>()
  const figures: Figure[] = []
  const broken: string[] = []
  try {
    for (const group of groups) {
      const names = group.targets.join(', ')
      const started = performance.now()
      try {
        const done = await group.run(ground)
        for (const outcome of done.outcomes) outcomes.set(outcome.id, outcome)
        figures.push(...(done.figures ?? []))
      } catch (error) {
        broken.push(`${names}: ${error instanceof Error ? error.message : error}`)
      }
      process.stderr.write(`${names}: ${((performance.now() - started) / 1000).toFixed(0)} s\n`)
    }
  } finally {
    ground.dispose()
  }
  const rows = TARGETS.map((target) => rowOf(target, outcomes.get(target.id)))
  return {
    v: 1,
    node: process.version,
    git: execFileSync('git', ['--version'], { encoding: 'utf8' }).trim().replace('git version ', ''),
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    ...(smoke ? { smoke } : {}),
    targets: smoke ? rows.map((row) => ({ ...row, status: 'later', measured: null, detail: 'smoke run' })) : rows,
    figures,
    broken,
  }
}

function table({ node, git, cpu, targets, figures, broken }: Report): string {
  const lines = targets.map((row) => {
    const limit = `${row.bound === 'at least' ? '≥' : '≤'} ${amount(row.limit, row.unit)}`
    const measured = row.measured === null ? '' : amount(row.measured, row.unit)
    return [row.id, row.what, limit, measured, row.status, row.detail]
  })
  const widths = [12, 62, 14, 13, 7]
  const text = lines.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(' ')
      .trimEnd(),
  )
  const reported = figures.map(({ what, measured, unit, detail }) => `${what}: ${amount(measured, unit)} (${detail})`)
  const count = (status: Row['status']) => targets.filter((row) => row.status === status).length
  const sum = `${count('met')} met, ${count('missed')} missed, ${count('later')} later`
  const wrong = broken.map((line) => `BROKEN ${line}`)
  return `node ${node}, git ${git}, ${cpu}\n\n${[...text, '', ...reported, '', ...wrong, sum].join('\n')}\n`
}

function smokeText({ broken }: Report): string {
  return broken.length === 0 ? 'bench: every case runs\n' : `${broken.map((line) => `BROKEN ${line}`).join('\n')}\n`
}

// Leaving through `exit` lets the temporary folder be removed.
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(status))
}

main().then(
  (status) => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exitCode = 70
  },
)
