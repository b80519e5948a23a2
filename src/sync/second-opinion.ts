// A second look for secrets with other rules than our own: secretlint, in process, loaded only when it is asked.

import { type Finding, findSecrets, isFiller } from '../store/store'

export interface NamedText {
  name: string
  text: string
}

/** Finding in one of several texts; line and offsets are those in that text. */
export interface NamedFinding extends Finding {
  name: string
}

/** The rule of the preset that lets a comment in the text (`secretlint-disable`) hide what the others found. */
const COMMENT_FILTER = '@secretlint/secretlint-rule-filter-comments'
const FINGERPRINT_LENGTH = 12
/**
 * Texts are scanned together up to this size: each run of secretlint leaves about 100 timing entries behind for good, and
 * searches all of them for each new one. Between two texts stands what no pattern reaches across.
 */
const BATCH = 512 * 1024
const BETWEEN = '\n\n\0\0\0\n\n'

/**
 * What secretlint's recommended rules find, except filler such as `ghp_xxxx…`. A secret that our own rules know too has
 * their fingerprint, so that letting it pass once is enough; `hash` is that of `findSecrets`. About 50 ms for the first call,
 * then 0.1 ms per KiB. Findings never hold the secret.
 */
export async function secondOpinion(
  texts: readonly NamedText[],
  hash: (text: string) => string,
): Promise<NamedFinding[]> {
  const { lintSource } = await import('@secretlint/core')
  const { rules } = await import('@secretlint/secretlint-rule-preset-recommend')
  // One by one, since a rule that is named as disabled inside a preset runs all the same (secretlint 12.0).
  const config = {
    rules: rules.filter(({ meta }) => meta.id !== COMMENT_FILTER).map((rule) => ({ id: rule.meta.id, rule })),
  }

  const found: NamedFinding[] = []
  for (const batch of batches(texts)) {
    // secretlint cuts off a byte order mark at the very beginning, and all offsets with it; so there is none.
    const content = BETWEEN + batch.map(({ text }) => text).join(BETWEEN)
    // No path: a rule opens the file of that name, and others look only at files of some names.
    const source = { content, contentType: 'text' as const, filePath: '', ext: '.md' }
    const { messages } = await lintSource({ source, options: { config, noPhysicFilePath: true, maskSecrets: true } })
    let offset = BETWEEN.length
    for (const { name, text } of batch) {
      const end = offset + text.length
      const inside = messages.filter(({ range }) => range[0] >= offset && range[0] < end)
      const own = inside.length === 0 ? [] : findSecrets(text, { hash })
      for (const { ruleId, range } of inside) {
        const [start, stop] = [range[0] - offset, Math.min(range[1], end) - offset]
        const same = own.find((finding) => finding.start < stop && start < finding.end)
        const what = text.slice(start, stop)
        if (same === undefined && isFiller(what)) continue
        found.push({
          name,
          rule: `secretlint/${ruleId.replace('@secretlint/secretlint-rule-', '')}`,
          line: text.slice(0, start).split('\n').length,
          masked: same?.masked ?? '…',
          fingerprint: same?.fingerprint ?? hash(what).slice(0, FINGERPRINT_LENGTH),
          start,
          end: stop,
        })
      }
      offset = end + BETWEEN.length
    }
  }
  return found
}

function* batches(texts: readonly NamedText[]): Generator<NamedText[]> {
  let batch: NamedText[] = []
  let size = 0
  for (const text of texts) {
    if (batch.length > 0 && size + text.text.length > BATCH) {
      yield batch
      batch = []
      size = 0
    }
    batch.push(text)
    size += text.text.length
  }
  if (batch.length > 0) yield batch
}
