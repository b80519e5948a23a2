// Review comments of a pull request on GitHub. Source: REST API, "List review comments on a pull request". Pure.

import * as z from 'zod/mini'
import { fromComment, linesOf } from './comments'
import type { Report } from './decide'

const line = z.optional(z.nullable(z.number()))
const ReviewComment = z.object({
  pull_request_review_id: z.nullable(z.number()),
  body: z.string(),
  path: z.string(),
  /** Null when the line is no longer in the difference. */
  line,
  start_line: line,
  side: z.optional(z.nullable(z.string())),
  in_reply_to_id: z.optional(z.nullable(z.number())),
  user: z.optional(z.nullable(z.object({ login: z.string() }))),
})
const Comments = z.array(ReviewComment).check(z.minLength(1))
type Comments = z.infer<typeof Comments>

export function isComments(value: unknown): value is Comments {
  return Comments.safeParse(value).success
}

/** The first comment of each thread; one report for each person. */
export function fromComments(comments: Comments): { reports: Report[]; skipped: number } {
  const reports = new Map<string, Report['findings'][number][]>()
  let skipped = 0
  for (const { body, path, line: to, start_line: from, side, in_reply_to_id: reply, user } of comments) {
    // On the left side lines are those of the old file.
    const lines = side === 'LEFT' || typeof to !== 'number' ? {} : linesOf(from, to)
    const finding = typeof reply === 'number' ? null : fromComment({ body, path, ...lines })
    if (finding === null) skipped++
    else reports.set(user?.login ?? 'ghost', [...(reports.get(user?.login ?? 'ghost') ?? []), finding])
  }
  return { reports: [...reports].map(([reviewer, findings]) => ({ reviewer, findings })), skipped }
}
