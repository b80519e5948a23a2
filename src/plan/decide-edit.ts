// An edited plan: its tasks go along with its text.

import { isRefusal, type Refusal } from '../errors'
import type { ImportRequest } from './decide-import'
import { planHeadOf, said } from './documents'
import { again, difference, unreadable } from './importing'
import { type PlanDocs, readStored, tasksIn, viewOf } from './reading'

/**
 * What putting this text in the place of the plan's asks for. The writer was shown the text with its boxes as the tasks
 * are, so a box that differs was changed by the writer.
 * @param saw versions that were shown; absent: the one that is there now
 */
export function editRequest(
  docs: PlanDocs,
  text: string,
  saw: readonly string[] | undefined,
  companion: Pick<ImportRequest['companion'], 'template' | 'date'>,
): ImportRequest | Refusal {
  const [live] = said(docs.texts.plan)
  const head = live === undefined ? null : planHeadOf(live)
  const shown = viewOf(docs).plan?.text
  if (live === undefined || head === null || shown === undefined) {
    const hint = `Make one: \`git dstack plan new --slug ${docs.slug} <title>\`.`
    return { refused: 'NOT_FOUND', message: `${docs.slug} has no plan yet.`, hint }
  }
  const read = readStored(head, text)
  if ('problem' in read) return unreadable(read.problem)
  const tasks = tasksIn(docs)
  const { slug } = docs
  const done = again({ slug, file: text, stored: shown, past: [], tasks, read: (one) => readStored(head, one) })
  if (isRefusal(done)) return done
  const { title, ...rest } = head
  return {
    slug,
    // A text without a title is called after its file.
    head: { ...rest, title: read.title === (head.source ?? 'PLAN.md') ? title : read.title },
    ...done,
    ...difference(done.tasks, tasks),
    saw: saw ?? [live.oid],
    companion: { ...companion, phases: read.features.flatMap(({ phases }) => phases) },
    warnings: read.warnings,
    subject: `edit ${slug}`,
  }
}
