import type { Column, ColumnType, Kind, Row } from '../../api/types'
import { cellText, valueOf } from '../../kinds/Cell'

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

const WIDTHS_PX: Record<ColumnType, number> = {
  text: 72,
  number: 84,
  age: 76,
  time: 176,
  status: 150,
  bytes: 92,
  cpu: 84,
  ratio: 84,
  list: 110,
  ref: 120,
  health: 104,
  duration: 88,
}

const NAME_PX = 200
const MOST_NAME_PX = 330
const CHARACTER_PX = 7
const MONO_CHARACTER_PX = 7.4
const PADDING_PX = 20
const SHAPE_PX = 22
const MOST_TEXT_PX = 220
const SAMPLED_ROWS = 100
const GROWING: ReadonlySet<ColumnType> = new Set(['text', 'list', 'ref', 'status'])

export interface Widths {
  /** `grid-template-columns` of every row: the same columns without measuring any element. */
  template: string
  /** Least width of the grid in px, below which it scrolls sideways instead of squeezing. */
  least: number
  /** How many characters surely fit in a column, by its key; a longer text is clipped. */
  fits: ReadonlyMap<string, number>
}

/** Widths of the columns from their types and from the first rows' texts, so that short columns stay short. */
export function columnWidths(columns: Column[], rows: Row[], now: number): Widths {
  const sample = rows.slice(0, SAMPLED_ROWS)
  const widths = columns.map((column) => widthOf(column, sample, now))
  return {
    template: columns
      .map((column, index) =>
        column.key === NAME.key || GROWING.has(column.type)
          ? `minmax(${widths[index]}px, ${column.key === NAME.key ? 2 : 1}fr)`
          : `${widths[index]}px`,
      )
      .join(' '),
    least: widths.reduce((sum, width) => sum + width, 0),
    fits: new Map(columns.map((column, index) => [column.key, fitOf(column, widths[index] ?? 0)])),
  }
}

function fitOf(column: Column, width: number): number {
  const shape = column.type === 'status' ? SHAPE_PX : 0
  const character = column.key === NAME.key ? MONO_CHARACTER_PX : CHARACTER_PX
  return Math.floor((width - PADDING_PX - shape) / character + 0.5)
}

function widthOf(column: Column, sample: Row[], now: number): number {
  const title = column.title.length * CHARACTER_PX + PADDING_PX
  if (!GROWING.has(column.type)) {
    return Math.max(WIDTHS_PX[column.type], title)
  }
  const longest = Math.max(0, ...sample.map((row) => cellText(column.type, valueOf(row, column), now).length))
  if (column.key === NAME.key) {
    return Math.min(MOST_NAME_PX, Math.max(NAME_PX, longest * MONO_CHARACTER_PX + PADDING_PX))
  }
  const shape = column.type === 'status' ? SHAPE_PX : 0
  const text = Math.min(MOST_TEXT_PX, longest * CHARACTER_PX + PADDING_PX + shape)
  return Math.max(column.type === 'text' ? WIDTHS_PX.text : 96, title, text)
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
