import type { Column, ColumnType, Kind } from '../../api/types'

function lead(key: string, title: string, type: ColumnType): Column {
  return { key, title, type, hidden: false, description: '' }
}

const NAME = lead('name', 'Name', 'text')
const NAMESPACE = lead('namespace', 'Namespace', 'text')
const STATUS = lead('status', 'Status', 'status')
const HEALTH = lead('health', 'Health', 'health')
const AGE = lead('age', 'Age', 'age')

/** Columns of every kind in the order they are read: what it is, how it is, its own facts, its age. */
export function allColumns(kind: Pick<Kind, 'columns' | 'namespaced'>): Column[] {
  const own = new Map(kind.columns.map((column) => [column.key, column]))
  const leading = [NAME, ...(kind.namespaced ? [NAMESPACE] : []), STATUS, HEALTH].map(
    (column) => own.get(column.key) ?? column,
  )
  const age = own.get('age') ?? own.get('created_at') ?? AGE
  const led = new Set([...leading, age].map((column) => column.key))
  return [...leading, ...kind.columns.filter((column) => !led.has(column.key)), age]
}

/** The columns to show: the default ones, changed by `+key` and `-key` of the address; the name always. */
export function shownColumns(columns: Column[], change: string | undefined): Column[] {
  const changes = new Map((change ?? '').split(',').map((entry) => [entry.slice(1), entry[0] === '+']))
  return columns.filter((column) => column.key === NAME.key || (changes.get(column.key) ?? !column.hidden))
}

/** The change after the reader turned one column on or off; undefined when all is as by default. */
export function toggleColumn(columns: Column[], change: string | undefined, key: string): string | undefined {
  const shown = new Set(shownColumns(columns, change).map((column) => column.key))
  if (shown.has(key)) {
    shown.delete(key)
  } else {
    shown.add(key)
  }
  const changes = columns
    .filter((column) => column.key !== NAME.key && shown.has(column.key) === Boolean(column.hidden))
    .map((column) => (column.hidden ? `+${column.key}` : `-${column.key}`))
  return changes.join(',') || undefined
}

const WIDTHS: Record<ColumnType, string> = {
  text: 'minmax(104px, 1fr)',
  number: '88px',
  age: '76px',
  time: '176px',
  status: 'minmax(148px, 1fr)',
  bytes: '92px',
  cpu: '84px',
  ratio: '84px',
  list: 'minmax(130px, 1.2fr)',
  ref: 'minmax(130px, 1.2fr)',
  health: '96px',
  duration: '88px',
}

const NAME_WIDTH = 'minmax(230px, 2.2fr)'

/** The row's CSS grid: every row has the same columns without measuring any of them. */
export function gridTemplate(columns: Column[]): string {
  return columns.map((column) => (column.key === NAME.key ? NAME_WIDTH : WIDTHS[column.type])).join(' ')
}

/** Least width of the grid in px, below which it scrolls sideways instead of squeezing. */
export function leastWidth(columns: Column[]): number {
  return gridTemplate(columns)
    .split(/ (?=\d+px|minmax)/)
    .reduce((sum, width) => sum + Number(/\d+/.exec(width)?.[0] ?? 0), 0)
}

/** `sort` of the address after a click on a column: first worst or largest, then the reverse, then none. */
export function nextSort(sort: string | undefined, column: Column): string | undefined {
  const firstDown = ['number', 'bytes', 'cpu', 'ratio', 'duration'].includes(column.type)
  const [first, second] = firstDown ? [`-${column.key}`, column.key] : [column.key, `-${column.key}`]
  return sort === first ? second : sort === second ? undefined : first
}

export interface Grouping {
  key: string
  title: string
}

/** What the kind's rows can be grouped by. */
export function groupings(kind: Pick<Kind, 'namespaced'>, columns: Column[]): Grouping[] {
  const keys = new Set(columns.map((column) => column.key))
  return [
    ...(kind.namespaced ? [{ key: 'namespace', title: 'Namespace' }] : []),
    { key: 'status', title: 'Status' },
    ...(kind.namespaced ? [{ key: 'owner', title: 'Owner' }] : []),
    ...(keys.has('node') ? [{ key: 'node', title: 'Node' }] : []),
  ]
}
