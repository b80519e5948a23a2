// Slugs: what one may be, how it is made from a title, which one somebody may have meant.

import type { Refusal } from '../errors'
import { keyProblem, slug as words } from '../store/keys'
import { SLUG } from './schema'

const MOST = 48

/** Why a slug can't be used; null when it can. */
export function slugRefusal(slug: string): Refusal | null {
  const hint = 'A slug has up to 48 small letters, digits and dashes, and begins with a letter or a digit.'
  if (!SLUG.test(slug)) return { refused: 'BAD_KEY', message: `"${slug}" can't be a slug.`, hint }
  const problem = keyProblem(slug)
  return problem === null ? null : { refused: 'BAD_KEY', message: `"${slug}" can't be a slug: ${problem}.`, hint }
}

/** `Retry failed webhooks!` → `retry-failed-webhooks`. */
export function slugFor(title: string): string {
  return words(title, 6).slice(0, MOST).replace(/-+$/, '')
}

/** A slug with a word behind it, within the length that a slug may have. */
export function slugWith(slug: string, word: string): string {
  const tail = words(word, 4).slice(0, MOST - 2)
  return `${slug.slice(0, MOST - 1 - tail.length).replace(/-+$/, '')}-${tail}`
}

/** Up to five slugs that are like this one, nearest first. */
export function nearSlugs(slug: string, known: readonly string[]): string[] {
  const scored = known.map((one) => ({ one, far: one.includes(slug) || slug.includes(one) ? 0 : distance(slug, one) }))
  return scored
    .filter(({ one, far }) => far <= Math.max(2, Math.floor(Math.min(slug.length, one.length) / 3)))
    .sort((a, b) => a.far - b.far || (a.one < b.one ? -1 : 1))
    .slice(0, 5)
    .map(({ one }) => one)
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = [...Array(b.length + 1).keys()]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

export function noSuchPlan(slug: string, known: readonly string[]): Refusal {
  const near = nearSlugs(slug, known)
  const hint =
    near.length > 0
      ? `Did you mean ${near.join(', ')}?`
      : known.length > 0
        ? 'See `git dstack plan list`.'
        : 'There are no plans yet: `git dstack plan new <title>` or `git dstack plan import <file>`.'
  return { refused: 'NOT_FOUND', message: `There is no plan ${slug}.`, hint, data: { slug, near } }
}
