// SARIF 2.1.0 as findings. Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.27 (result) and 3.49 (rules). Pure.

import * as z from 'zod/mini'
import type { Report } from './decide'
import type { Given, Severity } from './schema'

const Text = z.optional(z.object({ text: z.optional(z.string()), markdown: z.optional(z.string()) }))
const Properties = z.optional(
  z.object({
    tags: z.optional(z.array(z.string())),
    'security-severity': z.optional(z.union([z.string(), z.number()])),
  }),
)
const Rule = z.object({
  id: z.string(),
  shortDescription: Text,
  defaultConfiguration: z.optional(z.object({ level: z.optional(z.string()) })),
  properties: Properties,
})
type Rule = z.infer<typeof Rule>

const Location = z.object({
  physicalLocation: z.optional(
    z.object({
      artifactLocation: z.optional(z.object({ uri: z.optional(z.string()) })),
      region: z.optional(
        z.object({
          startLine: z.optional(z.number()),
          endLine: z.optional(z.number()),
          snippet: z.optional(z.object({ text: z.optional(z.string()) })),
        }),
      ),
    }),
  ),
})
const Result = z.object({
  ruleId: z.optional(z.string()),
  ruleIndex: z.optional(z.number()),
  rule: z.optional(z.object({ id: z.optional(z.string()), index: z.optional(z.number()) })),
  level: z.optional(z.string()),
  kind: z.optional(z.string()),
  baselineState: z.optional(z.string()),
  message: Text,
  locations: z.optional(z.array(Location)),
  suppressions: z.optional(z.array(z.object({ status: z.optional(z.string()) }))),
  properties: Properties,
})
type Result = z.infer<typeof Result>

const Sarif = z.object({
  version: z.literal('2.1.0'),
  runs: z.array(
    z.object({
      tool: z.object({ driver: z.object({ name: z.string(), rules: z.optional(z.array(Rule)) }) }),
      results: z.optional(z.array(Result)),
    }),
  ),
})
type Sarif = z.infer<typeof Sarif>

export function isSarif(value: unknown): value is Sarif {
  return Sarif.safeParse(value).success
}

/** One report for each tool. */
export function fromSarif({ runs }: Sarif): { reports: Report[]; skipped: number } {
  let skipped = 0
  const reports = runs.map(({ tool, results = [] }): Report => {
    const rules = tool.driver.rules ?? []
    const asks = results.filter(isFailure)
    skipped += results.length - asks.length
    return { reviewer: tool.driver.name, findings: asks.map((result) => finding(result, ruleOf(result, rules))) }
  })
  return { reports, skipped }
}

/** Results also say what passed, does not apply, is gone since the baseline, or was suppressed by somebody. */
function isFailure({ kind = 'fail', baselineState, suppressions = [] }: Result): boolean {
  const suppressed = suppressions.some(({ status = 'accepted' }) => status === 'accepted')
  return ['fail', 'open', 'review'].includes(kind) && baselineState !== 'absent' && !suppressed
}

function ruleOf({ ruleId, ruleIndex, rule }: Result, rules: readonly Rule[]): Rule | undefined {
  const index = rule?.index ?? ruleIndex ?? -1
  const id = rule?.id ?? ruleId
  // An id may go on behind its rule's: `CA1000/1`.
  return rules[index] ?? rules.find((one) => one.id === id || id?.startsWith(`${one.id}/`))
}

function finding(result: Result, rule: Rule | undefined): Given {
  const id = result.rule?.id ?? result.ruleId ?? rule?.id ?? ''
  const said = result.message?.text ?? result.message?.markdown ?? rule?.shortDescription?.text ?? id
  const physical = result.locations?.[0]?.physicalLocation
  const { startLine, endLine = startLine, snippet } = physical?.region ?? {}
  const path = physical?.artifactLocation?.uri
  const evidence = snippet?.text?.trim() ?? ''
  const claim = (id === '' || said === id ? said : `${id}: ${said}`).trim().slice(0, 4000)
  return {
    severity: severity(result, rule),
    class: classOf(
      `${id} ${[...(rule?.properties?.tags ?? []), ...(result.properties?.tags ?? [])].join(' ')}`,
      result,
      rule,
    ),
    claim: claim === '' ? 'it says nothing' : claim,
    ...(path === undefined ? {} : { path: decoded(path) }),
    ...(startLine === undefined ? {} : { lines: `${startLine}-${endLine}` }),
    ...(evidence === '' ? {} : { evidence }),
  }
}

function securitySeverity(result: Result, rule: Rule | undefined): number | null {
  const said = result.properties?.['security-severity'] ?? rule?.properties?.['security-severity']
  const number = said === undefined ? Number.NaN : Number(said)
  return Number.isFinite(number) ? number : null
}

function severity(result: Result, rule: Rule | undefined): Severity {
  const scored = securitySeverity(result, rule)
  if (scored !== null) return scored >= 7 ? 'P1' : scored >= 4 ? 'P2' : 'P3'
  const level = result.level ?? rule?.defaultConfiguration?.level ?? 'warning'
  return level === 'error' ? 'P1' : level === 'warning' ? 'P2' : 'P3'
}

function classOf(words: string, result: Result, rule: Rule | undefined): string {
  if (securitySeverity(result, rule) !== null || /security|cwe|owasp|vulnerab|injection|crypto/i.test(words))
    return 'security'
  if (/perf/i.test(words)) return 'perf'
  return /maintain|style|complex|readab|convention|document|naming|format/i.test(words) ? 'maintainability' : 'bug'
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri // a name with a bare percent sign
  }
}
