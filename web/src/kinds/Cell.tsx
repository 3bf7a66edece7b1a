import { memo } from 'react'
import type { Column, ColumnType, Level, ResourceRef } from '../api/types'
import { HealthScore, StatusWord } from '../ui/Status'
import * as format from './format'
import styles from './Cell.module.css'

const NUMERIC: ReadonlySet<ColumnType> = new Set([
  'number',
  'age',
  'bytes',
  'cpu',
  'ratio',
  'duration',
  'health',
])

/** Numbers line up on the right, under a header that does the same. */
export function isNumeric(column: { type: ColumnType }): boolean {
  return NUMERIC.has(column.type)
}

interface CellProps {
  type: ColumnType
  value: unknown
  /** The time the data was read: ages of a recorded cluster count to its recording, not to today. */
  now: number
}

/** One value by its column type: the only place that decides how a value looks. */
export const Cell = memo(function Cell({ type, value, now }: CellProps) {
  if (type === 'health') {
    return <HealthScore health={value as Parameters<typeof HealthScore>[0]['health']} />
  }
  if (type === 'status' && isStatus(value)) {
    return <StatusWord level={value.level} word={value.word} title={value.reason ?? undefined} />
  }
  if (type === 'status' && isLevel(value)) {
    return <StatusWord level={value} />
  }
  const text = cellText(type, value, now)
  if (text === format.NONE) {
    return <span className={styles.none}>{text}</span>
  }
  const title = type === 'age' && typeof value === 'string' ? format.clockTime(value) : undefined
  return <span title={title}>{text}</span>
})

/** The text of a value, also used where there is no room for shapes: search, titles, tests. */
export function cellText(type: ColumnType, value: unknown, now: number): string {
  if (value === null || value === undefined || value === '') {
    return format.NONE
  }
  if (type === 'status' && isStatus(value)) {
    return value.word
  }
  if (type === 'ref') {
    return refText(value)
  }
  if (type === 'health') {
    const score = typeof value === 'object' ? (value as { score?: number }).score : value
    return typeof score === 'number' ? String(Math.round(score)) : format.NONE
  }
  if (typeof value === 'number') {
    return numberText(type, value)
  }
  if (typeof value === 'string') {
    return type === 'age' ? format.age(value, now) : type === 'time' ? format.clockTime(value) : value
  }
  return format.plain(value)
}

function numberText(type: ColumnType, value: number): string {
  switch (type) {
    case 'cpu':
      return format.cores(value)
    case 'bytes':
      return format.bytes(value)
    case 'ratio':
      return format.percent(value)
    case 'age':
    case 'duration':
      return format.duration(value)
    default:
      return Number.isInteger(value) ? format.count(value) : String(Number(value.toFixed(2)))
  }
}

function refText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'name' in value) {
    const ref = value as ResourceRef
    return ref.kind ? `${ref.kind}/${ref.name}` : ref.name
  }
  return format.plain(value)
}

function isStatus(value: unknown): value is { level: Level; word: string; reason?: string } {
  return typeof value === 'object' && value !== null && 'level' in value && 'word' in value
}

const LEVELS: ReadonlySet<unknown> = new Set<Level>(['ok', 'progress', 'warn', 'crit', 'unknown'])

function isLevel(value: unknown): value is Level {
  return LEVELS.has(value)
}

/** A reference to an object, where a value is one. */
export function asRef(value: unknown): ResourceRef | null {
  if (typeof value !== 'object' || value === null) {
    return null
  }
  const { kind, name, namespace } = value as Partial<ResourceRef>
  return kind && name ? { kind, name, namespace } : null
}

/** Value of a column in a row; name, age and health also come under the row's own keys. */
export function valueOf(row: Record<string, unknown>, column: Pick<Column, 'key' | 'type'>): unknown {
  const value = row[column.key]
  if (value !== undefined) {
    return value
  }
  return column.type === 'age' ? row.created_at : undefined
}
