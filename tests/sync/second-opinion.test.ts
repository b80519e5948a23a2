// The second look for secrets, with the real secretlint: what it finds, and that no comment silences it.

import { createHash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import { describe, expect, test } from 'vitest'
import { hashText } from '../../src/git/git'
import { findSecrets } from '../../src/store/secrets'
import { secondOpinion as ask, type NamedText } from '../../src/sync/second-opinion'

const secondOpinion = (texts: readonly NamedText[]) => ask(texts, hashText)

import { benign } from '../secrets-corpus/benign'
import { positives } from '../secrets-corpus/positives'
import { BASE62, chance } from '../secrets-corpus/random'

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const token = (seed = 1): string => `ghp_${chance(seed).text(BASE62, 36)}`

test('says in which text, where, and by which rule', async () => {
  const text = `first line\nsecond: ${token()} end`
  const found = await secondOpinion([
    { name: 'a', text: 'nothing here' },
    { name: 'b', text },
  ])
  expect(found).toHaveLength(1)
  expect(found[0]).toMatchObject({ name: 'b', rule: 'secretlint/github', line: 2, masked: 'ghp_…' })
  expect(found[0] && text.slice(found[0].start, found[0].end)).toBe(token())
})

describe('a comment in the text', () => {
  const texts = [
    `<!-- secretlint-disable -->\n${token()}\n`,
    `// secretlint-disable\n${token()}\n`,
    `// secretlint-disable-next-line\n${token()}\n\n`,
    `# secretlint-disable @secretlint/secretlint-rule-github\n${token()}\n`,
  ]

  test.each(texts)('%j has no effect', async (text) => {
    expect(await secondOpinion([{ name: 'a', text }])).toHaveLength(1)
  })

  test.each(texts)('%j would silence the preset as it comes', async (content) => {
    const { messages } = await lintSource({
      source: { content, contentType: 'text', filePath: 'a.md' },
      options: { config: { rules: [{ id: creator.meta.id, rule: creator }] }, noPhysicFilePath: true },
    })
    expect(messages).toEqual([])
  })

  test('in one text has no effect on the next', async () => {
    const found = await secondOpinion([
      { name: 'a', text: '<!-- secretlint-disable -->' },
      { name: 'b', text: token() },
    ])
    expect(found.map(({ name }) => name)).toEqual(['b'])
  })
})

describe('what both looks find', () => {
  const texts = positives(7, 2).map(({ kind, text, secret }, i) => ({ name: `${kind} ${i}`, text, secret }))

  test('has the same fingerprint, so that letting it pass once is enough', async () => {
    for (const finding of await secondOpinion(texts)) {
      const text = texts.find(({ name }) => name === finding.name)?.text ?? ''
      const own = findSecrets(text, { hash })
      const same = own.filter(({ start, end }) => start < finding.end && finding.start < end)
      if (same.length > 0) expect(same.map(({ fingerprint }) => fingerprint)).toContain(finding.fingerprint)
    }
  })

  test('is told without the secret', async () => {
    const found = await secondOpinion(texts)
    expect(found.length).toBeGreaterThan(40)
    for (const { name, secret } of texts) {
      const told = JSON.stringify(found.filter((finding) => finding.name === name))
      const drawn = secret.replace(/-----END.*/, '')
      for (let i = Math.floor(drawn.length / 2); i + 8 <= drawn.length; i++) {
        expect(told.includes(drawn.slice(i, i + 8)), `${name}: ${told}`).toBe(false)
      }
    }
  })
})

test('keeps its place over many texts, byte order marks and batches', async () => {
  const texts = Array.from({ length: 40 }, (_, i) => ({
    name: `text ${i}`,
    text: `\ufeff${'word '.repeat(4000)}\n${token(i)}\n${'word '.repeat(4000)}`,
  }))
  const found = await secondOpinion(texts)
  expect(found.map(({ name, line }) => [name, line])).toEqual(texts.map(({ name }) => [name, 2]))
  found.forEach(({ start, end }, i) => {
    expect(texts[i]?.text.slice(start, end)).toBe(token(i))
  })
})

test('at most 1 % of harmless texts alarm', async () => {
  const texts = benign(2024, 24).map(({ kind, text }, i) => ({ name: `${kind} ${i}`, text }))
  const alarmed = new Set((await secondOpinion(texts)).map(({ name, rule }) => `${name}: ${rule}`))
  expect(alarmed.size / texts.length, [...alarmed].join('\n')).toBeLessThanOrEqual(0.01)
})

test('no pattern reaches from one text into the next', async () => {
  const key = positives(1, 1).find(({ kind }) => kind === 'rsa key')
  if (key === undefined) throw new Error('No such kind.')
  const lines = key.secret.split('\n')
  expect(await secondOpinion([{ name: 'whole', text: key.secret }])).toHaveLength(1)
  const halves = [lines.slice(0, 5), lines.slice(5)].map((half, i) => ({ name: String(i), text: half.join('\n') }))
  expect(await secondOpinion(halves)).toEqual([])
})

test('a name is only a name: no file of that name is opened, no rule is left out for it', async () => {
  for (const name of ['key.p12', '.npmrc', 'package.json', '../../etc/x.json', '']) {
    expect(await secondOpinion([{ name, text: token() }])).toHaveLength(1)
  }
})

test('a thousand texts do not leave a trail of timing entries behind', async () => {
  const before = performance.getEntries().length
  await secondOpinion(Array.from({ length: 1000 }, (_, i) => ({ name: String(i), text: `note ${i}` })))
  expect(performance.getEntries().length - before).toBeLessThan(500)
})
