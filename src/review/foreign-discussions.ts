// Discussions of a merge request on GitLab. Source: REST API, "Discussions API", merge requests. Pure.

import * as z from 'zod/mini'
import { fromComment, linesOf } from './comments'
import type { Report } from './decide'

const line = z.optional(z.nullable(z.number()))
const End = z.optional(z.nullable(z.object({ new_line: line })))
const Note = z.object({
  body: z.string(),
  system: z.optional(z.boolean()),
  resolvable: z.optional(z.boolean()),
  resolved: z.optional(z.boolean()),
  author: z.optional(z.nullable(z.object({ username: z.string() }))),
  position: z.optional(
    z.nullable(
      z.object({
        new_path: z.optional(z.nullable(z.string())),
        new_line: line,
        line_range: z.optional(z.nullable(z.object({ start: End, end: End }))),
      }),
    ),
  ),
})
const Discussions = z
  .array(z.object({ id: z.string(), individual_note: z.boolean(), notes: z.array(Note) }))
  .check(z.minLength(1))
type Discussions = z.infer<typeof Discussions>

export function isDiscussions(value: unknown): value is Discussions {
  return Discussions.safeParse(value).success
}

/** The first note of each open thread; one report for each person. What nobody can resolve is talk. */
export function fromDiscussions(discussions: Discussions): { reports: Report[]; skipped: number } {
  const reports = new Map<string, Report['findings'][number][]>()
  let skipped = 0
  for (const { notes } of discussions) {
    const [note] = notes
    const isOpen = note?.resolvable === true && note.resolved !== true && note.system !== true
    const { new_path: path, new_line: at, line_range: range } = note?.position ?? {}
    const place =
      typeof path === 'string' ? { path, ...linesOf(range?.start?.new_line ?? at, range?.end?.new_line ?? at) } : {}
    const finding = note !== undefined && isOpen ? fromComment({ body: note.body, ...place }) : null
    if (finding === null) skipped++
    else {
      const who = note?.author?.username ?? 'ghost'
      reports.set(who, [...(reports.get(who) ?? []), finding])
    }
  }
  return { reports: [...reports].map(([reviewer, findings]) => ({ reviewer, findings })), skipped }
}
