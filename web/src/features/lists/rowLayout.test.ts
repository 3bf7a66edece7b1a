import { expect, test } from 'vitest'
import { RowLayout, type Group } from './rowLayout'

const groups: Group[] = [
  { key: 'payments', count: 3, worst: 'crit' },
  { key: 'shop', count: 2, worst: 'ok' },
]

test('without groups each line is its row', () => {
  const layout = new RowLayout(10_000, null, new Set())
  expect(layout.length).toBe(10_000)
  expect(layout.at(9_999)).toEqual({ index: 9_999 })
})

test('a header precedes the rows of its group', () => {
  const layout = new RowLayout(5, groups, new Set())
  expect(layout.length).toBe(7)
  expect(layout.at(0)).toMatchObject({ group: { key: 'payments' }, open: true })
  expect(layout.at(1)).toEqual({ index: 0 })
  expect(layout.at(3)).toEqual({ index: 2 })
  expect(layout.at(4)).toMatchObject({ group: { key: 'shop' } })
  expect(layout.at(6)).toEqual({ index: 4 })
})

test('a closed group shows its header only and the next group keeps its rows', () => {
  const layout = new RowLayout(5, groups, new Set(['payments']))
  expect(layout.length).toBe(4)
  expect(layout.at(0)).toMatchObject({ open: false })
  expect(layout.at(2)).toEqual({ index: 3 })
})

test('the line of a row is where that row is shown', () => {
  const layout = new RowLayout(5, groups, new Set())
  for (let index = 0; index < 5; index += 1) {
    expect(layout.at(layout.lineOf(index))).toEqual({ index })
  }
  expect(new RowLayout(5, groups, new Set(['shop'])).lineOf(4)).toBe(4)
})

test('every line of many groups is found', () => {
  const many = Array.from({ length: 300 }, (_, i) => ({
    key: `n${i}`,
    count: 1 + (i % 4),
    worst: 'ok' as const,
  }))
  const total = many.reduce((sum, group) => sum + group.count, 0)
  const layout = new RowLayout(total, many, new Set())
  const indexes = Array.from({ length: layout.length }, (_, line) => layout.at(line)).flatMap((line) =>
    'index' in line ? [line.index] : [],
  )
  expect(indexes).toEqual(Array.from({ length: total }, (_, index) => index))
})
