// The knowledge graph of the MCP memory server: entities with observations, and relations between them, one per line.

import { keyProblem, slug } from '../../store/keys'
import { cleanText } from '../rules'
import type { Portable } from '../schema'
import { distinctKeys, entryFrom, type Format, inOrder, isRecord, jsonLines, type Parsed } from './common'

interface Entity {
  name: string
  entityType: string
  observations: string[]
}

interface Relation {
  from: string
  to: string
  relationType: string
}

/** How an entry's text lists what is known: a bullet per observation, an arrow before the kind of a relation. */
const ARROW = '→'
/** The kind of relation that a link between two entries becomes. */
const LINKS_TO = 'links_to'

export const mcp: Format = {
  title: 'MCP memory server (JSON lines)',
  exact: false,
  shape: 'file',

  fits: ([file]) =>
    file !== undefined &&
    jsonLines(file)
      .slice(0, 20)
      .some(({ value }) => isEntity(value) || isRelation(value)),

  parse(files) {
    const parsed: Parsed = { entries: [], skipped: [] }
    const entities = new Map<string, { where: string; entity: Entity; relations: Relation[] }>()
    const lines = files.flatMap(jsonLines)
    for (const { where, value } of lines) {
      if (isEntity(value)) {
        if (entities.has(value.name))
          parsed.skipped.push({ where, why: `the entity ${JSON.stringify(value.name)} is there twice` })
        else entities.set(value.name, { where, entity: value, relations: [] })
      } else if (!isRelation(value)) {
        parsed.skipped.push({
          where,
          why: typeof value === 'string' ? value : 'it is neither an entity nor a relation',
        })
      }
    }
    for (const { where, value } of lines) {
      if (!isRelation(value)) continue
      const from = entities.get(value.from)
      if (from === undefined) parsed.skipped.push({ where, why: `there is no entity ${JSON.stringify(value.from)}` })
      else from.relations.push(value)
    }
    const distinct = distinctKeys()
    for (const { where, entity, relations } of entities.values()) {
      const read = portable(entity, relations, distinct)
      if ('why' in read) parsed.skipped.push({ where, why: read.why })
      else parsed.entries.push(read.entry)
    }
    return parsed
  },

  render(entries) {
    const graphs = inOrder(entries).map(graphOf)
    const names = new Set(graphs.map(({ entity }) => entity.name))
    const entities = graphs.map(({ entity }) => ({ type: 'entity', ...entity }))
    const relations = graphs
      .flatMap((graph) => graph.relations)
      .filter(({ to, relationType }) => relationType !== LINKS_TO || names.has(to))
      .map((relation) => ({ type: 'relation', ...relation }))
    return [
      { path: 'memory.jsonl', text: [...entities, ...relations].map((line) => `${JSON.stringify(line)}\n`).join('') },
    ]
  },
}

function isEntity(value: unknown): value is Entity {
  return (
    isRecord(value) &&
    value.type === 'entity' &&
    typeof value.name === 'string' &&
    typeof value.entityType === 'string' &&
    Array.isArray(value.observations) &&
    value.observations.every((one) => typeof one === 'string')
  )
}

function isRelation(value: unknown): value is Relation {
  return (
    isRecord(value) &&
    value.type === 'relation' &&
    [value.from, value.to, value.relationType].every((one) => typeof one === 'string')
  )
}

function portable(
  entity: Entity,
  relations: readonly Relation[],
  distinct: ReturnType<typeof distinctKeys>,
): ReturnType<typeof entryFrom> {
  const { name, entityType, observations } = entity
  const source = { kind: 'import', tool: 'mcp-memory' }
  const [only] = observations
  if (isOurs(entity) && only !== undefined) {
    const links = relations.map(({ to }) => `memory:${to}`)
    return entryFrom({ key: distinct(name, name), text: only, source, links })
  }
  return entryFrom({
    key: distinct(`entities/${slug(entityType, 3)}/${slug(name)}`, name),
    text: textOf(entity, relations),
    source,
    mcp: { name, type: entityType },
  })
}

/** An entity that an export of ours made of an entry. */
function isOurs({ name, entityType, observations }: Entity): boolean {
  return (
    observations.length === 1 && name.includes('/') && keyProblem(name) === null && name.split('/')[0] === entityType
  )
}

function title(name: string, type: string): string {
  return `${escaped(name)} (${escaped(type)})`
}

function textOf(entity: Entity, relations: readonly Relation[]): string {
  const said = entity.observations.map((one) => bullet(cleanText(one).replace(/^[→\\]/, '\\$&')))
  const known = relations.map(({ relationType, to }) =>
    bullet(`${ARROW} ${escaped(relationType)} ${ARROW} ${escaped(to)}`),
  )
  const lines = [...said, ...known]
  return lines.length === 0
    ? title(entity.name, entity.entityType)
    : `${title(entity.name, entity.entityType)}\n\n${lines.join('\n')}`
}

/** One bullet; further lines are indented. */
function bullet(text: string): string {
  return `- ${text.split('\n').join('\n  ')}`.replace(/^ +$/gm, '')
}

function graphOf(entry: Portable): { entity: Entity; relations: Relation[] } {
  const named =
    isRecord(entry.mcp) && typeof entry.mcp.name === 'string' && typeof entry.mcp.type === 'string' ? entry.mcp : null
  if (named === null) return ownGraph(entry)
  const name = String(named.name)
  const entityType = String(named.type)
  const [first = '', ...rest] = entry.text.split('\n')
  // Somebody wrote another text since: it is what is known now, as a whole.
  if (first !== title(name, entityType))
    return { entity: { name, entityType, observations: [entry.text] }, relations: [] }
  const observations: string[] = []
  const relations: Relation[] = []
  for (const one of bullets(rest)) {
    const [, relationType, to] = /^→ ((?:[^→\\]|\\.)*) → ((?:[^→\\]|\\.)*)$/s.exec(one) ?? []
    if (relationType === undefined || to === undefined) observations.push(one.replace(/^\\(?=[→\\])/, ''))
    else relations.push({ from: name, to: plain(to), relationType: plain(relationType) })
  }
  return { entity: { name, entityType, observations }, relations }
}

/** The bullets of a text, without their marks; text between them belongs to the one before. */
function bullets(lines: readonly string[]): string[] {
  const found: string[] = []
  for (const line of lines) {
    const [, start] = /^- ?(.*)$/s.exec(line) ?? []
    const last = found.length - 1
    if (start !== undefined) found.push(start)
    else if (last >= 0) found[last] += `\n${line.replace(/^ {2}/, '')}`
    else if (line !== '') found.push(line)
  }
  return found.map(cleanText)
}

/** An entry that never was an entity: its key names it, its text is what is known. */
function ownGraph(entry: Portable): { entity: Entity; relations: Relation[] } {
  const entity = { name: entry.key, entityType: entry.key.split('/')[0] ?? '', observations: [entry.text] }
  const linked = entry.links.filter((link) => link.startsWith('memory:')).map((link) => link.slice('memory:'.length))
  return { entity, relations: linked.map((to) => ({ from: entry.key, to, relationType: LINKS_TO })) }
}

/** What a sign stands for behind a backslash; every other one for itself. */
const SIGNS: Readonly<Record<string, string>> = { n: '\n', r: '\r', s: ' ', t: '\t' }

/** Names stand on one line, hold no arrow of their own, and end in nothing that a cleaned text loses. */
function escaped(name: string): string {
  return name
    .replace(/[\\→]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/ $/, '\\s')
    .replace(/\t$/, '\\t')
}

function plain(name: string): string {
  return name.replace(/\\(.)/gs, (_all, sign: string) => SIGNS[sign] ?? sign)
}
