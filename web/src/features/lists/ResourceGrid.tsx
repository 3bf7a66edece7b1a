import { useEffect, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from 'react'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { Column, Kind, Row } from '../../api/types'
import { isNumeric } from '../../kinds/Cell'
import { Icon } from '../../ui/Icon'
import { columnWidths } from './columns'
import { GridRow, GroupRow, WaitingRow } from './GridRow'
import type { RowLayout } from './rowLayout'
import styles from './ResourceGrid.module.css'

const ROW_PX = 32
const OVERSCAN_ROWS = 12
const SIDES_PX = 24

interface ResourceGridProps {
  cluster: string
  kind: Kind
  columns: Column[]
  rows: Row[]
  layout: RowLayout
  now: number
  sort: string | undefined
  open: string | undefined
  busy: boolean
  onSort: (key: string) => void
  onOpen: (row: Row) => void
  onNeed: (index: number) => void
  onToggle: (group: string) => void
}

/**
 * The virtualised grid: only rows near the window are in the document, moved by one transform.
 *
 * One element has the focus and `aria-activedescendant` names the current row, so that rows can come and go
 * under a screen reader without losing the place.
 */
export function ResourceGrid(props: ResourceGridProps) {
  const { columns, rows, layout, open, onNeed } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState(() => activeAtStart(rows, layout, open))
  const current = Math.min(active, layout.length - 1)
  const virtual = useVirtualizer({
    count: layout.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN_ROWS,
    scrollPaddingStart: ROW_PX,
  })
  const lines = virtual.getVirtualItems()
  const first = lines[0]
  const lastLine = lines.at(-1)?.index ?? 0
  const lastIndex = lastRowIndex(layout, lastLine)
  useEffect(() => onNeed(lastIndex), [lastIndex, onNeed])

  const move = (to: number) => {
    const line = Math.max(0, Math.min(layout.length - 1, to))
    setActive(line)
    virtual.scrollToIndex(line)
  }
  const onKeyDown = useGridKeys({ ...props, current, move, scroller })
  // Widths are set by the first rows and then kept: a later page must not move the columns.
  const arrived = rows.length > 0
  const widths = useMemo(() => columnWidths(columns, rows, props.now), [columns, arrived])
  const style = { '--columns': widths.template, '--least': `${widths.least + SIDES_PX}px` } as CSSProperties

  return (
    <div
      ref={scroller}
      role={layout.groups ? 'treegrid' : 'grid'}
      tabIndex={0}
      className={styles.grid}
      style={style}
      aria-label={props.kind.title}
      aria-rowcount={layout.length + 1}
      aria-colcount={columns.length}
      aria-busy={props.busy}
      aria-activedescendant={`line-${current}`}
      onKeyDown={onKeyDown}
    >
      <HeaderRow columns={columns} sort={props.sort} onSort={props.onSort} />
      <div role="rowgroup" className={styles.body} style={{ height: virtual.getTotalSize() }}>
        <div
          role="presentation"
          className={styles.window}
          style={{ transform: `translateY(${first?.start ?? 0}px)` }}
        >
          {lines.map(({ index: lineNumber }) => {
            const line = layout.at(lineNumber)
            const common = { line: lineNumber, active: lineNumber === current, onActivate: setActive }
            if ('group' in line) {
              return (
                <GroupRow
                  key={`group/${line.group.key}`}
                  {...common}
                  group={line.group}
                  open={line.open}
                  span={columns.length}
                  onToggle={props.onToggle}
                />
              )
            }
            const row = rows[line.index]
            return row ? (
              <GridRow
                key={row.uid}
                {...common}
                row={row}
                columns={columns}
                widths={widths}
                cluster={props.cluster}
                kind={props.kind.kind}
                now={props.now}
                selected={open === `${row.namespace ?? ''}/${row.name}`}
                onOpen={props.onOpen}
              />
            ) : (
              <WaitingRow key={`waiting/${lineNumber}`} line={lineNumber} span={columns.length} />
            )
          })}
        </div>
      </div>
    </div>
  )
}

/** The line of the object that the address opens, so that a shared link shows it in its place. */
function activeAtStart(rows: Row[], layout: RowLayout, open: string | undefined): number {
  const index = open ? rows.findIndex((row) => `${row.namespace ?? ''}/${row.name}` === open) : -1
  return index === -1 ? 0 : layout.lineOf(index)
}

function lastRowIndex(layout: RowLayout, line: number): number {
  if (layout.length === 0) {
    return 0
  }
  const shown = layout.at(Math.min(line, layout.length - 1))
  return 'index' in shown ? shown.index : shown.first
}

interface GridKeys extends ResourceGridProps {
  current: number
  move: (to: number) => void
  scroller: React.RefObject<HTMLDivElement | null>
}

function useGridKeys({ current, move, layout, rows, scroller, onOpen, onToggle }: GridKeys) {
  return (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) {
      return
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2)
    const steps: Record<string, number> = {
      j: current + 1,
      ArrowDown: current + 1,
      k: current - 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: layout.length - 1,
    }
    const to = steps[event.key]
    if (to !== undefined) {
      event.preventDefault()
      move(to)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      const line = layout.at(current)
      const row = 'index' in line ? rows[line.index] : undefined
      if ('group' in line) {
        onToggle(line.group.key)
      } else if (row) {
        onOpen(row)
      }
    }
  }
}

function HeaderRow({
  columns,
  sort,
  onSort,
}: {
  columns: Column[]
  sort?: string
  onSort: (key: string) => void
}) {
  return (
    <div role="rowgroup" className={styles.header}>
      <div role="row" aria-rowindex={1} className={styles.row}>
        {columns.map((column, index) => {
          const direction =
            sort === column.key ? 'ascending' : sort === `-${column.key}` ? 'descending' : undefined
          return (
            <div
              key={column.key}
              role="columnheader"
              aria-colindex={index + 1}
              aria-sort={direction}
              className={`${styles.cell} ${isNumeric(column) ? styles.numeric : ''} ${index === 0 ? styles.pinned : ''}`}
            >
              <button
                type="button"
                className={styles.sort}
                title={column.description || undefined}
                onClick={() => onSort(column.key)}
              >
                {column.title}
                {direction && <Icon name={direction === 'ascending' ? 'arrowUp' : 'arrowDown'} size={12} />}
              </button>
            </div>
          )
        })}
      </div>
    </div>
  )
}
