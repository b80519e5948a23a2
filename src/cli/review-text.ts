// How findings are told to people.

import type { Env } from '../env/env'
import type { Finding } from '../flow/schema'
import { paint, safe, safeLines } from './render'

export function countText(findings: readonly Finding[]): string {
  const of = (severity: string) => findings.filter((finding) => finding.severity === severity).length
  const counts = (['P1', 'P2', 'P3'] as const).map((name) => [of(name), name] as const).filter(([count]) => count > 0)
  return counts.length === 0 ? 'no findings' : counts.map(([count, name]) => `${count} ${name}`).join(', ')
}

export function findingText(env: Env, finding: Finding): string {
  const { id, severity, class: kind, path, lines, contract_ref, claim, check, fix_hint, status, resolved_by } = finding
  const doubt = finding.verified === false ? ', not found at its place' : ''
  const where = path === undefined ? '' : ` ${safe(path)}${lines === undefined ? '' : `:${safe(lines)}`}`
  const clause = contract_ref === undefined ? '' : ` (${safe(contract_ref)})`
  const state = resolved_by === undefined ? status : `${status}, ${safe(resolved_by)}`
  const more = [
    ...(check === undefined ? [] : [`shown by: ${check}`]),
    ...(fix_hint === undefined ? [] : [`to mend it: ${fix_hint}`]),
  ]
  const body = [claim, ...more].flatMap((text) => safeLines(text).split('\n'))
  return [
    `  ${paint(env)('bold', safe(id))}  ${severity} ${safe(kind)}${where}${clause}: ${state}${doubt}`,
    ...body.map((line) => `    ${line}`),
  ].join('\n')
}
