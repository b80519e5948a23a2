// What every memory provider does, whatever it keeps its documents in.

import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/errors'
import {
  decideCorrect,
  decideForget,
  decideRemember,
  type RememberRequest,
  rememberKeys,
} from '../../src/memory/decide'
import { placeOf } from '../../src/memory/forms'
import { decideImport } from '../../src/memory/import'
import { entryAt, listEntries, type MemoryProvider, versionsAt } from '../../src/memory/provider'
import { type Portable, STATES, type State } from '../../src/memory/schema'
import { ALICE, BOB } from './shelf'

/** Runs the suite on providers that begin empty. */
export function providerContract(name: string, make: () => MemoryProvider): void {
  describe(`provider ${name}`, () => {
    const remember = (provider: MemoryProvider, request: Omit<RememberRequest, 'actor'>) => {
      const whole: RememberRequest = { ...request, actor: ALICE }
      const keys =
        whole.key === undefined
          ? rememberKeys(whole)
          : [placeOf({ scope: whole.scope ?? 'repository', key: whole.key })]
      return provider.write(keys, (seen) => decideRemember(seen, whole))
    }

    test('begins empty', () => {
      const provider = make()
      expect(listEntries(provider)).toEqual([])
      expect(entryAt(provider, { key: 'a/b/c' })).toBeNull()
    })

    test('what is put can be got and listed, with author and time', () => {
      const provider = make()
      remember(provider, { key: 'gotchas/auth/x', text: 'v\n\n- with `marks`\n', tags: ['auth'], paths: ['src/**'] })
      const entry = entryAt(provider, { key: 'gotchas/auth/x' })
      expect(entry).toMatchObject({
        key: 'gotchas/auth/x',
        text: 'v\n\n- with `marks`',
        state: 'INFERRED',
        tags: ['auth'],
        versions: 1,
      })
      expect(entry?.by).not.toBe('')
      expect(Number.isNaN(Date.parse(entry?.at ?? ''))).toBe(false)
      expect(listEntries(provider).map(({ key }) => key)).toEqual(['gotchas/auth/x'])
    })

    test('keys with dots stay distinct', () => {
      const provider = make()
      remember(provider, { key: 'a/b/v1.2', text: 'two' })
      remember(provider, { key: 'a/b/v1.3', text: 'three' })
      expect(listEntries(provider).map(({ key, text }) => [key, text])).toEqual([
        ['a/b/v1.2', 'two'],
        ['a/b/v1.3', 'three'],
      ])
    })

    test.each(STATES.flatMap((there) => STATES.map((wanted) => [there, wanted] as [State, State])))(
      '%s is there, %s comes',
      (there, wanted) => {
        const provider = make()
        remember(provider, { key: 'k/k/k', text: 'old', state: there })
        const done = remember(provider, { key: 'k/k/k', text: 'new', state: wanted })
        const lower = STATES.indexOf(wanted) < STATES.indexOf(there)
        expect(isRefusal(done)).toBe(lower)
        expect(entryAt(provider, { key: 'k/k/k' })).toMatchObject(
          lower ? { text: 'old', state: there } : { text: 'new', state: wanted },
        )
      },
    )

    test('correct keeps the rest, rename moves it', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: 'old', tags: ['t'], pin: true })
      provider.write(['a/b/c'], (seen) => decideCorrect(seen, { key: 'a/b/c', text: 'new', actor: BOB }))
      provider.write(['a/b/c', 'a/b/d'], (seen) => decideCorrect(seen, { key: 'a/b/c', rename: 'a/b/d', actor: BOB }))
      expect(entryAt(provider, { key: 'a/b/c' })).toBeNull()
      expect(entryAt(provider, { key: 'a/b/d' })).toMatchObject({ text: 'new', tags: ['t'], pin: true })
    })

    test('what is removed is not there any more, and can begin anew', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: 'x', state: 'CONFIRMED' })
      provider.write(['a/b/c'], (seen) => decideForget(seen, { key: 'a/b/c', actor: ALICE }))
      expect(listEntries(provider)).toEqual([])
      expect(versionsAt(provider, { key: 'a/b/c' })).toEqual([])
      remember(provider, { key: 'a/b/c', text: 'anew' })
      expect(entryAt(provider, { key: 'a/b/c' })).toMatchObject({ text: 'anew', state: 'INFERRED' })
    })

    test('the same key in two scopes is two entries; a list of one never shows the other', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: 'here' })
      remember(provider, { key: 'a/b/c', text: 'everywhere', scope: 'workspace' })
      expect(listEntries(provider, { scope: 'repository' }).map(({ text }) => text)).toEqual(['here'])
      expect(listEntries(provider, { scope: 'workspace' }).map(({ text }) => text)).toEqual(['everywhere'])
      expect(entryAt(provider, { key: 'a/b/c', scope: 'workspace' })?.text).toBe('everywhere')
    })

    test('lists by state, tag, file, key and proposal', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: '1', state: 'CONFIRMED', tags: ['x'], paths: ['src/**'] })
      remember(provider, { key: 'a/b/d', text: '2', proposed: true })
      remember(provider, { key: 'ab/c/d', text: '3', paths: ['docs/**'] })
      const texts = (filter: Parameters<typeof listEntries>[1]) =>
        listEntries(provider, filter)
          .map(({ text }) => text)
          .join('')
      expect(texts({ states: ['CONFIRMED'] })).toBe('1')
      expect(texts({ tag: 'X' })).toBe('1')
      expect(texts({ path: 'src/a.ts' })).toBe('12')
      expect(texts({ under: 'a' })).toBe('12')
      expect(texts({ under: 'a/b/c' })).toBe('1')
      expect(texts({ proposed: true })).toBe('2')
      expect(texts({ proposed: false })).toBe('13')
    })

    test('many at once, each for itself', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: 'old', state: 'CONFIRMED' })
      const entry = (key: string, text: string): Portable => ({
        key,
        text,
        state: 'INFERRED',
        confidence: 0.5,
        source: { kind: 'import' },
        scope: 'repository',
        paths: [],
        tags: [],
        pin: false,
        links: [],
        proposed: false,
      })
      const entries = [entry('a/b/c', 'lower'), entry('a/b/d', 'new')]
      const done = provider.write(entries.map(placeOf), (seen) =>
        decideImport(seen, { entries, actor: ALICE, format: 'json', exact: true }),
      )
      expect(done).toMatchObject({ added: ['a/b/d'], refusals: [{ key: 'a/b/c', code: 'STATE_RANK' }] })
      expect(listEntries(provider).map(({ text }) => text)).toEqual(['old', 'new'])
    })

    test('a refusal changes nothing', () => {
      const provider = make()
      remember(provider, { key: 'a/b/c', text: 'x' })
      const before = listEntries(provider)
      provider.write(['a/b/c'], () => ({ refused: 'REFUSED', message: 'No.' }))
      expect(listEntries(provider)).toEqual(before)
    })

    test('fields of a later version survive a correction', () => {
      const provider = make()
      const head = {
        type: 'memory',
        state: 'INFERRED',
        confidence: 0.5,
        source: { kind: 'person' },
        scope: 'repository',
        later: { a: [1, 2] },
      }
      provider.write(['a/b/c'], () => ({ puts: [{ key: 'a/b/c', head, body: 'x' }], subject: 'x', result: null }))
      provider.write(['a/b/c'], (seen) => decideCorrect(seen, { key: 'a/b/c', text: 'y', actor: ALICE }))
      expect(entryAt(provider, { key: 'a/b/c' })).toMatchObject({ text: 'y', later: { a: [1, 2] } })
    })
  })
}
