import { fireEvent, render, screen } from '@testing-library/react'
import { beforeEach, expect, test, vi } from 'vitest'
import { aColumn, aKind, aRow } from '../../api/samples'
import type { Row } from '../../api/types'
import { allColumns } from './columns'
import { ResourceGrid } from './ResourceGrid'
import { RowLayout } from './rowLayout'

const kind = aKind('Pod', 'pods', { title: 'Pods', columns: [aColumn('restarts', 'number')] })
const columns = allColumns(kind)
const rows = Array.from({ length: 10_000 }, (_, index) => aRow(`pod-${index}`, { restarts: index }))

const onOpen = vi.fn<(row: Row) => void>()
const onNeed = vi.fn<(index: number) => void>()
const onToggle = vi.fn<(group: string) => void>()

function shown(more: Partial<Parameters<typeof ResourceGrid>[0]> = {}) {
  return render(
    <ResourceGrid
      cluster="c"
      kind={kind}
      columns={columns}
      rows={rows}
      layout={new RowLayout(rows.length, null, new Set())}
      now={Date.parse('2026-11-22T10:00:00Z')}
      sort={undefined}
      open={undefined}
      busy={false}
      onSort={() => {}}
      onOpen={onOpen}
      onNeed={onNeed}
      onToggle={onToggle}
      {...more}
    />,
  )
}

beforeEach(() => vi.clearAllMocks())

test('of 10,000 rows only those near the window are in the document, and the grid says how many there are', () => {
  shown()
  const inDocument = screen.getAllByRole('row').length
  expect(inDocument).toBeGreaterThan(15)
  expect(inDocument).toBeLessThan(80)
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('10001')
})

test('j and k move the current row, which the grid names', () => {
  shown()
  const grid = screen.getByRole('grid')
  fireEvent.keyDown(grid, { key: 'j' })
  fireEvent.keyDown(grid, { key: 'j' })
  fireEvent.keyDown(grid, { key: 'k' })
  expect(grid.getAttribute('aria-activedescendant')).toBe('line-1')
  expect(document.getElementById('line-1')?.textContent).toContain('pod-1')
})

test('the current row stays within the list', () => {
  shown()
  const grid = screen.getByRole('grid')
  fireEvent.keyDown(grid, { key: 'k' })
  expect(grid.getAttribute('aria-activedescendant')).toBe('line-0')
  fireEvent.keyDown(grid, { key: 'End' })
  fireEvent.keyDown(grid, { key: 'j' })
  expect(grid.getAttribute('aria-activedescendant')).toBe('line-9999')
})

test('Enter opens the current row', () => {
  shown()
  const grid = screen.getByRole('grid')
  fireEvent.keyDown(grid, { key: 'j' })
  fireEvent.keyDown(grid, { key: 'Enter' })
  expect(onOpen).toHaveBeenCalledWith(rows[1])
})

test('a click opens the row here, a click with Ctrl is left to the browser and its new tab', () => {
  shown()
  const name = screen.getByText('pod-3')
  fireEvent.click(name, { ctrlKey: true })
  expect(onOpen).not.toHaveBeenCalled()
  fireEvent.click(name)
  expect(onOpen).toHaveBeenCalledWith(rows[3])
  expect(name.getAttribute('href')).toBe('/c/c/k/Pod/shop/pod-3')
})

test('rows that have not arrived are asked for and hold their place', () => {
  shown({ rows: rows.slice(0, 5) })
  expect(onNeed.mock.lastCall?.[0]).toBeGreaterThan(5)
  expect(screen.getAllByText('Loading').length).toBeGreaterThan(5)
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('10001')
})

test('a group header opens and closes its group', () => {
  const groups = [{ key: 'shop', count: 10_000, worst: 'crit' as const }]
  shown({ layout: new RowLayout(10_000, groups, new Set()) })
  fireEvent.click(screen.getByText('shop', { selector: 'strong' }))
  expect(onToggle).toHaveBeenCalledWith('shop')
})

test('the sorted column says its direction', () => {
  shown({ sort: '-restarts' })
  const header = screen.getByRole('columnheader', { name: /restarts/ })
  expect(header.getAttribute('aria-sort')).toBe('descending')
})
