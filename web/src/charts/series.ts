import type { ChartBlock } from '../api/types'
import { bytes, cores, count, NONE } from '../kinds/format'

/** Okabe and Ito's series colours: told apart under the common kinds of colour-vision deficiency. */
export const SERIES_COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'] as const

export function colourOf(index: number): string {
  return SERIES_COLOURS[index % SERIES_COLOURS.length] ?? SERIES_COLOURS[0]
}

export function valueText(value: number | null, unit: string): string {
  if (value === null) {
    return NONE
  }
  switch (unit) {
    case 'bytes':
      return bytes(value)
    case 'cores':
      return cores(value)
    case '%':
      return `${round(value)}%`
    default:
      return Number.isInteger(value) ? count(value) : String(round(value))
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}

/** What the chart shows, in words: the extremes of each series. */
export function summary(block: ChartBlock): string {
  const parts = block.series.map((series) => {
    const points = series.points.filter((point): point is [unknown, number] => point[1] !== null)
    const highest = points.reduce<[unknown, number] | null>(
      (best, point) => (!best || point[1] > best[1] ? point : best),
      null,
    )
    const lowest = points.reduce<[unknown, number] | null>(
      (best, point) => (!best || point[1] < best[1] ? point : best),
      null,
    )
    if (!highest || !lowest) {
      return `${series.name || 'no data'}: no data`
    }
    const name = series.name ? `${series.name}: ` : ''
    return `${name}highest ${valueText(highest[1], block.unit)} at ${String(highest[0])}, lowest ${valueText(lowest[1], block.unit)} at ${String(lowest[0])}`
  })
  return parts.join('; ') || 'No data'
}
