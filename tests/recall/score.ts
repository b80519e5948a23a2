// Scores the ranking of recall: node tests/run.mjs tests/recall/score.ts [--entries FILE] [--questions FILE] [--json]

import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inMemory } from '../../src/memory/blocks'
import type { Entry } from '../../src/memory/entry'
import { recall } from '../../src/memory/recall'
import { STATES, type State } from '../../src/memory/schema'
import { build, type Index, open } from '../../src/memory/search'

/** What the set was made for; ages count from here. */
const TODAY = '2026-11-20'
const USAGE = 64

export interface Question {
  q: string
  /** Changed files that the caller knows of. */
  paths: string[]
  /** Keys; any one of them is the answer. */
  want: string[]
}

export interface Ranked extends Question {
  /** Place of the first wanted key, from 1; 0 when it is not among the hits. */
  rank: number
  gap: boolean
}

/** Counts and shares of questions whose answer came first, and among the first three; mean of 1/rank. */
export interface Score {
  questions: number
  top1: number
  top3: number
  top1Share: number
  top3Share: number
  mrr: number
}

/** A sentence for people instead of a stack: a wrong argument, or a wrong row of a file. */
class BadInput extends Error {}

export function rank(index: Index, question: Question, today: Date): Ranked {
  const found = recall(index, [], new Set(), {
    query: question.q,
    paths: question.paths,
    now: today,
    limit: Number.POSITIVE_INFINITY,
  })
  const place = found.hits.findIndex(({ entry }) => question.want.includes(entry.key))
  return { ...question, rank: place + 1, gap: found.gap }
}

export function score(ranked: readonly Ranked[]): Score {
  const questions = ranked.length
  const top1 = ranked.filter(({ rank }) => rank === 1).length
  const top3 = ranked.filter(({ rank }) => rank >= 1 && rank <= 3).length
  const mrr = ranked.reduce((sum, { rank }) => sum + (rank === 0 ? 0 : 1 / rank), 0) / questions
  const share = (count: number) => round(count / questions)
  return { questions, top1, top3, top1Share: share(top1), top3Share: share(top3), mrr: round(mrr) }
}

/** An index in memory over the rows of a file of entries. */
export function indexOf(file: string): Index {
  return open(inMemory(build(rows(file, readEntry), file)))
}

/** `want` may be empty only for questions that nothing answers. */
export function readQuestions(file: string, answered = true): Question[] {
  return rows(file, (row) => {
    const want = strings(row, 'want')
    if (answered && want.length === 0) throw new BadInput('`want` names no key')
    return { q: text(row, 'q'), paths: strings(row, 'paths'), want }
  })
}

function readEntry(row: Row): Entry {
  const state = row.state ?? 'CONFIRMED'
  if (!isState(state)) throw new BadInput(`\`state\` is none of ${STATES.join(', ')}`)
  return {
    key: text(row, 'key'),
    text: text(row, 'text'),
    at: text(row, 'at'),
    state,
    paths: strings(row, 'paths'),
    tags: strings(row, 'tags'),
    oid: '',
    by: '',
    confidence: 1,
    pin: false,
    scope: 'repository',
    proposed: false,
    versions: 1,
    helped: 0,
    meta: {},
  }
}

type Row = Record<string, unknown>

function rows<T>(file: string, read: (row: Row) => T): T[] {
  const lines = contents(file).split('\n')
  const found = lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    try {
      const row: unknown = JSON.parse(line)
      if (typeof row !== 'object' || row === null || Array.isArray(row)) throw new BadInput('not a JSON object')
      return [read(row as Row)]
    } catch (error) {
      throw new BadInput(`${file}:${i + 1}: ${error instanceof BadInput ? error.message : 'not JSON'}.`)
    }
  })
  if (found.length === 0) throw new BadInput(`${file}: no rows.`)
  return found
}

function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new BadInput(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function text(row: Row, name: string): string {
  const value = row[name]
  if (typeof value !== 'string' || value === '') throw new BadInput(`\`${name}\` is no text`)
  return value
}

function strings(row: Row, name: string): string[] {
  const value = row[name] ?? []
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new BadInput(`\`${name}\` is no list of texts`)
  }
  return value
}

function isState(value: unknown): value is State {
  return STATES.some((state) => state === value)
}

interface Options {
  entries: string
  questions: string
  today: Date
  json: boolean
}

function readOptions(args: readonly string[]): Options {
  const found = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const name = args[i] as string
    if (name === '--json') found.set(name, '')
    else if (['--entries', '--questions', '--today'].includes(name)) {
      const value = args[++i]
      if (value === undefined) throw new BadInput(`${name} needs a value.`)
      found.set(name, value)
    } else
      throw new BadInput(
        `Unknown argument ${name}: --entries FILE, --questions FILE, --today DATE and --json are known.`,
      )
  }
  const today = new Date(found.get('--today') ?? TODAY)
  if (Number.isNaN(today.getTime())) throw new BadInput(`--today is no date: ${found.get('--today')}.`)
  return {
    entries: found.get('--entries') ?? 'tests/recall-set/entries.jsonl',
    questions: found.get('--questions') ?? 'tests/recall-set/questions.jsonl',
    today,
    json: found.has('--json'),
  }
}

export function main(args: readonly string[]): number {
  try {
    const options = readOptions(args)
    const index = indexOf(options.entries)
    const ranked = readQuestions(options.questions).map((question) => rank(index, question, options.today))
    const total = score(ranked)
    process.stdout.write(options.json ? `${JSON.stringify(total)}\n` : report(ranked, total))
    return 0
  } catch (error) {
    if (!(error instanceof BadInput)) throw error
    process.stderr.write(`${error.message}\n`)
    return USAGE
  }
}

function report(ranked: readonly Ranked[], { questions, top1, top3, top1Share, top3Share, mrr }: Score): string {
  const missed = ranked
    .filter(({ rank }) => rank !== 1)
    .map(({ q, want, rank }) => `${rank === 0 ? 'absent' : `place ${rank}`}: ${q} (${want.join(' or ')})`)
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  return [
    ...missed,
    `questions ${questions}`,
    `first ${top1} (${percent(top1Share)})`,
    `among the first three ${top3} (${percent(top3Share)})`,
    `mean reciprocal rank ${mrr.toFixed(3)}`,
    '',
  ].join('\n')
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

const started = process.argv[1]
if (started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(import.meta.url))) {
  process.exitCode = main(process.argv.slice(2))
}
