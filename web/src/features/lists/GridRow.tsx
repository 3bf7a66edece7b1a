import { memo, type MouseEvent } from 'react'
import type { Column, Group, Row } from '../../api/types'
import { Cell, cellText, isNumeric, valueOf } from '../../kinds/Cell'
import { count } from '../../kinds/format'
import { Icon } from '../../ui/Icon'
import { StatusShape } from '../../ui/Status'
import type { Widths } from './columns'
import styles from './ResourceGrid.module.css'

/** Row 1 is the header. */
const FIRST_ROW = 2

interface LineProps {
  line: number
  active: boolean
  onActivate: (line: number) => void
}

interface GridRowProps extends LineProps {
  row: Row
  columns: Column[]
  widths: Widths
  cluster: string
  kind: string
  now: number
  selected: boolean
  onOpen: (row: Row) => void
}

export const GridRow = memo(
  function GridRow({
    line,
    active,
    onActivate,
    row,
    columns,
    widths,
    cluster,
    kind,
    now,
    selected,
    onOpen,
  }: GridRowProps) {
    const href = `/c/${encodeURIComponent(cluster)}/k/${kind}/${row.namespace || '-'}/${encodeURIComponent(row.name)}`
    const click = (event: MouseEvent) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) {
        return
      }
      event.preventDefault()
      // The keys belong to the grid, not to the link that was hit.
      event.currentTarget.closest<HTMLElement>('[aria-rowcount]')?.focus({ preventScroll: true })
      onActivate(line)
      onOpen(row)
    }
    return (
      <div
        id={`line-${line}`}
        role="row"
        aria-rowindex={line + FIRST_ROW}
        aria-selected={selected}
        className={rowClass(active, selected, row)}
        onClick={click}
      >
        {columns.map((column, index) => (
          <div
            key={column.key}
            role="gridcell"
            aria-colindex={index + 1}
            {...cellFit(column, index, row, widths, now)}
          >
            {column.key === 'name' ? (
              // A plain link, not the router's: thirty of those in a scrolling window cost more than all cells.
              <a className={styles.name} href={href} tabIndex={-1}>
                {row.name}
              </a>
            ) : (
              <Cell type={column.type} value={valueOf(row, column)} now={now} />
            )}
          </div>
        ))}
      </div>
    )
  },
  // The handlers close over the same list; only what is drawn decides.
  (a, b) =>
    a.row === b.row &&
    a.line === b.line &&
    a.active === b.active &&
    a.selected === b.selected &&
    a.columns === b.columns &&
    a.widths === b.widths &&
    a.now === b.now,
)

function rowClass(active: boolean, selected: boolean, row: Row): string {
  return [
    styles.row,
    styles.line,
    active && styles.active,
    selected && styles.selected,
    row.status?.level === 'crit' && styles.bad,
  ]
    .filter(Boolean)
    .join(' ')
}

/** A text that may not fit is clipped and shows whole on hover. */
function cellFit(column: Column, index: number, row: Row, widths: Widths, now: number) {
  const text = cellText(column.type, valueOf(row, column), now)
  const long = !isNumeric(column) && text.length > (widths.fits.get(column.key) ?? 0)
  const classes = [
    styles.cell,
    isNumeric(column) && styles.numeric,
    index === 0 && styles.pinned,
    long && styles.long,
  ]
  return { className: classes.filter(Boolean).join(' '), title: long ? text : undefined }
}

interface GroupRowProps extends LineProps {
  group: Group
  open: boolean
  span: number
  onToggle: (key: string) => void
}

export function GroupRow({ line, active, onActivate, group, open, span, onToggle }: GroupRowProps) {
  const click = () => {
    onActivate(line)
    onToggle(group.key)
  }
  return (
    <div
      id={`line-${line}`}
      role="row"
      aria-rowindex={line + FIRST_ROW}
      aria-expanded={open}
      className={[styles.row, styles.line, styles.group, active && styles.active].filter(Boolean).join(' ')}
      onClick={click}
    >
      <div role="gridcell" aria-colindex={1} aria-colspan={span} className={styles.groupCell}>
        <Icon name={open ? 'chevronDown' : 'chevronRight'} size={13} />
        <StatusShape level={group.worst} />
        <strong>{group.key || 'none'}</strong>
        <span>{count(group.count)}</span>
      </div>
    </div>
  )
}

/** A row that is known to exist and has not arrived. */
export function WaitingRow({ line, span }: { line: number; span: number }) {
  return (
    <div
      id={`line-${line}`}
      role="row"
      aria-rowindex={line + FIRST_ROW}
      className={`${styles.row} ${styles.line}`}
    >
      <div role="gridcell" aria-colindex={1} aria-colspan={span} className={styles.waiting}>
        <span className="visually-hidden">Loading</span>
      </div>
    </div>
  )
}
