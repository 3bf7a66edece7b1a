import { expect, test } from 'vitest'
import { aRow as sampleRow } from '../../api/samples'
import type { Row } from '../../api/types'
import { mergeRows } from './liveRows'

const aRow = (uid: string, restarts = 0): Row => ({ ...sampleRow(uid), restarts })
const uids = (rows: Row[]) => rows.map((row) => row.uid).join('')

test('the next page of the same list is taken at once', () => {
  const merged = mergeRows([aRow('a'), aRow('b')], [aRow('a'), aRow('b'), aRow('c')])
  expect(uids(merged.rows)).toBe('abc')
  expect(merged.added).toBe(0)
})

test('a changed value is patched where the row is, even when newer data sorts it elsewhere', () => {
  const merged = mergeRows([aRow('a', 1), aRow('b', 2)], [aRow('b', 9), aRow('a', 1)])
  expect(uids(merged.rows)).toBe('ab')
  expect(merged.rows[1]?.restarts).toBe(9)
})

test('new and gone rows are counted and wait', () => {
  const merged = mergeRows([aRow('a'), aRow('b')], [aRow('c'), aRow('b')])
  expect(uids(merged.rows)).toBe('ab')
  expect(merged).toMatchObject({ added: 1, removed: 1 })
})

test('rows that vanished at the end also wait', () => {
  expect(mergeRows([aRow('a'), aRow('b')], [aRow('a')])).toMatchObject({ removed: 1 })
})
