import type { Level } from '../../api/types'

export interface Group {
  key: string
  count: number
  worst: Level
}

export type Line = { group: Group; first: number; open: boolean } | { index: number }

/**
 * Which line of the list shows what: a group's header or the row with an index in the server's order.
 *
 * The server sorts rows by group, so a group's rows are contiguous, and their place follows from the counts alone:
 * the scroll bar is right before the rows have arrived.
 */
export class RowLayout {
  readonly length: number
  private readonly starts: number[] = []
  private readonly firsts: number[] = []

  constructor(
    readonly total: number,
    readonly groups: Group[] | null,
    readonly closed: ReadonlySet<string>,
  ) {
    let line = 0
    let first = 0
    for (const group of groups ?? []) {
      this.starts.push(line)
      this.firsts.push(first)
      line += 1 + (closed.has(group.key) ? 0 : group.count)
      first += group.count
    }
    this.length = groups ? line : total
  }

  at(line: number): Line {
    if (!this.groups) {
      return { index: line }
    }
    const at = this.groupAt(line)
    const group = this.groups[at]
    const start = this.starts[at] ?? 0
    const first = this.firsts[at] ?? 0
    if (!group) {
      return { index: line }
    }
    return line === start
      ? { group, first, open: !this.closed.has(group.key) }
      : { index: first + line - start - 1 }
  }

  /** The line of a row, or of its closed group's header. */
  lineOf(index: number): number {
    if (!this.groups) {
      return index
    }
    let at = 0
    while (at + 1 < this.firsts.length && (this.firsts[at + 1] ?? 0) <= index) {
      at += 1
    }
    const start = this.starts[at] ?? 0
    const group = this.groups[at]
    return group && this.closed.has(group.key) ? start : start + 1 + index - (this.firsts[at] ?? 0)
  }

  /** Last group that starts at or before the line, by bisection. */
  private groupAt(line: number): number {
    let low = 0
    let high = this.starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.starts[middle] ?? 0) <= line) {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return low
  }
}
