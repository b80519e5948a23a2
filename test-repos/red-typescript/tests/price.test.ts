import { expect, test } from 'vitest'
import { path, total } from '../src/price'

test('adds up', () => {
  expect(total([{ title: 'Tea', cents: 250 }, { title: 'Cup', cents: 900 }])).toBe(1150)
})

test('has a path', () => {
  expect(path({ title: 'Green Tea', cents: 250 })).toBe('/items/green-tea')
})
