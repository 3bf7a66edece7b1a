import { expect, test } from 'vitest'
import type { Column } from '../../api/types'
import { aColumn, aRow } from '../../api/samples'
import { allColumns, columnWidths, groupings, nextSort, shownColumns, toggleColumn } from './columns'

const restarts = aColumn('restarts', 'number')
const qos = { ...aColumn('qos', 'text'), hidden: true }
const columns = allColumns({ namespaced: true, columns: [restarts, qos] })
const keys = (list: Column[]) => list.map((column) => column.key)

test('what it is, how it is, its own facts, its age', () => {
  expect(keys(columns)).toEqual(['name', 'namespace', 'status', 'health', 'restarts', 'qos', 'age'])
})

test('a column that the kind describes itself is not doubled', () => {
  const own = allColumns({ namespaced: false, columns: [{ ...aColumn('status', 'status'), title: 'Phase' }] })
  expect(keys(own)).toEqual(['name', 'status', 'health', 'age'])
  expect(own[1]?.title).toBe('Phase')
})

test('hidden columns show when asked for, and the address says only what differs from the default', () => {
  expect(keys(shownColumns(columns, undefined))).not.toContain('qos')
  const change = toggleColumn(columns, undefined, 'qos')
  expect(change).toBe('+qos')
  expect(keys(shownColumns(columns, change))).toContain('qos')
  expect(toggleColumn(columns, change, 'qos')).toBeUndefined()
  expect(toggleColumn(columns, change, 'restarts')).toBe('-restarts,+qos')
})

test('the name cannot be hidden', () => {
  expect(keys(shownColumns(columns, '-name'))).toContain('name')
})

test('a text column is as wide as its texts, within bounds, and numbers keep their width', () => {
  const shown = shownColumns(columns, undefined)
  const short = columnWidths(shown, [aRow('a', { namespace: 'shop' })], 0)
  const long = columnWidths(shown, [aRow('a', { namespace: 'a-namespace-with-a-long-name' })], 0)
  expect(long.least).toBeGreaterThan(short.least)
  const endless = columnWidths(shown, [aRow('a', { namespace: 'x'.repeat(400) })], 0)
  expect(endless.least - short.least).toBeLessThan(200)
  expect(short.template).toContain(' 84px')
  expect(short.template.match(/px/g)).toHaveLength(shown.length)
})

test('numbers sort largest first, text from A', () => {
  expect(nextSort(undefined, restarts)).toBe('-restarts')
  expect(nextSort('-restarts', restarts)).toBe('restarts')
  expect(nextSort('restarts', restarts)).toBeUndefined()
  expect(nextSort('-restarts', qos)).toBe('qos')
})

test('only kinds with a node column group by node', () => {
  expect(groupings({ namespaced: true }, columns).map((g) => g.key)).toEqual(['namespace', 'status', 'owner'])
  expect(groupings({ namespaced: false }, [aColumn('node', 'ref')]).map((g) => g.key)).toEqual([
    'status',
    'node',
  ])
})
