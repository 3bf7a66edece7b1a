import { useState } from 'react'
import type { Row } from '../../api/types'

export interface Merged {
  rows: Row[]
  /** Rows that newer data has and the screen does not, and the reverse. */
  added: number
  removed: number
}

/**
 * Newer rows on an older order: cells change in place, rows neither move nor appear under the cursor.
 *
 * Data that only continues what is shown (the next page) is taken as it is.
 */
export function mergeRows(shown: Row[], latest: Row[]): Merged {
  if (continues(shown, latest)) {
    return { rows: latest, added: 0, removed: 0 }
  }
  const byUid = new Map(latest.map((row) => [row.uid, row]))
  const rows = shown.map((row) => byUid.get(row.uid) ?? row)
  const known = new Set(shown.map((row) => row.uid))
  return {
    rows,
    added: latest.filter((row) => !known.has(row.uid)).length,
    removed: shown.filter((row) => !byUid.has(row.uid)).length,
  }
}

function continues(shown: Row[], latest: Row[]): boolean {
  return latest.length >= shown.length && shown.every((row, index) => row.uid === latest[index]?.uid)
}

interface Held {
  key: string
  latest: Row[]
  merged: Merged
}

/** Rows to show for a request `key`, and `apply` to take the newest order. */
export function useLiveRows(key: string, latest: Row[]): Merged & { apply: () => void } {
  const [held, setHeld] = useState<Held>(() => fresh(key, latest))
  let current = held
  if (held.key !== key) {
    current = fresh(key, latest)
    setHeld(current)
  } else if (held.latest !== latest) {
    current = { key, latest, merged: mergeRows(held.merged.rows, latest) }
    setHeld(current)
  }
  return { ...current.merged, apply: () => setHeld(fresh(key, latest)) }
}

function fresh(key: string, latest: Row[]): Held {
  return { key, latest, merged: { rows: latest, added: 0, removed: 0 } }
}
